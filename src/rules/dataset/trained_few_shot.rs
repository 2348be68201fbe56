use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "D004",
    name: "trained-few-shot",
    severity: Severity::Warning,
    effect: Effect::Costs,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("trained_few_shot.md"),
};

/// Examples below which "most of them" says little.
const EXAMPLES_MIN: u64 = 10;

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let (turns, uses) = file.few_shot_turns();
    if turns > 0 && file.examples >= EXAMPLES_MIN {
        let verbs = if turns == 1 { ("stands", "is") } else { ("stand", "are") };
        let what = count(turns, "assistant message");
        let message = format!("{what} {} in most examples, and {} trained on {} times in all", verbs.0, verbs.1, number(uses));
        cx.report(Anchor::File, message)
            .help("give these messages `\"weight\": 0`, or leave the few-shot turns out: training takes their place");
    }
}
