use crate::context::{Context, Head, HeadFault};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F003",
    name: "json-array",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Expected file to have JSONL format, where every line is a JSON dictionary. Line 1 is not a dictionary"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("json_array.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.fault == Some(HeadFault::JsonArray) {
        cx.report(Place { line: 1, offset: 0 }, "the whole file is one JSON array; JSONL has one object on each line")
            .help("write each item on a line of its own, without brackets and commas around them: `jq -c '.[]' old.json > new.jsonl`")
            .fix(Fix::safe("write each item on a line of its own", []));
    }
}
