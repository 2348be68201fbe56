use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::renaming;
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "C001",
    name: "missing-prompt",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_prompt.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    let near = value.as_object().unwrap_or_default().iter().find(|member| nearest(&member.key, ["prompt"]).is_some());
    let fix = renaming(value, "prompt", |member| member.value.as_str().is_some());
    let help = match near {
        Some(member) => format!("rename {} to `prompt`", quoted(&member.key)),
        None => "give the line a `prompt`; it may be empty".to_owned(),
    };
    let message = if value.get("completion").is_none() {
        "this example has neither `prompt` nor `completion`"
    } else {
        "this example has no `prompt`"
    };
    cx.report(near.map_or(Anchor::from(value), Anchor::from), message).help(help).fix(fix);
}
