use crate::context::{Anchor, Context};
use crate::diagnostic::nearest;
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::renaming;
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "T002",
    name: "missing-tool-name",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_tool_name.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    if let ShapeFault::WrongType(expected) = &fault.fault {
        cx.report(value, format!("the `name` of a function must be {expected}, not {}", value.kind()))
            .help("name the function as its calls do");
        return;
    }
    let near = value.as_object().unwrap_or_default().iter().find(|member| nearest(&member.key, ["name"]).is_some());
    let fix = renaming(value, "name", |member| member.value.as_str().is_some());
    let help = if near.is_some() { "rename this key to `name`" } else { "give it the `name` that calls of it use" };
    cx.report(near.map_or(Anchor::from(value), Anchor::from), "this function has no `name`").help(help).fix(fix);
}
