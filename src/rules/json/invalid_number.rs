use crate::context::{Context, Line};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Edit, Fix};
use crate::json::{FaultKind, parse};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J010",
    name: "invalid-number",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_number.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::InvalidNumber) {
        let text = cx.text(fault.span);
        let digits = text.trim_start_matches('-');
        let help = if digits.starts_with("0x") || digits.starts_with("0X") {
            "write it in decimal digits"
        } else if matches!(digits.as_bytes(), [b'0', b'0'..=b'9', ..]) {
            "remove the zeros before it; an id or a postcode is text and stands in double quotes"
        } else if digits.starts_with('+') {
            "remove the plus sign"
        } else if digits.contains('_') {
            "remove the underscores between the digits"
        } else {
            "a number has digits before and behind its point, and in its exponent, as in `0.5` and `1e3`"
        };
        let message = format!("{} is no number in JSON", quoted(&text));
        let fix = plain(&text).map(|number| Fix::safe(format!("write `{number}`"), [Edit::replace(fault.span.range(), number)]));
        cx.report(fault.span, message).help(help).fix(fix);
    }
}

/// The same number as JSON writes it; `None` where it may be an id, or is none at all.
fn plain(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let grouped = digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = if grouped { digits.replace('_', "") } else { digits.to_owned() };
    let digits = if digits.starts_with('.') { format!("0{digits}") } else { digits };
    let digits = if digits.ends_with('.') { format!("{digits}0") } else { digits };
    let number = format!("{sign}{digits}");
    let parsed = parse(number.as_bytes(), 1);
    (parsed.faults.is_empty() && parsed.value?.as_number().is_some()).then_some(number)
}
