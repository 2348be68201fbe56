use crate::context::{Context, Image};
use crate::edit::{Applicability, Edit, Fix};
use crate::fetch::address::scheme;
use crate::image::Format;
use crate::image::data_url::{DataUrlError, decode};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I007",
    name: "malformed-data-url",
    severity: Severity::Error,
    effect: Effect::SkipsImage,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("malformed_data_url.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let url = image.part.url;
    let Some(embedded) = image.embedded else {
        // White space before the scheme hides it from strict readers.
        if scheme(image.part.text.trim_start()).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data")) {
            let space = image.part.text.len() - image.part.text.trim_start().len();
            let edit = Edit::delete(cx.span_within(url, 0, space).range());
            cx.report_within(url, 0, 1, "white space stands before `data:`")
                .help("remove it")
                .fix(Fix::safe("remove the white space", [edit]));
        }
        return;
    };
    let Some(fault) = embedded.url_fault else { return };
    let (message, help) = match fault {
        DataUrlError::NoComma { .. } => {
            ("the data URL has no comma, and so no data", "write `data:image/png;base64,` and the base64 text behind it")
        }
        DataUrlError::EmptyMediaType { .. } => {
            ("the data URL names no media type", "write `image/png`, `image/jpeg` or `image/webp` after `data:`")
        }
        DataUrlError::BadMediaType { .. } => {
            ("the media type of the data URL is malformed", "write `image/png`, `image/jpeg` or `image/webp` after `data:`")
        }
        DataUrlError::NotBase64 { .. } => {
            ("the data URL does not say `;base64` before its comma", "encode the image as base64 and write `;base64` before the comma")
        }
    };
    let fix = head(image.part.text).map(|(length, media_type)| {
        let edit = Edit::replace(cx.span_within(url, 0, length).range(), format!("data:{media_type};base64,"));
        Fix::safe(format!("write `data:{media_type};base64,` before the data"), [edit])
    });
    cx.report_within(url, fault.at().min(image.part.text.len().saturating_sub(1)), 1, message).help(help).fix(fix);
}

/// Bytes of the head of a data URL, and the media type that the image behind it has; `None` when there is no image.
fn head(url: &str) -> Option<(usize, &'static str)> {
    let comma = url.find(',')?;
    let mut bytes = Vec::new();
    decode(url.get(comma + 1..)?, &mut bytes).ok()?;
    let format = Format::sniff(&bytes);
    matches!(format, Format::Jpeg | Format::Png | Format::WebP | Format::Gif).then(|| (comma + 1, format.media_type()))
}
