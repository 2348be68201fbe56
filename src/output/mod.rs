//! How findings are shown. Each format is one file with its wire types; a reporter gets findings one by one, in order,
//! and the sums at the end, and keeps nothing it does not need.

mod azure;
mod chat;
mod concise;
mod digest;
mod full;
mod github;
mod gitlab;
mod grouped;
mod json;
mod jsonl;
mod junit;
mod markdown;
mod pretty;
mod rdjson;
mod report;
mod sarif;
mod summary;
mod transcript;

pub use chat::{ChatStyle, chat};
pub use pretty::pretty;
pub use report::{Provenance, Report};

use std::collections::HashMap;
use std::hash::Hasher as _;
use std::io::{self, Write};

use twox_hash::XxHash3_64;

use self::digest::Digest;
use crate::diagnostic::{Diagnostic, commands, count, is_unsafe, number};
use crate::edit::{Applicability, Edit, Fix};
use crate::settings::Settings;
use crate::summary::Summary;

/// Takes findings one by one.
pub trait Reporter {
    /// Shows a finding.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()>;

    /// Shows what it comes to, after the last finding.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()>;
}

/// The output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// Each finding with its place in the line, for people.
    #[default]
    Full,
    /// One line each: `path:line:column: error[CODE] message`.
    Concise,
    /// One JSON object: `tunelint/findings@1`.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// GitHub workflow commands, which become annotations.
    Github,
    /// One line each, under the path of the file.
    Grouped,
    /// One JSON object a line: the findings, then the sums.
    Jsonl,
    /// GitLab Code Quality.
    Gitlab,
    /// JUnit XML, for test viewers.
    Junit,
    /// Reviewdog Diagnostic Format.
    Rdjson,
    /// Azure Pipelines logging commands.
    Azure,
    /// Markdown for a comment or a step summary.
    Markdown,
}

impl OutputFormat {
    /// All of them, as `--output-format` names them.
    pub const ALL: [(&'static str, Self); 12] = [
        ("full", Self::Full),
        ("concise", Self::Concise),
        ("grouped", Self::Grouped),
        ("json", Self::Json),
        ("jsonl", Self::Jsonl),
        ("sarif", Self::Sarif),
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("junit", Self::Junit),
        ("rdjson", Self::Rdjson),
        ("azure", Self::Azure),
        ("markdown", Self::Markdown),
    ];
}

/// How findings for people are shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// Findings of each rule that are shown, 0 for all; what is left out is counted.
    pub max_findings: u64,
    /// Whether the closing summary is shown.
    pub summary: bool,
    /// Whether that summary draws how lengths are distributed.
    pub statistics: bool,
    /// Whether unsafe fixes count as fixes, too.
    pub unsafe_fixes: bool,
}

impl Style {
    /// The mark of a finding that `--fix` would mend.
    fn mark(self, diagnostic: &Diagnostic) -> &'static str {
        let is_fixable = |fix: &Fix| fix.applicability == Applicability::Safe || self.unsafe_fixes;
        if diagnostic.fix.as_ref().is_some_and(is_fixable) { " [*]" } else { "" }
    }

    /// How many findings have a fix; `None` when there is none.
    fn fixable(self, summary: &Summary) -> Option<String> {
        let (safe, risky) = summary.fixable;
        let (flags, now, later) = if self.unsafe_fixes { ("--fix --unsafe-fixes", safe + risky, 0) } else { ("--fix", safe, risky) };
        match (now, later) {
            (0, 0) => None,
            (0, later) => Some(format!("{} fixable with `--fix --unsafe-fixes`", count(later, "finding"))),
            (now, 0) => Some(format!("[*] {} fixable with `{flags}`", count(now, "finding"))),
            (now, later) => {
                Some(format!("[*] {} fixable with `--fix` ({} more with `--unsafe-fixes`)", count(now, "finding"), number(later)))
            }
        }
    }
}

/// Bytes of replacements, and edits, that are shown of one fix: half of a fix is worse than none.
const FIX_BYTES: usize = 4 << 10;
const FIX_EDITS: usize = 50;

/// The edits of a fix, where they are few and short enough to be shown.
fn shown_edits(fix: &Fix) -> Option<&[Edit]> {
    let bytes: usize = fix.edits.iter().map(|edit| edit.replacement.len()).sum();
    (bytes <= FIX_BYTES && fix.edits.len() <= FIX_EDITS).then_some(fix.edits.as_slice())
}

