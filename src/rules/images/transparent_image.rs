use crate::context::{Context, Image};
use crate::image::Mode;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I026",
    name: "transparent-image",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: true,
    fix: None,
    since: "0.1.0",
    docs: include_str!("transparent_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    if image.usable(cx.settings).is_some_and(|verdict| verdict.has_alpha && verdict.mode == Some(Mode::Rgba)) {
        cx.report(image.part.url, "the image has an alpha channel: what is transparent is laid on a colour of the provider's choice")
            .help("lay it on the colour that is meant, and save it as RGB");
    }
}
