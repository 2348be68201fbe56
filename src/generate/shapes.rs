//! Known shapes of rows: the presets, which are recipes in TOML, and the filters they need.

use std::sync::Arc;

use minijinja::{Environment, Error, ErrorKind, Value};

use super::recipe::Example;
use super::template::image_part;
use super::{row, template};
use crate::diagnostic::{nearest, quoted};

/// The presets. To add one: its file in `presets/`, a row here.
pub static PRESETS: &[(&str, &str)] = &[
    ("alpaca", include_str!("presets/alpaca.toml")),
    ("chosen-rejected", include_str!("presets/chosen-rejected.toml")),
    ("image-question-answer", include_str!("presets/image-question-answer.toml")),
    ("messages", include_str!("presets/messages.toml")),
    ("prompt-completion", include_str!("presets/prompt-completion.toml")),
    ("prompt-completion-chat", include_str!("presets/prompt-completion-chat.toml")),
    ("question-answer", include_str!("presets/question-answer.toml")),
    ("sharegpt", include_str!("presets/sharegpt.toml")),
];

/// The recipe behind a preset.
///
/// # Errors
///
/// When there is none of that name; says which one is near.
pub fn preset(name: &str) -> Result<Example, String> {
    let Some((_, text)) = PRESETS.iter().find(|(own, _)| *own == name) else {
        let names = || PRESETS.iter().map(|(name, _)| *name);
        return Err(match nearest(name, names()) {
            Some(near) => format!("there is no preset {}; did you mean `{near}`?", quoted(name)),
            None => format!("there is no preset {}; there are {}", quoted(name), names().collect::<Vec<_>>().join(", ")),
        });
    };
    toml::from_str(text).map_err(|error| error.to_string())
}

/// Adds what the presets and recipes need beside Jinja's own filters.
pub(super) fn add_filters(environment: &mut Environment<'_>) {
    environment.add_filter("from_sharegpt", from_sharegpt);
    environment.add_filter("with_images", with_images);
    environment.add_filter("as_messages", as_messages);
    environment.add_filter("from_json", from_json);
    environment.add_function("image", image);
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// ShareGPT's `from` and `value` as `role` and `content`.
fn from_sharegpt(turns: &Value) -> Result<Value, Error> {
    let turns = turns.try_iter().map_err(|_| invalid("a ShareGPT conversation is a list of turns with `from` and `value`"))?;
    let messages = turns.map(|turn| {
        let from = turn.get_attr("from")?;
        let role = match from.as_str() {
            Some("human" | "user") => "user",
            Some("gpt" | "assistant" | "chatgpt" | "bing" | "bard" | "model") => "assistant",
            Some("system") => "system",
            Some("developer") => "developer",
            Some("tool" | "observation" | "function_response") => {
                return Err(invalid(
                    "a ShareGPT turn from a tool names no call that it answers: convert such rows with templates of your own",
                ));
            }
            _ => return Err(invalid(format!("a ShareGPT turn is from {}, not human, gpt or system", quoted(&from.to_string())))),
        };
        let content = turn.get_attr("value")?;
        Ok(Value::from_pairs([(Value::from("role"), Value::from(role)), (Value::from("content"), content)]))
    });
    Ok(Value::from(messages.collect::<Result<Vec<_>, Error>>()?))
}

/// A text as one user or assistant message; messages stay what they are. TRL takes both forms.
fn as_messages(value: &Value, role: &str) -> Result<Value, Error> {
    match value.kind() {
        minijinja::value::ValueKind::String => {
            let message = Value::from_pairs([(Value::from("role"), Value::from(role)), (Value::from("content"), value.clone())]);
            Ok(Value::from(vec![message]))
        }
        minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable => Ok(value.clone()),
        kind => Err(invalid(format!("neither a text nor a list of messages, but {kind}"))),
    }
}

/// A text that holds JSON, as CSV files do, as the value.
fn from_json(text: &str) -> Result<Value, Error> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| invalid(format!("not valid JSON: {error}")))?;
    Ok(Value::from(minijinja::value::Serde(&value)))
}

/// The image at a path or URL, or of bytes.
fn image(source: &Value) -> Result<Value, Error> {
    if source.downcast_object_ref::<template::Picture>().is_some() {
        return Ok(source.clone());
    }
    let (bytes, path) = match (source.as_bytes(), source.to_str()) {
        (Some(bytes), None) => (Some(bytes::Bytes::copy_from_slice(bytes)), None),
        (_, Some(path)) => (None, Some(path)),
        _ => return Err(invalid(format!("{} is no image, and neither its path nor its URL", source.kind()))),
    };
    Ok(Value::from_object(template::Picture { bytes, path }))
}

/// Puts images where messages have only a sign for them: parts `{"type": "image"}` and `<image>` in a text, in order.
fn with_images(messages: &Value, images: &Value) -> Result<Value, Error> {
    let mut images = Images { left: listed(images)?.into(), used: 0 };
    let mut filled = Vec::new();
    for message in messages.try_iter()? {
        let mut members = Vec::new();
        for key in message.try_iter()? {
            let value = message.get_item(&key)?;
            let value = if key.as_str() == Some("content") { images.fill(&value)? } else { value };
            members.push((key, value));
        }
        filled.push(Value::from_pairs(members));
    }
    if !images.left.is_empty() {
        // Without any sign of them they stand before the first question, as in LLaVA's data.
        if images.used > 0 {
            return Err(invalid(format!(
                "the messages have {} places for images, and there are {} more images",
                images.used,
                images.left.len()
            )));
        }
        let first = filled.iter().position(|message| message.get_attr("role").is_ok_and(|role| role.as_str() == Some("user")));
        let Some(first) = first else { return Err(invalid("there are images, and no user message to hold them")) };
        let message = filled.remove(first);
        let mut parts: Vec<Value> = images.left.drain(..).map(|image| part(&image)).collect::<Result<_, _>>()?;
        let content = message.get_attr("content")?;
        match content.as_str() {
            Some(text) => parts.push(text_part(text)),
            None => parts.extend(content.try_iter()?),
        }
        filled.insert(first, with_content(&message, Value::from(parts))?);
    }
    Ok(Value::from(filled))
}

