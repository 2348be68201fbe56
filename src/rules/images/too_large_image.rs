use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::diagnostic::bytes_beside;
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I014",
    name: "too-large-image",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("too_large_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(limit) = &cx.settings.target.images.bytes else { return };
    let Some(bytes) = image.bytes() else { return };
    let size = match (image.verdict(), image.embedded) {
        (Some(_), _) if image.usable(cx.settings).is_none() => return,
        (None, Some(embedded)) if embedded.base64_fault.is_some() => return,
        // Reckoned from the text, of which two characters may be padding.
        (None, Some(_)) => bytes.saturating_sub(2),
        _ => bytes,
    };
    if size > limit.value {
        let fix = remade(image, cx, |_| {});
        // Of a fetched one, no more is read than shows that it is too large.
        let is_cut = image.embedded.is_none() && size == limit.value + 1;
        let (size, limit) = bytes_beside(size, limit.value);
        let message = match is_cut {
            true => format!("the image has more than {limit}, which is the most that {} takes", cx.target()),
            false => format!("the image has {size}; {} takes at most {limit}", cx.target()),
        };
        cx.report(image.part.url, message).help("scale it down, or save it as JPEG of a lower quality").fix(fix);
    }
}
