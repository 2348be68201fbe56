use crate::context::Context;
use crate::json::Data;
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
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_content.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let kind = fault.value.kind();
    // Lists are refused in messages of the role `function` only.
    let (wanted, help) = match &fault.value.data {
        Data::Array(_) => ("a string in a function message", "join the texts of its parts"),
        Data::Object(_) if fault.value.get("type").is_some() => ("a string or a list of parts", "put the part into a list"),
        Data::Object(_) => ("a string or a list of parts", "write it as a string; in Python: `json.dumps(content)`"),
        _ => ("a string or a list of parts", "put it into quotes"),
    };
    cx.report(fault.value, format!("`content` must be {wanted}, not {kind}")).help(help);
}
