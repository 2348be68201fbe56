//! Where a dataset is bound for: limits, models, roles and rule levels of a provider or trainer, read from
//! `rules/targets/*.toml`. Data only; `rules/README.md` says how such a file is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::format::Format;
use crate::rule::{Effect, Evidence, Severity};

/// The targets that come with tunelint, by name. To add one: its file in `rules/targets/`, a row here.
pub static BUILTIN: &[(&str, &str)] = &[
    ("openai", include_str!("../rules/targets/openai.toml")),
    ("azure", include_str!("../rules/targets/azure.toml")),
    ("together", include_str!("../rules/targets/together.toml")),
    ("fireworks", include_str!("../rules/targets/fireworks.toml")),
];

/// One provider or trainer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name for `--target`.
    pub name: String,
    /// Name for people: `OpenAI`.
    pub title: String,
    /// One sentence on what stands behind it.
    pub summary: String,
    /// The target this one builds on; its values stand unless they are given again.
    #[serde(default)]
    pub extends: Option<String>,
    /// The model that is meant when none is named.
    #[serde(default)]
    pub default_model: Option<String>,
    /// Short names of the sources used in this file, with their addresses.
    #[serde(default)]
    pub sources: BTreeMap<String, String>,
    /// When no new job is taken any more, by anyone.
    #[serde(default)]
    pub jobs_until: Option<Cutoff>,
    /// The formats taken, each with the keys and roles it may have.
    pub formats: BTreeMap<Format, FormatRules>,
    /// Keys a message may have.
    pub message_keys: Fact<Vec<String>>,
    /// Types a content part may have.
    pub part_types: Fact<Vec<String>>,
    /// Counts and sizes.
    pub limits: Limits,
    /// What images must be.
    pub images: Images,
    /// The published default for the number of epochs.
    #[serde(default)]
    pub epochs: Option<Epochs>,
    /// How text and messages are counted.
    pub tokens: Tokens,
    /// The models that can be trained.
    #[serde(default)]
    pub models: Vec<Model>,
    /// Where this target judges a rule otherwise than the rule itself does.
    #[serde(default)]
    pub rules: BTreeMap<String, RuleOverride>,
}

/// A value with where it comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// Key in `sources`, or the source itself.
    pub source: String,
    /// How well it is known.
    pub evidence: Evidence,
    /// When it was last looked up.
    pub checked: Date,
    /// Anything that must be said with it, such as a second source that disagrees.
    #[serde(default)]
    pub note: Option<String>,
}

/// A number with where it comes from.
pub type Limit = Fact<u64>;

/// The last day of something, with where that comes from.
pub type Cutoff = Fact<Date>;

/// What one format looks like at a target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatRules {
    /// Keys a line may have; none given means that keys are free.
    #[serde(default)]
    pub keys: Option<Vec<String>>,
    /// Roles a message may have.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Roles a message in the outputs of a preference may have.
    #[serde(default = "assistant")]
    pub output_roles: Vec<String>,
    /// Where they come from.
    pub source: String,
    /// How well they are known.
    pub evidence: Evidence,
    /// When that was looked up.
    pub checked: Date,
}

fn assistant() -> Vec<String> {
    vec!["assistant".to_owned()]
}

/// Counts and sizes; bytes are bytes, absent means no limit is known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Fewest examples in a file.
    pub examples_min: Option<Limit>,
    /// Fewest examples that usually help.
    pub examples_recommended: Option<Limit>,
    /// Most examples in a file.
    pub examples_max: Option<Limit>,
    /// Most examples that hold images.
    pub image_examples_max: Option<Limit>,
    /// Most examples for reinforcement.
    pub reinforcement_examples_max: Option<Limit>,
    /// Most examples times epochs in a job.
    pub examples_times_epochs: Option<Limit>,
    /// Most epochs of a job.
    pub epochs_max: Option<Limit>,
    /// Most bytes of a plain upload.
    pub upload_bytes: Option<Limit>,
    /// Most bytes of an upload in parts.
    pub multipart_upload_bytes: Option<Limit>,
    /// Most bytes of a file in a job.
    pub job_bytes: Option<Limit>,
    /// Most examples that may be skipped for their images before the job fails.
    pub skipped_examples_max: Option<Limit>,
    /// Most tokens times epochs in a job.
    pub tokens_times_epochs: Option<Limit>,
    /// Most messages in an example.
    pub messages_max: Option<Limit>,
    /// Most declared tools in an example.
    pub tools_max: Option<Limit>,
    /// Most declared (deprecated) functions in an example.
    pub functions_max: Option<Limit>,
    /// Smallest weight of a whole example.
    pub sample_weight_min: Option<Limit>,
}

