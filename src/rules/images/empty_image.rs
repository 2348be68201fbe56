use crate::context::{Context, Image};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I017",
    name: "empty-image",
    severity: Severity::Error,
    effect: Effect::SkipsImage,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("empty_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    if image.embedded.is_some_and(|embedded| embedded.url_fault.is_none() && embedded.bytes == 0) {
        cx.report(image.part.url, "the data URL holds no data").help("encode the image; the file it was made from may be empty");
    } else if image.embedded.is_none() && image.bytes() == Some(0) {
        cx.report(image.part.url, "the address gives an empty file").help("upload the image anew");
    }
}
