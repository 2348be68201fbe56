use crate::context::{Anchor, Context};
use crate::diagnostic::quoted;
use crate::format::Example;
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;
use std::collections::HashSet;

pub(crate) static RULE: Rule = Rule {
    code: "T006",
    name: "incomplete-strict-schema",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("incomplete_strict_schema.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let strict = example.tools().filter(|tool| tool.function.get("strict").and_then(Value::as_bool) == Some(true));
    for ((tool, (anchor, what)), more) in few(strict.filter_map(|tool| Some((tool, gap(tool.parameters()?)?)))) {
        let name = tool.name().map(|name| format!(" of {}", quoted(name))).unwrap_or_default();
        cx.report(anchor, format!("the schema{name} is `strict`, but {what}{more}")).help(
            "give each object `\"additionalProperties\": false` and list all its properties under `required`; an optional one may be null",
        );
    }
}

/// The first object of `parameters` that is not closed, or leaves a property open.
fn gap(parameters: &Value<'_>) -> Option<(Anchor, String)> {
    let mut open = vec![parameters];
    while let Some(schema) = open.pop() {
        let properties = schema.get("properties").and_then(Value::as_object);
        if properties.is_some() || schema.get("type").and_then(Value::as_str) == Some("object") {
            match schema.get("additionalProperties") {
                Some(value) if value.as_bool() == Some(false) => {}
                Some(value) => return Some((value.into(), "`additionalProperties` is not `false`".to_owned())),
                None => return Some((schema.into(), "this object does not say `\"additionalProperties\": false`".to_owned())),
            }
            let required: HashSet<_> =
                schema.get("required").and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_str).collect();
            if let Some(optional) = properties.unwrap_or_default().iter().find(|member| !required.contains(member.key.as_ref())) {
                return Some((optional.into(), format!("{} is not `required`", quoted(&optional.key))));
            }
        }
        for key in ["properties", "$defs", "definitions"] {
            open.extend(schema.get(key).and_then(Value::as_object).unwrap_or_default().iter().map(|member| &member.value));
        }
        for key in ["items", "anyOf"] {
            open.extend(schema.get(key).into_iter().flat_map(|value| value.as_array().unwrap_or(std::slice::from_ref(value))));
        }
    }
    None
}
