use super::unregistered_media_type::registered;
use super::unsupported_color_mode::remade;
use crate::context::{Context, Image};
use crate::diagnostic::quoted;
use crate::edit::Applicability;
use crate::image::DamageKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I012",
    name: "unsupported-image-format",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("unsupported_image_format.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let allowed = &cx.settings.target.images.formats.value;
    let embedded = image.embedded.filter(|embedded| embedded.url_fault.is_none() && embedded.bytes > 0);
    let what = match (image.verdict(), embedded) {
        (Some(verdict), _) => {
            let is_none = verdict.damage.as_ref().is_some_and(|damage| matches!(damage.kind, DamageKind::NotAnImage | DamageKind::Empty));
            let name = verdict.format.name();
            (!is_none && !allowed.iter().any(|allowed| allowed == name)).then(|| format!("the image is {name}"))
        }
        // The bytes were not looked at: the label is all there is.
        (None, Some(embedded)) if embedded.base64_fault.is_none() => {
            let label = registered(&embedded.media_type).unwrap_or(&embedded.media_type);
            let subtype = label.to_ascii_lowercase();
            let is_taken =
                allowed.iter().any(|name| subtype.strip_prefix("image/").is_some_and(|subtype| name.eq_ignore_ascii_case(subtype)));
            (!is_taken).then(|| format!("the image is labelled {}", quoted(&embedded.media_type)))
        }
        (None, _) => None,
    };
    if let Some(what) = what {
        let fix = remade(image, cx, |_| {});
        let message = format!("{what}; {} takes {}", cx.target(), allowed.join(", "));
        cx.report(image.part.url, message).help(format!("convert it to {}", allowed.join(" or "))).fix(fix);
    }
}
