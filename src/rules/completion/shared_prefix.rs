use crate::context::{Anchor, Context};
use crate::diagnostic::quoted;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "C008",
    name: "shared-prefix",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("shared_prefix.md"),
};

/// Characters that may be shared: longer starts than these are worth a word, after OpenAI's own tool.
const OF_PROMPTS: usize = 12;
const OF_COMPLETIONS: usize = 4;

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let sums = &file.completions;
    if !sums.are_enough() {
        return;
    }
    for (what, start, most, is_one) in [
        ("prompts", &sums.prompt_start, OF_PROMPTS, sums.prompts_are_identical()),
        ("completions", &sums.completion_start, OF_COMPLETIONS, sums.completions_are_identical()),
    ] {
        let Some(start) = start.as_deref().filter(|start| !is_one && start.trim().chars().count() > most) else { continue };
        cx.report(Anchor::File, format!("all {what} begin with {}", quoted(start)))
            .help("leave out what is always the same: it costs tokens and teaches nothing");
    }
}
