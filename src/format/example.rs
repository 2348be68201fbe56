//! One example as rules see it: borrowed views over the parsed line. Field names stand in this file and in the schemas.
//! An absent or ill-typed field is `None`; the schema says what is wrong with it.

use super::Format;
use crate::json::Value;

/// One line of a dataset.
#[derive(Debug)]
pub struct Example<'a> {
    /// The format it is judged as.
    pub format: Format,
    /// The whole line.
    pub root: &'a Value<'a>,
    /// All messages, in order; for preferences the input first, then the two outputs.
    pub messages: Vec<Message<'a>>,
}

/// Which list a message stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `messages`
    Messages,
    /// `input.messages` of a preference
    Input,
    /// `preferred_output`
    Preferred,
    /// `non_preferred_output`
    NonPreferred,
}

impl<'a> Example<'a> {
    /// Looks at `root` as an example of `format`.
    pub fn new(format: Format, root: &'a Value<'a>) -> Self {
        let lists: &[(Section, Option<&'a Value<'a>>)] = match format {
            Format::Chat | Format::Reinforcement => &[(Section::Messages, root.get("messages"))],
            Format::Preference => &[
                (Section::Input, root.get("input").and_then(|input| input.get("messages"))),
                (Section::Preferred, root.get("preferred_output")),
                (Section::NonPreferred, root.get("non_preferred_output")),
            ],
            Format::Completion | Format::Text => &[],
        };
        let messages = lists
            .iter()
            .flat_map(|&(section, list)| {
                let list = list.and_then(Value::as_array).unwrap_or_default();
                list.iter().enumerate().map(move |(index, value)| Message { section, index, is_last: index + 1 == list.len(), value })
            })
            .filter(|message| message.value.as_object().is_some())
            .collect();
        Self { format, root, messages }
    }

    /// The messages of one list.
    pub fn section(&self, section: Section) -> impl DoubleEndedIterator<Item = &Message<'a>> {
        self.messages.iter().filter(move |message| message.section == section)
    }

    /// The conversation that is trained on or prompted with: `messages`, or a preference's `input.messages`.
    pub fn conversation(&self) -> impl DoubleEndedIterator<Item = &Message<'a>> {
        self.messages.iter().filter(|message| matches!(message.section, Section::Messages | Section::Input))
    }

    /// Every text people wrote: the contents of the messages, or `prompt`, `completion` and `text` where they are strings.
    pub fn texts(&self) -> impl Iterator<Item = (&'a Value<'a>, &'a str)> {
        let keys: &[&str] = if self.format.has_messages() { &[] } else { &["prompt", "completion", "text"] };
        let plain = keys.iter().filter_map(|key| self.root.get(key)).filter_map(|value| Some((value, value.as_str()?)));
        self.messages.iter().flat_map(Message::texts).chain(plain)
    }

    /// The object that holds `messages` and `tools`: the line itself, or a preference's `input`.
    pub fn request(&self) -> &'a Value<'a> {
        match self.format {
            Format::Preference => self.root.get("input").unwrap_or(self.root),
            _ => self.root,
        }
    }

    /// The declared tools, new style (`tools`) and deprecated (`functions`).
    pub fn tools(&self) -> impl Iterator<Item = Tool<'a>> {
        let request = self.request();
        let list = |key| request.get(key).and_then(Value::as_array).unwrap_or_default().iter();
        let new = list("tools").filter_map(|value| Some(Tool { value, function: value.get("function")? }));
        new.chain(list("functions").map(|value| Tool { value, function: value }))
    }

    /// The calls of the assistant that may be learnt from: those of an answer that is not preferred may be wrong on purpose.
    pub fn calls(&self) -> impl Iterator<Item = ToolCall<'a>> {
        let taught = self.messages.iter().filter(|message| message.is("assistant") && message.section != Section::NonPreferred);
        taught.flat_map(Message::all_calls)
    }
}

/// A declared tool.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    /// The item of `tools` or `functions`.
    pub value: &'a Value<'a>,
    /// The object with `name`, `description` and `parameters`.
    pub function: &'a Value<'a>,
}

impl<'a> Tool<'a> {
    /// `name`
    pub fn name(&self) -> Option<&'a str> {
        self.function.get("name")?.as_str()
    }

    /// `parameters`, where it is an object.
    pub fn parameters(&self) -> Option<&'a Value<'a>> {
        self.function.get("parameters").filter(|parameters| parameters.as_object().is_some())
    }
}

/// One message. Its value is an object.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The list it stands in.
    pub section: Section,
    /// Its place in that list, from 0.
    pub index: usize,
    /// Whether it ends its list.
    pub is_last: bool,
    /// The object itself.
    pub value: &'a Value<'a>,
}

