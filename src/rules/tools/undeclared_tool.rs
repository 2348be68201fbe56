use crate::context::Context;
use crate::diagnostic::{nearest, quoted};
use crate::format::Example;
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;
use std::collections::HashSet;

pub(crate) static RULE: Rule = Rule {
    code: "T015",
    name: "undeclared-tool",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("undeclared_tool.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let mut calls = example.calls().filter_map(|call| {
        let value = call.function?.get("name")?;
        Some((value, value.as_str()?))
    });
    let Some(first) = calls.next() else { return };
    let request = example.request();
    // What cannot be read may well declare it.
    let is_unreadable = |key: &str| request.get(key).is_some_and(|list| !list.is_null() && list.as_array().is_none());
    if is_unreadable("tools") || is_unreadable("functions") || example.tools().any(|tool| tool.name().is_none()) {
        return;
    }
    let declared: HashSet<&str> = example.tools().filter_map(|tool| tool.name()).collect();
    if declared.is_empty() {
        if ["tools", "functions"].iter().any(|key| request.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty())) {
            return;
        }
        cx.report(first.0, format!("this example calls {}, but declares no tools", quoted(first.1)))
            .help("declare under `tools` what the model will be offered when it is used");
        return;
    }
    let unknown = std::iter::once(first).chain(calls).filter(|(_, name)| !declared.contains(name));
    for ((value, name), more) in few(unknown) {
        let help = match nearest(name, example.tools().filter_map(|tool| tool.name())) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None => "declare it under `tools`, or take out the call".to_owned(),
        };
        cx.report(value, format!("the tool {} is not declared{more}", quoted(name))).help(help);
    }
}
