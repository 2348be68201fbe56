use crate::context::{Context, Image};
use crate::edit::{Applicability, Edit, Fix};
use crate::image::data_url::Base64Fault;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I009",
    name: "unpadded-base64",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unpadded_base64.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    // A text that was cut has a broken image too, and that says more.
    let is_cut = image.damage(cx.settings).is_some_and(|(_, damage)| damage.kind.is_fatal());
    if !is_cut && image.embedded.and_then(|embedded| embedded.base64_fault) == Some(Base64Fault::MissingPadding) {
        let end = image.part.url.span.range().end.saturating_sub(1);
        let payload = image.embedded.and_then(|embedded| image.part.text.get(embedded.payload_start..)).unwrap_or_default();
        let padding = "=".repeat((4 - payload.len() % 4) % 4);
        let last = image.part.text.len().saturating_sub(1);
        cx.report_within(image.part.url, last, 1, "the base64 text lacks its padding")
            .help("end it with `=` so that its length is a multiple of four")
            .fix(Fix::safe("add the padding", [Edit::insert(end, padding)]));
    }
}
