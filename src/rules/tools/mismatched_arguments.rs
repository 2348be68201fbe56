use crate::context::Context;
use crate::diagnostic::quoted;
use crate::format::{Example, Tool};
use crate::json::{FaultKind, parse};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;
use crate::tool_schema::{self, Misfit};
use std::collections::HashMap;

pub(crate) static RULE: Rule = Rule {
    code: "T014",
    name: "mismatched-arguments",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("mismatched_arguments.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.calls().next().is_none() {
        return;
    }
    let declared: HashMap<&str, Tool<'_>> = example.tools().filter_map(|tool| Some((tool.name()?, tool))).collect();
    let depth = cx.settings.max_depth;
    let misfits = example.calls().filter_map(|call| {
        let (name, arguments) = (call.name()?, call.arguments()?);
        let parameters = declared.get(name)?.parameters()?;
        Some((name, arguments, misfit(parameters, arguments.as_str()?, depth)?))
    });
    for ((name, arguments, misfit), more) in few(misfits) {
        let message = format!("this call does not fit the parameters of {}: {}{more}", quoted(name), misfit.what);
        cx.report_within(arguments, misfit.span.start as usize, misfit.span.range().len(), message)
            .help("mend the arguments, or the schema of the tool");
    }
}

/// Arguments that are no JSON object, and schemas that are none, have rules of their own.
fn misfit(parameters: &crate::json::Value<'_>, text: &str, depth: usize) -> Option<Misfit> {
    let parsed = parse(text.as_bytes(), depth);
    if parsed.faults.iter().any(|fault| !matches!(fault.kind, FaultKind::LoneSurrogate)) || tool_schema::fault(parameters).is_some() {
        return None;
    }
    let value = parsed.value.filter(|value| value.as_object().is_some())?;
    tool_schema::misfit(parameters, &value)
}
