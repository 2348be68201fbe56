use crate::context::{Context, Head, HeadFault};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F004",
    name: "pretty-printed-json",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Expected file to have JSONL format, where every line is a JSON dictionary. Line 1 is not a dictionary"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("pretty_printed_json.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.fault == Some(HeadFault::PrettyPrinted) {
        cx.report(Place { line: 1, offset: 0 }, "the first object goes on over several lines; JSONL has one whole object on each line")
            .help("write each object on one line: `jq -c . old.json > new.jsonl`, or `json.dumps` without `indent`")
            .fix(Fix::safe("write each object on one line", []));
    }
}
