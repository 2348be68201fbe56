//! One line as people read it: who says what, with images, calls and base64 told in short. What is broken or of no known
//! format is shown as it is. Nothing leaves this file that could steer a terminal; how it looks is the caller's business.

use serde::Serialize;

use super::pretty::{collapsed, pretty};
use crate::diagnostic::{count, number, sanitised};
use crate::exhibit::{described, thumbnail};
use crate::format::{Content, Example, Format, ImagePart, Message, Section, Shape, Tool, ToolCall};
use crate::image::{Caps, Depth, Embedded};
use crate::json::{Value, parse};
use crate::settings::Settings;
use crate::tokens::{self, Counter};

/// How much of a line is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Characters of one text.
    pub(super) text: usize,
    /// Messages, tools and other items of a list.
    pub(super) items: usize,
}

/// A line, ready to be drawn.
#[derive(Debug, Serialize)]
pub(super) struct Transcript {
    /// What it is, and what is said of it as a whole.
    pub(super) facts: Vec<String>,
    /// The declared tools: how each is called, and what it is for.
    pub(super) tools: Vec<(String, String)>,
    /// The messages, or whatever stands in their place.
    pub(super) turns: Vec<Turn>,
}

/// One message.
#[derive(Debug, Serialize)]
pub(super) struct Turn {
    /// The list that begins with it, where a line has several.
    pub(super) section: Option<&'static str>,
    /// Its role.
    pub(super) speaker: String,
    /// How it is coloured.
    pub(super) voice: Voice,
    /// What is said of it: name, weight, tokens.
    pub(super) marks: Vec<String>,
    /// What it holds, in order.
    pub(super) blocks: Vec<Block>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Voice {
    System,
    User,
    Assistant,
    Tool,
    Other,
}

/// A piece of a message.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Block {
    /// Text as it was written; `more` characters of it are left out.
    Text { text: String, more: u64 },
    /// An image in one line, and drawn small where that is wanted.
    Image { text: String, broken: bool, thumbnail: Option<String> },
    /// JSON or anything else that is no text, under a label.
    Data { label: String, text: String, more: u64 },
}

/// Reads lines; holds what can be used again.
pub(super) struct Reader<'s> {
    settings: &'s Settings,
    cut: Cut,
    counter: Option<Counter>,
    decoded: Vec<u8>,
    /// Images that may still be drawn.
    thumbnails: usize,
}

/// Keys of a message that have a place of their own.
const MESSAGE_KEYS: [&str; 8] = ["role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"];

/// Keys of a line of messages.
const REQUEST_KEYS: [&str; 4] = ["messages", "tools", "functions", "parallel_tool_calls"];

impl<'s> Reader<'s> {
    pub(super) fn new(settings: &'s Settings, cut: Cut) -> Self {
        let encoding = settings.model.as_ref().and_then(|model| model.encoding.as_deref()).unwrap_or(&settings.target.tokens.encoding);
        let counter = settings.count_tokens.then(|| Counter::by_name(encoding)).flatten();
        Self { settings, cut, counter, decoded: Vec::new(), thumbnails: 0 }
    }

    /// Draws at most so many of the images of the lines to come.
    pub(super) fn draw(&mut self, most: usize) {
        self.thumbnails = most;
    }

    pub(super) fn read(&mut self, line: &[u8]) -> Transcript {
        let text = String::from_utf8_lossy(line);
        let parsed = parse(text.as_bytes(), self.settings.max_depth);
        let Some(root) = &parsed.value else {
            return self.whole("not JSON", "line", |reader| reader.text(&text));
        };
        let format = match Shape::of(root) {
            Shape::Known(format) => match self.settings.format {
                Some(asked) if Shape::Known(format).is_judged_as(asked) => asked,
                _ => format,
            },
            Shape::Foreign(foreign) => return self.whole(foreign.title, "line", |reader| reader.data("", root)),
            Shape::Unknown => return self.whole("no known format", "line", |reader| reader.data("", root)),
            Shape::NotAnObject => return self.whole(root.kind(), "line", |reader| reader.data("", root)),
        };
        self.example(&Example::new(format, root))
    }

    /// A line of which nothing is known but what stands there.
    fn whole(&self, fact: &str, speaker: &str, block: impl Fn(&Self) -> Block) -> Transcript {
        let turn = Turn { section: None, speaker: speaker.to_owned(), voice: Voice::Other, marks: Vec::new(), blocks: vec![block(self)] };
        Transcript { facts: vec![fact.to_owned()], tools: Vec::new(), turns: vec![turn] }
    }

