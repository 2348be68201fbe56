use super::unknown_role;
use crate::context::Context;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M015",
    name: "missing-assistant",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_assistant.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.format != Format::Chat || example.messages.is_empty() || example.messages.iter().any(|message| message.is("assistant")) {
        return;
    }
    // A message nobody can place may be the assistant's.
    if !unknown_role::all_known(example, cx.settings) {
        return;
    }
    let Some(messages) = example.root.get("messages") else { return };
    cx.report(messages, "no message of this example is the assistant's: there is nothing to learn from it")
        .help("end the example with the answer, in a message with the role `assistant`");
}
