use crate::context::{Context, Line};
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, every};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J004",
    name: "trailing-comma",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("trailing_comma.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::TrailingComma) {
        cx.report(fault.span, "a comma stands before the end, with nothing behind it")
            .help("remove the comma")
            .fix(Fix::safe("remove the comma", every(line.bytes, fault)));
    }
}
