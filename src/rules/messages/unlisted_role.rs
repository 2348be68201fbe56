use super::unknown_role::KNOWN;
use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::format::{Example, Message};
use crate::json::quote;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M004",
    name: "unlisted-role",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("unlisted_role.md"),
};

pub(crate) fn check(message: &Message<'_>, example: &Example<'_>, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let listed = settings.target.formats.get(&example.format).map(|rules| rules.roles.as_slice()).unwrap_or_default();
    let is_listed = |name: &str| listed.iter().any(|role| role == name);
    let Some(role) = message.get("role") else { return };
    let Some(name) = role.as_str().filter(|name| KNOWN.contains(name)) else { return };
    if listed.is_empty() || is_listed(name) {
        return;
    }
    let other = match name {
        "developer" => "system",
        "system" => "developer",
        "function" => "tool",
        _ => "",
    };
    // The answer of a tool names its call; a function's does not.
    let fix = (is_listed(other) && other != "tool").then(|| Fix::risky(format!("write `{other}`"), [role.replaced(quote(other))]));
    let help = match (is_listed(other), other) {
        (true, "tool") => "use `tool`, with the `tool_call_id` of the call it answers".to_owned(),
        (true, other) => format!("use `{other}`"),
        _ => format!("use one of {}", listed.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ")),
    };
    cx.report(role, format!("{} lists no role `{name}` for {} examples", cx.target(), example.format.name())).help(help).fix(fix);
}
