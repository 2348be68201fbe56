use super::unregistered_media_type::registered;
use crate::context::{Context, Image};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Edit, Fix};
use crate::image::Format;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I010",
    name: "media-type-mismatch",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("media_type_mismatch.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(format) = image.usable(cx.settings).map(|verdict| verdict.format) else { return };
    let Some(embedded) = image.embedded else { return served(image, format, cx) };
    let label = registered(&embedded.media_type).unwrap_or(&embedded.media_type);
    if label.eq_ignore_ascii_case(format.media_type()) {
        return;
    }
    let label = cx.span_within(image.part.url, embedded.media_type_start, embedded.media_type.len());
    let fix = Fix::safe(format!("write `{}`", format.media_type()), [Edit::replace(label.range(), format.media_type())]);
    let message = format!("the image is labelled {}, but it is {}", quoted(&embedded.media_type), format.name());
    cx.report_within(image.part.url, embedded.media_type_start, embedded.media_type.len(), message)
        .help(format!("write `{}`", format.media_type()))
        .fix(fix);
}

/// The label that the server of a fetched image gives it. A store that calls everything `application/octet-stream` claims nothing.
fn served(image: &Image<'_>, format: Format, cx: &mut Context<'_>) {
    let Some(label) = image.fetched.and_then(|fetched| fetched.media_type.as_deref()) else { return };
    let meant = registered(label).unwrap_or(label);
    let is_claim = ["image/", "text/"].iter().any(|kind| meant.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind)));
    if is_claim && !meant.eq_ignore_ascii_case(format.media_type()) {
        let message = format!("the server calls the image {}, but it is {}", quoted(label), format.name());
        cx.report(image.part.url, message).help(format!("have it served as `{}`", format.media_type()));
    }
}
