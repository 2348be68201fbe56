use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::json::encoded_twice;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "S008",
    name: "invalid-messages",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_messages.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    let fix = match value.as_str().and_then(|text| encoded_twice(text, cx.settings.max_depth)) {
        Some(json) if json.starts_with('[') => Some(Fix::safe("write the list itself", [value.replaced(json)])),
        _ => value.get("role").is_some().then(|| Fix::safe("put the message into a list", value.wrapped("[", "]"))),
    };
    let help = if value.as_str().is_some_and(|text| text.trim_start().starts_with('[')) {
        "the string holds JSON: `messages` was encoded twice; write the list itself"
    } else if value.get("role").is_some() {
        "write the message in a list: `[{\"role\": …}]`"
    } else {
        "give `messages` a list of objects, each with `role` and `content`"
    };
    cx.report(value, format!("`messages` must be an array, not {}", value.kind())).help(help).fix(fix);
}
