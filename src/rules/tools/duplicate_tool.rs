use crate::context::Context;
use crate::diagnostic::quoted;
use crate::format::Example;
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;
use std::collections::HashSet;

pub(crate) static RULE: Rule = Rule {
    code: "T004",
    name: "duplicate-tool",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("duplicate_tool.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let mut seen = HashSet::new();
    let names = example.tools().filter_map(|tool| {
        // The same function under `tools` and `functions` is another mistake.
        let is_deprecated = std::ptr::eq(tool.value, tool.function);
        let value = tool.function.get("name")?;
        Some((value, is_deprecated, value.as_str()?))
    });
    let again: Vec<(&Value<'_>, &str)> =
        names.filter(|(_, list, name)| !seen.insert((*list, *name))).map(|(value, _, name)| (value, name)).collect();
    for ((value, name), more) in few(again) {
        cx.report(value, format!("the tool {} is declared before{more}", quoted(name))).help("keep one declaration of each name");
    }
}
