use crate::context::{Anchor, Context};
use crate::diagnostic::number;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "C010",
    name: "identical-prompts",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("identical_prompts.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let sums = &file.completions;
    if sums.prompts_are_identical() && !sums.prompts_are_empty() {
        cx.report(Anchor::File, format!("all {} prompts are the same", number(sums.count)))
            .help("leave the prompts empty if text is to be generated without one; give each example its own otherwise");
    }
}
