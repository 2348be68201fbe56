use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "P001",
    name: "missing-input",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N is missing key 'input'"),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_input.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let keys = fault.value.as_object().unwrap_or_default();
    let near = keys.iter().find(|member| member.key == "prompt" || nearest(&member.key, ["input"]).is_some());
    let help = match near {
        Some(member) => format!("rename {} to `input`, an object with `messages`", quoted(&member.key)),
        None => "give the prompt as `\"input\": {\"messages\": […]}`".to_owned(),
    };
    cx.report(near.map_or(Anchor::from(fault.value), Anchor::from), "this example has no `input`").help(help);
}
