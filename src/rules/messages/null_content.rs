use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "M009",
    name: "null-content",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("null_content.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let is_tool = fault.parent.and_then(|message| message.get("role")?.as_str()) == Some("tool");
    cx.report(fault.value, "`content` is null; only an assistant message that calls something may leave it open")
        .help("write its text, \"\" for a tool that returned nothing, or remove the message")
        .fix(is_tool.then(|| Fix::safe("write `\"\"`", [fault.value.replaced("\"\"")])));
}
