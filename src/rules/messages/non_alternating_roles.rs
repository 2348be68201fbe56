use super::late_system_message::is_instruction;
use super::unknown_role::{all_known, with_article};
use crate::context::Context;
use crate::diagnostic::number;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M027",
    name: "non-alternating-roles",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: true,
    fix: None,
    since: "0.1.0",
    docs: include_str!("non_alternating_roles.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    // Without a user's message `missing-user` speaks, of a role that the target does not list `unlisted-role`.
    let rules = cx.settings.target.formats.get(&example.format);
    let is_listed = |role: &str| rules.is_some_and(|rules| rules.roles.iter().any(|own| own == role));
    let is_placed = example.messages.iter().all(|message| message.role().is_some_and(is_listed));
    let is_asked = example.messages.iter().any(|message| message.is("user"));
    if example.format != Format::Chat || !is_asked || !is_placed || !all_known(example, cx.settings) {
        return;
    }
    let mut before = None;
    let mut first = None;
    let mut count = 0;
    for message in example.conversation().filter(|message| !is_instruction(message)) {
        let Some(role) = message.role() else { continue };
        let fits = match role {
            "user" => matches!(before, None | Some("assistant")),
            "assistant" => matches!(before, Some("user" | "tool" | "function")),
            // Whether it answers a call is another question.
            _ => true,
        };
        if !fits {
            count += 1;
            first = first.or(Some((message, role, before)));
        }
        before = Some(role);
    }
    let Some((message, role, before)) = first else { return };
    let (what, help) = match before {
        None => (format!("the conversation begins with {} message", with_article(role)), "begin it with the user's"),
        Some(other) if other == role => {
            (format!("{} message follows upon {} message", with_article(role), with_article(other)), "join the two into one")
        }
        Some(other) => (
            format!("{} message follows upon {} message", with_article(role), with_article(other)),
            "put the assistant's message between them",
        ),
    };
    let also = if count > 1 { format!("; {} more out of turn", number(count - 1)) } else { String::new() };
    if let Some(value) = message.get("role") {
        cx.report(value, format!("{what}: user and assistant must take turns{also}")).help(help);
    }
}
