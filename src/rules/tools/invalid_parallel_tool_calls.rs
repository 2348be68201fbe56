use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::format::Format;
use crate::json::Data;
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
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_parallel_tool_calls.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    // Where the key itself is none of the target's, that is the fault.
    let keys = cx.settings.target.formats.get(&Format::Chat).and_then(|rules| rules.keys.as_ref());
    if keys.is_some_and(|keys| !keys.contains(&fault.key)) {
        return;
    }
    let (value, line) = (fault.value, cx.line());
    let meant = match (&value.data, value.as_str().unwrap_or_default().trim().to_lowercase().as_str()) {
        (Data::Number("1"), _) | (_, "true") => Some("true"),
        (Data::Number("0"), _) | (_, "false") => Some("false"),
        _ => None,
    };
    let null = fault.parent.filter(|_| value.is_null()).map(|parent| parent.without(line, |member| member.key == fault.key));
    let edits = meant.map(|meant| vec![value.replaced(meant)]).or(null);
    cx.report(fault.value, format!("`parallel_tool_calls` must be `true` or `false`, not {}", fault.value.kind()))
        .help("write `false` to rule out several calls at a time; leave the key out otherwise")
        .fix(edits.map(|edits| Fix::safe("write `true` or `false`", edits)));
}
