use crate::context::{Anchor, Context};
use crate::diagnostic::bytes_beside;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L006",
    name: "too-large-job",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_large_job.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let Some(limit) = &cx.settings.target.limits.job_bytes else { return };
    if file.bytes > limit.value {
        let (size, most) = bytes_beside(file.bytes, limit.value);
        let message = format!("the file has {size}; a job at {} takes at most {most}", cx.target());
        cx.report(Anchor::File, message).help("make it smaller: images as JPEG of a lower quality, no repeated ones, fewer examples");
    }
}
