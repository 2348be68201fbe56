use super::unknown_part_type::report;
use crate::context::Context;
use crate::format::{Example, Message, Part};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M033",
    name: "unsupported-part",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unsupported_part.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    report(
        message,
        cx,
        |_| None,
        |part| {
            let (what, help) = what(part)?;
            Some((format!("{what} cannot be trained on"), help.to_owned()))
        },
    );
}

/// What a part holds that the chat API, or another server like it, takes in requests only; and what to do with it.
pub(super) fn what(part: &Part<'_>) -> Option<(&'static str, &'static str)> {
    match part.kind()? {
        "input_audio" | "audio" | "audio_url" => Some(("audio", "write what is said as a part of the type `text`")),
        "file" => Some(("a file", "write its text as a part of the type `text`, or its pages as images")),
        "video" | "video_url" | "input_video" => Some(("video", "use single frames, as parts of the type `image_url`")),
        _ => None,
    }
}
