//! One row into one line: its templates evaluated, its messages put in order, its images found. What comes out is JSON
//! with holes where images and few-shot examples go.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use minijinja::Environment;

use super::json;
use super::recipe::{self, Example, Images, JsonStyle, Messages, Template};
use super::row::Value;
use super::store::{Line, Stored};
use super::template::{Compiled, Fault, Formula, Names, image_part};
use crate::format::Format;
use crate::image::data_url;

type Members = Vec<(Arc<str>, Value)>;

/// What is made of a row, compiled.
pub(super) struct Renderer<'r> {
    format: Format,
    messages: Option<MessagesOf<'r>>,
    preferred: Option<MessagesOf<'r>>,
    non_preferred: Option<MessagesOf<'r>>,
    /// Keys of the line beside its messages, in order.
    keys: Vec<(Arc<str>, Compiled<'r>)>,
    /// Keys that stand with the prompt of a preference.
    prompt_keys: Vec<(Arc<str>, Compiled<'r>)>,
}

/// Compiled [`Messages`].
pub(super) enum MessagesOf<'r> {
    Each(Vec<MessageOf<'r>>),
    Formula(Formula<'r>),
    Answer(Compiled<'r>),
}

/// A compiled message.
pub(super) struct MessageOf<'r> {
    when: Option<Formula<'r>>,
    members: Vec<(Arc<str>, Compiled<'r>)>,
}

impl<'r> MessagesOf<'r> {
    pub(super) fn compile(environment: &'r Environment<'r>, messages: &'r Messages, at: &[&str], names: Names<'_>) -> Result<Self, Fault> {
        let keys = |below: &[&str]| at.iter().chain(below).map(|&key| key.to_owned()).collect::<Vec<_>>();
        Ok(match messages {
            Messages::Each(each) => {
                let each = each.iter().enumerate().map(|(index, message)| {
                    let index = index.to_string();
                    MessageOf::compile(environment, message, &keys(&[&index]), names)
                });
                Self::Each(each.collect::<Result<_, _>>()?)
            }
            Messages::Expression(text) => Self::Formula(Formula::compile(environment, text, keys(&["expr"]), names)?),
            Messages::Answer(template) => Self::Answer(Compiled::compile(environment, template, keys(&[]), names)?),
        })
    }

    /// The messages of a row.
    pub(super) fn value(&self, scope: &minijinja::Value) -> Result<Vec<Value>, Fault> {
        match self {
            Self::Each(each) => each.iter().filter_map(|message| message.value(scope).transpose()).collect(),
            Self::Formula(formula) => match formula.value(scope)? {
                Value::List(messages) => Ok(messages),
                other => Err(formula.fault(format!("messages are a list, not {}", other.kind()))),
            },
            Self::Answer(answer) => {
                let role = Value::String(Arc::from("assistant"));
                Ok(vec![Value::Object(vec![(Arc::from("role"), role), (Arc::from("content"), answer.value(scope)?)])])
            }
        }
    }

    pub(super) fn uses(&self, used: &mut BTreeSet<String>) {
        match self {
            Self::Each(each) => each.iter().for_each(|message| {
                message.when.iter().for_each(|when| when.uses(used));
                message.members.iter().for_each(|(_, member)| member.uses(used));
            }),
            Self::Formula(formula) => formula.uses(used),
            Self::Answer(answer) => answer.uses(used),
        }
    }
}

impl<'r> MessageOf<'r> {
    fn compile(environment: &'r Environment<'r>, message: &'r recipe::Message, at: &[String], names: Names<'_>) -> Result<Self, Fault> {
        let below = |key: &str| at.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
        if message.role.is_empty() {
            return Err(Fault { at: at.to_vec(), message: "a message has a `role`".to_owned() });
        }
        let mut members = vec![(Arc::from("role"), Compiled::text(environment, &message.role, below("role"), names)?)];
        if let Some(content) = &message.content {
            members.push((Arc::from("content"), Compiled::content(environment, content, below("content"), names)?));
        }
        let others: [(&str, &'r Option<Template>); 5] = [
            ("name", &message.name),
            ("weight", &message.weight),
            ("tool_calls", &message.tool_calls),
            ("tool_call_id", &message.tool_call_id),
            ("refusal", &message.refusal),
        ];
        for (name, template) in others {
            if let Some(template) = template {
                members.push((Arc::from(name), Compiled::compile(environment, template, below(name), names)?));
            }
        }
        let when = message.when.as_deref().map(|when| Formula::compile(environment, when, below("when"), names)).transpose()?;
        Ok(Self { when, members })
    }

    fn value(&self, scope: &minijinja::Value) -> Result<Option<Value>, Fault> {
        if let Some(when) = &self.when
            && !when.is_true(scope)?
        {
            return Ok(None);
        }
        let members = self.members.iter().map(|(name, member)| Ok((Arc::clone(name), member.value(scope)?)));
        Ok(Some(Value::Object(members.collect::<Result<_, _>>()?)))
    }
}

impl<'r> Renderer<'r> {
    pub(super) fn compile(environment: &'r Environment<'r>, example: &'r Example, names: Names<'_>) -> Result<Self, Fault> {
        let format = format_of(example)?;
        let at = |key: &str| vec!["example".to_owned(), key.to_owned()];
        let messages = |key: &str, messages: &'r Option<Messages>| {
            messages.as_ref().map(|messages| MessagesOf::compile(environment, messages, &["example", key], names)).transpose()
        };
        let mut renderer = Self {
            format,
            messages: messages("messages", &example.messages)?,
            preferred: messages("preferred_output", &example.preferred_output)?,
            non_preferred: messages("non_preferred_output", &example.non_preferred_output)?,
            keys: Vec::new(),
            prompt_keys: Vec::new(),
        };
        let known: [(&str, &'r Option<Template>); 5] = [
            ("prompt", &example.prompt),
            ("completion", &example.completion),
            ("text", &example.text),
            ("tools", &example.tools),
            ("parallel_tool_calls", &example.parallel_tool_calls),
        ];
        for (name, template) in known {
            let Some(template) = template else { continue };
            let member = (Arc::from(name), Compiled::compile(environment, template, at(name), names)?);
            if format == Format::Preference { renderer.prompt_keys.push(member) } else { renderer.keys.push(member) }
        }
        for (name, template) in &example.fields {
            let at = vec!["example".to_owned(), "fields".to_owned(), name.clone()];
            renderer.keys.push((Arc::from(name.as_str()), Compiled::compile(environment, template, at, names)?));
        }
        Ok(renderer)
    }

    /// The format of the lines.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// The columns and other names that it uses.
    pub(super) fn uses(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for messages in [&self.messages, &self.preferred, &self.non_preferred].into_iter().flatten() {
            messages.uses(&mut used);
        }
        self.keys.iter().chain(&self.prompt_keys).for_each(|(_, member)| member.uses(&mut used));
        used
    }

    /// The line of a row. `prompt_only` leaves out the final assistant messages.
    pub(super) fn line(&self, scope: &minijinja::Value, prompt_only: bool, finish: &Finish<'_>) -> Result<Value, Fault> {
        let mut line: Members = Vec::new();
        if let Some(messages) = &self.messages {
            let mut messages = messages.value(scope)?;
            if prompt_only {
                while messages.last().is_some_and(|message| role(message) == Some("assistant")) {
                    messages.pop();
                }
            }
            finish.messages(&mut messages);
            let at = messages.iter().take_while(|message| matches!(role(message), Some("system" | "developer"))).count();
            if finish.has_shots {
                messages.insert(at, Value::Bytes(bytes::Bytes::from_static(SHOTS)));
            }
            let messages = (Arc::from("messages"), Value::List(messages));
            if self.format == Format::Preference {
                let mut input = vec![messages];
                input.extend(members(&self.prompt_keys, scope)?);
                line.push((Arc::from("input"), Value::Object(input)));
            } else {
                line.push(messages);
            }
        }
        if !prompt_only {
            for (name, output) in [("preferred_output", &self.preferred), ("non_preferred_output", &self.non_preferred)] {
                if let Some(output) = output {
                    let mut messages = output.value(scope)?;
                    finish.messages(&mut messages);
                    line.push((Arc::from(name), Value::List(messages)));
                }
            }
        }
        let keys = members(&self.keys, scope)?;
        line.extend(keys.into_iter().filter(|(name, _)| !(prompt_only && &**name == "completion")));
        let mut line = Value::Object(line);
        if !finish.keep_nulls {
            drop_nulls(&mut line);
        }
        Ok(line)
    }
}

fn members(keys: &[(Arc<str>, Compiled<'_>)], scope: &minijinja::Value) -> Result<Members, Fault> {
    keys.iter().map(|(name, member)| Ok((Arc::clone(name), member.value(scope)?))).collect()
}

/// The format that the keys of a recipe make.
fn format_of(example: &Example) -> Result<Format, Fault> {
    let fault = |message: &str| Err(Fault { at: vec!["example".to_owned()], message: message.to_owned() });
    let shown = if example.preferred_output.is_some() || example.non_preferred_output.is_some() {
        Some(Format::Preference)
    } else if example.messages.is_some() {
        Some(Format::Chat)
    } else if example.prompt.is_some() || example.completion.is_some() {
        Some(Format::Completion)
    } else if example.text.is_some() {
        Some(Format::Text)
    } else {
        None
    };
    match (example.format, shown) {
        (_, None) => fault("say what is made of a row: `messages`, `prompt` and `completion`, `text`, or a `preset`"),
        (None, Some(shown)) => Ok(shown),
        (Some(Format::Reinforcement), Some(Format::Chat)) => Ok(Format::Reinforcement),
        (Some(asked), Some(shown)) if asked == shown => Ok(asked),
        (Some(asked), Some(shown)) => fault(&format!("the keys are those of the format `{}`, not `{}`", shown.name(), asked.name())),
    }
}

/// Stands among the messages where few-shot examples go; no row can hold it, since it is no JSON.
static SHOTS: &[u8] = b"few-shot examples";

pub(super) fn role(message: &Value) -> Option<&str> {
    match member(message, "role")? {
        Value::String(role) => Some(role),
        _ => None,
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Object(members) = value else { return None };
    members.iter().find(|(own, _)| &**own == name).map(|(_, value)| value)
}

/// Drops the keys that are null, at every depth: Arrow gives each object of a column the keys of all others.
pub(super) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|(_, value)| *value != Value::Null);
            members.iter_mut().for_each(|(_, value)| drop_nulls(value));
        }
        Value::List(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// What is done to messages after their templates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish<'r> {
    pub(super) images: &'r Images,
    pub(super) keep_nulls: bool,
    pub(super) has_shots: bool,
}

impl Finish<'_> {
    /// Brings image parts into the one form that targets take: `{"type": "image_url", "image_url": {"url": …}}`.
    pub(super) fn messages(&self, messages: &mut [Value]) {
        for message in messages {
            let Value::Object(members) = message else { continue };
            for (name, content) in members {
                match content {
                    Value::List(parts) if &**name == "content" => parts.iter_mut().for_each(|part| self.part(part)),
                    // An image alone is a message of one part.
                    Value::Image { .. } if &**name == "content" => {
                        let mut part = image_part(std::mem::replace(content, Value::Null), None);
                        self.part(&mut part);
                        *content = Value::List(vec![part]);
                    }
                    _ => {}
                }
            }
        }
    }

    fn part(&self, part: &mut Value) {
        if matches!(part, Value::Image { .. }) {
            *part = image_part(std::mem::replace(part, Value::Null), None);
        }
        let Value::Object(members) = part else { return };
        // Hugging Face's {"type": "image", "image": …}, and an `image_url` that is the URL itself.
        let inline = members.iter().position(|(name, value)| match &**name {
            "image" => matches!(value, Value::Image { .. } | Value::String(_)),
            "image_url" => matches!(value, Value::Image { .. } | Value::String(_)),
            _ => false,
        });
        if let Some(index) = inline {
            let (_, url) = members.remove(index);
            let detail = members.iter().position(|(name, _)| &**name == "detail").map(|index| members.remove(index).1);
            *part = image_part(url, detail);
        }
        let Value::Object(members) = part else { return };
        let Some((_, Value::Object(inner))) = members.iter_mut().find(|(name, _)| &**name == "image_url") else { return };
        for (name, url) in inner.iter_mut() {
            if let (true, Value::String(text)) = (&**name == "url", &*url)
                && !is_remote(text)
            {
                *url = Value::Image { bytes: None, path: Some(Arc::clone(text)) };
            }
        }
        if let (Some(detail), false) = (&self.images.detail, inner.iter().any(|(name, value)| &**name == "detail" && *value != Value::Null))
        {
            inner.retain(|(name, _)| &**name != "detail");
            inner.push((Arc::from("detail"), Value::String(Arc::from(detail.as_str()))));
        }
    }
}

fn is_remote(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// The bytes of an image as it stands in a row: its own, those of a data URL, or those of a file in `folder`.
pub(super) fn image_bytes(image: &Value, folder: &Path) -> Result<bytes::Bytes, String> {
    let path = match image {
        Value::Image { bytes: Some(bytes), .. } | Value::Bytes(bytes) => return Ok(bytes.clone()),
        Value::Image { path: Some(path), .. } => path,
        _ => return Err("the image has neither bytes nor a path".to_owned()),
    };
    match data_url::parse(path) {
        Some(Ok(url)) => {
            let mut bytes = Vec::new();
            data_url::decode(url.payload, &mut bytes).map_err(|fault| format!("the base64 text of the image is broken: {fault}"))?;
            Ok(bytes.into())
        }
        Some(Err(fault)) => Err(format!("the data URL of the image {fault}")),
        None => super::source::read_image(folder, path).map(bytes::Bytes::from),
    }
}

/// Writes a line, and puts each image where it belongs. `store` is handed the image's value and says where its URL is kept.
pub(super) fn write(line: &Value, style: JsonStyle, store: &mut dyn FnMut(&Value) -> Result<Stored, String>) -> Result<Line, String> {
    let mut written = Line::default();
    let mut text = Vec::with_capacity(512);
    let mut hole = |image: &Value, out: &mut Vec<u8>| {
        if matches!(image, Value::Bytes(bytes) if bytes.as_ptr() == SHOTS.as_ptr()) {
            // The quote that has been written is not part of the examples, and neither is the one to come.
            written.shots = Some(out.len() as u32 - 1);
            return Ok(());
        }
        let Value::Image { .. } = image else {
            return Err("bytes have no place in JSON; if they are an image, use { image = \"…\" }".to_owned());
        };
        written.images.push((out.len() as u32, store(image)?));
        Ok(())
    };
    json::write(line, style, &mut text, &mut hole)?;
    if let Some(at) = written.shots {
        // Takes the two quotes out, and moves the images behind them.
        text.drain(at as usize..at as usize + 2);
        for (place, _) in written.images.iter_mut().filter(|(place, _)| *place > at) {
            *place -= 2;
        }
    }
    if u32::try_from(text.len()).is_err() {
        return Err("the line would have over 4 GB".to_owned());
    }
    written.text = text;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_that_arrow_adds_are_dropped_at_every_depth() {
        let null = |name: &str| (Arc::from(name), Value::Null);
        let mut value = Value::List(vec![Value::Object(vec![null("a"), (Arc::from("b"), Value::Object(vec![null("c")]))]), Value::Null]);
        drop_nulls(&mut value);
        assert_eq!(value, Value::List(vec![Value::Object(vec![(Arc::from("b"), Value::Object(vec![]))]), Value::Null]));
    }

    #[test]
    fn parts_of_every_kind_become_one() {
        let images = Images { detail: Some("low".to_owned()), ..Images::default() };
        let finish = Finish { images: &images, keep_nulls: false, has_shots: false };
        let text = |text: &str| Value::String(Arc::from(text));
        let object =
            |members: &[(&str, Value)]| Value::Object(members.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect());
        let expected = image_part(Value::Image { bytes: None, path: Some(Arc::from("a.png")) }, Some(text("low")));
        for mut part in [
            Value::Image { bytes: None, path: Some(Arc::from("a.png")) },
            object(&[("type", text("image")), ("image", text("a.png"))]),
            object(&[("type", text("image_url")), ("image_url", text("a.png"))]),
            object(&[("type", text("image_url")), ("image_url", object(&[("url", text("a.png")), ("detail", Value::Null)]))]),
        ] {
            finish.part(&mut part);
            assert_eq!(part, expected);
        }
        let mut remote =
            object(&[("type", text("image_url")), ("image_url", object(&[("url", text("https://a/b.png")), ("detail", text("high"))]))]);
        let before = remote.clone();
        finish.part(&mut remote);
        assert_eq!(remote, before);
    }
}
