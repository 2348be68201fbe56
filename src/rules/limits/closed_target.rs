use crate::context::{Anchor, Context};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Summary;

pub(crate) static RULE: Rule = Rule {
    code: "L012",
    name: "closed-target",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("closed_target.md"),
};

pub(crate) fn check(_: &Summary, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let Some(last) = settings.target.jobs_until.as_ref().filter(|_| settings.target.is_closed(settings.today)) else { return };
    let message = format!("{} has taken no new jobs since {}", cx.target(), last.value);
    cx.report(Anchor::File, message).help("others take the same files, some with changes: check again with another `--target`");
}
