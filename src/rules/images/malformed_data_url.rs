use super::unsupported_url_scheme::scheme;
use crate::context::{Context, Image};
use crate::image::data_url::DataUrlError;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I007",
    name: "malformed-data-url",
    severity: Severity::Error,
    effect: Effect::SkipsImage,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("malformed_data_url.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let url = image.part.url;
    let Some(embedded) = image.embedded else {
        // White space before the scheme hides it from strict readers.
        if scheme(image.part.text.trim_start()).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data")) {
            cx.report_within(url, 0, 1, "white space stands before `data:`").help("remove it");
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
    cx.report_within(url, fault.at().min(image.part.text.len().saturating_sub(1)), 1, message).help(help);
}
