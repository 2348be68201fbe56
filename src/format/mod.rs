//! The dataset formats, and how a line shows which one it is. [`Example`] is the view that rules look through:
//! typed and lenient, so that one fault hides no other.

mod convert;
mod example;

pub use convert::{becomes, convert};
pub(crate) use example::is_control;
pub use example::{Content, Example, ImagePart, Marks, Message, Part, Section, Tool, ToolCall};

use serde::{Deserialize, Serialize};

use crate::json::Value;

/// A dataset format that targets take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `messages`: supervised fine-tuning on chats.
    Chat,
    /// `input`, `preferred_output`, `non_preferred_output`: direct preference optimisation.
    Preference,
    /// `messages` up to the prompt, and free keys for graders: reinforcement fine-tuning.
    Reinforcement,
    /// `prompt`, `completion`.
    Completion,
    /// `text`: language modelling.
    Text,
}

/// All formats with the schema of one line. To add one: its schema in `rules/formats/`, a row here.
pub static FORMATS: &[(Format, &str)] = &[
    (Format::Chat, include_str!("../../rules/formats/chat.schema.json")),
    (Format::Preference, include_str!("../../rules/formats/preference.schema.json")),
    (Format::Reinforcement, include_str!("../../rules/formats/reinforcement.schema.json")),
    (Format::Completion, include_str!("../../rules/formats/completion.schema.json")),
    (Format::Text, include_str!("../../rules/formats/text.schema.json")),
];

impl Format {
    /// The name used in JSON output and target files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Preference => "preference",
            Self::Reinforcement => "reinforcement",
            Self::Completion => "completion",
            Self::Text => "text",
        }
    }

    /// The training method that reads it, as `--method` and OpenAI's API name it.
    pub fn method(self) -> &'static str {
        match self {
            Self::Chat => "sft",
            Self::Preference => "dpo",
            Self::Reinforcement => "rft",
            Self::Completion => "completions",
            Self::Text => "text",
        }
    }

    /// Where the messages of a prompt stand: formats with messages only.
    pub fn has_messages(self) -> bool {
        matches!(self, Self::Chat | Self::Preference | Self::Reinforcement)
    }
}

/// A known format that no OpenAI-style target takes, and how to turn it into one that is taken.
#[derive(Debug)]
pub struct ForeignFormat {
    /// Short name for output: `sharegpt`.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// What to rename.
    pub rewrite: &'static str,
    looks_like: fn(&Value) -> bool,
}

impl PartialEq for ForeignFormat {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ForeignFormat {}

/// Formats of other tools that are often sent to the wrong place. The order matters: the first that fits wins.
pub static FOREIGN: &[ForeignFormat] = &[
    ForeignFormat {
        name: "preferred-completion",
        title: "the preference format with the key names of before July 2025",
        rewrite: "rename `preferred_completion` to `preferred_output` and `non_preferred_completion` to `non_preferred_output`",
        looks_like: |line| has(line, &["preferred_completion"]) || has(line, &["non_preferred_completion"]),
    },
    ForeignFormat {
        name: "chosen-rejected",
        title: "the preference format of TRL, Axolotl and LLaMA-Factory (`chosen`, `rejected`)",
        rewrite: "write `input.messages` for the prompt, `preferred_output` for `chosen` and `non_preferred_output` for `rejected`, each a list of one assistant message",
        looks_like: |line| has(line, &["chosen", "rejected"]) || has(line, &["chosen_messages", "rejected_messages"]),
    },
    ForeignFormat {
        name: "sharegpt",
        title: "ShareGPT (`conversations` of `from` and `value`)",
        rewrite: "rename `conversations` to `messages`, `from` to `role` (`human` to `user`, `gpt` to `assistant`) and `value` to `content`",
        looks_like: |line| has(line, &["conversations"]) || has(line, &["conversation"]),
    },
    ForeignFormat {
        name: "alpaca",
        title: "Alpaca (`instruction`, `input`, `output`)",
        rewrite: "write `instruction` and `input` as one user message and `output` as the assistant message in `messages`",
        looks_like: |line| has(line, &["instruction", "output"]),
    },
    ForeignFormat {
        name: "gemini",
        title: "Gemini (`contents` of `parts`)",
        rewrite: "rename `contents` to `messages`, `parts` to `content` (`{\"text\": …}` to `{\"type\": \"text\", \"text\": …}`), the role `model` to `assistant`, and `systemInstruction` to a system message",
        looks_like: |line| has(line, &["contents"]),
    },
    ForeignFormat {
        name: "bedrock-converse",
        title: "Bedrock Converse (content blocks without `type`)",
        rewrite: "give each content block a `type` (`{\"text\": …}` to `{\"type\": \"text\", \"text\": …}`), move `system` into a system message and drop `schemaVersion`",
        looks_like: |line| has(line, &["messages"]) && (has(line, &["schemaVersion"]) || converse_blocks(line)),
    },
    ForeignFormat {
        name: "batch",
        title: "a request for the Batch API (`custom_id`, `body`)",
        rewrite: "write what stands in `body.messages` as `messages`, with the answer as the last assistant message",
        looks_like: |line| has(line, &["custom_id", "body"]),
    },
    ForeignFormat {
        name: "query-response",
        title: "the query-response format of ms-swift",
        rewrite: "write `query` as a user message and `response` as an assistant message in `messages`; `history` goes before them",
        looks_like: |line| has(line, &["response"]),
    },
    ForeignFormat {
        name: "image-caption",
        title: "image and caption pairs",
        rewrite: "write the image as an `image_url` part of a user message and the caption as the assistant message in `messages`",
        looks_like: |line| has(line, &["image-ref"]) || has(line, &["file_name"]),
    },
    ForeignFormat {
        name: "question-answer",
        title: "question and answer pairs",
        rewrite: "write `question` as a user message and `answer` as an assistant message in `messages`",
        looks_like: |line| has(line, &["question", "answer"]),
    },
    ForeignFormat {
        name: "input-output",
        title: "pairs of `input` and `output`",
        rewrite: "write `input` as a user message and `output` as an assistant message in `messages`",
        looks_like: |line| ["input", "output"].iter().all(|key| line.get(key).is_some_and(|value| value.as_str().is_some())),
    },
];

fn has(line: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| line.get(key).is_some())
}

