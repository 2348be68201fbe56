use crate::context::Context;
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "D002",
    name: "conflicting-answers",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("conflicting_answers.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let conflicts = file.conflicts;
    if conflicts.count > 0 {
        let verb = if conflicts.count == 1 { "gives" } else { "give" };
        let message = format!(
            "{} {verb} another answer to a prompt that was there before; the first differs from line {}",
            count(conflicts.count, "example"),
            number(conflicts.other)
        );
        cx.report(conflicts.first, message).help("keep one answer for each prompt, unless the variety is meant");
    }
}
