use crate::context::{Anchor, Context};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "C005",
    name: "missing-separator",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_separator.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let sums = &file.completions;
    if sums.are_enough() && !sums.prompts_are_empty() && sums.prompt_end.as_deref() == Some("") {
        cx.report(Anchor::File, "the prompts do not end alike: the model cannot tell where the prompt ends and its own text begins").help(
            "end every prompt with the same text that stands nowhere else in it, such as `\\n\\n###\\n\\n` or ` ->`, at inference too",
        );
    }
}
