use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I021",
    name: "rotated-image",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("rotated_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(orientation) = image.usable(cx.settings).map(|verdict| verdict.orientation) else { return };
    let turned = match orientation {
        2 => "mirrored",
        3 => "upside down",
        4 => "upside down and mirrored",
        5 | 7 => "on its side and mirrored",
        6 | 8 => "on its side",
        _ => return,
    };
    let fix = remade(image, cx, |_| {});
    let message = format!("without its EXIF orientation ({orientation}) the image is {turned}");
    cx.report(image.part.url, message).help("turn the pixels themselves; in Pillow: `ImageOps.exif_transpose(image)`").fix(fix);
}
