use super::unknown_role;
use crate::context::Context;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M016",
    name: "missing-final-answer",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_final_answer.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let Some(last) = example.messages.last().filter(|last| !last.is("assistant")) else { return };
    // Without any answer `missing-assistant` speaks, and a message nobody can place may be the answer.
    let has_answer = example.messages.iter().any(|message| message.is("assistant"));
    if example.format != Format::Chat || !has_answer || !unknown_role::all_known(example, cx.settings) {
        return;
    }
    let Some((role, name)) = last.get("role").and_then(|role| Some((role, role.as_str()?))) else { return };
    let help = match name {
        "tool" | "function" => "add what the assistant says to this result, or end the example with the call",
        _ => "add the answer, or remove what stands behind the last one",
    };
    cx.report(role, format!("the example ends with {} message; it must end with the assistant's", unknown_role::with_article(name)))
        .help(help);
}