    fn example(&mut self, example: &Example<'_>) -> Transcript {
        let (mut turns, mut known): (Vec<Turn>, Vec<&str>) = (Vec::new(), vec!["weight"]);
        let (root, request) = (example.root, example.request());
        let mut images = 0;
        match example.format {
            Format::Chat | Format::Reinforcement => {
                known.extend(REQUEST_KEYS);
                self.list(Section::Messages, None, root.get("messages"), &mut turns, &mut images);
            }
            Format::Preference => {
                known.extend(["input", "preferred_output", "non_preferred_output"]);
                self.list(Section::Input, None, request.get("messages"), &mut turns, &mut images);
                self.list(Section::Preferred, Some("preferred"), root.get("preferred_output"), &mut turns, &mut images);
                self.list(Section::NonPreferred, Some("not preferred"), root.get("non_preferred_output"), &mut turns, &mut images);
            }
            Format::Completion => {
                known.extend(["prompt", "completion"]);
                self.plain("prompt", Voice::User, root, &mut turns);
                self.plain("completion", Voice::Assistant, root, &mut turns);
            }
            Format::Text => {
                known.push("text");
                self.plain("text", Voice::Assistant, root, &mut turns);
            }
        }
        let rest = root.as_object().unwrap_or_default().iter().filter(|member| !known.contains(&&*member.key));
        let rest: Vec<Block> = rest.take(self.cut.items).map(|member| self.data(&member.key, &member.value)).collect();
        if !rest.is_empty() {
            let speaker = if example.format == Format::Reinforcement { "for graders" } else { "other keys" };
            turns.push(Turn {
                section: Some("beside the messages"),
                speaker: speaker.to_owned(),
                voice: Voice::Other,
                marks: Vec::new(),
                blocks: rest,
            });
        }
        let facts = self.facts(example, images);
        let declared: Vec<Tool<'_>> = example.tools().collect();
        let mut tools: Vec<_> = declared.iter().take(self.cut.items).map(|tool| self.tool(tool)).collect();
        if declared.len() > tools.len() {
            tools.push((format!("… {}", count((declared.len() - tools.len()) as u64, "more tool")), String::new()));
        }
        Transcript { facts, tools, turns }
    }

    /// What is said of an example as a whole.
    fn facts(&mut self, example: &Example<'_>, images: u64) -> Vec<String> {
        // Nothing but graders' keys tells a line for reinforcement from a chat that lacks its answer.
        let has_own_keys = || example.root.as_object().unwrap_or_default().iter().any(|member| !REQUEST_KEYS.contains(&&*member.key));
        let is_told = example.format != Format::Reinforcement || self.settings.format.is_some() || has_own_keys();
        let mut facts = vec![if is_told { example.format.name() } else { "prompt without an answer" }.to_owned()];
        if example.format.has_messages() {
            facts.push(count(example.messages.len() as u64, "message"));
        }
        if let Some(counter) = &mut self.counter {
            let tool_open = self.settings.model.as_ref().and_then(|model| model.tool_tokens);
            let sum = tokens::count(example, &self.settings.target.tokens, tool_open, counter, |_| 0);
            let parts = [(images, "images"), (sum.tools, "tool definitions")].map(|(tokens, what)| (number(tokens), what, tokens > 0));
            let parts: Vec<_> = parts.iter().filter(|(.., any)| *any).map(|(tokens, what, _)| format!("{tokens} {what}")).collect();
            let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
            facts.push(format!("{}{parts}", count(sum.billed() + images, "token")));
            if example.format != Format::Reinforcement {
                facts.push(format!("{} trained on", number(sum.trained)));
            }
        }
        let said = |key: &str, value: Option<&Value<'_>>| Some(format!("{key} {}", short(value?)));
        facts.extend(said("weight", example.root.get("weight")));
        facts.extend(said("parallel_tool_calls", example.request().get("parallel_tool_calls")));
        facts
    }

    /// The messages of one list, and what stands there instead of messages.
    fn list(&mut self, section: Section, title: Option<&'static str>, list: Option<&Value<'_>>, turns: &mut Vec<Turn>, images: &mut u64) {
        let first = turns.len();
        let odd = |speaker: &str, block| Turn {
            section: None,
            speaker: speaker.to_owned(),
            voice: Voice::Other,
            marks: Vec::new(),
            blocks: vec![block],
        };
        match list.and_then(Value::as_array) {
            Some(items) => {
                for (index, value) in items.iter().enumerate() {
                    if index >= self.cut.items {
                        // Left out of the picture, not of the sum.
                        *images += items
                            .iter()
                            .skip(index)
                            .map(|value| self.image_tokens(&Message::new(section, index, false, value)))
                            .sum::<u64>();
                        let text = format!("… {}", count((items.len() - index) as u64, "more message"));
                        turns.push(odd(&text, Block::Text { text: String::new(), more: 0 }));
                        break;
                    }
                    let is_last = index + 1 == items.len();
                    turns.push(match value.as_object() {
                        Some(_) => self.message(&Message::new(section, index, is_last, value), images),
                        None => odd("no message", self.data("", value)),
                    });
                }
            }
            None => turns.extend(list.map(|value| odd("no list of messages", self.data("", value)))),
        }
        if let Some(turn) = turns.get_mut(first) {
            turn.section = title;
        }
    }

