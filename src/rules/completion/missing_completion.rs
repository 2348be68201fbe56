use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::renaming;
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "C002",
    name: "missing-completion",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_completion.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    // Without a prompt either, that is told once.
    if value.get("prompt").is_none() {
        return;
    }
    let keys = ["completion", "response", "output", "answer"];
    let near = value.as_object().unwrap_or_default().iter().find(|member| nearest(&member.key, keys).is_some());
    let fix = renaming(value, "completion", |member| member.value.as_str().is_some());
    let help = match near {
        Some(member) => format!("rename {} to `completion`", quoted(&member.key)),
        None => "give the line the `completion` to be learnt".to_owned(),
    };
    cx.report(near.map_or(Anchor::from(value), Anchor::from), "this example has no `completion`").help(help).fix(fix);
}
