use crate::context::{Context, Image};
use crate::diagnostic::sanitised;
use crate::image::DamageKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I028",
    name: "unsupported-image-coding",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unsupported_image_coding.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    if let Some((_, damage)) = image.damage(cx.settings).filter(|(_, damage)| damage.kind == DamageKind::Unsupported) {
        cx.report(image.part.url, format!("the image {}", sanitised(&damage.detail))).help("save it as an ordinary JPEG or PNG of 8 bits");
    }
}
