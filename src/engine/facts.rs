//! What of one example outlives its line.

use std::sync::LazyLock;

use twox_hash::XxHash3_128;

use crate::context::Image;
use crate::format::{Example, Format, Message, Section};
use crate::image::Mode;
use crate::json::{Data, Member, Value};
use crate::summary::{CompletionFacts, Facts, FileSummary, PictureFacts, ROLES};
use crate::tokens::ExampleTokens;

/// Characters of prompts and completions kept for the completion rules.
const KEPT: usize = 40;

/// Keys of a reinforcement line that are no data for graders.
const RESERVED: [&str; 4] = ["messages", "tools", "parallel_tool_calls", "functions"];

/// The facts of `example`. `images` are its images with the hash of their URLs.
pub(super) fn of(example: &Example<'_>, images: &[(Image<'_>, u128)], tokens: ExampleTokens) -> Facts {
    let root = example.root;
    let hashes: Vec<u128> = example.messages.iter().map(|message| hash(message.value)).collect();
    let hashed = || example.messages.iter().zip(&hashes);
    let rest = root.as_object().unwrap_or_default().iter().filter(|member| example.messages.is_empty() || member.key != "messages");
    let rest = rest.fold(0, |sum: u128, member| sum.wrapping_add(hash_of_member(member)));
    let content = hashes.iter().fold(rest, |sum, &own| mix(sum, own));
    let answer = hashed().rev().find(|(message, _)| message.is_trained() && message.is_last && message.section != Section::NonPreferred);
    let conversation = answer.filter(|(message, _)| message.section == Section::Messages).map(|(answer, _)| {
        let prompt = hashed().filter(|(message, _)| !std::ptr::eq(message.value, answer.value)).fold(rest, |sum, (_, &own)| mix(sum, own));
        (prompt, answer.get("content").map_or(0, hash) ^ answer.get("tool_calls").map_or(0, hash).rotate_left(1))
    });
    let mut shots: Vec<u128> = hashed()
        .filter(|(message, _)| message.is_trained() && !message.is_last && message.section == Section::Messages)
        .map(|(message, &own)| mix(message.index.checked_sub(1).and_then(|before| hashes.get(before)).copied().unwrap_or_default(), own))
        .collect();
    shots.sort_unstable();
    shots.dedup();
    Facts {
        content,
        conversation,
        tokens,
        messages: example.messages.len() as u64,
        images: images.iter().map(|(image, hash)| (*hash, image.embedded.map_or(0, |embedded| embedded.bytes))).collect(),
        image_count: images.len() as u64,
        unmeasured: images.iter().filter(|(image, _)| image.size().is_none()).count() as u64,
        pictures: images.iter().filter_map(|(image, _)| picture(image)).collect(),
        roles: roles(example),
        has_system: example.messages.iter().any(is_system),
        shots,
        own_keys: own_keys(example),
        completion: completion(example).map(Box::new),
        weighted: root.get("weight").is_some(),
        padded_answer: example.format != Format::Reinforcement && example.messages.iter().any(is_padded),
        ..Facts::default()
    }
}

/// What an embedded image is, and a fetched one; of one that nobody looked behind there is nothing to say.
fn picture(image: &Image<'_>) -> Option<PictureFacts> {
    let bytes = image.embedded.map(|embedded| embedded.image_bytes).or_else(|| image.bytes())?;
    let verdict = image.verdict();
    Some(PictureFacts {
        size: image.size().unwrap_or_default(),
        format: verdict.map_or("not read", |verdict| verdict.format.name()),
        mode: verdict.and_then(|verdict| verdict.mode).map_or("", Mode::name),
        bytes,
    })
}

fn roles(example: &Example<'_>) -> [u32; ROLES.len()] {
    let mut counts = [0; ROLES.len()];
    for message in &example.messages {
        let place = message.role().and_then(|role| ROLES.iter().position(|known| *known == role)).unwrap_or(ROLES.len() - 1);
        if let Some(count) = counts.get_mut(place) {
            *count += 1;
        }
    }
    counts
}

fn is_system(message: &Message<'_>) -> bool {
    matches!(message.section, Section::Messages | Section::Input) && matches!(message.role(), Some("system" | "developer"))
}

/// Whether this is an answer that is trained on and stands between white space; blank ones have a rule of their own.
fn is_padded(message: &Message<'_>) -> bool {
    let ends = message.texts().next().zip(message.texts().last());
    let padded = ends.is_some_and(|((_, first), (_, last))| first.starts_with(char::is_whitespace) || last.ends_with(char::is_whitespace));
    padded && message.is_trained() && !message.calls() && message.texts().any(|(_, text)| !text.trim().is_empty())
}

