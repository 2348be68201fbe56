use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L009",
    name: "too-many-skipped-examples",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_skipped_examples.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let Some(limit) = &cx.settings.target.limits.skipped_examples_max else { return };
    if file.skipped_examples > limit.value {
        let message = format!(
            "{} will be skipped because of images; {} fails a job beyond {}",
            count(file.skipped_examples, "example"),
            cx.target(),
            number(limit.value)
        );
        cx.report(Anchor::File, message).help("mend or remove the images that the other findings name");
    }
}
