use crate::context::Context;
use crate::diagnostic::quoted;
use crate::format::{Example, Message, Section};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;
use std::collections::HashSet;

pub(crate) static RULE: Rule = Rule {
    code: "T016",
    name: "duplicate-tool-call-id",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("duplicate_tool_call_id.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let mut seen = HashSet::new();
    let calling = example.messages.iter().filter(|message| message.is("assistant") && message.section != Section::NonPreferred);
    let calls = calling.flat_map(Message::tool_calls).filter_map(|call| call.value.get("id"));
    let again: Vec<(&Value<'_>, &str)> =
        calls.filter_map(|value| Some((value, value.as_str()?))).filter(|(_, id)| !seen.insert(*id)).collect();
    for ((value, id), more) in few(again) {
        cx.report(value, format!("the id {} stands at an earlier call of this example{more}", quoted(id)))
            .help("give each call of an example an id of its own, and its answer the same one");
    }
}
