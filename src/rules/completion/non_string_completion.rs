use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::json::{Data, quote};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "C003",
    name: "non-string-completion",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("non_string_completion.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let (value, key) = (fault.value, fault.key.as_str());
    let help = match (value.is_null(), key) {
        (true, "prompt") => "write `\"\"` for an empty prompt",
        (true, _) => "give the completion, or remove the example",
        _ => "write it as a string",
    };
    let fix = match &value.data {
        Data::Null if key == "prompt" => Some(Fix::safe("write `\"\"`", [value.replaced("\"\"")])),
        Data::Number(text) => Some(Fix::safe("put it into quotes", [value.replaced(quote(text))])),
        Data::Bool(_) => Some(Fix::risky("put it into quotes", [value.replaced(quote(&value.source(cx.line())))])),
        _ => None,
    };
    cx.report(value, format!("`{key}` must be a string, not {}", value.kind())).help(help).fix(fix);
}
