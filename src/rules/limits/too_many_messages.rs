use crate::context::Context;
use crate::diagnostic::{count, number};
use crate::format::Example;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "L015",
    name: "too-many-messages",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_messages.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let Some(limit) = &cx.settings.target.limits.messages_max else { return };
    let over = usize::try_from(limit.value).ok().and_then(|limit| example.conversation().nth(limit));
    if let Some(over) = over {
        let all = count(example.conversation().count() as u64, "message");
        let message = format!("this example has {all}; {} takes at most {}", cx.target(), number(limit.value));
        cx.report(over.value, message).help("split the conversation into several examples");
    }
}
