use crate::context::{Context, Line};
use crate::diagnostic::{is_unsafe, quoted};
use crate::json::FaultKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J001",
    name: "invalid-json",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_json.md"),
};

const MARKERS: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults {
        let FaultKind::Expected(expected) = fault.kind else { continue };
        let at = fault.span.range().start;
        // Zeros, a byte order mark and bytes that are not UTF-8 have rules of their own.
        let is_else = line.bytes.starts_with(b"\xef\xbb\xbf") || line.bytes.iter().all(|&byte| byte == 0) || line.is_broken_at(at);
        if is_else {
            continue;
        }
        let rest = String::from_utf8_lossy(line.bytes.get(at..line.bytes.len().min(at + 80)).unwrap_or_default());
        let before = line.bytes.get(..at).unwrap_or_default().trim_ascii_end();
        let (message, help) = explain(expected, before, &rest);
        cx.report(fault.span, message).help(help);
    }
}

/// What is wrong where `rest` stands instead of what was `expected`, and what to do about it.
fn explain(expected: &str, before: &[u8], rest: &str) -> (String, &'static str) {
    let starts_line = before.is_empty();
    if starts_line && MARKERS.iter().any(|marker| rest.starts_with(marker)) {
        return (
            "this is a merge-conflict marker, not JSON".to_owned(),
            "resolve the conflict: keep one side, and remove the marker lines",
        );
    }
    if starts_line && rest.starts_with("```") {
        return ("this is a Markdown fence, not JSON".to_owned(), "remove the lines that begin with three backticks");
    }
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let first = rest.chars().next().unwrap_or_default();
    let is_prose = starts_line && first.is_alphabetic() && rest.contains(' ');
    let follows_text = before.ends_with(b"\"");
    let help = match (expected, first) {
        _ if is_prose => "each line must be one JSON object; text stands in its strings, such as `content`",
        (_, '\\') if !follows_text => {
            "the quotes are escaped, as if the line was encoded twice: write each line with one call of `json.dumps`"
        }
        (_, c) if !matches!(c, ' ' | '\t') && (c.is_whitespace() || is_unsafe(c)) => {
            "remove the character; outside of strings there may be spaces and tabs only"
        }
        ("a value", ',') => "remove the comma, or write the value that is missing before it",
        ("a value", '}' | ']') if starts_line => "remove the bracket; nothing stands around or between the lines",
        ("a value", '}' | ']') => "write the value that is missing here",
        ("a value", _) => match word.to_lowercase().as_str() {
            "true" | "false" | "null" => "JSON writes `true`, `false` and `null` in small letters",
            "undefined" | "none" | "nil" | "nan" | "inf" => "JSON has no word for this but `null`; or leave the key out",
            _ => "a value is an object, an array, a string in double quotes, a number, `true`, `false` or `null`",
        },
        ("a key in double quotes", ',') => "remove the comma",
        ("a key in double quotes", _) => "a key is a string in double quotes, with a colon and a value behind it",
        ("`:`", _) => "put a colon and a value behind the key; a quote inside a string is written `\\\"`",
        (_, '}') => "close the `[` before this `}`",
        (_, ']') => "close the `{` before this `]`",
        (_, ':') => "only the keys of an object have values: put `{` before the key",
        _ if follows_text => "put a comma between the two, or, if the string was to go on, write the quote inside it as `\\\"`",
        _ => "put a comma between the two",
    };
    let found = if word.is_empty() { first.to_string() } else { word };
    (format!("expected {expected}, found {}", quoted(&found)), help)
}
