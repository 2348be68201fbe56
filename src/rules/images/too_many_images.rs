use crate::context::Context;
use crate::diagnostic::{count, number};
use crate::format::{Example, Message};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I003",
    name: "too-many-images",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_images.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let rules = &cx.settings.target.images;
    let Some(limit) = &rules.per_example else { return };
    let images = || example.messages.iter().flat_map(Message::images);
    let over = usize::try_from(limit.value).ok().and_then(|limit| images().nth(limit));
    if let Some(over) = over.filter(|_| rules.in_formats.value.contains(&example.format)) {
        let all = count(images().count() as u64, "image");
        let message = format!("this example has {all}; {} takes at most {}", cx.target(), number(limit.value));
        cx.report(over.url, message).help("split the example, or leave images out; those of few-shot turns count too");
    }
}
