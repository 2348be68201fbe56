use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "P002",
    name: "invalid-input",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_input.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    match &fault.fault {
        ShapeFault::Missing(key) => {
            cx.report(value, format!("`input` has no `{key}`")).help("give the prompt as `\"input\": {\"messages\": […]}`");
        }
        _ => {
            let items = value.as_array().unwrap_or_default();
            let is_list = !items.is_empty() && items.iter().all(|item| item.get("role").is_some());
            let fix = match value.as_str() {
                Some(_) => {
                    let edits = value.wrapped("{\"messages\": [{\"role\": \"user\", \"content\": ", "}]}");
                    Some(Fix::risky("write the text as a user message", edits))
                }
                None => is_list.then(|| Fix::safe("put the list into an object", value.wrapped("{\"messages\": ", "}"))),
            };
            let help = match (value.as_array(), value.as_str()) {
                (Some(_), _) => "put the list into an object: `\"input\": {\"messages\": […]}`",
                (_, Some(_)) => "write the text as a user message: `\"input\": {\"messages\": [{\"role\": \"user\", \"content\": …}]}`",
                _ => "give the prompt as `\"input\": {\"messages\": […]}`",
            };
            cx.report(value, format!("`input` must be an object with `messages`, not {}", value.kind())).help(help).fix(fix);
        }
    }
}
