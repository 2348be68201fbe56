use crate::context::{Context, Image};
use crate::diagnostic::number;
use crate::image::{Caps, DamageKind};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I019",
    name: "too-many-pixels",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_pixels.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let too_large = image.damage(cx.settings).filter(|(_, damage)| damage.kind == DamageKind::TooLarge).map(|(verdict, _)| verdict);
    let Some(verdict) = too_large.or_else(|| image.usable(cx.settings)) else { return };
    let caps = Caps::default();
    if verdict.pixels() > caps.pixels_warn {
        let size = format!("{} x {}", number(u64::from(verdict.width)), number(u64::from(verdict.height)));
        let what = if verdict.pixels() > caps.pixels_max { "refuse" } else { "warn of" };
        let message = format!(
            "the image has {size} pixels, {} in all; decoders {what} more than {}",
            number(verdict.pixels()),
            number(if verdict.pixels() > caps.pixels_max { caps.pixels_max } else { caps.pixels_warn })
        );
        cx.report(image.part.url, message).help("scale it down: no model looks at more than a few million pixels");
    }
}
