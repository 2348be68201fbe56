use crate::context::{Anchor, Context};
use crate::diagnostic::number;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "C007",
    name: "missing-leading-space",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_leading_space.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let sums = &file.completions;
    if sums.are_enough() && sums.led_by_space < sums.count {
        let message =
            format!("{} of {} completions do not begin with white space", number(sums.count - sums.led_by_space), number(sums.count));
        cx.report(Anchor::File, message).help("begin every completion with one space: words are mostly tokens with the space before them");
    }
}
