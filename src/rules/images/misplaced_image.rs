use crate::context::Context;
use crate::diagnostic::count;
use crate::format::{Example, Message};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I001",
    name: "misplaced-image",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("misplaced_image.md"),
};

/// Roles of the API: of any other, the role is what is wrong.
const ROLES: [&str; 5] = ["system", "developer", "assistant", "tool", "function"];

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let images = &cx.settings.target.images;
    if !images.in_formats.value.contains(&example.format) {
        return;
    }
    let takes_none = |message: &&Message<'_>| {
        message.role().is_some_and(|role| ROLES.contains(&role) && !images.roles.value.iter().any(|allowed| allowed == role))
    };
    let mut misplaced = example.messages.iter().filter(takes_none).flat_map(Message::images);
    let Some(first) = misplaced.next() else { return };
    let more = misplaced.count() as u64;
    let also = if more > 0 { format!(", and {} in such messages", count(more, "more image")) } else { String::new() };
    let role = first.message.role().unwrap_or_default();
    let allowed = images.roles.value.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(" and ");
    let message =
        format!("an image stands in a message of the role `{role}`{also}; {} takes images in {allowed} messages only", cx.target());
    cx.report(first.url, message).help("move the image into a user message before it");
}
