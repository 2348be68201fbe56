use crate::context::{Anchor, Context};
use crate::diagnostic::number;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Summary;

pub(crate) static RULE: Rule = Rule {
    code: "L017",
    name: "invalid-epochs",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_epochs.md"),
};

pub(crate) fn check(_: &Summary, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let (Some(limit), Some(epochs)) = (&settings.target.limits.epochs_max, settings.epochs) else { return };
    if epochs > limit.value {
        let message = format!("{} epochs are asked for; {} takes at most {}", number(epochs), cx.target(), number(limit.value));
        cx.report(Anchor::File, message).help("three are usual; more of the same examples teach little that is new");
    }
}
