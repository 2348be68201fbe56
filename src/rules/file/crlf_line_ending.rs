use crate::context::Context;
use crate::diagnostic::{count, number};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "F014",
    name: "crlf-line-ending",
    severity: Severity::Info,
    effect: Effect::Ignored,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("crlf_line_ending.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let crlf = file.crlf;
    if crlf.count == 0 || file.blank.count == file.lines {
        return;
    }
    let message = match file.lines - crlf.count {
        0 => "the lines end in CR LF, as on Windows".to_owned(),
        _ => format!("{} of {} end in CR LF, as on Windows; this is the first", number(crlf.count), count(file.lines, "line")),
    };
    cx.report(crlf.first, message)
        .help("nothing fails; for plain line feeds: `newline=\"\\n\"` in Python's `open`, or `dos2unix`")
        .fix(Fix::safe("end lines in a line feed", []));
}
