use crate::context::{Context, Line};
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, every};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J012",
    name: "control-character",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("control_character.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults {
        let FaultKind::ControlCharacter(code) = fault.kind else { continue };
        let (name, escape) = match code {
            8 => ("backspace", "\\b".to_owned()),
            9 => ("tab", "\\t".to_owned()),
            12 => ("form feed", "\\f".to_owned()),
            13 => ("carriage return", "\\r".to_owned()),
            0 => ("NUL character", "\\u0000".to_owned()),
            27 => ("escape character", "\\u001b".to_owned()),
            _ => ("control character", format!("\\u{code:04x}")),
        };
        cx.report(fault.span, format!("a raw {name} (U+{code:04X}) stands in a string"))
            .help(format!("write it as `{escape}`, or remove it; `json.dumps` escapes such characters by itself"))
            .fix(Fix::safe("write control characters as escapes", every(line.bytes, fault)));
    }
}
