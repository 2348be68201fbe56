use crate::context::Context;
use crate::diagnostic::{THIS_LINE, nearest, number, only_near, quoted};
use crate::edit::{Applicability, Edit, Fix};
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
    fix: Some(Applicability::Unsafe),
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
    let fix = mend(example, cx.line(), &is_unknown, allowed);
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
    let says = format!("Invalid file format. Example {THIS_LINE} contains an extra {}.", quoted(&first.key).replace('`', "\""));
    let found = cx.report(first, message).help(help).fix(fix);
    if settings.target.name == "openai" {
        found.provider_says(says);
    }
}

/// What is near a key of the format gets its name, a `system` text becomes a message, and the rest goes.
fn mend(example: &Example<'_>, line: &[u8], is_unknown: &dyn Fn(&&Member<'_>) -> bool, allowed: &[String]) -> Option<Fix> {
    let root = example.root;
    let mut edits = Vec::new();
    let messages = root.get("messages").filter(|list| list.as_array().is_some_and(|items| !items.is_empty()));
    let has_system = example.messages.first().is_some_and(|first| matches!(first.role(), Some("system" | "developer")));
    let system = root.member("system").filter(|member| is_unknown(member) && member.value.as_str().is_some_and(|text| !text.is_empty()));
    if let (Some(member), Some(list), false) = (system, messages, has_system) {
        let text = member.value.source(line);
        edits.push(Edit::insert(list.span.range().start + 1, format!("{{\"role\": \"system\", \"content\": {text}}}, ")));
        edits.extend(root.without(line, |other| std::ptr::eq(other, member)));
        return Some(Fix::risky("write `system` as the first message", edits));
    }
    let near = |member: &Member<'_>| only_near(&member.key, allowed.iter().map(String::as_str)).filter(|key| root.get(key).is_none());
    let is_meant = |member: &Member<'_>| nearest(&member.key, allowed.iter().map(String::as_str)).is_some();
    if let Some((member, key)) = root.as_object()?.iter().filter(is_unknown).find_map(|member| Some((member, near(member)?))) {
        return Some(Fix::risky(format!("rename the key to `{key}`"), [member.renamed(key)]));
    }
    let is_out = |member: &Member<'_>| is_unknown(&member) && member.key != "system" && !is_meant(member);
    edits.extend(root.without(line, is_out));
    (!edits.is_empty()).then(|| Fix::risky("remove the keys that do not belong there", edits))
}
