use crate::context::{Context, Line};
use crate::diagnostic::quoted;
use crate::json::FaultKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J014",
    name: "lone-surrogate",
    severity: Severity::Warning,
    effect: Effect::Ignored,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("lone_surrogate.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::LoneSurrogate) {
        let message = format!("{} is a lone surrogate: half of a character, without the other half", quoted(&cx.text(fault.span)));
        cx.report(fault.span, message)
            .help("a text was cut in the middle of a character, such as an emoji: write the whole character, or remove the rest of it");
    }
}
