use crate::context::{Anchor, Context, Line};
use crate::diagnostic::bytes;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "F016",
    name: "too-long-line",
    severity: Severity::Error,
    effect: Effect::DropsExample,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_long_line.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    let Some(length) = line.too_long else { return };
    let cap = cx.settings.max_line_bytes as u64;
    cx.report(Anchor::Line, format!("this line has {}; lines are read up to {}, so it was not checked", bytes(length), bytes(cap)))
        .help("look whether line breaks are missing; an example of this size passes every limit on tokens and images");
}
