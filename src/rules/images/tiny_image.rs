use crate::context::{Context, Image};
use crate::diagnostic::number;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I022",
    name: "tiny-image",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("tiny_image.md"),
};

/// The shortest side, in pixels, that still shows anything: the pixels of a tracker, a spacer or a broken thumbnail have less.
const SIDE_MIN: u32 = 8;

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(verdict) = image.usable(cx.settings) else { return };
    let (width, height) = (verdict.width, verdict.height);
    if width > 0 && height > 0 && width.min(height) < SIDE_MIN {
        let message = format!(
            "the image has {} x {} pixels: nothing can be seen on less than {SIDE_MIN} a side",
            number(u64::from(width)),
            number(u64::from(height))
        );
        cx.report(image.part.url, message).help("check that this is the image that was meant, not a placeholder");
    }
}
