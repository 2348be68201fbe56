use crate::context::{Context, Line};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, every};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J008",
    name: "non-finite-number",
    severity: Severity::Warning,
    effect: Effect::RejectsFile,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("non_finite_number.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::NonFinite) {
        let message = format!("{} is no number in JSON", quoted(&cx.text(fault.span)));
        cx.report(fault.span, message)
            .help("write `null`, or leave the key out; `json.dumps(row, allow_nan=False)` refuses to write such values")
            .fix(Fix::risky("write `null`", every(line.bytes, fault)));
    }
}
