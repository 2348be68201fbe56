use crate::context::{Context, Image};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Edit, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I011",
    name: "unregistered-media-type",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unregistered_media_type.md"),
};

/// Names in use that were never registered, and what they mean.
const NAMES: [(&str, &str); 6] = [
    ("image/jpg", "image/jpeg"),
    ("image/jpe", "image/jpeg"),
    ("image/jfif", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/x-png", "image/png"),
    ("image/x-webp", "image/webp"),
];

/// What an unregistered media type means.
pub(super) fn registered(label: &str) -> Option<&'static str> {
    NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(label)).map(|(_, meant)| *meant)
}

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(embedded) = image.embedded else { return };
    let Some(meant) = registered(&embedded.media_type) else { return };
    // Where the bytes are of another format, the label is wrong whichever way it is spelt.
    let format = embedded.verdict.as_ref().map(|verdict| verdict.format.media_type());
    if format.is_none_or(|format| format == meant) {
        let label = cx.span_within(image.part.url, embedded.media_type_start, embedded.media_type.len());
        let fix = Fix::safe(format!("write `{meant}`"), [Edit::replace(label.range(), meant)]);
        let message = format!("there is no media type {}", quoted(&embedded.media_type));
        cx.report_within(image.part.url, embedded.media_type_start, embedded.media_type.len(), message)
            .help(format!("write `{meant}`"))
            .fix(fix);
    }
}
