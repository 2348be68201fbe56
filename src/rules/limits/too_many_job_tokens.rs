use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L010",
    name: "too-many-job-tokens",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_job_tokens.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let Some(limit) = settings.target.limits.tokens_times_epochs.as_ref().map(|limit| limit.value) else { return };
    // Where the default is a guess, only what a single epoch brings is certain.
    let is_known = settings.epochs.is_some() || settings.target.epochs.as_ref().is_some_and(|epochs| epochs.evidence != Evidence::Inferred);
    let epochs = file.epochs(settings).filter(|_| is_known).unwrap_or(1);
    let tokens = file.tokens.all();
    let sum = tokens.saturating_mul(epochs);
    if sum > limit {
        let message = format!(
            "{} times {} are {}; {} takes at most {}",
            count(tokens, "token"),
            count(epochs, "epoch"),
            number(sum),
            cx.target(),
            number(limit)
        );
        let most = limit / tokens.max(1);
        let help = if most > 0 {
            format!("ask for {} at the most, or leave examples out", count(most, "epoch"))
        } else {
            "leave examples out".to_owned()
        };
        cx.report(Anchor::File, message).help(help);
    }
}
