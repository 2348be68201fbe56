use crate::context::{Context, Head, HeadFault};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F005",
    name: "python-repr",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Expected file to have JSONL format, where every line is a JSON dictionary. Line 1 is not a dictionary"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("python_repr.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.fault == Some(HeadFault::PythonRepr) {
        cx.report(Place { line: 1, offset: 0 }, "the lines are Python dicts, not JSON")
            .help("write them with `json.dumps(row)` instead of `str(row)`; `ast.literal_eval` reads what is there")
            .fix(Fix::safe("write the lines as JSON", []));
    }
}
