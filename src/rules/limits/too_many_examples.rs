use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::format::Format;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L003",
    name: "too-many-examples",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    since: "0.1.0",
    docs: include_str!("too_many_examples.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let limits = &cx.settings.target.limits;
    let of_format = match file.format(cx.settings) {
        Some(Format::Reinforcement) => limits.reinforcement_examples_max.as_ref(),
        _ => None,
    };
    let Some(limit) = of_format.or(limits.examples_max.as_ref()) else { return };
    if file.examples > limit.value {
        let message = format!("the file has {}; {} takes at most {}", count(file.examples, "example"), cx.target(), number(limit.value));
        cx.report(Anchor::File, message).help("leave examples out; copies and near copies first");
    }
}
