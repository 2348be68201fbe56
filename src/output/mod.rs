//! How findings are shown. Each format is one file with its wire types; a reporter gets findings one by one, in order,
//! and the sums at the end, and keeps nothing it does not need.

mod concise;
mod full;
mod github;
mod json;
mod sarif;
mod summary;

use std::collections::HashMap;
use std::io::{self, Write};

use crate::diagnostic::{Diagnostic, count, is_unsafe, number};
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
}

impl OutputFormat {
    /// All of them, as `--output-format` names them.
    pub const ALL: [(&'static str, Self); 5] =
        [("full", Self::Full), ("concise", Self::Concise), ("json", Self::Json), ("sarif", Self::Sarif), ("github", Self::Github)];
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
        OutputFormat::Github => Box::new(github::Github::new(out, style)),
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
/// bidirectional marks as they are).
fn json_text(value: &impl serde::Serialize) -> io::Result<String> {
    let text = serde_json::to_string(value)?;
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
