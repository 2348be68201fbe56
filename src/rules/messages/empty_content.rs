use crate::context::Context;
use crate::format::{Content, Example, Format, Message};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M012",
    name: "empty-content",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("empty_content.md"),
};

pub(crate) fn check(message: &Message<'_>, example: &Example<'_>, cx: &mut Context<'_>) {
    let refuses = || message.get("refusal").is_some_and(|refusal| !refusal.is_null());
    if example.format == Format::Reinforcement || !message.is_trained() || message.calls() || !is_blank(message) || refuses() {
        return;
    }
    let Some(content) = message.get("content") else { return };
    let is_empty = message.texts().all(|(_, text)| text.is_empty());
    let what = if is_empty { "this answer is empty" } else { "this answer is nothing but white space" };
    cx.report(content, format!("{what}: the model learns to say nothing"))
        .help("write the answer, give the message `weight` 0, or remove the example");
}

/// Whether the content is text, and all of it white space.
pub(super) fn is_blank(message: &Message<'_>) -> bool {
    let is_blank_part = |part: &Value<'_>| {
        part.get("type").and_then(Value::as_str) == Some("text")
            && part.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty())
    };
    match message.content() {
        Some(Content::Text(_, text)) => text.trim().is_empty(),
        Some(Content::Parts(parts)) => !parts.is_empty() && parts.iter().all(is_blank_part),
        None => false,
    }
}
