use crate::context::Context;
use crate::diagnostic::count;
use crate::format::Example;
use crate::json::Span;
use crate::rule::{Effect, Evidence, Rule, Severity};
use memchr::memmem;

pub(crate) static RULE: Rule = Rule {
    code: "M030",
    name: "replacement-character",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("replacement_character.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if !example.marks.may_hold_rare() {
        return;
    }
    let line = cx.line();
    let mut total = 0;
    let mut first = None;
    // Lone surrogates are read as U+FFFD too, so the line itself decides.
    for (value, _) in example.texts().filter(|(_, text)| text.contains('\u{fffd}')) {
        for (at, length) in places(line.get(value.span.range()).unwrap_or_default()) {
            total += 1;
            let start = value.span.start as usize + at;
            first = first.or(Some(Span::new(start, start + length)));
        }
    }
    if let Some(span) = first {
        let also = if total > 1 { format!("; this example has {}", count(total, "such place")) } else { String::new() };
        cx.report(span, format!("U+FFFD stands where a character was lost{also}"))
            .help("go back to the source, and read it in its own encoding");
    }
}

/// Where U+FFFD stands in the source of a string, as such or as an escape.
fn places(raw: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let plain = memmem::find_iter(raw, b"\xef\xbf\xbd").map(|at| (at, 3));
    let escaped = memmem::find_iter(raw, b"\\u").map(|at| (at, 6)).filter(move |&(at, length)| {
        let digits = raw.get(at + 2..at + length).unwrap_or_default();
        let slashes = raw.get(..at).unwrap_or_default().iter().rev().take_while(|byte| **byte == b'\\').count();
        digits.eq_ignore_ascii_case(b"fffd") && slashes.is_multiple_of(2)
    });
    plain.chain(escaped)
}
