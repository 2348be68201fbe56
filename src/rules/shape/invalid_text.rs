use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::renaming;
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "S014",
    name: "invalid-text",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_text.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    if !matches!(fault.fault, ShapeFault::Missing(_)) {
        cx.report(value, format!("`text` must be a string, not {}", value.kind())).help("write the text itself, in double quotes");
        return;
    }
    let near = value.as_object().unwrap_or_default().iter().find(|member| nearest(&member.key, ["text"]).is_some());
    let fix = renaming(value, "text", |member| member.value.as_str().is_some());
    let help = match near {
        Some(member) => format!("rename {} to `text`", quoted(&member.key)),
        None => "give the line the key `text`".to_owned(),
    };
    cx.report(near.map_or(Anchor::from(value), Anchor::from), "this example has no `text`").help(help).fix(fix);
}
