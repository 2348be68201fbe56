use crate::context::Context;
use crate::diagnostic::count;
use crate::format::{Example, Section};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;

pub(crate) static RULE: Rule = Rule {
    code: "T010",
    name: "contradictory-parallel-tool-calls",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("contradictory_parallel_tool_calls.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.request().get("parallel_tool_calls").and_then(Value::as_bool) != Some(false) {
        return;
    }
    let turns = example.messages.iter().filter(|message| message.is("assistant") && message.section != Section::NonPreferred);
    let several = turns.filter_map(|message| {
        let calls = message.get("tool_calls")?;
        Some((calls, calls.as_array()?.len() as u64)).filter(|(_, count)| *count > 1)
    });
    for ((calls, calling), more) in few(several) {
        cx.report(calls, format!("this answer makes {} at once, though `parallel_tool_calls` is `false`{more}", count(calling, "call")))
            .help("leave out `parallel_tool_calls`, or make one call after another");
    }
}
