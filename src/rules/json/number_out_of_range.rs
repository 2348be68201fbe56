use crate::context::{Context, Line};
use crate::diagnostic::quoted;
use crate::json::FaultKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J011",
    name: "number-out-of-range",
    severity: Severity::Warning,
    effect: Effect::Ignored,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("number_out_of_range.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::NumberOutOfRange) {
        let message = format!("the number {} is beyond the range of a double", quoted(&cx.text(fault.span)));
        cx.report(fault.span, message).help("write it as text, or leave the key out");
    }
}
