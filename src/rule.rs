//! What a rule is: pure data. The condition lives beside it in `rules/`, its page in the Markdown file beside that.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::edit::Applicability;

/// One rule of the catalogue.
#[derive(Debug)]
pub struct Rule {
    /// Letter of its family and three digits, such as `M103`. Never given away twice.
    pub code: &'static str,
    /// The fault, read after "allow": `empty-content`.
    pub name: &'static str,
    /// How bad it is unless the target, the configuration or a flag says otherwise.
    pub severity: Severity,
    /// What happens at the provider.
    pub effect: Effect,
    /// How well the effect is known.
    pub evidence: Evidence,
    /// The provider's own words for it, where they are known.
    pub provider_message: Option<&'static str>,
    /// Whether it is off unless a target or the user turns it on.
    pub opt_in: bool,
    /// How far its fix can be trusted, at the best; `None` when it has none.
    pub fix: Option<Applicability>,
    /// The version that brought it.
    pub since: &'static str,
    /// Its page: `<rule>.md`.
    pub docs: &'static str,
}

impl Rule {
    /// The first line of the page, without the heading mark: one sentence on what is wrong.
    pub fn summary(&self) -> &'static str {
        self.docs.lines().next().unwrap_or_default().trim_start_matches("# ").trim()
    }

    /// Where the page stands on the web.
    pub fn url(&self) -> String {
        let family = match self.code.as_bytes().first() {
            Some(b'F') => "file",
            Some(b'J') => "json",
            Some(b'S') => "shape",
            Some(b'M') => "messages",
            Some(b'T') => "tools",
            Some(b'I') => "images",
            Some(b'L') => "limits",
            Some(b'P') => "preference",
            Some(b'R') => "reinforcement",
            Some(b'C') => "completion",
            _ => "dataset",
        };
        format!("{}/blob/main/src/rules/{family}/{}.md", env!("CARGO_PKG_REPOSITORY"), self.name.replace('-', "_"))
    }
}

/// How bad a finding is. Ordered: `Info < Warning < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Data is lost, money is wasted, or a refusal is likely but not proven.
    Warning,
    /// The file or the job is refused.
    Error,
}

impl Severity {
    /// All of them, worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Info];

    /// `error`, `warning` or `info`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What will happen at the target when nobody mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The upload is refused.
    RejectsFile,
    /// The upload passes, the job fails.
    RejectsJob,
    /// This example is left out of the training.
    DropsExample,
    /// This image is left out, or the example with it.
    SkipsImage,
    /// The example is cut.
    TruncatesExample,
    /// The provider takes no notice.
    Ignored,
    /// Money or upload time for nothing.
    Costs,
    /// Nothing fails, the model may be worse for it.
    Advice,
}

impl Effect {
    /// The word used in JSON and on pages: `rejects-file`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RejectsFile => "rejects-file",
            Self::RejectsJob => "rejects-job",
            Self::DropsExample => "drops-example",
            Self::SkipsImage => "skips-image",
            Self::TruncatesExample => "truncates-example",
            Self::Ignored => "ignored",
            Self::Costs => "costs",
            Self::Advice => "advice",
        }
    }

    /// What it means at `target`; a warning is a "may".
    pub fn describe(self, target: &str, severity: Severity) -> String {
        let does = |sure: &str, base: &str| match severity {
            Severity::Error => format!("{target} {sure}"),
            _ => format!("{target} may {base}"),
        };
        match self {
            Self::RejectsFile => does("refuses the file", "refuse the file"),
            Self::RejectsJob => does("takes the upload, then fails the job", "take the upload, then fail the job"),
            Self::DropsExample => format!("{target} leaves this example out of the training"),
            Self::SkipsImage => does("skips the image, silently", "skip the image, silently"),
            Self::TruncatesExample => format!("{target} cuts the example"),
            Self::Ignored => format!("{target} takes no notice of it"),
            Self::Costs => "costs money or time for nothing".to_owned(),
            Self::Advice => "nothing fails; the model may be worse for it".to_owned(),
        }
    }

    /// Whether training data is lost without an error.
    pub fn loses_data(self) -> bool {
        matches!(self, Self::DropsExample | Self::SkipsImage | Self::TruncatesExample)
    }

    /// Whether the provider refuses the file or fails the job.
    pub fn rejects(self) -> bool {
        matches!(self, Self::RejectsFile | Self::RejectsJob)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How well a fact about a provider is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Concluded from other facts or carried over from a neighbouring API. Never an error by default.
    Inferred,
    /// Seen: a server's or a provider's own checker's answer.
    Observed,
    /// In a published schema or the provider's source code.
    Schema,
    /// In the provider's documentation or official examples.
    Documented,
}

impl Evidence {
    /// The word used in JSON and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::Observed => "observed",
            Self::Schema => "schema",
            Self::Documented => "documented",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
