use crate::context::Context;
use crate::format::Format;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "T009",
    name: "invalid-parallel-tool-calls",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_parallel_tool_calls.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    // Where the key itself is none of the target's, that is the fault.
    let keys = cx.settings.target.formats.get(&Format::Chat).and_then(|rules| rules.keys.as_ref());
    if keys.is_some_and(|keys| !keys.contains(&fault.key)) {
        return;
    }
    cx.report(fault.value, format!("`parallel_tool_calls` must be `true` or `false`, not {}", fault.value.kind()))
        .help("write `false` to rule out several calls at a time; leave the key out otherwise");
}
