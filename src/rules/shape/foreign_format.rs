use crate::context::{Context, Head};
use crate::format::Shape;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "S003",
    name: "foreign-format",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Unexpected file format, expected either prompt/completion pairs or chat messages."),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("foreign_format.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let (None, Some(Shape::Foreign(foreign))) = (cx.settings.format, head.shape) else { return };
    let message = format!("the lines look like {}, which {} does not take", foreign.title, cx.target());
    cx.report(Place { line: 1, offset: 0 }, message).help(foreign.rewrite);
}
