use super::unknown_role::KNOWN;
use crate::context::Context;
use crate::diagnostic::quoted;
use crate::format::{Example, Message, Section};
use crate::json::{Data, Value};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M022",
    name: "invalid-weight",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_weight.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    // In an output no weight has a meaning: `weight-in-output` speaks.
    let Some(weight) = message.get("weight").filter(|_| matches!(message.section, Section::Messages | Section::Input)) else { return };
    // Tables have a column for it, and write null where a message has none.
    if is_valid(weight) || (weight.is_null() && !message.is("assistant")) {
        return;
    }
    let shown = match &weight.data {
        Data::Number(text) => quoted(text),
        Data::String(text) => format!("the string {}", quoted(text)),
        _ => weight.kind().to_owned(),
    };
    let is_out_of_place = message.role().is_some_and(|role| role != "assistant" && KNOWN.contains(&role));
    let help = match &weight.data {
        _ if is_out_of_place => "remove the key: only the assistant's messages have a weight",
        Data::Null => "leave the key out: a message without it is trained on",
        Data::Number(text) if text.parse::<f64>().is_ok_and(|value| value != 0.0 && value != 1.0) => {
            "write 1 for a message to be trained on, 0 for any other: there is nothing between"
        }
        _ => "write 0 or 1, without quotes, sign or decimals",
    };
    cx.report(weight, format!("`weight` must be 0 or 1, not {shown}")).help(help);
}

pub(super) fn is_valid(weight: &Value<'_>) -> bool {
    matches!(weight.as_number(), Some("0" | "1"))
}