/// What images must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// Most images in an example.
    #[serde(default)]
    pub per_example: Option<Limit>,
    /// Most bytes of one image, decoded.
    #[serde(default)]
    pub bytes: Option<Limit>,
    /// Formats taken: `JPEG`, `PNG`, `WEBP`.
    pub formats: Fact<Vec<String>>,
    /// Colour modes taken, in Pillow's words.
    pub modes: Fact<Vec<String>>,
    /// How an image may be given: `data`, `https`, `http`.
    pub schemes: Fact<Vec<String>>,
    /// Roles whose messages may hold images.
    pub roles: Fact<Vec<String>>,
    /// Formats of dataset that may hold images.
    pub in_formats: Fact<Vec<Format>>,
    /// Values of `detail`.
    pub details: Fact<Vec<String>>,
}

/// The published formula for default epochs: `target` epochs, more for few examples and fewer for many, so that
/// examples times epochs stays within `examples_min..=examples_max`, and epochs within `min..=max`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epochs {
    /// Epochs of an ordinary file.
    pub target: u64,
    /// Fewest epochs.
    pub min: u64,
    /// Most epochs.
    pub max: u64,
    /// Fewest examples times epochs.
    pub examples_min: u64,
    /// Most examples times epochs.
    pub examples_max: u64,
    /// Where the formula comes from.
    pub source: String,
    /// How well it is known.
    pub evidence: Evidence,
    /// When that was looked up.
    pub checked: Date,
}

impl Epochs {
    /// Epochs a job over `examples` examples runs by default.
    pub fn default_for(&self, examples: u64) -> u64 {
        let planned = examples.saturating_mul(self.target);
        if examples == 0 {
            self.target
        } else if planned < self.examples_min {
            (self.examples_min / examples).min(self.max)
        } else if planned > self.examples_max {
            (self.examples_max / examples).max(self.min)
        } else {
            self.target
        }
    }
}

/// Tokens that stand around the text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// Encoding of models that name none.
    pub encoding: String,
    /// Tokens around each message.
    pub per_message: u64,
    /// Tokens that a `name` adds to its own text.
    pub per_name: u64,
    /// Tokens at the end of each example.
    pub per_example: u64,
    /// Where these come from.
    pub source: String,
    /// How well they are known.
    pub evidence: Evidence,
    /// When that was looked up.
    pub checked: Date,
}

/// A model that can be trained.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The name a job is given.
    pub name: String,
    /// Other names of it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Formats it can be trained on.
    pub formats: Vec<Format>,
    /// Whether it can be trained on images.
    #[serde(default)]
    pub images: bool,
    /// Encoding of its text; the target's own when absent.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Most tokens of one example.
    #[serde(default)]
    pub context: Option<Limit>,
    /// What an image costs.
    #[serde(default)]
    pub image_tokens: Option<ImageTokens>,
    /// Tokens that open each declared tool.
    #[serde(default)]
    pub tool_tokens: Option<u64>,
    /// US dollars for a million trained tokens.
    #[serde(default)]
    pub price: Option<Fact<f64>>,
    /// Last day a job on it is taken.
    #[serde(default)]
    pub jobs_until: Option<Cutoff>,
    /// Day from which it no longer answers.
    #[serde(default)]
    pub shutdown: Option<Cutoff>,
}

impl Model {
    /// Whether a job on it is still taken on `day`, as far as the model itself goes.
    pub fn is_open(&self, day: Date) -> bool {
        self.jobs_until.as_ref().is_none_or(|last| day <= last.value) && self.shutdown.as_ref().is_none_or(|end| day < end.value)
    }
}

