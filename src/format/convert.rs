//! Lines of other tools' formats as examples of ours. Texts are moved as they are written, keys that are not understood stay
//! where they are, and a line that is not all of what its format promises is left alone.

use super::{ForeignFormat, Format};
use crate::edit::{Applicability, Edit, Fix};
use crate::json::{Member, Value, quote};

/// What a format can be written as, and how far that can be trusted.
pub fn becomes(foreign: &ForeignFormat) -> Option<(Format, Applicability)> {
    match foreign.name {
        "preferred-completion" => Some((Format::Preference, Applicability::Safe)),
        "chosen-rejected" => Some((Format::Preference, Applicability::Unsafe)),
        "sharegpt" | "alpaca" | "query-response" | "question-answer" | "input-output" => Some((Format::Chat, Applicability::Unsafe)),
        _ => None,
    }
}

/// The fix that writes a line of `foreign` as what it becomes.
pub fn convert(foreign: &ForeignFormat, root: &Value<'_>, line: &[u8]) -> Option<Fix> {
    let pair = |question: &str, answer: &str| from_pair(root, line, question, answer);
    let edits = match foreign.name {
        "preferred-completion" => from_old_preference(root)?,
        "chosen-rejected" => from_choice(root, line)?,
        "sharegpt" => from_sharegpt(root, line)?,
        "alpaca" => from_alpaca(root, line)?,
        "query-response" => pair("query", "response")?,
        "question-answer" => pair("question", "answer")?,
        "input-output" => pair("input", "output")?,
        _ => return None,
    };
    let (format, applicability) = becomes(foreign)?;
    Some(Fix { title: format!("write it as a {} example", format.name()).into(), applicability, edits })
}

fn from_old_preference(root: &Value<'_>) -> Option<Vec<Edit>> {
    let names = [("preferred_completion", "preferred_output"), ("non_preferred_completion", "non_preferred_output")];
    if names.iter().any(|(old, new)| root.get(old).is_some() && root.get(new).is_some()) {
        return None;
    }
    Some(names.iter().filter_map(|(old, new)| Some(root.member(old)?.renamed(new))).collect())
}

fn from_choice(root: &Value<'_>, line: &[u8]) -> Option<Vec<Edit>> {
    let prompt = root.member("prompt")?;
    let mut edits = vec![prompt.renamed("input")];
    edits.extend(match prompt.value.as_str() {
        Some(_) => prompt.value.wrapped("{\"messages\": [{\"role\": \"user\", \"content\": ", "}]}"),
        None => {
            prompt.value.as_array().filter(|items| are_messages(items))?.first().map(|_| prompt.value.wrapped("{\"messages\": ", "}"))?
        }
    });
    for (old, new) in [("chosen", "preferred_output"), ("rejected", "non_preferred_output")] {
        let member = root.member(old)?;
        edits.push(member.renamed(new));
        match member.value.as_array() {
            None => {
                member.value.as_str()?;
                edits.extend(member.value.wrapped("[{\"role\": \"assistant\", \"content\": ", "}]"));
            }
            // The answer alone, or the prompt once more before it.
            Some([_]) => {}
            Some([.., answer]) if answer.get("role")?.as_str() == Some("assistant") => {
                edits.push(member.value.replaced(format!("[{}]", answer.source(line))));
            }
            Some(_) => return None,
        }
    }
    Some(edits)
}

