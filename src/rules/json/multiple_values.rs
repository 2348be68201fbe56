use crate::context::{Context, Line};
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, values};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J003",
    name: "multiple-values",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("multiple_values.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::TrailingContent) {
        let at = fault.span.range().start;
        if line.is_broken_at(at) {
            continue;
        }
        let (before, rest) = line.bytes.split_at_checked(at).unwrap_or_default();
        let behind_space = before.get(before.trim_ascii_end().len()..).unwrap_or_default();
        let (message, help) = match rest.first() {
            Some(0) => ("NUL bytes follow the value", "cut them off; a write was broken off, so look what is missing"),
            Some(b'}' | b']') => {
                ("the value is complete, and one more bracket follows", "remove the bracket, or open it where it was to begin")
            }
            Some(b'{' | b'[' | b'"' | b',') if behind_space.contains(&b'\r') => {
                ("a second value follows behind a carriage return", "end each line in a line feed: `tr '\\r' '\\n' < old > new.jsonl`")
            }
            Some(b'{' | b'[' | b'"' | b',') => ("a second value follows the first", "put each example on a line of its own"),
            _ => ("something follows the value", "remove it; a line holds one object and nothing else"),
        };
        let fix = values(line.bytes, cx.settings.max_depth).map(|edits| Fix::safe("put each object on a line of its own", edits));
        cx.report(fault.span, message).help(help).fix(fix);
    }
}