impl<'a> Message<'a> {
    /// `role`, whatever it says.
    pub fn role(&self) -> Option<&'a str> {
        self.value.get("role")?.as_str()
    }

    /// Whether `role` is `role`.
    pub fn is(&self, role: &str) -> bool {
        self.role() == Some(role)
    }

    /// A field of the message.
    pub fn get(&self, key: &str) -> Option<&'a Value<'a>> {
        self.value.get(key)
    }

    /// `content`, read as text or parts; `None` when it is absent, null or of another type.
    pub fn content(&self) -> Option<Content<'a>> {
        let value = self.get("content")?;
        match (value.as_str(), value.as_array()) {
            (Some(text), _) => Some(Content::Text(value, text)),
            (_, Some(items)) => Some(Content::Parts(items)),
            _ => None,
        }
    }

    /// The parts of `content`; none for a string.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        let items = self.get("content").and_then(Value::as_array).unwrap_or_default();
        items.iter().enumerate().map(|(index, value)| Part { index, value })
    }

    /// Every text of `content`: the string itself, or the text and refusal parts.
    pub fn texts(&self) -> impl Iterator<Item = (&'a Value<'a>, &'a str)> {
        let whole = self.get("content").and_then(|content| Some((content, content.as_str()?)));
        whole.into_iter().chain(self.parts().filter_map(|part| {
            let value = part.value.get("text").or_else(|| part.value.get("refusal"))?;
            Some((value, value.as_str()?))
        }))
    }

    /// The images of `content`.
    pub fn images(&self) -> impl Iterator<Item = ImagePart<'a>> {
        let message = *self;
        self.parts().filter_map(move |part| {
            let image = part.value.get("image_url")?;
            let url = image.get("url").or_else(|| image.as_str().map(|_| image))?;
            Some(ImagePart { message, part, url, text: url.as_str()?, detail: image.get("detail") })
        })
    }

    /// `tool_calls`
    pub fn tool_calls(&self) -> impl Iterator<Item = ToolCall<'a>> {
        self.get("tool_calls")
            .and_then(Value::as_array)
            .unwrap_or_default()
            .iter()
            .map(|value| ToolCall { value, function: value.get("function") })
    }

    /// `tool_calls`, and the deprecated `function_call`.
    pub fn all_calls(&self) -> impl Iterator<Item = ToolCall<'a>> {
        let deprecated = self.get("function_call").filter(|call| !call.is_null());
        self.tool_calls().chain(deprecated.map(|value| ToolCall { value, function: Some(value) }))
    }

    /// Whether it calls something: a non-empty `tool_calls`, or the deprecated `function_call`.
    pub fn calls(&self) -> bool {
        self.tool_calls().next().is_some() || self.get("function_call").is_some_and(|call| !call.is_null())
    }

    /// Whether the loss is taken on it: an assistant message whose `weight` is not 0.
    pub fn is_trained(&self) -> bool {
        self.is("assistant") && self.section != Section::Input && self.get("weight").and_then(Value::as_number) != Some("0")
    }
}

/// What `content` is.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A string: its value and its text.
    Text(&'a Value<'a>, &'a str),
    /// A list of parts.
    Parts(&'a [Value<'a>]),
}

/// One item of a `content` list.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its place, from 0.
    pub index: usize,
    /// The item itself.
    pub value: &'a Value<'a>,
}

impl<'a> Part<'a> {
    /// `type`
    pub fn kind(&self) -> Option<&'a str> {
        self.value.get("type")?.as_str()
    }
}

/// An `image_url` part with a URL in it.
#[derive(Clone, Copy, Debug)]
pub struct ImagePart<'a> {
    /// The message it stands in.
    pub message: Message<'a>,
    /// The part.
    pub part: Part<'a>,
    /// The value that holds the URL.
    pub url: &'a Value<'a>,
    /// The URL.
    pub text: &'a str,
    /// `image_url.detail`
    pub detail: Option<&'a Value<'a>>,
}

/// One item of `tool_calls`, or a `function_call`.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'a> {
    /// The item itself.
    pub value: &'a Value<'a>,
    /// The object with `name` and `arguments`.
    pub function: Option<&'a Value<'a>>,
}

impl<'a> ToolCall<'a> {
    /// `id`
    pub fn id(&self) -> Option<&'a str> {
        self.value.get("id")?.as_str()
    }

    /// `function.name`
    pub fn name(&self) -> Option<&'a str> {
        self.function?.get("name")?.as_str()
    }

    /// `function.arguments`, whatever it is.
    pub fn arguments(&self) -> Option<&'a Value<'a>> {
        self.function?.get("arguments")
    }
}