fn converse_blocks(line: &Value) -> bool {
    let messages = line.get("messages").and_then(Value::as_array).unwrap_or_default();
    let mut parts = messages.iter().filter_map(|message| message.get("content")?.as_array()).flatten().peekable();
    parts.peek().is_some()
        && parts.all(|part| {
            part.get("type").is_none()
                && ["text", "image", "toolUse", "toolResult", "video", "document"].iter().any(|key| part.get(key).is_some())
        })
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A format that targets take.
    Known(Format),
    /// A format of some other tool.
    Foreign(&'static ForeignFormat),
    /// An object with keys of no known format.
    Unknown,
    /// Not an object.
    NotAnObject,
}

impl Shape {
    /// Name for output: `chat`, `sharegpt`, `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Known(format) => format.name(),
            Self::Foreign(foreign) => foreign.name,
            Self::Unknown | Self::NotAnObject => "unknown",
        }
    }

    /// Judges one line by its keys, and a chat by how it ends.
    ///
    /// A line of `messages` is for reinforcement when it has no assistant message at the end and either none at all or
    /// keys of its own for graders; it is a chat otherwise.
    pub fn of(line: &Value) -> Self {
        if line.as_object().is_none() {
            return Self::NotAnObject;
        }
        if let Some(foreign) = FOREIGN.iter().find(|foreign| (foreign.looks_like)(line) && !covers(line, foreign)) {
            return Self::Foreign(foreign);
        }
        if line.get("messages").is_some() {
            return Self::Known(if ends_before_answer(line) { Format::Reinforcement } else { Format::Chat });
        }
        if has(line, &["preferred_output"])
            || has(line, &["non_preferred_output"])
            || line.get("input").is_some_and(|input| input.get("messages").is_some())
        {
            return Self::Known(Format::Preference);
        }
        if has(line, &["prompt", "completion"])
            || line.as_object().is_some_and(|members| members.len() == 1 && (has(line, &["prompt"]) || has(line, &["completion"])))
        {
            return Self::Known(Format::Completion);
        }
        if line.as_object().is_some_and(|members| members.len() <= 2 && has(line, &["text"])) {
            return Self::Known(Format::Text);
        }
        Self::Unknown
    }

    /// Whether a line of this shape is judged as an example of `format`. Chat and reinforcement are told apart by their ends
    /// alone, so each stands for the other; an object of no known format lacks something that the schema names.
    pub fn is_judged_as(self, format: Format) -> bool {
        let is_conversation = |format| matches!(format, Format::Chat | Format::Reinforcement);
        match self {
            Self::Known(own) => own == format || (is_conversation(own) && is_conversation(format)),
            Self::Unknown => true,
            // Parts without `type` are best told one by one.
            Self::Foreign(foreign) => foreign.name == "bedrock-converse" && is_conversation(format),
            Self::NotAnObject => false,
        }
    }

    /// The shape of a file: the one most of its first lines have. Ties go to the first seen; lines that are no objects
    /// or have no known keys count only when there is nothing else. No more of `lines`, which are `most` at the most, are
    /// looked at than decide it.
    pub fn vote(lines: impl IntoIterator<Item = Self>, most: usize) -> Option<Self> {
        let told = |shape: Self| !matches!(shape, Self::Unknown | Self::NotAnObject);
        let mut counts: Vec<(Self, usize)> = Vec::new();
        for shape in lines {
            match counts.iter_mut().find(|(seen, _)| *seen == shape) {
                Some((_, count)) => *count += 1,
                None => counts.push((shape, 1)),
            }
            if counts.iter().any(|&(shape, count)| told(shape) && count * 2 > most) {
                break;
            }
        }
        let best = counts.iter().map(|&(shape, count)| (told(shape), count)).max()?;
        counts.into_iter().find(|&(shape, count)| (told(shape), count) == best).map(|(shape, _)| shape)
    }
}

