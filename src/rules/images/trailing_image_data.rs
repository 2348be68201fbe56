use crate::context::{Context, Image};
use crate::diagnostic::bytes;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I027",
    name: "trailing-image-data",
    severity: Severity::Info,
    effect: Effect::Ignored,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("trailing_image_data.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(verdict) = image.usable(cx.settings).filter(|verdict| verdict.trailing_bytes > 0) else { return };
    let message = match verdict.multi_picture {
        true => format!("further pictures ({}) follow the first one in the file", bytes(verdict.trailing_bytes as u64)),
        false => format!("the data go on for {} after the end of the image", bytes(verdict.trailing_bytes as u64)),
    };
    cx.report(image.part.url, message).help("save the image anew: decoders skip what follows, and it may be private");
}
