use super::unknown_part_type::report;
use crate::context::Context;
use crate::format::{Example, Message, Part};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M035",
    name: "anthropic-part",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("anthropic_part.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    report(message, cx, |part| {
        let help = rewrite(part)?;
        Some((format!("this `{}` part is a block of Anthropic's API", part.kind().unwrap_or_default()), help.to_owned()))
    });
}

/// How a block of Anthropic's Messages API is written in a chat.
pub(super) fn rewrite(part: &Part<'_>) -> Option<&'static str> {
    match part.kind()? {
        "image" if part.value.get("source").is_some() => {
            Some("write it as `{\"type\": \"image_url\", \"image_url\": {\"url\": \"data:<media_type>;base64,<data>\"}}`")
        }
        "tool_use" => Some("write it under `tool_calls`, beside `content`: `id`, `name`, and `input` as a string of JSON in `arguments`"),
        "tool_result" => Some("write it as a message of its own: `role` `tool`, `tool_call_id`, and the result as `content`"),
        "thinking" | "redacted_thinking" => Some("remove it: there is no part for what the model thinks"),
        "document" => Some("write its text as a part of the type `text`, or its pages as images"),
        _ => None,
    }
}
