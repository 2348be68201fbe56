use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L004",
    name: "too-many-image-examples",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_image_examples.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let Some(limit) = &cx.settings.target.limits.image_examples_max else { return };
    if file.image_examples > limit.value {
        let message =
            format!("{} hold images; {} takes at most {}", count(file.image_examples, "example"), cx.target(), number(limit.value));
        cx.report(Anchor::File, message).help("leave examples with images out; those of text alone do not count");
    }
}
