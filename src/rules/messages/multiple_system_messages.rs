use super::late_system_message::{is_instruction, is_shot};
use crate::context::Context;
use crate::diagnostic::number;
use crate::format::Example;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M019",
    name: "multiple-system-messages",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("multiple_system_messages.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let mut opening = example.conversation().take_while(|message| is_instruction(message)).filter(|message| !is_shot(message)).skip(1);
    let Some(role) = opening.next().and_then(|second| second.get("role")) else { return };
    let count = 2 + opening.count() as u64;
    cx.report(role, format!("the example begins with {} system messages", number(count))).help("join them into one");
}
