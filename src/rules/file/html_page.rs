use crate::context::{Context, Head, HeadFault};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F008",
    name: "html-page",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("html_page.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.fault == Some(HeadFault::Html) {
        cx.report(Place { line: 1, offset: 0 }, "this is an HTML or XML document, not JSONL")
            .help("look at what it says: a download saved an error, a login page, or the page around the data; fetch the raw file");
    }
}
