use crate::context::{Context, Line};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, Span, every};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J013",
    name: "invalid-escape",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_escape.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::InvalidEscape) {
        let at = fault.span.range().start;
        // A control character, or a byte that is not UTF-8, is wrong with and without a backslash.
        if line.bytes.get(at + 1).is_some_and(|&byte| byte < 0x20) || line.is_broken_at(at + 1) {
            continue;
        }
        let (escape, help) = match line.bytes.get(at + 1) {
            Some(b'u') => ("`\\u`".to_owned(), "`\\u` is followed by four hexadecimal digits; a backslash itself is written `\\\\`"),
            Some(b'\'') => ("`\\'`".to_owned(), "an apostrophe needs no backslash"),
            _ => {
                let two: String = cx.text(Span::new(at, (at + 5).min(line.bytes.len()))).chars().take(2).collect();
                (quoted(&two), "a backslash itself is written `\\\\`, as in paths and LaTeX")
            }
        };
        // Any other backslash may be one too many, or one too few.
        let is_apostrophe = line.bytes.get(at + 1) == Some(&b'\'');
        let fix = is_apostrophe.then(|| Fix::safe("write apostrophes without a backslash", every(line.bytes, fault)));
        cx.report(fault.span, format!("{escape} is no escape in JSON")).help(help).fix(fix);
    }
}
