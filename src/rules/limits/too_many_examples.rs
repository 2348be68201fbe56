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
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_examples.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let limits = &cx.settings.target.limits;
    let of_format = match file.format(cx.settings) {
        Some(Format::Reinforcement) => limits.reinforcement_examples_max.as_ref(),
        _ => None,
    };
    let epochs = cx.settings.epochs.unwrap_or(1);
    let seen = file.examples.saturating_mul(epochs);
    let message = match (of_format.or(limits.examples_max.as_ref()), &limits.examples_times_epochs) {
        (Some(limit), _) if file.examples > limit.value => {
            format!("the file has {}; {} takes at most {}", count(file.examples, "example"), cx.target(), number(limit.value))
        }
        (_, Some(limit)) if seen > limit.value => format!(
            "{} times {} are {}; {} takes at most {}",
            count(file.examples, "example"),
            count(epochs, "epoch"),
            number(seen),
            cx.target(),
            number(limit.value)
        ),
        _ => return,
    };
    cx.report(Anchor::File, message).help("leave examples out; copies and near copies first");
}