    fn image_tokens(&mut self, message: &Message<'_>) -> u64 {
        message.images().filter_map(|image| self.look(&image).1).sum()
    }

    fn message(&mut self, message: &Message<'_>, images: &mut u64) -> Turn {
        let role = message.role().map(|role| brief(role, 40));
        let voice = match message.role() {
            Some("system" | "developer") => Voice::System,
            Some("user") => Voice::User,
            Some("assistant") => Voice::Assistant,
            Some("tool" | "function") => Voice::Tool,
            _ => Voice::Other,
        };
        let mut blocks = Vec::new();
        let mut image_tokens = 0;
        match message.content() {
            Some(Content::Text(_, text)) if voice == Voice::Tool => blocks.push(self.result(text)),
            Some(Content::Text(_, "")) => blocks.push(Block::Data { label: "empty".to_owned(), text: String::new(), more: 0 }),
            Some(Content::Text(_, text)) => blocks.push(self.text(text)),
            Some(Content::Parts(items)) => {
                for item in items.iter().take(self.cut.items) {
                    blocks.push(self.part(message, item, &mut image_tokens));
                }
                if items.len() > self.cut.items {
                    let label = format!("… {}", count((items.len() - self.cut.items) as u64, "more part"));
                    blocks.push(Block::Data { label, text: String::new(), more: 0 });
                }
            }
            None => blocks.extend(message.get("content").filter(|content| !content.is_null()).map(|content| self.data("content", content))),
        }
        blocks.extend(message.get("refusal").and_then(Value::as_str).map(|text| self.labelled("refusal", text)));
        blocks.extend(message.all_calls().take(self.cut.items).map(|call| self.call(&call)));
        let rest = message.value.as_object().unwrap_or_default().iter();
        let rest = rest.filter(|member| !MESSAGE_KEYS.contains(&&*member.key) && !member.value.is_null());
        blocks.extend(rest.take(self.cut.items).map(|member| self.data(&member.key, &member.value)));
        *images += image_tokens;
        Turn {
            section: None,
            speaker: role.unwrap_or_else(|| "no role".to_owned()),
            voice,
            marks: self.marks(message, image_tokens),
            blocks,
        }
    }

    fn marks(&mut self, message: &Message<'_>, image_tokens: u64) -> Vec<String> {
        let mut marks = Vec::new();
        for key in ["name", "tool_call_id"] {
            marks.extend(message.get(key).filter(|value| !value.is_null()).map(short));
        }
        if let Some(weight) = message.get("weight").filter(|weight| !weight.is_null()) {
            let trained = if message.is("assistant") && !message.is_trained() { ": not trained on" } else { "" };
            marks.push(format!("weight {}{trained}", short(weight)));
        }
        if let Some(counter) = &mut self.counter {
            let (own, around) = tokens::message(message, &self.settings.target.tokens, counter);
            marks.push(count(own + around + image_tokens, "token"));
        }
        marks
    }

    fn part(&mut self, message: &Message<'_>, item: &Value<'_>, image_tokens: &mut u64) -> Block {
        let url = item.get("image_url").and_then(|image| image.get("url").or(Some(image)));
        if let (Some(url), Some(text)) = (url, url.and_then(Value::as_str)) {
            let part = crate::format::Part { index: 0, value: item };
            let image =
                ImagePart { message: *message, part, url, text, detail: item.get("image_url").and_then(|image| image.get("detail")) };
            let (block, tokens) = self.look(&image);
            *image_tokens += tokens.unwrap_or_default();
            return block;
        }
        let kind = item.get("type").and_then(Value::as_str);
        match (kind, item.get("text").and_then(Value::as_str), item.get("refusal").and_then(Value::as_str)) {
            (Some("text"), Some(text), _) => self.text(text),
            (Some("refusal"), _, Some(text)) => self.labelled("refusal", text),
            _ => self.data("part", item),
        }
    }

