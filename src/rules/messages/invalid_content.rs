use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::json::{Data, quote};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "M008",
    name: "invalid-content",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_content.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let kind = fault.value.kind();
    // Lists are refused in messages of the role `function` only.
    let value = fault.value;
    let text = || quote(&value.source(cx.line()));
    let fix = match &value.data {
        Data::Number(_) => Some(Fix::safe("put it into quotes", [value.replaced(text())])),
        Data::Object(_) if value.get("type").is_some() => Some(Fix::safe("put the part into a list", value.wrapped("[", "]"))),
        Data::Object(_) => Some(Fix::risky("write it as a string of JSON", [value.replaced(text())])),
        Data::Bool(_) => Some(Fix::risky("put it into quotes", [value.replaced(text())])),
        _ => None,
    };
    let (wanted, help) = match &fault.value.data {
        Data::Array(_) => ("a string in a function message", "join the texts of its parts"),
        Data::Object(_) if fault.value.get("type").is_some() => ("a string or a list of parts", "put the part into a list"),
        Data::Object(_) => ("a string or a list of parts", "write it as a string; in Python: `json.dumps(content)`"),
        _ => ("a string or a list of parts", "put it into quotes"),
    };
    cx.report(fault.value, format!("`content` must be {wanted}, not {kind}")).help(help).fix(fix);
}