/// What an image costs in tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ImageTokens {
    /// `base + tile × tiles` of 512 × 512 pixels, after shrinking to `max_side` and to `short_side`.
    Tiles {
        /// Tokens of any image; all of them at low detail.
        base: u64,
        /// Tokens of each tile.
        tile: u64,
        /// Longest side that is kept, in pixels.
        max_side: u32,
        /// Shorter side that is kept, in pixels.
        short_side: u32,
        /// Where the formula comes from.
        source: String,
        /// When it was last looked up.
        checked: Date,
    },
    /// `multiplier × patches` of 32 × 32 pixels, after shrinking to at most `budget` patches.
    Patches {
        /// Tokens of each patch.
        multiplier: f64,
        /// Most patches.
        budget: u64,
        /// Longest side that is kept, in pixels.
        max_side: u32,
        /// Where the formula comes from.
        source: String,
        /// When it was last looked up.
        checked: Date,
    },
}

/// How a target judges a rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleOverride {
    /// Its level here.
    pub level: Level,
    /// What happens here.
    #[serde(default)]
    pub effect: Option<Effect>,
    /// How well that is known.
    pub evidence: Evidence,
    /// Where it comes from.
    pub source: String,
    /// When that was looked up.
    pub checked: Date,
    /// What this provider says.
    #[serde(default)]
    pub provider_message: Option<String>,
}

/// A severity, or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not checked.
    Off,
    /// [`Severity::Info`]
    Info,
    /// [`Severity::Warning`]
    Warning,
    /// [`Severity::Error`]
    Error,
}

impl Level {
    /// The severity, `None` when off.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Info => Some(Severity::Info),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

/// A day, ordered by time. Written as TOML writes dates: `2027-01-06`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day that lies `seconds` after 1970-01-01 UTC.
    pub fn from_unix(seconds: u64) -> Self {
        // Days to a proleptic Gregorian date, counted from 0000-03-01 so that leap days end a year.
        let days = seconds / 86_400 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Self { year: year as u16, month: month as u8, day: day as u8 }
    }