/// A reporter that writes `format` to `out`.
pub fn reporter<'a>(format: OutputFormat, style: Style, settings: &Settings, out: Box<dyn Write + 'a>) -> Box<dyn Reporter + 'a> {
    match format {
        OutputFormat::Full => Box::new(full::Full::new(out, style, &settings.target.title)),
        OutputFormat::Concise => Box::new(concise::Concise::new(out, style)),
        OutputFormat::Json => Box::new(json::Json::new(out, settings)),
        OutputFormat::Sarif => Box::new(sarif::Sarif::new(out)),
        OutputFormat::Github => Box::new(github::Github::new(out)),
        OutputFormat::Grouped => Box::new(grouped::Grouped::new(out, style)),
        OutputFormat::Jsonl => Box::new(jsonl::Jsonl::new(out)),
        OutputFormat::Gitlab => Box::new(gitlab::Gitlab::new(out)),
        OutputFormat::Junit => Box::new(junit::Junit::new(out)),
        OutputFormat::Rdjson => Box::new(rdjson::Rdjson::new(out)),
        OutputFormat::Azure => Box::new(azure::Azure::new(out)),
        OutputFormat::Markdown => Box::new(markdown::Markdown::new(out)),
    }
}

/// Lets the first findings of each rule through and counts the rest.
#[derive(Debug)]
struct Cap {
    most: u64,
    seen: HashMap<&'static str, u64>,
}

impl Cap {
    fn new(most: u64) -> Self {
        Self { most, seen: HashMap::new() }
    }

    fn lets_through(&mut self, diagnostic: &Diagnostic) -> bool {
        let seen = self.seen.entry(diagnostic.rule.code).or_default();
        *seen += 1;
        self.most == 0 || *seen <= self.most
    }

    /// Findings of a rule that were not shown.
    fn held_back(&self, code: &str) -> u64 {
        match self.most {
            0 => 0,
            most => self.seen.get(code).copied().unwrap_or_default().saturating_sub(most),
        }
    }
}

/// `value` as JSON in one line, with every character that could steer a terminal escaped (serde_json leaves DEL, C1 and
/// bidirectional marks as they are), and what would make a string in it a command to a machine that runs a pipeline.
fn json_text(value: &impl serde::Serialize) -> io::Result<String> {
    let mut text = serde_json::to_string(value)?;
    // Such a sign can stand in a string alone; the colons of a command would have to begin the line.
    let found: Vec<usize> = commands(&text).filter(|&at| text.as_bytes().get(at) == Some(&b'#')).collect();
    for at in found.into_iter().rev() {
        text.replace_range(at..=at, "\\u0023");
    }
    if !text.chars().any(is_unsafe) {
        return Ok(text);
    }
    let mut safe = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(c);
        }
    }
    Ok(safe)
}

/// A path as platforms want it: without the `./` in front.
fn relative(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// Rule, place in the example and what is shown of the line: survives lines moving up and down.
fn fingerprint(diagnostic: &Diagnostic) -> u64 {
    let mut hash = XxHash3_64::new();
    hash.write(diagnostic.rule.code.as_bytes());
    if let Some(line) = &diagnostic.location.line {
        hash.write(line.pointer.as_bytes());
    }
    match &diagnostic.excerpt {
        Some(excerpt) => hash.write(excerpt.text.as_bytes()),
        None => hash.write(diagnostic.location.path.as_bytes()),
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{LineLocation, Location};
    use crate::rules;
    use crate::summary::FileSummary;
    use crate::target::{Date, Target};

    /// A finding of a rule in `data/a b.jsonl`; on the whole file when `line` is 0.
    pub(super) fn finding(code: &str, line: u64) -> Diagnostic {
        let rule = rules::find(code).expect("a rule");
        let place = LineLocation {
            line,
            column: 3,
            end_column: 5,
            byte_in_line: 4,
            file_offset: 40,
            pointer: "/messages/0".to_owned(),
            hash: None,
        };
        Diagnostic {
            rule,
            severity: rule.severity,
            effect: rule.effect,
            evidence: rule.evidence,
            message: "there is no role `asistant`".to_owned(),
            help: Some("did you mean `assistant`?".to_owned()),
            provider_message: None,
            location: Location { path: "./data/a b.jsonl".into(), line: (line > 0).then_some(place) },
            excerpt: None,
            fix: None,
        }
    }

    /// What a format writes of these findings.
    pub(super) fn written(format: OutputFormat, findings: &[Diagnostic]) -> String {
        let settings = Settings::new(Target::builtin("openai").expect("built in"), &rules::all(), Date::from_unix(1_795_400_000));
        let mut summary = Summary::default();
        summary.files.push(FileSummary::new("./data/a b.jsonl".into()));
        findings.iter().for_each(|finding| summary.count(finding));
        let mut out = Vec::new();
        let style = Style { color: false, width: 100, max_findings: 5, summary: true, statistics: false, unsafe_fixes: false };
        let mut reporter = reporter(format, style, &settings, Box::new(&mut out));
        findings.iter().try_for_each(|finding| reporter.report(finding)).expect("written");
        reporter.finish(&summary, &settings).expect("written");
        drop(reporter);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn no_format_lets_a_character_through_that_steers_a_terminal() {
        let mut hostile = finding("M003", 7);
        hostile.location.path = "a\u{1b}[2J\u{202e}\u{9b}\u{85}.jsonl".into();
        for (name, format) in OutputFormat::ALL {
            let written = written(format, &[hostile.clone(), hostile.clone()]);
            assert!(!written.chars().any(|c| c != '\n' && is_unsafe(c)), "{name}: {written:?}");
        }
    }
}
