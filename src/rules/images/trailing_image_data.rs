use super::unsupported_color_mode::written;
use crate::context::{Context, Image};
use crate::diagnostic::bytes;
use crate::edit::{Applicability, Fix};
use crate::image::Verdict;
use crate::image::data_url::decode;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I027",
    name: "trailing-image-data",
    severity: Severity::Info,
    effect: Effect::Ignored,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("trailing_image_data.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(verdict) = image.usable(cx.settings).filter(|verdict| verdict.trailing_bytes > 0) else { return };
    let fix = match cx.makes(Applicability::Unsafe) {
        true => cut(image, verdict),
        false => Some(Fix::risky(TITLE, [])),
    };
    let message = match verdict.multi_picture {
        true => format!("further pictures ({}) follow the first one in the file", bytes(verdict.trailing_bytes as u64)),
        false => format!("the data go on for {} after the end of the image", bytes(verdict.trailing_bytes as u64)),
    };
    cx.report(image.part.url, message).help("save the image anew: decoders skip what follows, and it may be private").fix(fix);
}

const TITLE: &str = "cut off what follows the image";

fn cut(image: &Image<'_>, verdict: &Verdict) -> Option<Fix> {
    let mut bytes = Vec::new();
    decode(image.part.text.get(image.embedded?.payload_start..)?, &mut bytes).ok()?;
    let own = bytes.get(..bytes.len().checked_sub(verdict.trailing_bytes)?)?;
    Some(Fix::risky(TITLE, [written(image, verdict.format.media_type(), own)]))
}
