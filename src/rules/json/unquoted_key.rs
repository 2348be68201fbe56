use super::single_quotes::as_json;
use crate::context::{Context, Line};
use crate::diagnostic::quoted;
use crate::edit::Applicability;
use crate::json::FaultKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J006",
    name: "unquoted-key",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unquoted_key.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::UnquotedKey) {
        let fix = as_json(line, cx.settings.max_depth);
        let message = format!("the key {} has no quotes", quoted(&cx.text(fault.span)));
        cx.report(fault.span, message).help("put every key in double quotes; in JavaScript `JSON.stringify(row)` does").fix(fix);
    }
}
