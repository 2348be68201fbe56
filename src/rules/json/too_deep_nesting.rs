use crate::context::{Context, Line};
use crate::diagnostic::number;
use crate::json::FaultKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J015",
    name: "too-deep-nesting",
    severity: Severity::Warning,
    effect: Effect::RejectsFile,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_deep_nesting.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::TooDeep) {
        let cap = number(cx.settings.max_depth as u64);
        cx.report(fault.span, format!("arrays and objects are nested deeper than {cap} levels; the line was not read further"))
            .help("nothing a provider trains on is so deep: write such data as text");
    }
}
