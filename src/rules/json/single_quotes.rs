use crate::context::{Context, Line};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, relaxed};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J005",
    name: "single-quotes",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("single_quotes.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults {
        let text = || cx.text(fault.span);
        let message = match fault.kind {
            FaultKind::SingleQuotes => match text().trim_matches('\'') {
                "" => "a single quote stands where JSON wants a double one".to_owned(),
                text => format!("{} stands in single quotes, JSON wants double ones", quoted(text)),
            },
            FaultKind::TypographicQuotes => format!("the quote {} is typographic, JSON wants a plain one (`\"`)", quoted(&text())),
            _ => continue,
        };
        let start = line.bytes.trim_ascii_start();
        let help = match fault.kind {
            FaultKind::SingleQuotes if start.starts_with(b"{'") || start.starts_with(b"[{'") => {
                "this looks like a Python dict: write it with `json.dumps(row)` instead of `str(row)`"
            }
            FaultKind::SingleQuotes => "put strings and keys in double quotes; inside of them an apostrophe needs no escape",
            _ => "put strings and keys in plain double quotes, and switch smart quotes off in the editor",
        };
        let fix = as_json(line, cx.settings.max_depth);
        cx.report(fault.span, message).help(help).fix(fix);
    }
}

/// The line as JSON: without a doubt where only quotes, keys, commas and Python's words are wrong.
pub(super) fn as_json(line: &Line<'_>, max_depth: usize) -> Option<Fix> {
    let with = |applicability| relaxed(line.bytes, max_depth, applicability);
    match with(Applicability::Safe) {
        Some(edits) => Some(Fix::safe("write the line as JSON", edits)),
        None => with(Applicability::Unsafe).map(|edits| Fix::risky("write the line as JSON", edits)),
    }
}
