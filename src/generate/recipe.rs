//! What a recipe may say, as TOML: where rows come from, which are taken, what is made of each, and where it goes.
//! Nothing is read or compiled here; unknown keys are refused with the nearest right one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::{Table, Value};

use super::size::Size;
use super::source::Spec;
use crate::diagnostic::nearest;

/// A recipe for `tunelint generate`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Provider or trainer the dataset is bound for: `openai` (the default), `azure`, … or a `.toml` file of your own.
    pub target: Option<String>,
    /// Model to be trained; the target's default when left out.
    pub model: Option<String>,
    /// Decides every shuffle and sample: the same recipe, seed and sources give the same bytes.
    pub seed: u64,
    /// What happens when a row cannot be made into a line that the target takes.
    pub on_error: OnError,
    /// Rules that the result need not keep: codes or names.
    pub ignore: Vec<String>,
    /// The source, when there is one.
    pub source: Option<Spec>,
    /// Several sources, by name.
    #[schemars(with = "BTreeMap<String, Spec>")]
    pub sources: IndexMap<String, Spec>,
    /// Which rows are taken, and in which order.
    pub rows: Rows,
    /// The files to write, by name; in this order rows are dealt out to them.
    #[schemars(with = "BTreeMap<String, Split>")]
    pub splits: IndexMap<String, Split>,
    /// Examples that stand at the start of every line.
    pub few_shot: Option<FewShot>,
    /// What is made of a row.
    pub example: Example,
    /// What is done to images.
    pub images: Images,
    /// How the files are written.
    pub output: Output,
}

/// What happens to a row that cannot be made into a line that the target takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The run stops and names the row; nothing is written.
    #[default]
    Stop,
    /// The row is left out, and counted by reason.
    Skip,
}

/// Which rows are taken: `filter`, then `shuffle`, `sample`, the splits, `explode`, `rename`, and `filter_exploded`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rows {
    /// The columns that may be used; all when left out.
    pub select: Option<Vec<String>>,
    /// An expression that a row must meet: `language == "en" and score > 0.5`.
    pub filter: Option<String>,
    /// Columns of lists of the same length: each row becomes as many examples, one element of each at a time.
    pub explode: Vec<String>,
    /// Other names for columns, after `explode`: `{ questions = "question" }`.
    pub rename: BTreeMap<String, String>,
    /// An expression that an example must meet after `explode` and `rename`.
    pub filter_exploded: Option<String>,
    /// Whether the order of rows is random.
    pub shuffle: bool,
    /// How many rows to take by chance: a count, or a share such as `"5%"`.
    pub sample: Option<Amount>,
    /// A column whose equal values are never dealt out to two splits. Shares are then those of a stable hash of the
    /// value: a row stays in its split when others are added.
    pub group_by: Option<String>,
}

/// A count, or a share of all.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Amount {
    /// So many.
    Count(u64),
    /// Between 0 and 1, of all.
    Share(f64),
}

impl Amount {
    /// How many of `all` it means, rounded to the nearest.
    pub fn of(self, all: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => (all as f64 * share).round() as u64,
        }
    }
}

impl TryFrom<Value> for Amount {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let share = |number: f64| (0.0..=1.0).contains(&number).then_some(Self::Share(number));
        let amount = match &value {
            Value::Integer(count) => u64::try_from(*count).ok().map(Self::Count),
            Value::Float(number) => share(*number),
            Value::String(text) => {
                text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok()).and_then(|n| share(n / 100.0))
            }
            _ => None,
        };
        amount.ok_or_else(|| format!("{}: a count of rows, such as 500, or a share, such as \"5%\" or 0.05", shown(&value)))
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A count of rows, or a share of them: 500, 0.05, \"5%\".",
            "oneOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? *%$" },
            ]
        })
    }
}

/// One file to write.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// The source its rows come from, by name; may be left out when there is one.
    pub source: Option<String>,
    /// How many rows it gets: a count, or a share such as `"90%"`; what the splits before it have left when left out.
    pub rows: Option<Amount>,
    /// The file, relative to the output folder; `<recipe>-<split>.jsonl` when left out.
    pub output: Option<PathBuf>,
    /// Whether the final assistant messages are left out: questions to test the model with.
    pub prompt_only: bool,
}

