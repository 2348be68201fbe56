use super::{missing_assistant_content, missing_content, missing_role, unknown_role};
use crate::context::Context;
use crate::diagnostic::{nearest, number, only_near, quoted};
use crate::edit::{Applicability, Edit, Fix};
use crate::format::{Example, Message, Part};
use crate::json::{Member, Value};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M006",
    name: "unknown-message-key",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("unknown_message_key.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    // Every target knows these keys, as a test holds.
    if message.is_plain() {
        return;
    }
    let settings = cx.settings;
    let known = &settings.target.message_keys.value;
    let blamed = blamed_elsewhere(message);
    let is_unknown = |member: &&Member<'_>| {
        let elsewhere = blamed.iter().flatten().any(|other| std::ptr::eq(*other, *member));
        // OpenAI's client writes `audio` into every answer, and the schema has it as nullable.
        let fits = known.iter().any(|key| *key == member.key) && belongs(&member.key, message.role());
        !elsewhere && !fits && !(member.value.is_null() && (member.key == "audio" || known.iter().any(|key| *key == member.key)))
    };
    let mut own = message.value.as_object().unwrap_or_default().iter().filter(is_unknown);
    let mut in_parts = message.parts().flat_map(|part| strays(part).map(move |member| (part, member)));
    let (anchor, what, help) = if let Some(member) = own.next() {
        let key = quoted(&member.key);
        match nearest(&member.key, known.iter().map(String::as_str)) {
            Some(near) if near == member.key => {
                let role = message.role().unwrap_or_default();
                let owner = if near == "tool_call_id" { "tool" } else { "assistant" };
                (
                    member,
                    format!("{key} does not belong in {} message", unknown_role::with_article(role)),
                    format!("remove it: only {owner} messages have it"),
                )
            }
            Some(near) => (member, format!("the key {key} does not belong in a message"), format!("did you mean `{near}`?")),
            None => (member, format!("the key {key} does not belong in a message"), "remove the key".to_owned()),
        }
    } else if let Some((part, member)) = in_parts.next() {
        let (key, kind) = (quoted(&member.key), part.kind().unwrap_or_default());
        let help = match (member.key.as_ref(), nearest(&member.key, keys(kind))) {
            ("detail", _) => "move `detail` into `image_url`".to_owned(),
            (_, Some(near)) => format!("did you mean `{near}`?"),
            _ => "remove the key".to_owned(),
        };
        (member, format!("the key {key} does not belong in a part of the type `{kind}`"), help)
    } else {
        return;
    };
    let more = (own.count() + in_parts.count()) as u64;
    let fix = mend(message, cx.line(), known, &is_unknown);
    let also = match more {
        0 => String::new(),
        1 => ", nor does one more".to_owned(),
        more => format!(", nor do {} more", number(more)),
    };
    cx.report(anchor, format!("{what}{also}")).help(help).fix(fix);
}

/// A misspelt key gets its name, `detail` goes to where it belongs, and what no message has is taken out. What stands in
/// the wrong message, such as calls of tools, may have been meant otherwise: it stays.
fn mend(message: &Message<'_>, line: &[u8], known: &[String], is_unknown: &dyn Fn(&&Member<'_>) -> bool) -> Option<Fix> {
    let value = message.value;
    let names = || known.iter().map(String::as_str);
    let misspelt = value.as_object()?.iter().filter(is_unknown).find_map(|member| {
        let key = only_near(&member.key, names()).filter(|key| *key != member.key && value.get(key).is_none())?;
        Some((member, key))
    });
    if let Some((member, key)) = misspelt {
        return Some(Fix::risky(format!("rename the key to `{key}`"), [member.renamed(key)]));
    }
    let mut edits: Vec<Edit> = value.without(line, |member| is_unknown(&member) && nearest(&member.key, names()).is_none());
    for part in message.parts() {
        let stray: Vec<&Member<'_>> = strays(part).collect();
        let is_stray = |member: &Member<'_>| stray.iter().any(|other| std::ptr::eq(*other, member));
        let image = part.value.get("image_url").filter(|image| image.as_object().is_some_and(|members| !members.is_empty()));
        if let (Some(image), Some(detail)) = (image, part.value.member("detail").filter(|member| is_stray(member)))
            && image.get("detail").is_none()
        {
            edits.push(image.with_first(&format!("\"detail\": {}", detail.value.source(line))));
        }
        edits.extend(part.value.without(line, is_stray));
        edits.extend(image.into_iter().flat_map(|image| image.without(line, is_stray)));
    }
    (!edits.is_empty()).then(|| Fix::risky("remove the keys that do not belong there", edits))
}

/// Keys that another rule says are misspelt.
fn blamed_elsewhere<'a>(message: &Message<'a>) -> [Option<&'a Member<'a>>; 2] {
    let value = message.value;
    let role = value.get("role").is_none().then(|| missing_role::meant_as_role(value)).flatten();
    let wants_content = match message.role() {
        Some("assistant") => missing_assistant_content::says_nothing(message),
        Some(role) => value.get("content").is_none() && unknown_role::KNOWN.contains(&role),
        None => false,
    };
    [role, wants_content.then(|| missing_content::meant_as_content(value)).flatten()]
}

/// Whether a message of this role may have the key; a weight in the wrong place has a rule of its own.
fn belongs(key: &str, role: Option<&str>) -> bool {
    let Some(role) = role.filter(|role| unknown_role::KNOWN.contains(role)) else { return true };
    match key {
        "tool_calls" | "function_call" | "refusal" | "reasoning" | "reasoning_content" => role == "assistant",
        "tool_call_id" => role == "tool",
        _ => true,
    }
}

fn keys(kind: &str) -> [&'static str; 2] {
    match kind {
        "text" => ["type", "text"],
        "refusal" => ["type", "refusal"],
        _ => ["type", "image_url"],
    }
}

/// The keys of a part, and of its `image_url`, that its type does not have. A part that lacks what it must have is left
/// to the rule that says so, a part of another type too.
fn strays<'a>(part: Part<'a>) -> impl Iterator<Item = &'a Member<'a>> {
    let kind = part.kind().unwrap_or_default();
    let image = part.value.get("image_url").filter(|image| kind == "image_url" && image.get("url").and_then(Value::as_str).is_some());
    let is_sound = image.is_some() || (matches!(kind, "text" | "refusal") && part.value.get(kind).and_then(Value::as_str).is_some());
    let own = if is_sound { part.value.as_object() } else { None };
    // Tables of parts have a column for each key, and write null where a part has no value for it.
    let is_column = |member: &Member<'_>| member.value.is_null() && matches!(member.key.as_ref(), "text" | "image_url" | "refusal");
    let own = own.unwrap_or_default().iter().filter(move |member| !keys(kind).contains(&member.key.as_ref()) && !is_column(member));
    let inner = image.and_then(Value::as_object).unwrap_or_default().iter();
    own.chain(inner.filter(|member| !matches!(member.key.as_ref(), "url" | "detail")))
}

#[cfg(test)]
mod tests {
    use crate::target::{BUILTIN, Target};

    #[test]
    fn every_target_knows_a_plain_message() {
        for (name, _) in BUILTIN {
            let target = Target::builtin(name).expect("built in");
            assert!(["role", "content"].iter().all(|key| target.message_keys.value.iter().any(|known| known == key)), "{name}");
        }
    }
}
