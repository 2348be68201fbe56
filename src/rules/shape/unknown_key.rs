use crate::context::Context;
use crate::diagnostic::{nearest, number, quoted};
use crate::format::{Example, Format};
use crate::json::Member;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "S010",
    name: "unknown-key",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unknown_key.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let Some(allowed) = settings.target.formats.get(&example.format).and_then(|rules| rules.keys.as_ref()) else { return };
    // What a format cannot be without has a rule of its own, which knows its misspellings too; so has `weight`.
    let needed = match example.format {
        Format::Chat | Format::Reinforcement => Some("messages"),
        Format::Text => Some("text"),
        Format::Preference | Format::Completion => None,
    };
    let missing = needed.filter(|key| example.root.get(key).is_none());
    let is_unknown = |member: &&Member<'_>| {
        !allowed.iter().any(|key| *key == member.key) && member.key != "weight" && nearest(&member.key, missing).is_none()
    };
    let mut unknown = example.root.as_object().unwrap_or_default().iter().filter(is_unknown);
    let Some(first) = unknown.next() else { return };
    let more = unknown.count() as u64;
    let also = match more {
        0 => String::new(),
        1 => ", nor does one more".to_owned(),
        more => format!(", nor do {} more", number(more)),
    };
    let help = match nearest(&first.key, allowed.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if first.key == "system" && missing.is_none() => "write it as the first message, with the role `system`".to_owned(),
        None => "remove the key; keep ids and notes in a file of their own".to_owned(),
    };
    let message = format!("the key {} does not belong at the top of a {} example{also}", quoted(&first.key), example.format.name());
    let line = cx.line_number().unwrap_or_default();
    let says = format!("Invalid file format. Example {line} contains an extra {}.", quoted(&first.key).replace('`', "\""));
    let found = cx.report(first, message).help(help);
    if settings.target.name == "openai" {
        found.provider_says(says);
    }
}
