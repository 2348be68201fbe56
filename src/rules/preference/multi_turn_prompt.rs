use crate::context::Context;
use crate::diagnostic::number;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "P007",
    name: "multi-turn-prompt",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: true,
    fix: None,
    since: "0.1.0",
    docs: include_str!("multi_turn_prompt.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.format != Format::Preference {
        return;
    }
    // A prompt without a user, and one that ends with an answer, have rules of their own.
    let turns = example.conversation().filter(|message| !matches!(message.role(), Some("system" | "developer"))).count() as u64;
    let Some(messages) = example.request().get("messages").filter(|_| turns > 1) else { return };
    cx.report(messages, format!("the prompt has {} messages beside the system's; {} takes one, the user's", number(turns), cx.target()))
        .help("write the conversation so far into the user message, or into the system message");
}
