use crate::context::Context;
use crate::diagnostic::number;
use crate::format::{Example, Message};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M018",
    name: "late-system-message",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("late_system_message.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let mut late =
        example.conversation().skip_while(|message| is_instruction(message)).filter(|message| is_instruction(message) && !is_shot(message));
    let Some(first) = late.next() else { return };
    let more = late.count() as u64;
    let also = if more > 0 { format!("; {} more in this example", number(more)) } else { String::new() };
    if let Some(role) = first.get("role") {
        cx.report(role, format!("a {} message stands behind messages of the conversation{also}", first.role().unwrap_or_default()))
            .help("put it first, unless the model is to meet instructions there");
    }
}

pub(super) fn is_instruction(message: &Message<'_>) -> bool {
    message.is("system") || message.is("developer")
}

/// System messages with a name are the turns of an example conversation, as OpenAI's cookbook shows.
pub(super) fn is_shot(message: &Message<'_>) -> bool {
    message.get("name").is_some_and(|name| !name.is_null())
}
