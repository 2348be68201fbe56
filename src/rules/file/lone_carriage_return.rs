use crate::context::{Context, Head, HeadFault};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F019",
    name: "lone-carriage-return",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Expected file to have JSONL format, where every line is a JSON dictionary. Line 1 is not a dictionary"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("lone_carriage_return.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.fault == Some(HeadFault::LoneCarriageReturn) {
        cx.report(Place { line: 1, offset: 0 }, "the lines end in a lone carriage return, so the file is one single line")
            .help("end lines in a line feed: `tr '\\r' '\\n' < old > new.jsonl`")
            .fix(Fix::safe("end lines in a line feed", []));
    }
}
