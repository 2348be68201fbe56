use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::diagnostic::sanitised;
use crate::edit::Applicability;
use crate::image::{DamageKind, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I015",
    name: "truncated-image",
    severity: Severity::Error,
    effect: Effect::SkipsImage,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("truncated_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some((verdict, damage)) = image.damage(cx.settings) else { return };
    // Pillow refuses a JPEG without its end marker, and opens a PNG without its last chunk: that one is `damaged-image`.
    let is_cut = match damage.kind {
        DamageKind::Truncated => true,
        DamageKind::MissingEnd => verdict.format == Format::Jpeg,
        _ => false,
    };
    if is_cut {
        // All of its pixels may be there.
        let fix = if damage.kind == DamageKind::MissingEnd { remade(image, cx, |_| {}) } else { None };
        cx.report(image.part.url, format!("the image {}", sanitised(&damage.detail)))
            .help("encode it anew from an intact file; check the download or the copy that this one came from")
            .fix(fix);
    }
}
