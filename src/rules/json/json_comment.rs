use crate::context::{Context, Line};
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, relaxed};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J007",
    name: "json-comment",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("json_comment.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::Comment) {
        // A line of nothing but a comment is no example.
        let fix = relaxed(line.bytes, cx.settings.max_depth, Applicability::Unsafe).map(|edits| Fix::risky("remove the comments", edits));
        cx.report(fault.span, "JSON has no comments").help("remove the comment; keep notes in a file of their own").fix(fix);
    }
}
