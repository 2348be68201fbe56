use crate::context::{Context, Image};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I013",
    name: "unsupported-color-mode",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unsupported_color_mode.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(mode) = image.usable(cx.settings).and_then(|verdict| verdict.mode) else { return };
    let allowed = &cx.settings.target.images.modes.value;
    if allowed.iter().any(|name| name == mode.name()) {
        return;
    }
    let message = format!("the image is in mode {}; {} takes {}", mode.name(), cx.target(), allowed.join(" and "));
    cx.report(image.part.url, message)
        .help("convert it to RGB; in Pillow: `image.convert(\"RGB\")`, after laying transparent pixels on a colour");
}
