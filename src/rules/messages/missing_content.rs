use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::{Applicability, Fix};
use crate::json::{Data, Member, Value};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "M007",
    name: "missing-content",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_content.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let role = fault.value.get("role").and_then(Value::as_str).unwrap_or_default();
    let meant = meant_as_content(fault.value);
    let fix = meant.map(|member| Fix::safe("rename the key to `content`", [member.renamed("content")]));
    let help = match (meant, role) {
        (Some(member), _) => format!("rename {} to `content`", quoted(&member.key)),
        (None, "tool" | "function") => "write what the call returned as `content`; \"\" when it returned nothing".to_owned(),
        _ => "write its text as `content`, or remove the message".to_owned(),
    };
    cx.report(meant.map_or(Anchor::from(fault.value), Anchor::from), format!("this {role} message has no `content`")).help(help).fix(fix);
}

/// The key of a message without content that was probably meant to be it; `unknown-message-key` is silent on it.
pub(super) fn meant_as_content<'m, 'a>(message: &'m Value<'a>) -> Option<&'m Member<'a>> {
    let members = message.as_object()?;
    let is_meant =
        |key: &str| key != "content" && (matches!(key, "text" | "value" | "parts" | "message") || nearest(key, ["content"]).is_some());
    members.iter().find(|member| matches!(member.value.data, Data::String(_) | Data::Array(_)) && is_meant(&member.key))
}
