use super::unknown_part_type::report;
use crate::context::Context;
use crate::edit::{Applicability, Edit};
use crate::format::{Example, Message, Part};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M035",
    name: "anthropic-part",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("anthropic_part.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    let line = cx.line();
    report(
        message,
        cx,
        |part| mend(part, line),
        |part| {
            let help = rewrite(part)?;
            Some((format!("this `{}` part is a block of Anthropic's API", part.kind().unwrap_or_default()), help.to_owned()))
        },
    );
}

/// An image given as base64, as a data URL.
fn mend(part: &Part<'_>, line: &[u8]) -> Option<Vec<Edit>> {
    let source = part.value.get("source")?;
    let is_whole = |value: &Value<'_>, keys: usize| value.as_object().is_some_and(|members| members.len() == keys);
    if part.kind() != Some("image") || source.get("type")?.as_str() != Some("base64") || !is_whole(part.value, 2) || !is_whole(source, 3) {
        return None;
    }
    let (media_type, data) = (source.get("media_type")?.source(line), source.get("data")?.source(line));
    let (media_type, data) = (media_type.strip_prefix('"')?.strip_suffix('"')?, data.strip_prefix('"')?);
    let url = format!("{{\"type\": \"image_url\", \"image_url\": {{\"url\": \"data:{media_type};base64,{data}}}}}");
    Some(vec![part.value.replaced(url)])
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
