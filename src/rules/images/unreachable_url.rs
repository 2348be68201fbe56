use crate::context::{Context, Image};
use crate::edit::{Applicability, Fix};
use crate::fetch::address::judge;
use crate::json::quote;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I006",
    name: "unreachable-url",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unreachable_url.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let url = image.part.text.trim();
    let Some(judged) = judge(url, &cx.settings.target.images.schemes.value) else { return };
    let fault = judged.err();
    let trimmed = fault.is_none().then(|| Fix::safe("remove the white space", [image.part.url.replaced(quote(url))]));
    let fault = fault.or((url.len() != image.part.text.len()).then(|| "white space stands around the address".to_owned()));
    if let Some(fault) = fault {
        cx.report(image.part.url, format!("{fault}: {} cannot fetch the image", cx.target()))
            .help("give an address that anyone can open without signing in, or embed the image as a data URL")
            .fix(trimmed);
    }
}
