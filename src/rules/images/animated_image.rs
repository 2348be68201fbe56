use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::diagnostic::count;
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I020",
    name: "animated-image",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("animated_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    if let Some(frames) = image.usable(cx.settings).and_then(|verdict| verdict.animated) {
        let fix = remade(image, cx, |_| {});
        cx.report(image.part.url, format!("the image is an animation of {}", count(u64::from(frames), "frame")))
            .help("save the frame that is meant as a still image")
            .fix(fix);
    }
}
