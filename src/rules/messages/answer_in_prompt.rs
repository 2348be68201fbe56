use crate::context::Context;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M017",
    name: "answer-in-prompt",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("answer_in_prompt.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let (what, help) = match example.format {
        Format::Reinforcement => ("the prompt", "end it with the user's message, and keep the answer in a key of its own, for the grader"),
        Format::Preference => ("the input", "end it with the user's message, and move the answer to `preferred_output`"),
        _ => return,
    };
    let Some(last) = example.conversation().next_back().filter(|last| last.is_last && last.is("assistant")) else { return };
    if let Some(role) = last.get("role") {
        cx.report(role, format!("{what} ends with an assistant message: the answer is given away")).help(help);
    }
}
