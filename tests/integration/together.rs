//! Together's published unit tests (togethercomputer/together-python eba5e5f0, `tests/unit/test_files_checks.py`) as a
//! list of cases: what their checker takes is clean here, what it refuses is refused, for the same reason.

use tunelint::diagnostic::Diagnostic;
use tunelint::engine::{Engine, Input};
use tunelint::rule::Severity;
use tunelint::rules;
use tunelint::settings::Settings;
use tunelint::summary::Summary;
use tunelint::target::{Date, Target};

/// A 16 × 16 RGB PNG.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mNocFAgCTGMahjVMHw1AAB3KeABgCE/BAAAAABJRU5ErkJggg==";

fn check(bytes: &[u8]) -> Vec<(&'static str, Severity)> {
    let settings = Settings::new(Target::builtin("together").expect("built in"), &rules::all(), Date::from_unix(1_795_400_000));
    let engine = Engine::new(1).expect("schemas compile");
    let mut found = Vec::new();
    let mut sink = |diagnostic: &Diagnostic| {
        found.push((diagnostic.rule.name, diagnostic.severity));
        Ok(())
    };
    let input = Input::from_bytes("train.jsonl", bytes.to_vec()).expect("readable");
    engine.check(input, &settings, &mut Summary::default(), &mut sink).expect("checked");
    found
}

#[test]
fn what_their_checker_takes_is_clean() {
    let image = format!(r#"{{"type": "image_url", "image_url": {{"url": "data:image/png;base64,{PNG}"}}}}"#);
    let multimodal_instruction = format!(
        r#"{{"prompt": [{{"type": "text", "text": "Compare."}}, {image}, {image}], "completion": [{{"type": "text", "text": "Same."}}]}}"#
    );
    let multimodal_chat = format!(
        r#"{{"messages": [{{"role": "user", "content": [{{"type": "text", "text": "What?"}}, {image}]}}, {{"role": "assistant", "content": [{{"type": "text", "text": "A square."}}]}}]}}"#
    );
    for text in [
        r#"{"text": "Hello, world!"}"#,
        r#"{"prompt": "Translate: good day", "completion": "bonjour"}"#,
        &multimodal_instruction,
        r#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi there"}]}"#,
        r#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "How are you?"}, {"role": "assistant", "content": "Well."}]}"#,
        &multimodal_chat,
        r#"{"messages": [{"role": "user", "content": "Hello", "weight": 1}, {"role": "assistant", "content": "Hi", "weight": 0}, {"role": "user", "content": "And?", "weight": 1}, {"role": "assistant", "content": "Well.", "weight": 1}]}"#,
        r#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi", "weight": 0}, {"role": "user", "content": "And?"}, {"role": "assistant", "content": "Well."}]}"#,
    ] {
        let errors: Vec<_> = check(text.as_bytes()).into_iter().filter(|(_, severity)| *severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{text}: {errors:?}");
    }
}

#[test]
fn what_their_checker_refuses_is_refused() {
    let good = r#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]}"#;
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("empty", b"", &["empty-file"]),
        ("not UTF-8", b"\xff\xfe\xfd", &["utf-16-encoding", "invalid-utf8"]),
        ("a string as a line", b"\"text\"\n\"text\"", &["not-an-object"]),
        ("no completion", b"{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"c\"}", &["missing-completion"]),
        ("two formats", &[good.as_bytes(), b"\n{\"prompt\": \"a\", \"completion\": \"b\"}"].concat(), &["mixed-formats"]),
        ("a role of its own", &good.replace("user", "invalid_role").into_bytes(), &["unknown-role"]),
        ("no assistant", br#"{"messages": [{"role": "user", "content": "Hello"}]}"#, &["missing-assistant", "unsupported-format"]),
        ("text is a number", br#"{"text": 123}"#, &["invalid-text"]),
        ("no content", br#"{"messages": [{"role": "user"}, {"role": "assistant", "content": "Hi"}]}"#, &["missing-content"]),
        ("messages of strings", br#"{"messages": ["Hello", "Hi"]}"#, &["invalid-message"]),
        ("a column of its own", br#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}], "extra": 1}"#, &["unknown-key"]),
        ("no messages", br#"{"messages": []}"#, &["empty-messages"]),
        ("weight 1.0", br#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi", "weight": 1.0}]}"#, &["invalid-weight"]),
        ("weight 2", br#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi", "weight": 2}]}"#, &["invalid-weight"]),
        (
            "no image at all",
            br#"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "invalid_url"}}]}, {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}]}"#,
            &["unsupported-url-scheme"],
        ),
    ];
    for (what, bytes, rules) in cases {
        let found = check(bytes);
        let refused = found.iter().any(|(rule, severity)| rules.contains(rule) && *severity == Severity::Error);
        assert!(refused, "{what}: found {found:?}, not one of {rules:?}");
    }
    // Refused by the client up to 1.5.35, no longer since, and still in the documentation: a warning.
    let twice = br#"{"messages": [{"role": "user", "content": "Hello"}, {"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hi"}]}"#;
    assert!(check(twice).contains(&("non-alternating-roles", Severity::Warning)));
}
