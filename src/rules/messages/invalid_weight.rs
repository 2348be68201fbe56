use super::unknown_role::KNOWN;
use crate::context::Context;
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
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
    fix: Some(Applicability::Safe),
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
    let is_out_of_place = message.role().is_some_and(|role| role != "assistant" && KNOWN.contains(&role));
    let fix = match meant(weight) {
        _ if is_out_of_place || weight.is_null() => {
            Some(Fix::safe("remove the key", message.value.without(cx.line(), |member| member.key == "weight")))
        }
        meant => meant.map(|meant| Fix::safe(format!("write `{meant}`"), [weight.replaced(meant)])),
    };
    let shown = match &weight.data {
        Data::Number(text) => quoted(text),
        Data::String(text) => format!("the string {}", quoted(text)),
        _ => weight.kind().to_owned(),
    };
    let help = match &weight.data {
        _ if is_out_of_place => "remove the key: only the assistant's messages have a weight",
        Data::Null => "leave the key out: a message without it is trained on",
        Data::Number(text) if text.parse::<f64>().is_ok_and(|value| value != 0.0 && value != 1.0) => {
            "write 1 for a message to be trained on, 0 for any other: there is nothing between"
        }
        _ => "write 0 or 1, without quotes, sign or decimals",
    };
    cx.report(weight, format!("`weight` must be 0 or 1, not {shown}")).help(help).fix(fix);
}

/// The weight in another spelling: `1.0`, `true`, `"0"`.
fn meant(weight: &Value<'_>) -> Option<&'static str> {
    let of = |number: f64| match number {
        0.0 => Some("0"),
        1.0 => Some("1"),
        _ => None,
    };
    match &weight.data {
        Data::Bool(is_trained) => of(f64::from(u8::from(*is_trained))),
        Data::Number(text) => of(text.parse().ok()?),
        Data::String(text) => of(text.trim().parse().ok()?),
        _ => None,
    }
}

pub(super) fn is_valid(weight: &Value<'_>) -> bool {
    matches!(weight.as_number(), Some("0" | "1"))
}
