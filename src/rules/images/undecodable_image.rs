use crate::context::{Context, Image};
use crate::diagnostic::sanitised;
use crate::image::DamageKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I016",
    name: "undecodable-image",
    severity: Severity::Error,
    effect: Effect::SkipsImage,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("undecodable_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some((_, damage)) = image.damage(cx.settings) else { return };
    let (what, help) = match damage.kind {
        DamageKind::NotAnImage => {
            let what = if image.embedded.is_some() { "what is embedded" } else { "what the address gives" };
            (what, "look at the file it was made from; a failed download leaves a web page or an error text behind")
        }
        DamageKind::BadHeader | DamageKind::BadChecksum | DamageKind::BadData => ("the image", "encode it anew from an intact file"),
        _ => return,
    };
    cx.report(image.part.url, format!("{what} {}", sanitised(&damage.detail))).help(help);
}