    /// An image in one line, with the tokens it costs.
    fn look(&mut self, image: &ImagePart<'_>) -> (Block, Option<u64>) {
        let detail = image.detail.and_then(Value::as_str);
        let said = detail.map(|detail| format!(", detail {}", brief(detail, 20))).unwrap_or_default();
        let Some(embedded) = Embedded::look(image.text, Some(Depth::Full), &Caps::default(), &mut self.decoded) else {
            return (Block::Image { text: format!("image at {}{said}", brief(image.text, 80)), broken: false, thumbnail: None }, None);
        };
        let formula = self.settings.model.as_ref().and_then(|model| model.image_tokens.as_ref());
        let tokens = self.counter.as_ref().and(formula).zip(embedded.size());
        let tokens = tokens.map(|(formula, (width, height))| tokens::image::tokens(formula, width, height, detail.unwrap_or("auto")));
        let (text, broken) = described(&embedded);
        let cost = tokens.map(|tokens| format!(", {}", count(tokens, "token"))).unwrap_or_default();
        let fault = broken.map(|fault| format!(": {fault}"));
        let drawn = (self.thumbnails > 0 && fault.is_none()).then(|| thumbnail(&self.decoded).ok()).flatten();
        self.thumbnails -= usize::from(drawn.is_some());
        let text = format!("image {text}{cost}{said}{}", fault.as_deref().unwrap_or_default());
        (Block::Image { text, broken: fault.is_some(), thumbnail: drawn }, tokens)
    }

    /// What a tool gave back: JSON more often than not.
    fn result(&self, text: &str) -> Block {
        match parse(text.as_bytes(), self.settings.max_depth).value {
            Some(value) if value.as_object().is_some() || value.as_array().is_some() => self.data("", &value),
            _ => self.text(text),
        }
    }

    fn call(&self, call: &ToolCall<'_>) -> Block {
        let Some(name) = call.name() else { return self.data("call", call.value) };
        let id = call.id().map(|id| format!("  {}", brief(id, 40))).unwrap_or_default();
        let label = format!("calls {}{id}", brief(name, 64));
        let Some(arguments) = call.arguments() else { return Block::Data { label, text: String::new(), more: 0 } };
        let inner = arguments.as_str().and_then(|text| parse(text.as_bytes(), self.settings.max_depth).value.map(|value| pretty(&value)));
        let text = inner.unwrap_or_else(|| arguments.as_str().map_or_else(|| pretty(arguments), str::to_owned));
        let (text, more) = cut(&collapsed(&text), self.cut.text);
        Block::Data { label, text, more }
    }

    fn tool(&self, tool: &Tool<'_>) -> (String, String) {
        let schema = tool.parameters();
        let required = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array).unwrap_or_default();
        let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object).unwrap_or_default();
        let parameters: Vec<String> = properties
            .iter()
            .take(12)
            .map(|member| {
                let is_required = required.iter().any(|name| name.as_str() == Some(&member.key));
                format!("{}{}", brief(&member.key, 24), if is_required { "" } else { "?" })
            })
            .chain((properties.len() > 12).then(|| "…".to_owned()))
            .collect();
        let name = tool.name().map_or_else(|| "no name".to_owned(), |name| brief(name, 64));
        let about = tool.function.get("description").and_then(Value::as_str).unwrap_or_default();
        (format!("{name}({})", parameters.join(", ")), brief(about.lines().next().unwrap_or_default(), 120))
    }

    /// A field of a format without messages.
    fn plain(&mut self, key: &'static str, voice: Voice, root: &Value<'_>, turns: &mut Vec<Turn>) {
        let Some(value) = root.get(key) else { return };
        let block = match value.as_str() {
            Some(text) => self.text(text),
            None => self.data("", value),
        };
        let tokens = self.counter.as_mut().zip(value.as_str()).map(|(counter, text)| count(counter.count(text) as u64, "token"));
        turns.push(Turn { section: None, speaker: key.to_owned(), voice, marks: tokens.into_iter().collect(), blocks: vec![block] });
    }

    fn text(&self, text: &str) -> Block {
        let (text, more) = cut(&collapsed(text), self.cut.text);
        Block::Text { text, more }
    }

    fn labelled(&self, label: &str, text: &str) -> Block {
        let (text, more) = cut(&collapsed(text), self.cut.text);
        Block::Data { label: label.to_owned(), text, more }
    }

    fn data(&self, label: &str, value: &Value<'_>) -> Block {
        self.labelled(&brief(label, 64), &pretty(value))
    }
}

/// The first `most` characters, and how many are left out. Line breaks stay, tabs become spaces, whatever else steers a
/// terminal becomes `\u{…}`.
fn cut(text: &str, most: usize) -> (String, u64) {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let (kept, rest) = text.split_at(end);
    let lines = kept.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).replace('\t', "    "));
    let lines: Vec<String> = lines.map(|line| sanitised(&line).into_owned()).collect();
    (lines.join("\n"), rest.chars().count() as u64)
}

/// A few characters in one line.
fn brief(text: &str, most: usize) -> String {
    let text: String = collapsed(text).chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    let (kept, more) = cut(&text, most);
    if more > 0 { format!("{kept}…") } else { kept }
}

/// A small value in one line.
fn short(value: &Value<'_>) -> String {
    match value.as_str() {
        Some(text) => brief(text, 40),
        None => brief(&pretty(value), 40),
    }
}