fn are_messages(items: &[Value<'_>]) -> bool {
    items.iter().all(|item| item.get("role").is_some() && item.get("content").is_some())
}

fn from_sharegpt(root: &Value<'_>, line: &[u8]) -> Option<Vec<Edit>> {
    let list = root.member("conversations").or_else(|| root.member("conversation"))?;
    let turns = list.value.as_array().filter(|turns| !turns.is_empty() && root.get("messages").is_none())?;
    let mut edits = vec![list.renamed("messages")];
    let mut first = None;
    for turn in turns {
        let [speaker, text] = [&["from", "role"][..], &["value", "content"]].map(|keys| keys.iter().find_map(|key| turn.member(key)));
        let (speaker, text) = (speaker?, text.filter(|text| text.value.as_str().is_some())?);
        let name = speaker.value.as_str()?;
        let role = match name.to_lowercase().as_str() {
            "human" | "user" => "user",
            "gpt" | "chatgpt" | "assistant" | "bot" | "model" => "assistant",
            "system" => "system",
            _ => return None,
        };
        first.get_or_insert(role);
        edits.extend((speaker.key != "role").then(|| speaker.renamed("role")));
        edits.extend((text.key != "content").then(|| text.renamed("content")));
        edits.extend((name != role).then(|| speaker.value.replaced(quote(role))));
    }
    if let Some(system) = root.get("system").filter(|system| system.is_null() || system.as_str().is_some()) {
        let is_text = system.as_str().is_some_and(|text| !text.is_empty());
        if is_text && first == Some("system") {
            return None;
        }
        if is_text {
            edits.push(Edit::insert(list.value.span.range().start + 1, format!("{}, ", message("system", &system.source(line)))));
        }
        edits.extend(root.without(line, |member| member.key == "system"));
    }
    Some(edits)
}

fn from_alpaca(root: &Value<'_>, line: &[u8]) -> Option<Vec<Edit>> {
    let text = |key: &str| root.get(key).filter(|value| value.as_str().is_some_and(|text| !text.is_empty()));
    let instruction = text("instruction")?.source(line);
    let question = match text("input") {
        // Two strings become one: the quotes between them go.
        Some(input) => format!("{}\\n\\n{}", instruction.strip_suffix('"')?, input.source(line).strip_prefix('"')?),
        None => instruction.into_owned(),
    };
    written_as_chat(root, line, "instruction", &question, &text("output")?.source(line), &["input", "output"])
}

fn from_pair(root: &Value<'_>, line: &[u8], question: &str, answer: &str) -> Option<Vec<Edit>> {
    let text = |key: &str| root.get(key).filter(|value| value.as_str().is_some_and(|text| !text.is_empty()));
    written_as_chat(root, line, question, &text(question)?.source(line), &text(answer)?.source(line), &[answer])
}

/// Puts `messages` in the place of the member `key`, and takes `used` out, with `system` and `history` where they stand.
fn written_as_chat(root: &Value<'_>, line: &[u8], key: &str, question: &str, answer: &str, used: &[&str]) -> Option<Vec<Edit>> {
    if root.get("messages").is_some() {
        return None;
    }
    let mut messages = Vec::new();
    let (system, history) = (root.get("system"), root.get("history"));
    if let Some(system) = system.filter(|system| !system.is_null() && system.as_str() != Some("")) {
        system.as_str()?;
        messages.push(message("system", &system.source(line)));
    }
    for turn in history.filter(|history| !history.is_null()).map_or(Some(&[][..]), |history| history.as_array())? {
        let [user, assistant] = turn.as_array()? else { return None };
        user.as_str().and(assistant.as_str())?;
        messages.extend([message("user", &user.source(line)), message("assistant", &assistant.source(line))]);
    }
    messages.extend([message("user", question), message("assistant", answer)]);
    let member = root.member(key)?;
    let range = member.key_span.range().start..member.value.span.range().end;
    let is_used = |member: &Member<'_>| {
        // What is null or empty says nothing.
        used.contains(&member.key.as_ref()) || matches!(member.key.as_ref(), "system" | "history")
    };
    let mut edits = root.without(line, is_used);
    edits.push(Edit::replace(range, format!("\"messages\": [{}]", messages.join(", "))));
    Some(edits)
}

fn message(role: &str, json: &str) -> String {
    format!("{{\"role\": \"{role}\", \"content\": {json}}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;
    use crate::format::Shape;
    use crate::json::parse;

    fn converted(line: &str) -> Option<String> {
        let root = parse(line.as_bytes(), 128).value.expect("valid");
        let Shape::Foreign(foreign) = Shape::of(&root) else { panic!("{line}") };
        let fix = convert(foreign, &root, line.as_bytes())?;
        let applied = apply(line.as_bytes(), [&fix]);
        assert_eq!(applied.made, [0], "{line}");
        Some(String::from_utf8(applied.bytes).expect("UTF-8"))
    }

    #[test]
    fn texts_are_moved_as_they_are_written() {
        for (line, expected) in [
            (
                r#"{"conversations": [{"from": "human", "value": "caf\u00e9?"}, {"from": "gpt", "value": "Yes.", "weight": 0}], "id": 7}"#,
                r#"{"messages": [{"role": "user", "content": "caf\u00e9?"}, {"role": "assistant", "content": "Yes.", "weight": 0}], "id": 7}"#,
            ),
            (
                r#"{"system": "Be brief.", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "tools": "[]"}"#,
                r#"{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "tools": "[]"}"#,
            ),
            (
                r#"{"instruction": "Name it.", "input": "France", "output": "Paris", "source": "x"}"#,
                r#"{"messages": [{"role": "user", "content": "Name it.\n\nFrance"}, {"role": "assistant", "content": "Paris"}], "source": "x"}"#,
            ),
            (
                r#"{"output": "Paris", "input": "", "instruction": "Name it.", "history": [["a", "b"]], "system": ""}"#,
                r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "Name it."}, {"role": "assistant", "content": "Paris"}]}"#,
            ),
            (
                r#"{"query": "a", "response": "b"}"#,
                r#"{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#,
            ),
            (
                r#"{"prompt": "a", "chosen": "b", "rejected": "c"}"#,
                r#"{"input": {"messages": [{"role": "user", "content": "a"}]}, "preferred_output": [{"role": "assistant", "content": "b"}], "non_preferred_output": [{"role": "assistant", "content": "c"}]}"#,
            ),
            (
                r#"{"input": {"messages": []}, "preferred_completion": [], "non_preferred_completion": []}"#,
                r#"{"input": {"messages": []}, "preferred_output": [], "non_preferred_output": []}"#,
            ),
        ] {
            assert_eq!(converted(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for line in [
            r#"{"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": "{}"}]}"#,
            r#"{"conversations": []}"#,
            r#"{"conversations": "a"}"#,
            r#"{"instruction": "a", "output": ["b"]}"#,
            r#"{"query": "a", "response": "b", "history": ["c"]}"#,
            r#"{"chosen": [{"role": "user", "content": "a"}], "rejected": []}"#,
            r#"{"contents": []}"#,
        ] {
            assert_eq!(converted(line), None, "{line}");
        }
    }
}
