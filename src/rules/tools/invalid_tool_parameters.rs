use crate::context::Context;
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::format::Example;
use crate::json::{Span, Value};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;
use crate::tool_schema;

pub(crate) static RULE: Rule = Rule {
    code: "T005",
    name: "invalid-tool-parameters",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_tool_parameters.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    for ((tool, (span, what, help)), more) in few(example.tools().filter_map(|tool| Some((tool, fault(tool.parameters()?)?)))) {
        let name = tool.name().map(|name| format!(" of {}", quoted(name))).unwrap_or_default();
        let lacks_type = tool
            .parameters()
            .filter(|parameters| parameters.get("type").is_none() && parameters.get("properties").is_some() && parameters.span == span);
        let fix = lacks_type.map(|parameters| Fix::safe("add `\"type\": \"object\"`", [parameters.with_first("\"type\": \"object\"")]));
        cx.report(span, format!("the parameters{name} are no JSON Schema of an object: {what}{more}")).help(help).fix(fix);
    }
}

const HELP: &str = "describe the arguments in JSON Schema; its types are object, array, string, integer, number, boolean and null";

/// Where the fault is, what it is, and what to do.
fn fault(parameters: &Value<'_>) -> Option<(Span, String, &'static str)> {
    let members = parameters.as_object().unwrap_or_default();
    // A reference or a combination may say of itself that it is an object.
    let is_direct = !["$ref", "allOf", "anyOf", "oneOf"].iter().any(|key| parameters.get(key).is_some());
    match parameters.get("type") {
        None if members.is_empty() || !is_direct => {}
        None if parameters.get("properties").is_some() => {
            return Some((parameters.span, "`type` is missing".to_owned(), "add `\"type\": \"object\"`"));
        }
        None => {
            return Some((
                parameters.span,
                "there is neither `type` nor `properties`".to_owned(),
                "write the arguments under `properties`: `{\"type\": \"object\", \"properties\": {…}}`",
            ));
        }
        Some(kind) if names_another_type(kind) => {
            return Some((kind.span, "`type` must be `object`".to_owned(), "arguments are an object: describe each under `properties`"));
        }
        Some(_) => {}
    }
    if let Some(fault) = tool_schema::fault(parameters) {
        return Some((fault.span, fault.what, HELP));
    }
    let properties = parameters.get("properties").filter(|_| is_direct && parameters.get("patternProperties").is_none())?;
    let required = parameters.get("required").and_then(Value::as_array).unwrap_or_default();
    // More names than anyone writes by hand would be looked for too long.
    let lost = required.iter().take(200).find(|name| name.as_str().is_some_and(|name| properties.get(name).is_none()))?;
    let what = format!("{} is required, but not among the `properties`", quoted(lost.as_str().unwrap_or_default()));
    Some((lost.span, what, "describe it under `properties`, or take it out of `required`"))
}

/// Whether `kind` is a type that exists, and not `object`. Names of no type are told by the schema itself.
fn names_another_type(kind: &Value<'_>) -> bool {
    let is_other = |kind: &Value<'_>| matches!(kind.as_str(), Some("array" | "string" | "integer" | "number" | "boolean" | "null"));
    match kind.as_array() {
        Some(kinds) => !kinds.is_empty() && kinds.iter().all(is_other),
        None => is_other(kind),
    }
}
