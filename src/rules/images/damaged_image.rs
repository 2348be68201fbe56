use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::diagnostic::sanitised;
use crate::edit::Applicability;
use crate::image::data_url::Base64Fault;
use crate::image::{DamageKind, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I018",
    name: "damaged-image",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("damaged_image.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let fault = image.embedded.and_then(|embedded| embedded.base64_fault);
    let message = match image.damage(cx.settings) {
        Some((verdict, damage)) => match damage.kind {
            DamageKind::Suspicious => format!("the image {}; most decoders open it all the same", sanitised(&damage.detail)),
            // All of the picture is there, and Pillow opens it; it refuses such a JPEG, which counts as cut.
            DamageKind::MissingEnd if verdict.format != Format::Jpeg => {
                format!("the image {}; some decoders open it all the same", sanitised(&damage.detail))
            }
            _ => return,
        },
        None => match fault {
            Some(Base64Fault::TrailingBits { .. }) => "the last character of the base64 text has bits that belong to no byte".to_owned(),
            _ => return,
        },
    };
    let lacks_end = image.damage(cx.settings).is_some_and(|(_, damage)| damage.kind == DamageKind::MissingEnd);
    let fix = if lacks_end { remade(image, cx, |_| {}) } else { None };
    cx.report(image.part.url, message).help("look at the image, then encode it anew from an intact file").fix(fix);
}
