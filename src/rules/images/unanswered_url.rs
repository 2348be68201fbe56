use crate::context::{Context, Image};
use crate::diagnostic::{bytes, sanitised};
use crate::fetch::{MOST_BYTES, Unanswered};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I030",
    name: "unanswered-url",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unanswered_url.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(fetched) = image.fetched else { return };
    let (what, help) = match &fetched.unanswered {
        Some(unanswered) => (unanswered.to_string(), help(unanswered)),
        // Where the target has a limit, `too-large-image` says it.
        None if fetched.bytes > MOST_BYTES && cx.settings.target.images.bytes.is_none() => {
            (format!("it gives more than {}, and was not read", bytes(MOST_BYTES)), "scale the image down")
        }
        None => return,
    };
    let message = format!("the image cannot be had from its address: {}", sanitised(&what));
    cx.report(image.part.url, message).help(help);
}

/// What to do about it.
fn help(unanswered: &Unanswered) -> &'static str {
    match unanswered {
        Unanswered::Status { code: 401 | 403 | 407, .. } => {
            "give an address that anyone can open without signing in, one that has not expired, or embed the image as a data URL"
        }
        Unanswered::Status { code: 429 | 500..=599, .. } | Unanswered::TooSlow(_) | Unanswered::Broken(_) => {
            "try again later; if it stays so, put the image on another host, or embed it as a data URL"
        }
        Unanswered::ForeignHost => "write the name in its ASCII form, which begins with `xn--`",
        Unanswered::Private { .. } => "put the image on a public host, or embed it as a data URL",
        _ => "look whether the address is right, or embed the image as a data URL",
    }
}