fn listed(images: &Value) -> Result<Vec<Value>, Error> {
    if images.is_none() {
        return Ok(Vec::new());
    }
    match images.kind() {
        minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable => Ok(images.try_iter()?.collect()),
        _ => Ok(vec![images.clone()]),
    }
}

struct Images {
    left: std::collections::VecDeque<Value>,
    used: usize,
}

impl Images {
    fn next(&mut self) -> Result<Value, Error> {
        self.used += 1;
        let image = self
            .left
            .pop_front()
            .ok_or_else(|| invalid(format!("the messages have more places for images than the row has: place {} is empty", self.used)))?;
        part(&image)
    }

    fn fill(&mut self, content: &Value) -> Result<Value, Error> {
        const SIGN: &str = "<image>";
        if let Some(text) = content.as_str() {
            if !text.contains(SIGN) {
                return Ok(content.clone());
            }
            let mut parts = Vec::new();
            for (index, piece) in text.split(SIGN).enumerate() {
                if index > 0 {
                    parts.push(self.next()?);
                }
                // The line break that sets the sign apart from the text belongs to the sign.
                let piece = if index > 0 { piece.strip_prefix('\n').unwrap_or(piece) } else { piece };
                let piece = piece.strip_suffix('\n').unwrap_or(piece);
                if !piece.is_empty() {
                    parts.push(text_part(piece));
                }
            }
            return Ok(Value::from(parts));
        }
        if content.is_none() || content.downcast_object_ref::<template::Picture>().is_some() {
            return Ok(content.clone());
        }
        let parts = content.try_iter()?.map(|part| {
            let is_sign = part.get_attr("type").is_ok_and(|kind| kind.as_str() == Some("image"))
                && part.get_attr("image").is_ok_and(|image| image.is_undefined() || image.is_none());
            if is_sign { self.next() } else { Ok(part) }
        });
        Ok(Value::from(parts.collect::<Result<Vec<_>, Error>>()?))
    }
}

fn part(image_value: &Value) -> Result<Value, Error> {
    let url = image(image_value)?;
    let url = template::from_jinja(&url).map_err(invalid)?;
    Ok(template::to_jinja(&image_part(url, None)))
}

fn text_part(text: &str) -> Value {
    let text_value = row::Value::String(Arc::from(text));
    template::to_jinja(&row::Value::Object(vec![
        (Arc::from("type"), row::Value::String(Arc::from("text"))),
        (Arc::from("text"), text_value),
    ]))
}

fn with_content(message: &Value, content: Value) -> Result<Value, Error> {
    let mut members = Vec::new();
    for key in message.try_iter()? {
        let value = if key.as_str() == Some("content") { content.clone() } else { message.get_item(&key)? };
        members.push((key, value));
    }
    Ok(Value::from_pairs(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_read() {
        for (name, text) in PRESETS {
            preset(name).unwrap_or_else(|error| panic!("presets/{name}.toml: {error}"));
            assert!(text.starts_with("# "), "presets/{name}.toml: begin with a comment that says what the rows look like");
        }
        assert_eq!(preset("shargpt").expect_err("a typo"), "there is no preset `shargpt`; did you mean `sharegpt`?");
    }

    fn eval(expression: &str, context: serde_json::Value) -> Result<serde_json::Value, String> {
        let environment = template::environment();
        let value = environment.compile_expression(expression).expect("compiles").eval(Value::from(minijinja::value::Serde(&context)));
        value.map(|value| serde_json::to_value(&value).expect("JSON")).map_err(|error| error.to_string())
    }

    #[test]
    fn sharegpt_turns_become_messages() {
        let turns = serde_json::json!({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]});
        let messages = eval("conversations | from_sharegpt", turns).expect("fits");
        assert_eq!(messages, serde_json::json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]));
        assert!(eval("c | from_sharegpt", serde_json::json!({"c": [{"from": "tool", "value": "a"}]})).is_err());
    }

    #[test]
    fn signs_for_images_are_filled_in_order() {
        let row = serde_json::json!({"m": [{"role": "user", "content": "<image>\nfirst, then <image> second"}], "i": ["a.png", "b.png"]});
        let messages = eval("(m | with_images(i))[0].content | map(attribute='type') | list", row.clone()).expect("fits");
        assert_eq!(messages, serde_json::json!(["image_url", "text", "image_url", "text"]));
        let texts = eval("(m | with_images(i))[0].content | selectattr('text', 'defined') | map(attribute='text') | list", row.clone())
            .expect("fits");
        assert_eq!(texts, serde_json::json!(["first, then ", " second"]));
        assert!(eval("m | with_images(i[:1])", row.clone()).expect_err("too few").contains("more places"));
        assert!(eval("m | with_images(i + i)", row).expect_err("too many").contains("2 more images"));
    }

    #[test]
    fn images_without_a_sign_stand_before_the_question() {
        let row = serde_json::json!({"m": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "i": "a.png"});
        let kinds = eval("(m | with_images(i))[1].content | map(attribute='type') | list", row).expect("fits");
        assert_eq!(kinds, serde_json::json!(["image_url", "text"]));
    }
}
