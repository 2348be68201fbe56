use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::json::quote;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "T012",
    name: "non-string-arguments",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("non_string_arguments.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let help = match fault.value.as_object() {
        Some(_) => "write the object as JSON into a string; in Python: `json.dumps(arguments)`",
        None => "write a string that holds a JSON object; `\"{}\"` when there are no arguments",
    };
    let value = fault.value;
    let fix = match (value.as_object(), value.is_null()) {
        (Some(_), _) => Some(Fix::safe("write the object as a string", [value.replaced(quote(&value.source(cx.line())))])),
        (_, true) => Some(Fix::risky("write `\"{}\"`", [value.replaced("\"{}\"")])),
        _ => None,
    };
    cx.report(fault.value, format!("`arguments` must be a string of JSON, not {}", fault.value.kind())).help(help).fix(fix);
}
