use super::invalid_weight;
use super::unknown_role::{KNOWN, with_article};
use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::format::{Example, Message, Section};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M023",
    name: "weight-outside-assistant",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("weight_outside_assistant.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    let Some(role) = message.role().filter(|role| *role != "assistant" && KNOWN.contains(role)) else { return };
    let Some(member) = message.value.member("weight").filter(|_| matches!(message.section, Section::Messages | Section::Input)) else {
        return;
    };
    if invalid_weight::is_valid(&member.value) {
        let edits = message.value.without(cx.line(), |member| member.key == "weight");
        cx.report(member, format!("`weight` stands in {} message; only the assistant's messages have one", with_article(role)))
            .help("remove the key")
            .fix(Fix::safe("remove the key", edits));
    }
}
