use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::context::{Context, Image};
use crate::edit::{Applicability, Edit, Fix};
use crate::image::Format;
use crate::image::data_url::decode;
use crate::image::transcode::{Accepted, Options, transcode};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I013",
    name: "unsupported-color-mode",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("unsupported_color_mode.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(mode) = image.usable(cx.settings).and_then(|verdict| verdict.mode) else { return };
    let allowed = &cx.settings.target.images.modes.value;
    if allowed.iter().any(|name| name == mode.name()) {
        return;
    }
    let fix = remade(image, cx, |_| {});
    let message = format!("the image is in mode {}; {} takes {}", mode.name(), cx.target(), allowed.join(" and "));
    cx.report(image.part.url, message)
        .help("convert it to RGB; in Pillow: `image.convert(\"RGB\")`, after laying transparent pixels on a colour")
        .fix(fix);
}

/// The image encoded anew, as the target takes it and `adjust` asks for. That costs as much as decoding and encoding it: the
/// edit is worked out only when it is going to be made.
pub(super) fn remade(image: &Image<'_>, cx: &Context<'_>, adjust: impl FnOnce(&mut Options)) -> Option<Fix> {
    const TITLE: &str = "encode the image anew, as the target takes it";
    let embedded = image.embedded?;
    let is_read = matches!(embedded.verdict.as_ref()?.format, Format::Jpeg | Format::Png | Format::WebP | Format::Gif | Format::Bmp);
    if !is_read || !cx.makes(Applicability::Unsafe) {
        return is_read.then(|| Fix::risky(TITLE, []));
    }
    let mut bytes = Vec::new();
    decode(image.part.text.get(embedded.payload_start..)?, &mut bytes).ok()?;
    let mut options = Options::new(Accepted::of(&cx.settings.target));
    adjust(&mut options);
    let made = transcode(&bytes, &options).ok().filter(|made| !made.changes.is_empty())?;
    Some(Fix::risky(TITLE, [written(image, made.media_type(), &made.bytes)]))
}

/// The edit that puts another image in the place of this one.
pub(super) fn written(image: &Image<'_>, media_type: &str, bytes: &[u8]) -> Edit {
    image.part.url.replaced(format!("\"data:{media_type};base64,{}\"", STANDARD.encode(bytes)))
}
