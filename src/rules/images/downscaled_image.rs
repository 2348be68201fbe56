use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::diagnostic::{bytes, number};
use crate::edit::Applicability;
use crate::image::Caps;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::tokens::image::{resized, tokens};

pub(crate) static RULE: Rule = Rule {
    code: "I023",
    name: "downscaled-image",
    severity: Severity::Info,
    effect: Effect::Costs,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("downscaled_image.md"),
};

/// Bytes below which it is not worth saying.
const SAVED_MIN: u64 = 64 << 10;

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(formula) = cx.settings.model.as_ref().and_then(|model| model.image_tokens.as_ref()) else { return };
    let (Some(verdict), Some(size)) = (image.usable(cx.settings), image.bytes()) else { return };
    let detail = image.detail();
    // Where a limit is broken, that is what is said.
    let is_over = cx.settings.target.images.bytes.as_ref().is_some_and(|limit| size > limit.value);
    if detail == "low" || is_over || verdict.pixels() > Caps::default().pixels_warn || image.size().is_none() {
        return;
    }
    let (width, height) = resized(formula, verdict.width, verdict.height);
    let pixels = u64::from(width) * u64::from(height);
    let cost = tokens(formula, verdict.width, verdict.height, detail);
    // Encoded bytes follow the area, roughly.
    let saved = (size as f64 * (1.0 - pixels as f64 / verdict.pixels().max(1) as f64)) as u64;
    if verdict.pixels() * 4 < pixels * 5 || saved < SAVED_MIN || tokens(formula, width, height, detail) != cost {
        return;
    }
    let dimensions = |width: u32, height: u32| format!("{} x {}", number(u64::from(width)), number(u64::from(height)));
    let (from, to) = (dimensions(verdict.width, verdict.height), dimensions(width, height));
    let message = format!("the image has {from} pixels and is scaled down to {to} before the model looks at it");
    let fix = remade(image, cx, |options| options.max_side = Some(width.max(height)));
    cx.report(image.part.url, message).fix(fix).help(format!(
        "scale it to {to}: the same {} tokens, about {} less to upload",
        number(cost),
        bytes(saved)
    ));
}
