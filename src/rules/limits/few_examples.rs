use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L002",
    name: "few-examples",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("few_examples.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let limits = &cx.settings.target.limits;
    let Some(advised) = &limits.examples_recommended else { return };
    let least = limits.examples_min.as_ref().map_or(1, |limit| limit.value.max(1));
    if (least..advised.value).contains(&file.examples) {
        let message =
            format!("the file has {}; {} advises {} to begin with", count(file.examples, "example"), cx.target(), number(advised.value));
        cx.report(Anchor::File, message).help("a few examples show a style, more of them teach a task; quality before number");
    }
}
