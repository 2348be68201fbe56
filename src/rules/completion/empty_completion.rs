use crate::context::Context;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "C004",
    name: "empty-completion",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("empty_completion.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.format != Format::Completion {
        return;
    }
    if let Some(completion) = example.root.get("completion").filter(|completion| completion.as_str() == Some("")) {
        cx.report(completion, "the completion is empty: there is nothing to learn from it")
            .help("remove the example, or write its completion");
    }
}