/// Examples that stand behind the system message of every line, from rows or written out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FewShot {
    /// The split that `row` counts in; the first one when left out.
    #[serde(default)]
    pub split: Option<String>,
    /// One entry an example: `row` is the number of an example of the split, from 0, whose columns are to be used; every
    /// other key is a value for the templates.
    #[schemars(with = "Vec<BTreeMap<String, serde_json::Value>>")]
    pub examples: Vec<Table>,
    /// What is made of each; `number` counts from 1. As in `example.messages`, without its system messages, when left out.
    #[serde(default)]
    pub messages: Option<Messages>,
    /// The weight of their assistant messages: 0 keeps them from being trained on in every line, `"omit"` writes none. When left
    /// out, 0 where the target takes weights.
    #[serde(default)]
    pub weight: Option<ShotWeight>,
}

/// The weight of few-shot answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum ShotWeight {
    /// Not trained on.
    Zero,
    /// Trained on, and said so.
    One,
    /// No `weight` is written: they are trained on wherever weights default to 1.
    Omit,
}

impl TryFrom<Value> for ShotWeight {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Integer(0) => Ok(Self::Zero),
            Value::Integer(1) => Ok(Self::One),
            Value::String(text) if text == "omit" => Ok(Self::Omit),
            other => Err(format!("{}: a weight is 0, 1 or \"omit\"", shown(&other))),
        }
    }
}

impl JsonSchema for ShotWeight {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShotWeight".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "enum": [0, 1, "omit"] })
    }
}

/// A value with templates in it. A text is a template: `"Question: {{ question }}"`. `{ expr = "…" }` is an expression,
/// and its value keeps its type. Lists and tables hold templates in turn; numbers and truth values are themselves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Value);

impl JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A text is a template, { expr = \"…\" } an expression whose value keeps its type; lists and tables hold templates in turn.",
            "type": ["string", "number", "boolean", "array", "object"]
        })
    }
}

/// What is made of a row: the keys of a line, by its format.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Example {
    /// A recipe for rows of a known shape; keys beside it outweigh it.
    pub preset: Option<String>,
    /// The format of the lines; by the keys below when left out.
    pub format: Option<crate::format::Format>,
    /// The messages of a chat, or of the prompt in a preference.
    pub messages: Option<Messages>,
    /// The preferred answer: a text, or messages.
    pub preferred_output: Option<Messages>,
    /// The other answer.
    pub non_preferred_output: Option<Messages>,
    /// The prompt of a completion.
    pub prompt: Option<Template>,
    /// The completion of a prompt.
    pub completion: Option<Template>,
    /// Text for language modelling.
    pub text: Option<Template>,
    /// The tools the model may call, mostly `{ expr = "tools" }`.
    pub tools: Option<Template>,
    /// Whether calls may be parallel.
    pub parallel_tool_calls: Option<Template>,
    /// Further keys of the line, such as what graders compare with.
    #[schemars(with = "BTreeMap<String, Template>")]
    pub fields: IndexMap<String, Template>,
}

/// Messages one by one, `{ expr = "…" }` for a list of them, or a text that is one assistant message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Messages {
    /// One template for each.
    Each(Vec<Message>),
    /// An expression whose value is a list of messages, a column of them for example.
    Expression(String),
    /// One assistant message.
    Answer(Template),
}

impl TryFrom<Value> for Messages {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(_) => value.try_into().map(Self::Each).map_err(|error: toml::de::Error| explained(error.message())),
            Value::Table(table) => match expression(&table) {
                Some(text) => Ok(Self::Expression(text.to_owned())),
                None => Err("messages are a list of tables with `role` and `content`, or { expr = \"…\" }".to_owned()),
            },
            Value::String(_) => Ok(Self::Answer(Template(value))),
            other => Err(format!("{}: messages are a list of tables with `role` and `content`, or {{ expr = \"…\" }}", shown(&other))),
        }
    }
}

impl JsonSchema for Messages {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Messages".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let message = generator.subschema_for::<Message>();
        schemars::json_schema!({
            "description": "Messages one by one, an expression for a list of them, or a text that is one assistant message.",
            "oneOf": [
                { "type": "array", "items": message },
                { "type": "object", "properties": { "expr": { "type": "string" } }, "required": ["expr"], "additionalProperties": false },
                { "type": "string" },
            ]
        })
    }
}