fn own_keys(example: &Example<'_>) -> Vec<(String, &'static str)> {
    if example.format != Format::Reinforcement {
        return Vec::new();
    }
    let members = example.root.as_object().unwrap_or_default();
    let own = members.iter().filter(|member| !RESERVED.contains(&member.key.as_ref()));
    let kind = |value: &Value<'_>| if value.as_bool().is_some() { "`true` or `false`" } else { value.kind() };
    own.take(FileSummary::MOST_OWN_KEYS).map(|member| (member.key.chars().take(KEPT).collect(), kind(&member.value))).collect()
}

fn completion(example: &Example<'_>) -> Option<CompletionFacts> {
    let prompt = example.root.get("prompt")?.as_str()?;
    let completion = example.root.get("completion")?.as_str()?;
    let ends = |text: &str| {
        let head = text.char_indices().nth(KEPT).map_or(text.len(), |(at, _)| at);
        let tail = text.char_indices().rev().nth(KEPT - 1).map_or(0, |(at, _)| at);
        (text[..head].to_owned(), text[tail..].to_owned())
    };
    let letters =
        |text: &str| text.chars().fold((0, 0), |(all, upper), c| (all + u64::from(c.is_alphabetic()), upper + u64::from(c.is_uppercase())));
    let (of_prompt, of_completion) = (letters(prompt), letters(completion));
    Some(CompletionFacts {
        prompt: ends(prompt),
        completion: ends(completion),
        hashes: (XxHash3_128::oneshot(prompt.as_bytes()), XxHash3_128::oneshot(completion.as_bytes())),
        letters: (of_prompt.0 + of_completion.0, of_prompt.1 + of_completion.1),
    })
}

/// Hash of a value, whatever its white space, escapes and order of keys.
fn hash(value: &Value<'_>) -> u128 {
    match &value.data {
        Data::Null => 1,
        Data::Bool(false) => 2,
        Data::Bool(true) => 3,
        Data::Number(text) => mix(4, hash_of_text(text)),
        Data::String(text) => mix(5, hash_of_text(text)),
        Data::Array(items) => items.iter().fold(6, |sum, item| mix(sum, hash(item))),
        Data::Object(members) => members.iter().fold(7, |sum: u128, member| sum.wrapping_add(hash_of_member(member))),
    }
}

fn hash_of_member(member: &Member<'_>) -> u128 {
    mix(hash_of_text(&member.key), hash(&member.value))
}

fn hash_of_text(text: &str) -> u128 {
    // Nearly every message is made of these, and to compare them costs a fraction of a hash.
    static FREQUENT: LazyLock<[u128; 5]> =
        LazyLock::new(|| ["role", "content", "user", "assistant", "system"].map(|text| XxHash3_128::oneshot(text.as_bytes())));
    let [role, content, user, assistant, system] = *FREQUENT;
    match text {
        "role" => role,
        "content" => content,
        "user" => user,
        "assistant" => assistant,
        "system" => system,
        _ => XxHash3_128::oneshot(text.as_bytes()),
    }
}

/// Joins two hashes; the order counts.
fn mix(left: u128, right: u128) -> u128 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    (left.wrapping_mul(ODD) ^ right).rotate_left(47).wrapping_mul(ODD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn content(line: &str) -> u128 {
        let root = parse(line.as_bytes(), 128).value.expect("valid");
        of(&Example::new(Format::Chat, &root), &[], ExampleTokens::default()).content
    }

    #[test]
    fn texts_whose_hashes_are_at_hand_are_hashed_as_all_others() {
        for text in ["role", "content", "user", "assistant", "system", "developer", ""] {
            assert_eq!(hash_of_text(text), XxHash3_128::oneshot(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn content_is_what_is_said_not_how_it_is_written() {
        let one = content(r#"{"messages":[{"role":"user","content":"é"},{"role":"assistant","content":"b"}],"tools":[]}"#);
        assert_eq!(
            one,
            content(r#"{"tools": [], "messages": [{"content": "\u00e9", "role": "user"}, {"role": "assistant", "content": "b"}]}"#)
        );
        assert_ne!(one, content(r#"{"messages":[{"role":"assistant","content":"b"},{"role":"user","content":"é"}],"tools":[]}"#));
    }
}
