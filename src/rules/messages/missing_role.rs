use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::{Applicability, Fix};
use crate::json::{Member, Value};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "M002",
    name: "missing-role",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N, message N Discriminator 'role' is missing in value"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_role.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let meant = meant_as_role(fault.value);
    let fix = meant.map(|member| Fix::safe("rename the key to `role`", [member.renamed("role")]));
    let help = match meant {
        Some(member) => format!("rename {} to `role`", quoted(&member.key)),
        None => "say whose message it is: `\"role\": \"user\"`, or `system`, `assistant`, `tool`".to_owned(),
    };
    cx.report(meant.map_or(Anchor::from(fault.value), Anchor::from), "this message has no `role`").help(help).fix(fix);
}

/// The key of a message without a role that was probably meant to be it; `unknown-message-key` is silent on it.
pub(super) fn meant_as_role<'m, 'a>(message: &'m Value<'a>) -> Option<&'m Member<'a>> {
    let members = message.as_object()?;
    let is_meant = |key: &str| matches!(key, "from" | "speaker" | "author" | "sender") || nearest(key, ["role"]).is_some();
    members.iter().find(|member| member.value.as_str().is_some() && is_meant(&member.key))
}
