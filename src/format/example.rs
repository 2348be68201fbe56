//! One example as rules see it: borrowed views over the parsed line. Field names stand in this file and in the schemas.
//! An absent or ill-typed field is `None`; the schema says what is wrong with it.

use std::borrow::Cow;

use super::Format;
use crate::json::{Data, Value};

/// One line of a dataset.
#[derive(Debug)]
pub struct Example<'a> {
    /// The format it is judged as.
    pub format: Format,
    /// The whole line.
    pub root: &'a Value<'a>,
    /// All messages, in order; for preferences the input first, then the two outputs.
    pub messages: Vec<Message<'a>>,
    /// What its texts may hold.
    pub marks: Marks,
}

/// Characters that may stand in some text of an example: what is not there need not be looked for in each text. Most texts are
/// short, and a search costs more to begin than to end: one is made for all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    const CONTROL: u8 = 1;
    const RARE: u8 = 2;

    /// Whether there may be a control character other than tab, line feed and carriage return.
    pub fn may_hold_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether there may be a `<`, or a U+FFFD.
    pub fn may_hold_rare(self) -> bool {
        self.0 & Self::RARE != 0
    }

    fn add(&mut self, value: &Value<'_>, text: &str) {
        // `<` begins special tokens, 0xEF U+FFFD: both are rare, and looked for as one.
        if memchr::memchr2(b'<', 0xef, text.as_bytes()).is_some() {
            self.0 |= Self::RARE;
        }
        // A text without escapes is borrowed, and a control character is always escaped, or interrupts the string.
        if matches!(&value.data, Data::String(Cow::Owned(text)) if has_control(text)) {
            self.0 |= Self::CONTROL;
        }
    }
}

/// Whether it is a control character that has no business in a text: none of tab, line feed and carriage return.
pub(crate) fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Whether any is in `text`: folded as bytes, which turns into vector code, as a search that ends at the first one does not.
fn has_control(text: &str) -> bool {
    text.bytes().fold(0, |found, byte| found | u8::from(is_control(byte))) != 0
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
                list.iter().enumerate().map(move |(index, value)| Message::new(section, index, index + 1 == list.len(), value))
            })
            .filter(|message| message.value.as_object().is_some())
            .collect();
        let mut example = Self { format, root, messages, marks: Marks::default() };
        let mut marks = Marks::default();
        example.texts().for_each(|(value, text)| marks.add(value, text));
        let not_plain = example.messages.iter().filter(|message| !message.is_plain());
        not_plain.flat_map(Message::texts_beside).for_each(|(value, text)| marks.add(value, text));
        example.marks = marks;
        example
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
    fields: Fields<'a>,
}

/// The members that nearly every rule asks for, looked up once.
#[derive(Clone, Copy, Debug, Default)]
struct Fields<'a> {
    role: Option<&'a Value<'a>>,
    content: Option<&'a Value<'a>>,
    weight: Option<&'a Value<'a>>,
    tool_calls: Option<&'a Value<'a>>,
    function_call: Option<&'a Value<'a>>,
    /// Whether there are members besides those.
    has_more: bool,
}

impl<'a> Message<'a> {
    /// Looks at `value` as the message at `index` of a list.
    pub fn new(section: Section, index: usize, is_last: bool, value: &'a Value<'a>) -> Self {
        let mut fields = Fields::default();
        for member in value.as_object().unwrap_or_default() {
            let field = match member.key.as_ref() {
                "role" => &mut fields.role,
                "content" => &mut fields.content,
                "weight" => &mut fields.weight,
                "tool_calls" => &mut fields.tool_calls,
                "function_call" => &mut fields.function_call,
                _ => {
                    fields.has_more = true;
                    continue;
                }
            };
            *field = Some(&member.value);
        }
        Self { section, index, is_last, value, fields }
    }

    /// Whether it has a `role`, a `content` that is a string, and nothing else: most messages do, and most rules have nothing to
    /// say of those.
    #[inline]
    pub fn is_plain(&self) -> bool {
        let Fields { role, content, weight, tool_calls, function_call, has_more } = self.fields;
        let has_none = weight.or(tool_calls).or(function_call).is_none() && !has_more;
        has_none && role.is_some() && content.is_some_and(|content| content.as_str().is_some())
    }

    /// `role`, whatever it says.
    #[inline]
    pub fn role(&self) -> Option<&'a str> {
        self.fields.role?.as_str()
    }

    /// Whether `role` is `role`.
    #[inline]
    pub fn is(&self, role: &str) -> bool {
        self.role() == Some(role)
    }

    /// A field of the message.
    // Inlined, the choice falls away wherever the compiler knows the key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&'a Value<'a>> {
        match key {
            "role" => self.fields.role,
            "content" => self.fields.content,
            "weight" => self.fields.weight,
            "tool_calls" => self.fields.tool_calls,
            "function_call" => self.fields.function_call,
            _ if self.fields.has_more => self.value.get(key),
            _ => None,
        }
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

    /// The texts that stand beside `content`: refusal, reasoning, and the arguments of calls.
    pub fn texts_beside(&self) -> impl Iterator<Item = (&'a Value<'a>, &'a str)> {
        let own = ["refusal", "reasoning", "reasoning_content"].map(|key| self.get(key));
        let arguments = self.all_calls().map(|call| call.arguments());
        own.into_iter().chain(arguments).filter_map(|value| value.and_then(|value| Some((value, value.as_str()?))))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::parse;

    proptest! {
        /// Rules that ask the marks first miss nothing.
        #[test]
        fn marks_tell_of_every_text(content in "\\PC{0,40}[<a\u{1b}\u{fffd}]?\\PC{0,3}", place in 0..5_usize) {
            let text = serde_json::to_string(&content).expect("a string");
            let line = [
                format!(r#"{{"messages":[{{"role":"user","content":{text}}}]}}"#),
                format!(r#"{{"messages":[{{"role":"user","content":[{{"type":"text","text":{text}}}]}}]}}"#),
                format!(r#"{{"messages":[{{"role":"assistant","reasoning":{text}}}]}}"#),
                format!(r#"{{"messages":[{{"role":"assistant","tool_calls":[{{"function":{{"arguments":{text}}}}}]}}]}}"#),
                format!(r#"{{"messages":[{{"role":"assistant","function_call":{{"arguments":{text}}}}}]}}"#),
            ];
            let root = parse(line[place].as_bytes(), 128).value.expect("valid");
            let marks = Example::new(Format::Chat, &root).marks;
            prop_assert_eq!(marks.may_hold_control(), content.bytes().any(|byte| byte < 32 && !b"\t\n\r".contains(&byte)));
            let is_rare = content.contains(['<', '\u{fffd}']);
            prop_assert!(marks.may_hold_rare() || !is_rare);
        }
    }
}
