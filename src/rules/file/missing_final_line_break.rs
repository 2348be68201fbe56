use crate::context::{Context, Line};
use crate::edit::{Applicability, Fix};
use crate::json::Span;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "F020",
    name: "missing-final-line-break",
    severity: Severity::Info,
    effect: Effect::Ignored,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_final_line_break.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    // Where the line cannot be read, the file was cut there: that is told.
    if line.ends_file && line.root.is_some() {
        let end = line.bytes.len();
        cx.report(Span::new(end.saturating_sub(1), end), "the last line has no line break behind it")
            .help("end it in a line feed: the first line of a file that is joined to this one would stand behind it")
            .fix(Fix::safe("add a line feed", []));
    }
}
