use crate::context::{Anchor, Context};
use crate::diagnostic::number;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "C011",
    name: "identical-completions",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("identical_completions.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let sums = &file.completions;
    // Empty ones are told one by one.
    if sums.completions_are_identical() && sums.completion_start.as_deref() != Some("") {
        cx.report(Anchor::File, format!("all {} completions are the same: the model will say nothing else", number(sums.count)))
            .help("check the step that writes them");
    }
}
