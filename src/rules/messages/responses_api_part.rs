use super::unknown_part_type::report;
use crate::context::Context;
use crate::edit::{Applicability, Edit};
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
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("responses_api_part.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    let line = cx.line();
    report(
        message,
        cx,
        |part| mend(part, line),
        |part| {
            let help = rewrite(part)?;
            Some((format!("`{}` is a part of the Responses API", part.kind().unwrap_or_default()), help.to_owned()))
        },
    );
}

/// The part as the chat format has it, where that loses nothing.
fn mend(part: &Part<'_>, line: &[u8]) -> Option<Vec<Edit>> {
    let kind = part.value.get("type")?;
    match part.kind()? {
        "input_image" => {
            let url = part.value.get("image_url").filter(|url| url.as_str().is_some())?;
            let detail = part.value.get("detail").map(|detail| format!(", \"detail\": {}", detail.source(line))).unwrap_or_default();
            let mut edits = vec![kind.replaced("\"image_url\"")];
            edits.extend(url.wrapped("{\"url\": ", &format!("{detail}}}")));
            edits.extend(part.value.without(line, |member| member.key == "detail"));
            Some(edits)
        }
        _ => part.value.get("text").filter(|text| text.as_str().is_some()).map(|_| vec![kind.replaced("\"text\"")]),
    }
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
