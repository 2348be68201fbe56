use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::renaming;
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "P001",
    name: "missing-input",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N is missing key 'input'"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_input.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let keys = fault.value.as_object().unwrap_or_default();
    let near = keys.iter().find(|member| member.key == "prompt" || nearest(&member.key, ["input"]).is_some());
    let prompt = near.filter(|member| member.key == "prompt" && member.value.as_str().is_some());
    let fix = match prompt {
        Some(member) => {
            let [before, after] = member.value.wrapped("{\"messages\": [{\"role\": \"user\", \"content\": ", "}]}");
            Some(Fix::risky("write it as `input`", [member.renamed("input"), before, after]))
        }
        None => renaming(fault.value, "input", |member| member.value.get("messages").is_some()),
    };
    let help = match near {
        Some(member) => format!("rename {} to `input`, an object with `messages`", quoted(&member.key)),
        None => "give the prompt as `\"input\": {\"messages\": […]}`".to_owned(),
    };
    cx.report(near.map_or(Anchor::from(fault.value), Anchor::from), "this example has no `input`").help(help).fix(fix);
}
