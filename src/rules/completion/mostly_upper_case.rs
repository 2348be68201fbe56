use crate::context::{Anchor, Context};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "C009",
    name: "mostly-upper-case",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("mostly_upper_case.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let sums = &file.completions;
    let (letters, upper) = sums.letters;
    if sums.are_enough() && upper * 3 > letters {
        let share = 100.0 * upper as f64 / letters.max(1) as f64;
        cx.report(Anchor::File, format!("{share:.0} % of all letters are upper case"))
            .help("write texts in sentence case, unless upper case carries a meaning");
    }
}
