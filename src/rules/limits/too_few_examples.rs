use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L001",
    name: "too-few-examples",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_few_examples.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let Some(limit) = &cx.settings.target.limits.examples_min else { return };
    if file.examples == 0 || file.examples >= limit.value {
        return;
    }
    let message = format!("the file has {}; {} asks for at least {}", count(file.examples, "example"), cx.target(), number(limit.value));
    let says = format!("Training file has {} example(s), but must have at least {} examples", file.examples, limit.value);
    let openai = cx.settings.target.name == "openai";
    let found = cx.report(Anchor::File, message);
    if openai {
        found.provider_says(says);
    }
}
