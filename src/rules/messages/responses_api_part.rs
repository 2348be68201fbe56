use super::unknown_part_type::report;
use crate::context::Context;
use crate::format::{Example, Message, Part};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M034",
    name: "responses-api-part",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("responses_api_part.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    report(message, cx, |part| {
        let help = rewrite(part)?;
        Some((format!("`{}` is a part of the Responses API", part.kind().unwrap_or_default()), help.to_owned()))
    });
}

/// How a part of the Responses API is written in a chat.
pub(super) fn rewrite(part: &Part<'_>) -> Option<&'static str> {
    match part.kind()? {
        "input_text" | "output_text" | "summary_text" | "reasoning_text" => {
            Some("write `text` as its type, and keep `type` and `text` only")
        }
        "input_image" => Some("write it as `{\"type\": \"image_url\", \"image_url\": {\"url\": …}}`, with `detail` beside `url`"),
        "input_file" => Some("write its text as a part of the type `text`, or its pages as images"),
        _ => None,
    }
}
