//! How many tokens an example has at a target: text by encoding, what stands around messages and tools, and images.
//! Everything the provider has not published is counted by the nearest published formula and called an estimate.

mod bpe;
pub mod encoding;
pub mod image;
pub mod open;
mod pretokenize;

pub use encoding::{Counter, Encoding};

use crate::format::{Example, Message, Section, Tool};
use crate::json::Value;
use crate::target::Tokens;

/// The tokens of one example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExampleTokens {
    /// Text with all that stands around it: roles, names, message and example overhead.
    pub text: u64,
    /// Images.
    pub image: u64,
    /// Text of the assistant messages whose loss is taken, without overhead.
    pub trained: u64,
    /// Declarations of tools, which stand beside the text.
    pub tools: u64,
    /// Tokens before the last trained message begins, and those of that message.
    pub answer: Option<(u64, u64)>,
}

impl ExampleTokens {
    /// Text and images, as OpenAI's cookbook adds them up: without the declarations of tools.
    pub fn total(&self) -> u64 {
        self.text + self.image
    }

    /// All that is billed, and that must fit the model: text, images and declarations of tools.
    pub fn billed(&self) -> u64 {
        self.total() + self.tools
    }
}

/// Counts the tokens of `example`.
///
/// Chats are counted by the formula of OpenAI's cookbook: `per_message` for each message, the tokens of its role, text
/// and name, `per_name` for a name, `per_example` once. `image` gives the tokens of each image of a message in turn;
/// `tool_open` is what opens each declared tool (7 for gpt-4o, 10 for gpt-4), where it is known.
pub fn count(
    example: &Example<'_>,
    tokens: &Tokens,
    tool_open: Option<u64>,
    counter: &mut Counter,
    mut image: impl FnMut(&Message<'_>) -> u64,
) -> ExampleTokens {
    let mut sum = ExampleTokens::default();
    if !example.format.has_messages() {
        for key in ["prompt", "completion", "text"] {
            let Some(value) = example.root.get(key) else { continue };
            let parts = value.as_array().unwrap_or_default().iter().filter_map(|part| part.get("text")?.as_str());
            let own: u64 = value.as_str().into_iter().chain(parts).map(|text| counter.count(text) as u64).sum();
            if key == "completion" {
                sum.answer = Some((sum.text, own));
            }
            sum.trained += if key == "prompt" { 0 } else { own };
            sum.text += own;
        }
        return sum;
    }
    sum.tools = tool_tokens(example.tools(), tool_open.unwrap_or(7), counter);
    let mut trained_already = false;
    // A preference is two conversations with one prompt: both outputs are read and billed.
    for message in &example.messages {
        let (own, around) = self::message(message, tokens, counter);
        if message.is_trained() {
            sum.trained += own;
            if message.section != Section::NonPreferred || !trained_already {
                sum.answer = Some((sum.billed(), around + own));
                trained_already = true;
            }
        }
        sum.text += own + around;
        sum.image += image(message);
    }
    sum.text += tokens.per_example;
    sum
}

/// Tokens of one message without its images: those of its text and calls, and those around them.
pub fn message(message: &Message<'_>, tokens: &Tokens, counter: &mut Counter) -> (u64, u64) {
    let own = message.texts().map(|(_, text)| counter.count(text) as u64).sum::<u64>() + call_tokens(message, counter);
    let around = tokens.per_message
        + message.role().map_or(0, |role| counter.count(role) as u64)
        + message.get("name").and_then(Value::as_str).map_or(0, |name| counter.count(name) as u64 + tokens.per_name);
    (own, around)
}

/// Names and arguments of the calls a message makes; what stands around them is not published.
fn call_tokens(message: &Message<'_>, counter: &mut Counter) -> u64 {
    let calls = message.tool_calls().filter_map(|call| call.value.get("function"));
    let calls = calls.chain(message.get("function_call"));
    calls
        .flat_map(|call| [call.get("name"), call.get("arguments")])
        .flatten()
        .filter_map(Value::as_str)
        .map(|text| counter.count(text) as u64)
        .sum()
}

/// Tokens of tool definitions, after `num_tokens_for_tools` of OpenAI's cookbook (How_to_count_tokens_with_tiktoken).
/// The published code knows flat schemas only; nested properties are counted the same way, level by level.
fn tool_tokens<'a>(tools: impl Iterator<Item = Tool<'a>>, open: u64, counter: &mut Counter) -> u64 {
    const PROPERTIES: u64 = 3;
    const PROPERTY: u64 = 3;
    const ENUM_ITEM: u64 = 3;
    const END: u64 = 12;
    let mut sum = 0;
    for tool in tools {
        let text = |value: Option<&Value<'_>>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let described = format!("{}:{}", text(tool.function.get("name")), text(tool.function.get("description")).trim_end_matches('.'));
        sum += open + counter.count(&described) as u64;
        let mut open_schemas = vec![tool.parameters()];
        while let Some(schema) = open_schemas.pop() {
            let members = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object).unwrap_or_default();
            sum += if members.is_empty() { 0 } else { PROPERTIES };
            for member in members {
                sum += PROPERTY;
                if let Some(items) = member.value.get("enum").and_then(Value::as_array) {
                    // The cookbook takes these three back and then adds three for each item.
                    sum = sum.saturating_sub(ENUM_ITEM);
                    sum += items.iter().map(|item| ENUM_ITEM + item.as_str().map_or(1, |text| counter.count(text) as u64)).sum::<u64>();
                }
                let described = format!(
                    "{}:{}:{}",
                    member.key,
                    text(member.value.get("type")),
                    text(member.value.get("description")).trim_end_matches('.')
                );
                sum += counter.count(&described) as u64;
                open_schemas.push(Some(&member.value));
                open_schemas.push(member.value.get("items"));
            }
        }
    }
    if sum > 0 { sum + END } else { 0 }
}
