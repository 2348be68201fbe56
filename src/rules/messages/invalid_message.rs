use crate::context::Context;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "M001",
    name: "invalid-message",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_message.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let holds_messages = fault.value.as_array().is_some_and(|items| items.iter().any(|item| item.as_object().is_some()));
    let help = if holds_messages { "take the messages out of the inner list" } else { "write it as `{\"role\": …, \"content\": …}`" };
    cx.report(fault.value, format!("a message must be an object, not {}", fault.value.kind())).help(help);
}
