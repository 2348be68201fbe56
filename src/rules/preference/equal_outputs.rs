use crate::context::Context;
use crate::format::{Content, Example, Format, Message, Section};
use crate::json::{Data, Span, Value, parse};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "P006",
    name: "equal-outputs",
    severity: Severity::Warning,
    effect: Effect::Costs,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("equal_outputs.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.format != Format::Preference {
        return;
    }
    let of = |section| -> Vec<&Message<'_>> { example.section(section).collect() };
    let (preferred, other) = (of(Section::Preferred), of(Section::NonPreferred));
    let says_something = |message: &&Message<'_>| message.content().is_some() || message.calls();
    let depth = cx.settings.max_depth;
    if preferred.len() == other.len()
        && preferred.iter().any(says_something)
        && preferred.iter().zip(&other).all(|(a, b)| same(a, b, depth))
    {
        let Some(value) = example.root.get("non_preferred_output") else { return };
        cx.report(value, "both answers of this preference are the same: there is nothing to learn from it")
            .help("remove the example, or give it the answer that is not preferred");
    }
}

fn same(a: &Message<'_>, b: &Message<'_>, depth: usize) -> bool {
    let null = Value { span: Span::default(), data: Data::Null };
    let rest_is_same = ["role", "refusal", "reasoning", "reasoning_content"]
        .iter()
        .all(|key| a.get(key).unwrap_or(&null).says_the_same(b.get(key).unwrap_or(&null)));
    rest_is_same && same_content(a, b) && same_calls(a, b, depth)
}

/// A string says the same as a list of text parts with that text.
fn same_content(a: &Message<'_>, b: &Message<'_>) -> bool {
    let text = |message: &Message<'_>| match message.content() {
        Some(Content::Text(_, text)) => Some(text.to_owned()),
        Some(Content::Parts(_)) => {
            message.parts().map(|part| part.value.get("text").filter(|_| part.kind() == Some("text"))?.as_str()).collect()
        }
        None => Some(String::new()),
    };
    match (text(a), text(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.get("content").zip(b.get("content")).is_some_and(|(a, b)| a.says_the_same(b)),
    }
}

/// Ids are arbitrary; names and arguments are what is said.
fn same_calls(a: &Message<'_>, b: &Message<'_>, depth: usize) -> bool {
    let same_arguments = |a: Option<&str>, b: Option<&str>| {
        a == b
            || a.zip(b).is_some_and(|(a, b)| {
                parse(a.as_bytes(), depth).value.zip(parse(b.as_bytes(), depth).value).is_some_and(|(a, b)| a.says_the_same(&b))
            })
    };
    let (mut a, mut b) = (a.all_calls(), b.all_calls());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) => {
                let text = |arguments: Option<&Value<'_>>| arguments.and_then(Value::as_str).map(str::to_owned);
                if a.name() != b.name() || !same_arguments(text(a.arguments()).as_deref(), text(b.arguments()).as_deref()) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}