/// The expression of a table `{ expr = "…" }`.
pub(super) fn expression(table: &Table) -> Option<&str> {
    (table.len() == 1).then(|| table.get("expr").and_then(Value::as_str)).flatten()
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`; a template.
    pub role: String,
    /// A text, `{ expr = "…" }`, or a list of parts: `{ text = "…" }` and `{ image = "column" }`, the latter with an
    /// expression for an image, its path or its URL, and perhaps a `detail`.
    pub content: Option<Template>,
    /// An expression: the message is left out where it is not met.
    pub when: Option<String>,
    /// Name of the speaker.
    pub name: Option<Template>,
    /// 0 keeps an assistant message from being trained on.
    pub weight: Option<Template>,
    /// Calls of tools.
    pub tool_calls: Option<Template>,
    /// The call that a tool message answers.
    pub tool_call_id: Option<Template>,
    /// What the assistant refuses with.
    pub refusal: Option<Template>,
}

/// What is done to images. One that its target takes is passed through untouched unless `reencode = "always"`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Images {
    /// Which images are encoded anew.
    pub reencode: Reencode,
    /// The format of images that are encoded anew.
    pub format: ImageFormat,
    /// JPEG quality from 1 to 100; 90 when left out.
    #[schemars(range(min = 1, max = 100))]
    pub quality: Option<u8>,
    /// Most pixels (width times height) of an image.
    pub max_pixels: Option<u64>,
    /// Longest side of an image, in pixels.
    pub max_side: Option<u32>,
    /// The colour that transparent images are laid on, as `"#rrggbb"`; they stay transparent, as PNG, when left out.
    pub background: Option<Color>,
    /// Whether metadata such as a place are taken out of images that are passed through; re-encoding always does.
    pub strip_metadata: bool,
    /// The `detail` of every image that has none of its own.
    pub detail: Option<String>,
}

/// Which images are encoded anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reencode {
    /// Those that the target or this recipe does not take as they are.
    #[default]
    WhenNeeded,
    /// All.
    Always,
}

/// The format of images that are encoded anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// JPEG for photographs, PNG for what is transparent or was stored without loss.
    #[default]
    Auto,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// A colour, `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Color(pub [u8; 3]);

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?}: a colour is \"#rrggbb\", such as \"#ffffff\" for white");
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(wrong)?;
        let number = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl JsonSchema for Color {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Color".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "A colour, such as \"#ffffff\".", "type": "string", "pattern": "^#[0-9a-fA-F]{6}$" })
    }
}

/// How the files are written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// The folder, relative to the recipe; the recipe's own when left out.
    pub folder: Option<PathBuf>,
    /// `compact`, or `python` as `json.dumps` writes: a space behind `:` and `,`, and ASCII only.
    pub json: JsonStyle,
    /// Whether keys that are null stay. They are dropped by default: Arrow adds them to every row that lacks a key.
    pub keep_nulls: bool,
    /// Most bytes of each file: `"512MB"`.
    pub max_file_size: Option<Size>,
    /// Whether images are made smaller until the file is within `max_file_size`.
    pub fit: bool,
    /// Whether `<file>.manifest.json` is not written beside each file.
    pub no_manifest: bool,
}

/// How JSON is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JsonStyle {
    /// Nothing between the tokens, UTF-8.
    #[default]
    Compact,
    /// As Python's `json.dumps`.
    Python,
}

/// A recipe that was read, with what is needed to speak about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub recipe: Recipe,
    /// Its path as it was given.
    pub path: PathBuf,
    /// The folder its paths are relative to.
    pub folder: PathBuf,
    /// Its text.
    pub text: String,
    /// What was laid over it: `KEY=VALUE`.
    pub settings: Vec<String>,
}