/// A chat may carry `response` or `question` as data for graders: `messages` with roles outweighs such keys.
fn covers(line: &Value, foreign: &ForeignFormat) -> bool {
    let messages = line.get("messages").and_then(Value::as_array).unwrap_or_default();
    !matches!(foreign.name, "bedrock-converse" | "preferred-completion") && messages.iter().any(|message| message.get("role").is_some())
        || has(line, &["prompt", "completion"])
}

fn ends_before_answer(line: &Value) -> bool {
    let messages = line.get("messages").and_then(Value::as_array).unwrap_or_default();
    let is_assistant = |message: &Value| message.get("role").and_then(Value::as_str) == Some("assistant");
    let own_keys = || {
        let keys = line.as_object().unwrap_or_default();
        keys.iter().any(|member| !["messages", "tools", "parallel_tool_calls", "functions", "weight"].contains(&member.key.as_ref()))
    };
    match messages.last() {
        None => false,
        Some(last) if is_assistant(last) => false,
        Some(last)
            if last
                .get("role")
                .and_then(Value::as_str)
                .is_none_or(|role| !["user", "tool", "developer", "system", "function"].contains(&role)) =>
        {
            false
        }
        Some(_) => !messages.iter().any(is_assistant) || own_keys(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn shape(line: &str) -> &'static str {
        Shape::of(&parse(line.as_bytes(), 128).value.expect("valid")).name()
    }

    #[test]
    fn lines_are_named() {
        for (line, name) in [
            (r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#, "chat"),
            (r#"{"messages":[{"role":"user","content":"a"}],"answer":"b"}"#, "reinforcement"),
            (r#"{"messages":[{"role":"user","content":"a"}]}"#, "reinforcement"),
            (r#"{"messages":[]}"#, "chat"),
            (r#"{"messages":[{"role":"asistant","content":"a"}]}"#, "chat"),
            (r#"{"input":{"messages":[]},"preferred_output":[],"non_preferred_output":[]}"#, "preference"),
            (r#"{"input":{"messages":[]},"preferred_completion":[],"non_preferred_completion":[]}"#, "preferred-completion"),
            (r#"{"prompt":"a","completion":"b"}"#, "completion"),
            (r#"{"text":"a"}"#, "text"),
            (r#"{"conversations":[{"from":"human","value":"a"}]}"#, "sharegpt"),
            (r#"{"instruction":"a","input":"","output":"b"}"#, "alpaca"),
            (r#"{"contents":[]}"#, "gemini"),
            (r#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#, "bedrock-converse"),
            (r#"{"prompt":[],"chosen":[],"rejected":[]}"#, "chosen-rejected"),
            (r#"{"chosen_messages":[],"rejected_messages":[]}"#, "chosen-rejected"),
            (r#"{"query":"a","response":"b"}"#, "query-response"),
            (r#"{"input":"a","output":"b"}"#, "input-output"),
            (r#"{"input":{"a":"b"},"output":"c"}"#, "unknown"),
            (r#"{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{}}"#, "batch"),
            ("{}", "unknown"),
            ("[]", "unknown"),
        ] {
            assert_eq!(shape(line), name, "{line}");
        }
    }

    proptest::proptest! {
        /// No vote that is not taken would have changed the outcome.
        #[test]
        fn a_vote_ends_when_it_is_decided(voters in proptest::collection::vec(proptest::sample::select(vec!["{}", "[]", r#"{"text":"a"}"#, r#"{"messages":[]}"#, r#"{"contents":[]}"#]), 0..12)) {
            let shapes = || voters.iter().map(|line| Shape::of(&parse(line.as_bytes(), 128).value.expect("valid JSON")));
            let mut asked = 0;
            let shape = Shape::vote(shapes().inspect(|_| asked += 1), voters.len());
            proptest::prop_assert_eq!(shape, Shape::vote(shapes(), usize::MAX));
            let is_one = voters.len() > 2 && voters.iter().all(|line| *line == voters[0] && line.len() > 2);
            proptest::prop_assert!(!is_one || asked < voters.len());
        }
    }
}
