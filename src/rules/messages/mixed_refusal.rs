use super::unknown_role::{KNOWN, with_article};
use crate::context::Context;
use crate::format::{Example, Message, Part};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M014",
    name: "mixed-refusal",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("mixed_refusal.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    let is_refusal = |part: &Part<'_>| part.kind() == Some("refusal");
    let mut refusals = message.parts().filter(is_refusal);
    let Some(first) = refusals.next() else { return };
    match message.role() {
        Some("assistant") if message.parts().nth(1).is_some() => {
            let only_refusals = message.parts().all(|part| is_refusal(&part));
            let (part, what) = match refusals.next().filter(|_| only_refusals) {
                Some(second) => (second, "a second refusal part stands in this message"),
                None => (first, "a refusal part stands beside other parts"),
            };
            cx.report(part.value, format!("{what}; it must be the only part")).help("keep either the refusal or the text");
        }
        Some(role) if role != "assistant" && KNOWN.contains(&role) => {
            cx.report(first.value, format!("a refusal part stands in {} message; only the assistant refuses", with_article(role)))
                .help("write it as a part of the type `text`, with the key `text`");
        }
        _ => {}
    }
}