    /// Days since 0000-03-01, as [`Date::from_unix`] counts them.
    fn number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let march_month = (i64::from(self.month) + 9) % 12;
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * march_month + 2) / 5 + i64::from(self.day) - 1
    }

    /// Days from this one to `later`; negative when that lies before.
    pub fn days_until(self, later: Self) -> i64 {
        later.number() - self.number()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl TryFrom<String> for Date {
    type Error = &'static str;

    // Not from `toml::value::Datetime`: serde buffers the fields of a tagged enum, and toml hands a date over as text there.
    fn try_from(value: String) -> Result<Self, Self::Error> {
        let value: Option<toml::value::Datetime> = value.parse().ok();
        let date = value.filter(|value| value.time.is_none()).and_then(|value| value.date);
        let date = date.ok_or("a date without a time is wanted, such as 2027-01-06")?;
        Ok(Self { year: date.year, month: date.month, day: date.day })
    }
}

/// Why a target could not be loaded.
#[derive(Debug)]
pub enum TargetError {
    /// No target has this name; holds the nearest one.
    Unknown(String, Option<&'static str>),
    /// Its file does not hold a target.
    Invalid(String, String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name, nearest) => {
                let name = crate::diagnostic::quoted(name);
                let names: Vec<_> = BUILTIN.iter().map(|(name, _)| *name).collect();
                match nearest {
                    Some(nearest) => write!(f, "there is no target {name}; did you mean `{nearest}`?"),
                    None => write!(f, "there is no target {name}; there are {}, and paths of your own .toml files", names.join(", ")),
                }
            }
            Self::Invalid(name, reason) => write!(f, "the target file {name} cannot be used: {reason}"),
        }
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// A target that comes with tunelint.
    ///
    /// # Errors
    ///
    /// [`TargetError::Unknown`] when no target has this name.
    pub fn builtin(name: &str) -> Result<Self, TargetError> {
        Self::from_table(name, builtin_table(name)?)
    }

    /// A target from the text of a file of one's own; it may extend a built-in one.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] when the text is no TOML or no target, with the place in it.
    pub fn from_toml(path: &str, text: &str) -> Result<Self, TargetError> {
        Self::from_table(path, table(path, text)?)
    }

    fn from_table(name: &str, table: Table) -> Result<Self, TargetError> {
        Value::Table(table).try_into().map_err(|error: toml::de::Error| TargetError::Invalid(name.to_owned(), error.message().to_owned()))
    }

    /// The model of this name. Fine-tuned names (`ft:base:org::id`) are read as their base; a dated name finds an undated
    /// entry and the other way round only through the aliases listed.
    pub fn model(&self, name: &str) -> Option<&Model> {
        let base = name.strip_prefix("ft:").map_or(name, |rest| rest.split(':').next().unwrap_or(rest));
        self.models.iter().find(|model| model.name == base || model.aliases.iter().any(|alias| alias == base))
    }

    /// Whether no job of any kind is taken on `day`.
    pub fn is_closed(&self, day: Date) -> bool {
        self.jobs_until.as_ref().is_some_and(|last| day > last.value)
    }
}

fn builtin_table(name: &str) -> Result<Table, TargetError> {
    let Some((_, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) else {
        let nearest = crate::diagnostic::nearest(name, BUILTIN.iter().map(|(name, _)| *name));
        return Err(TargetError::Unknown(name.to_owned(), nearest));
    };
    table(name, text)
}

/// Reads a table and lays it over the one it extends.
fn table(name: &str, text: &str) -> Result<Table, TargetError> {
    let child: Table = text.parse().map_err(|error: toml::de::Error| TargetError::Invalid(name.to_owned(), error.to_string()))?;
    match child.get("extends").and_then(Value::as_str) {
        Some(parent) if parent == name => Err(TargetError::Invalid(name.to_owned(), "it extends itself".to_owned())),
        Some(parent) => {
            let mut merged = builtin_table(parent)?;
            merge(&mut merged, child);
            Ok(merged)
        }
        None => Ok(child),
    }
}

/// Tables are merged key by key, everything else is replaced; a fact is one thing and replaced whole.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) if !above.contains_key("source") => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_file_is_registered_and_loads() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/targets")).expect("the folder");
        for file in files {
            let name = file.expect("an entry").file_name().into_string().expect("a plain name");
            let stem = name.trim_end_matches(".toml");
            assert!(BUILTIN.iter().any(|(builtin, _)| *builtin == stem), "add a row for rules/targets/{name} to BUILTIN in src/target.rs");
        }
        for (name, _) in BUILTIN {
            let target = Target::builtin(name).expect("loads");
            assert_eq!(target.name, *name);
            if let Some(model) = &target.default_model {
                assert!(target.model(model).is_some(), "{name}: the default model is not in its list");
            }
        }
    }

    #[test]
    fn fine_tuned_names_are_read_as_their_base() {
        let target = Target::builtin("openai").expect("loads");
        let model = target.model("ft:gpt-4.1-2025-04-14:acme::abc123").expect("known");
        assert_eq!(model.encoding.as_deref(), Some("o200k_base"));
    }

    #[test]
    fn default_epochs_follow_the_published_formula() {
        let target = Target::builtin("openai").expect("loads");
        let epochs = target.epochs.expect("published");
        for (examples, expected) in [(5, 20), (10, 10), (33, 3), (34, 3), (100, 3), (8_333, 3), (8_334, 2), (100_000, 1), (1, 25)] {
            assert_eq!(epochs.default_for(examples), expected, "{examples} examples");
        }
    }

    #[test]
    fn days_are_right() {
        for (seconds, date) in
            [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_799_193_600, "2027-01-06"), (4_107_542_400, "2100-03-01")]
        {
            assert_eq!(Date::from_unix(seconds).to_string(), date);
        }
        for days in [0, 1, 58, 59, 60, 365, 11_016, 11_017, 20_823, 47_541] {
            assert_eq!(Date::from_unix(0).days_until(Date::from_unix(days * 86_400)), days as i64);
            assert_eq!(Date::from_unix(days * 86_400).days_until(Date::from_unix(0)), -(days as i64));
        }
    }
}
