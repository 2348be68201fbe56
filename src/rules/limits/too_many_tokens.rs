use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::tokens::ExampleTokens;

pub(crate) static RULE: Rule = Rule {
    code: "L007",
    name: "too-many-tokens",
    severity: Severity::Warning,
    effect: Effect::TruncatesExample,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_tokens.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let (Some(tokens), Some(model)) = (cx.tokens, &settings.model) else { return };
    let Some(limit) = model.context.as_ref().map(|limit| limit.value) else { return };
    let around = settings.target.tokens.per_example;
    let length = longest(example.format, tokens, around);
    // What stands around an example is an estimate: it alone does not decide.
    if length.saturating_sub(around) <= limit {
        return;
    }
    let lost = match tokens.answer {
        Some((before, _)) if before >= limit => format!("the answer begins at token {}: nothing of it is left", number(before + 1)),
        Some((before, answer)) if before + answer > limit => {
            format!("the answer loses {} of its {}", number(before + answer - limit), count(answer, "token"))
        }
        Some(_) => "what follows the answer is cut".to_owned(),
        None => "its end is cut".to_owned(),
    };
    let answer = example.messages.iter().rev().find(|message| message.is_trained());
    let anchor = answer.map_or(Anchor::Line, |message| Anchor::from(message.value));
    let message = format!("this example has {}; the limit of {} is {}: {lost}", count(length, "token"), model.name, number(limit));
    cx.report(anchor, message).help("shorten what stands before the answer, or split the example");
}

/// The longest conversation of an example: a preference is two, each of the prompt and one answer.
fn longest(format: Format, tokens: ExampleTokens, around: u64) -> u64 {
    match tokens.answer {
        Some((before, preferred)) if format == Format::Preference => {
            let other = tokens.billed().saturating_sub(before + preferred + around);
            before + preferred.max(other) + around
        }
        _ => tokens.billed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_is_as_long_as_its_longer_side() {
        let tokens = ExampleTokens { text: 100 + 20 + 30 + 3, answer: Some((100, 20)), ..ExampleTokens::default() };
        assert_eq!(longest(Format::Preference, tokens, 3), 133);
        assert_eq!(longest(Format::Chat, tokens, 3), 153);
    }
}