impl Loaded {
    /// Reads the recipe at `path` and lays `settings` over it: `KEY=VALUE` with dots for tables.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no recipe; says the line and the nearest right key.
    pub fn read(path: &Path, settings: &[String]) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {}", super::reason(&error)))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let recipe = if settings.is_empty() {
            toml::from_str(&text).map_err(|error| {
                let line = error.span().map_or(1, |span| line_at(&text, span.start));
                format!("{shown}:{line}: {}", explained(error.message()))
            })?
        } else {
            let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
                let line = error.span().map_or(1, |span| line_at(&text, span.start));
                format!("{shown}:{line}: {}", error.message())
            })?;
            for setting in settings {
                set(&mut table, setting)?;
            }
            table.try_into().map_err(|error: toml::de::Error| format!("{shown} with --set: {}", explained(error.message())))?
        };
        Ok(Self { recipe, path: path.to_owned(), folder, text, settings: settings.to_vec() })
    }

    /// The line of the recipe on which the value at `keys` stands, as far down as it is there.
    pub fn line(&self, keys: &[&str]) -> Option<usize> {
        let document = toml::de::DeTable::parse(&self.text).ok()?;
        let mut best = None;
        let mut here: Option<&toml::Spanned<toml::de::DeValue<'_>>> = None;
        for (depth, key) in keys.iter().enumerate() {
            let next = match (depth, here.map(toml::Spanned::get_ref)) {
                (0, _) => document.get_ref().get(*key),
                (_, Some(toml::de::DeValue::Table(table))) => table.get(*key),
                (_, Some(toml::de::DeValue::Array(items))) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => None,
            };
            let Some(next) = next else { break };
            best = Some(line_at(&self.text, next.span().start));
            here = Some(next);
        }
        best
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// Lays `KEY=VALUE` over a table; a bare word is a text.
fn set(table: &mut Table, setting: &str) -> Result<(), String> {
    let (key, value) = setting.split_once('=').ok_or_else(|| format!("--set {setting}: use KEY=VALUE"))?;
    let parsed: Result<Table, _> = format!("value = {value}").parse();
    let value = parsed.ok().and_then(|mut parsed| parsed.remove("value")).unwrap_or_else(|| Value::String(value.to_owned()));
    let mut here = table;
    let (above, last) = key.rsplit_once('.').map_or((None, key), |(above, last)| (Some(above), last));
    for name in above.into_iter().flat_map(|above| above.split('.')) {
        let below = here.entry(name.trim()).or_insert_with(|| Value::Table(Table::new()));
        here = below.as_table_mut().ok_or_else(|| format!("--set {setting}: `{name}` is no table"))?;
    }
    here.insert(last.trim().to_owned(), value);
    Ok(())
}

/// A value for a message.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => crate::diagnostic::quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        other => format!("a value of the kind {}", other.type_str()),
    }
}

/// A message about an unknown key, with the nearest right one: ``unknown field `a`, expected one of `b`, `c` ``.
fn explained(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match (message.starts_with("unknown field") || message.starts_with("unknown variant"), quoted.split_first()) {
        (true, Some((wrong, right))) => {
            let what = if message.starts_with("unknown field") { "key" } else { "value" };
            match nearest(wrong, right.iter().copied()) {
                Some(near) => format!("there is no {what} `{wrong}` here; did you mean `{near}`?"),
                None => format!("there is no {what} `{wrong}` here; there are {}", right.join(", ")),
            }
        }
        _ => message.trim_end().to_owned(),
    }
}

/// The JSON Schema of a recipe, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Recipe).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, settings: &[&str]) -> Result<Loaded, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, text).expect("written");
        let settings: Vec<String> = settings.iter().map(|&text| text.to_owned()).collect();
        Loaded::read(&path, &settings).map_err(|message| message.replace(&*folder.path().to_string_lossy(), ""))
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_one() {
        let message = read("[source]\npath = \"a\"\n\n[rows]\nshufle = true\n", &[]).expect_err("a typo");
        assert_eq!(message, "/recipe.toml:5: there is no key `shufle` here; did you mean `shuffle`?");
        let message = read("[[example.messages]]\nrole = \"user\"\nconten = \"x\"\n", &[]).expect_err("a typo");
        assert!(message.contains("did you mean `content`?"), "{message}");
        let message = read("on_error = \"skp\"\n", &[]).expect_err("a typo");
        assert_eq!(message, "/recipe.toml:1: there is no value `skp` here; did you mean `skip`?");
    }

    #[test]
    fn settings_are_laid_over() {
        let loaded = read("seed = 1\n[source]\npath = \"a\"\n", &["seed=7", "source.path=b.csv", "rows.sample=5%"]).expect("read");
        assert_eq!(loaded.recipe.seed, 7);
        assert_eq!(loaded.recipe.source.expect("given").path.to_vec(), ["b.csv"]);
        assert_eq!(loaded.recipe.rows.sample, Some(Amount::Share(0.05)));
    }

    #[test]
    fn splits_keep_their_order() {
        let loaded = read("[splits.train]\nrows = 3\n[splits.validation]\nrows = 0.5\n[splits.a]\n", &[]).expect("read");
        assert_eq!(loaded.recipe.splits.keys().collect::<Vec<_>>(), ["train", "validation", "a"]);
    }

    #[test]
    fn places_are_lines_of_the_recipe() {
        let loaded =
            read("seed = 1\n\n[[example.messages]]\nrole = \"user\"\ncontent = [\n  { text = \"a\" },\n  { text = \"b\" },\n]\n", &[])
                .expect("read");
        assert_eq!(loaded.line(&["example", "messages", "0", "content", "1", "text"]), Some(7));
        assert_eq!(loaded.line(&["example", "messages", "0", "weight"]), Some(3));
    }
}
