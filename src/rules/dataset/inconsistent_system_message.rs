use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "D006",
    name: "inconsistent-system-message",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("inconsistent_system_message.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let (with, without) = (file.with_system, file.without_system);
    if with > 0 && without.count > 0 {
        let verb = if without.count == 1 { "has" } else { "have" };
        let all = count(with + without.count, "example");
        let message = format!("{} of {all} {verb} no system message, unlike the others", number(without.count));
        cx.report(Anchor::File, message).help("begin each example as the model will be used: all with a system message, or none");
    }
}
