use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::edit::Applicability;
use crate::image::Mode;
use crate::image::transcode::Encode;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I026",
    name: "transparent-image",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: true,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("transparent_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    if image.usable(cx.settings).is_some_and(|verdict| verdict.has_alpha && verdict.mode == Some(Mode::Rgba)) {
        let fix = remade(image, cx, |options| {
            options.encode = Encode::Always;
            // As browsers and most viewers show it.
            options.background = Some([255; 3]);
        });
        cx.report(image.part.url, "the image has an alpha channel: what is transparent is laid on a colour of the provider's choice")
            .help("lay it on the colour that is meant, and save it as RGB")
            .fix(fix);
    }
}
