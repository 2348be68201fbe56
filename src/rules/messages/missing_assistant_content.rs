use super::missing_content::meant_as_content;
use crate::context::{Anchor, Context};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::format::{Example, Message};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M011",
    name: "missing-assistant-content",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some(
        r#"Invalid file format. Line N, message N, key "__root__": At least one of content or function_call must be set."#,
    ),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_assistant_content.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    if !message.is("assistant") || !says_nothing(message) {
        return;
    }
    let meant = meant_as_content(message.value);
    let fix = meant.map(|member| Fix::safe("rename the key to `content`", [member.renamed("content")]));
    let help = match meant {
        Some(member) => format!("rename {} to `content`", quoted(&member.key)),
        None => "write the answer as `content`, or the call as `tool_calls`".to_owned(),
    };
    let anchor = meant.map_or_else(|| Anchor::from(message.get("content").unwrap_or(message.value)), Anchor::from);
    cx.report(anchor, "this assistant message neither says nor calls anything").help(help).fix(fix);
}

/// Whether there is no content, no refusal and no call. A call that is badly written counts: other rules say what is
/// wrong with it.
pub(super) fn says_nothing(message: &Message<'_>) -> bool {
    let has = |key: &str| message.get(key).is_some_and(|value| !value.is_null());
    let calls = message.get("tool_calls").is_some_and(|calls| !calls.is_null() && !calls.as_array().is_some_and(<[Value<'_>]>::is_empty));
    !has("content") && !has("refusal") && !has("function_call") && !calls
}
