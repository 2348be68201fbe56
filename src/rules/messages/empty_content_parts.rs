use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "M010",
    name: "empty-content-parts",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("empty_content_parts.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let calls = |message: &&Value<'_>| message.get("tool_calls").and_then(Value::as_array).is_some_and(|calls| !calls.is_empty());
    let is_calling = fault.parent.filter(calls).and_then(|message| message.get("role")?.as_str()) == Some("assistant");
    cx.report(fault.value, "`content` is a list without parts; it must have at least one")
        .help("write the text, or leave `content` out where the assistant only calls a tool")
        .fix(is_calling.then(|| Fix::safe("write `null`", [fault.value.replaced("null")])));
}
