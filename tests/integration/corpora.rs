//! Real fine-tuning files from public repositories: formats named rightly, no JSON error on a line Python takes, and
//! token totals as OpenAI's cookbook counts them. Skipped, and said so, unless `TUNELINT_CORPORA` names their folder.

use std::path::PathBuf;

use serde_json::Value;
use tunelint::diagnostic::Diagnostic;
use tunelint::engine::{Engine, Input};
use tunelint::format::Shape;
use tunelint::rules;
use tunelint::settings::Settings;
use tunelint::summary::Summary;
use tunelint::target::{Date, Target};

/// The folder of a corpus; says on standard error when there is none.
#[expect(clippy::print_stderr, reason = "a skipped test that says nothing looks like a passed one")]
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TUNELINT_CORPORA").map(|folder| PathBuf::from(folder).join(name));
    if folder.is_none() {
        eprintln!("SKIPPED: TUNELINT_CORPORA is not set, {name}/ was not read");
    }
    folder
}

/// Settings for OpenAI on a fixed day.
pub(crate) fn settings(model: &str) -> Settings {
    let mut settings = Settings::new(Target::builtin("openai").expect("built in"), &rules::all(), Date::from_unix(1_795_400_000));
    settings.set_model(Some(model));
    settings
}

/// Checks `bytes` and gives back all findings and the sums.
pub(crate) fn check(engine: &Engine, settings: &Settings, name: &str, bytes: Vec<u8>) -> (Vec<Diagnostic>, Summary) {
    let (mut found, mut summary) = (Vec::new(), Summary::default());
    let input = Input::from_bytes(name, bytes).expect("readable");
    let mut sink = |diagnostic: &Diagnostic| {
        found.push(diagnostic.clone());
        Ok(())
    };
    engine.check(input, settings, &mut summary, &mut sink).expect("checked");
    (found, summary)
}

/// What the manifest calls a format, in our words.
fn format_name(manifest: &str) -> &'static [&'static str] {
    match manifest {
        "chat" | "chat+tools" | "chat+vision" => &["chat"],
        "chat+rft" | "chat+tools+rft" | "chat+prompt_only" => &["reinforcement"],
        "dpo_openai" => &["preference"],
        "prompt_completion" => &["completion"],
        "text" => &["text"],
        "sharegpt" => &["sharegpt"],
        "alpaca" => &["alpaca"],
        "bedrock_converse" => &["bedrock-converse"],
        "query_response" => &["query-response"],
        // The manifest has no name for these; a foreign format is a better answer than none.
        _ => &["unknown", "question-answer", "query-response", "image-caption", "batch", "chosen-rejected", "sharegpt", "input-output"],
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "what was measured")]
fn real_files_are_read_rightly() {
    let Some(folder) = folder("jsonl") else { return };
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).expect("the manifest")).expect("JSON");
    let engine = Engine::new(2).expect("schemas compile");
    let (o200k, cl100k) = (settings("gpt-4o-2024-08-06"), settings("gpt-4-0613"));
    let (mut files, mut named, mut totals, mut wrong) = (0, 0, 0, Vec::new());
    for entry in manifest["files"].as_array().expect("files") {
        let file = entry["file"].as_str().expect("a name");
        let bytes = std::fs::read(folder.join(file)).expect("readable");
        let (found, summary) = check(&engine, &o200k, file, bytes.clone());
        let sums = &summary.files[0];
        files += 1;
        assert!(sums.internal_errors.is_empty(), "{file}: failed on lines {:?}", sums.internal_errors);
        let format = sums.shape.map_or("unknown", Shape::name);
        if format_name(entry["format"].as_str().expect("a format")).contains(&format) {
            named += 1;
        } else {
            wrong.push(format!("{file}: {format}, not {}", entry["format"]));
        }
        let problems = entry["check"]["problems"].as_object().expect("problems");
        let has_bad_json = problems.keys().any(|problem| problem.starts_with("invalid_json"));
        let bad_json =
            found.iter().find(|found| found.rule.code.starts_with('J') && found.rule.severity == tunelint::rule::Severity::Error);
        assert!(has_bad_json || bad_json.is_none(), "{file}: Python's json takes every line; found {bad_json:?}");
        let totals_by_cookbook = &entry["check"]["token_oracle_cookbook"];
        for (settings, encoding) in [(&o200k, "o200k"), (&cl100k, "cl100k")] {
            let Some(expected) = totals_by_cookbook[encoding].as_u64() else { continue };
            let (_, summary) = check(&engine, settings, file, bytes.clone());
            let sums = &summary.files[0];
            if sums.tokens.total() != expected {
                wrong.push(format!("{file}: {} tokens in {encoding}, the cookbook counts {expected}", sums.tokens.total()));
            }
            totals += 1;
        }
    }
    eprintln!("{files} files, {named} formats named as in the manifest, {totals} token totals\n{}", wrong.join("\n"));
    assert!(named * 100 >= files * 95, "{}", wrong.join("\n"));
    assert!(!wrong.iter().any(|wrong| wrong.contains("the cookbook counts")), "{}", wrong.join("\n"));
}
