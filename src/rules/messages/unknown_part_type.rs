use super::{anthropic_part, responses_api_part, unsupported_part};
use crate::context::Context;
use crate::diagnostic::{nearest, number, only_near, quoted};
use crate::edit::{Applicability, Edit, Fix};
use crate::format::{Example, Message, Part};
use crate::json::quote;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M032",
    name: "unknown-part-type",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unknown_part_type.md"),
};

/// The types of the published schemas.
const KNOWN: [&str; 3] = ["text", "image_url", "refusal"];

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    let is_elsewhere = |part: &Part<'_>| {
        unsupported_part::what(part).is_some() || responses_api_part::rewrite(part).is_some() || anthropic_part::rewrite(part).is_some()
    };
    let settings = cx.settings;
    let taken = &settings.target.part_types.value;
    let mend = |part: &Part<'_>| {
        let (value, kind) = (part.value.get("type")?, part.kind()?);
        let near = only_near(kind, KNOWN).or_else(|| kind.contains("image").then_some("image_url"))?;
        part.value.get(near).is_some().then(|| vec![value.replaced(quote(near))])
    };
    report(message, cx, mend, |part| {
        let kind = part.kind().filter(|kind| !taken.iter().any(|taken| taken == kind) && !is_elsewhere(part))?;
        if KNOWN.contains(&kind) {
            return Some((format!("{} takes no `{kind}` parts", settings.target.title), "write its text in a `text` part".to_owned()));
        }
        let help = match (nearest(kind, KNOWN), kind.contains("image")) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, true) => "write it as `{\"type\": \"image_url\", \"image_url\": {\"url\": …}}`".to_owned(),
            (None, false) => "use `text`, or `image_url` in a user message".to_owned(),
        };
        Some((format!("there is no part type {}", quoted(kind)), help))
    });
}

/// Reports the first part of a message that `judge` finds fault with, and counts the others; `mend` says how each is mended
/// without a doubt.
pub(super) fn report<'a>(
    message: &Message<'a>,
    cx: &mut Context<'_>,
    mend: impl Fn(&Part<'a>) -> Option<Vec<Edit>>,
    judge: impl Fn(&Part<'a>) -> Option<(String, String)>,
) {
    let mut found = message.parts().filter_map(|part| Some((part, judge(&part)?)));
    let Some((part, (what, help))) = found.next() else { return };
    let edits: Vec<Edit> = message.parts().filter(|part| judge(part).is_some()).filter_map(|part| mend(&part)).flatten().collect();
    let fix = (!edits.is_empty()).then(|| Fix::safe("write the part as the chat format has it", edits));
    let more = found.count() as u64;
    let also = if more > 0 { format!("; {} more in this message", number(more)) } else { String::new() };
    cx.report(part.value.get("type").unwrap_or(part.value), format!("{what}{also}")).help(help).fix(fix);
}
