use crate::context::Context;
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "M013",
    name: "surrounding-whitespace",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("surrounding_whitespace.md"),
};

/// Once per file: whole datasets are written this way, among them providers' own samples.
pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let padded = file.padded_answers;
    if padded.count > 0 {
        let of = number(file.examples);
        let verb = if padded.count == 1 { "has an answer that begins or ends" } else { "have answers that begin or end" };
        cx.report(padded.first, format!("{} of {of} {verb} with white space", count(padded.count, "example")))
            .help("strip it, unless the model is to write it");
    }
}
