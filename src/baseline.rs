//! Findings that are known and put up with. They are kept by rule and hash of the line, so that a baseline outlives lines
//! being shuffled, appended or spread over shards; findings on a whole file are kept by the file's name.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Deserialize;

use crate::diagnostic::Diagnostic;

/// The version that a baseline file names.
const SCHEMA: &str = "tunelint/baseline@1";

/// What a finding is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The hash of its line.
    Line(u128),
    /// The name of its file, without folders; empty for a finding on the whole run.
    File(String),
}

/// How often a finding is put up with, and how often it was met in this run.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    known: u64,
    met: u64,
}

/// Known findings, each with how often it may occur.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    counts: BTreeMap<(String, Place), Count>,
    learns: bool,
}

/// Why a baseline cannot be read.
#[derive(Debug)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: String,
    findings: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    rule: String,
    line: Option<String>,
    file: Option<String>,
    count: u64,
}

impl Row {
    fn place(self) -> Option<Place> {
        match (self.line, self.file) {
            (Some(hash), None) if hash.len() == 32 => u128::from_str_radix(&hash, 16).ok().map(Place::Line),
            (None, Some(name)) => Some(Place::File(name)),
            _ => None,
        }
    }
}

impl Baseline {
    /// Reads the text of a baseline file.
    ///
    /// # Errors
    ///
    /// When it is no baseline, or one of another version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let file: File = serde_json::from_str(text).map_err(|error| Error(format!("not a baseline: {error}")))?;
        if file.schema != SCHEMA {
            let schema = crate::diagnostic::quoted(&file.schema);
            return Err(Error(format!("the baseline has the version {schema}; this tunelint reads `{SCHEMA}`")));
        }
        let mut baseline = Self::default();
        for (index, row) in file.findings.into_iter().enumerate() {
            let (rule, known) = (row.rule.clone(), row.count);
            let place = row
                .place()
                .ok_or_else(|| Error(format!("entry {} needs either `line`, a hash of 32 hexadecimal digits, or `file`", index + 1)))?;
            baseline.counts.entry((rule, place)).or_default().known += known;
        }
        Ok(baseline)
    }

    /// From now on every finding counts as known, and is remembered.
    pub fn learn(&mut self) {
        self.learns = true;
    }

    /// Meets a finding: whether it is known.
    pub fn knows(&mut self, diagnostic: &Diagnostic) -> bool {
        let key = (diagnostic.rule.code.to_owned(), place(diagnostic));
        if !self.learns && !self.counts.contains_key(&key) {
            return false;
        }
        let count = self.counts.entry(key).or_default();
        count.met += 1;
        self.learns || count.met <= count.known
    }

    /// Makes the findings met in this run known, and returns how many there were none of before.
    pub fn extend(&mut self) -> u64 {
        let mut added = 0;
        for count in self.counts.values_mut() {
            added += count.met.saturating_sub(count.known);
            count.known = count.known.max(count.met);
        }
        added
    }

    /// Forgets what did not occur in this run, but nothing about rules that were off, and returns how much that was.
    pub fn prune(&mut self, was_checked: impl Fn(&str) -> bool) -> u64 {
        let mut removed = 0;
        self.counts.retain(|(rule, _), count| {
            if was_checked(rule) {
                removed += count.known.saturating_sub(count.met);
                count.known = count.known.min(count.met);
            }
            count.known > 0
        });
        removed
    }

    /// How many findings are known.
    pub fn len(&self) -> u64 {
        self.counts.values().map(|count| count.known).sum()
    }

    /// Whether no finding is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The text of a baseline file: sorted, an entry a line, so that two branches merge.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = String::new();
        for ((rule, place), count) in &self.counts {
            let (key, value) = match place {
                Place::Line(hash) => ("line", format!("{hash:032x}")),
                Place::File(name) => ("file", name.clone()),
            };
            let [rule, value] = [rule, &value].map(|text| serde_json::Value::from(text.as_str()));
            let comma = if rows.is_empty() { "" } else { "," };
            write!(rows, "{comma}\n    {{\"rule\": {rule}, \"{key}\": {value}, \"count\": {}}}", count.known)?;
        }
        let end = if rows.is_empty() { "" } else { "\n  " };
        writeln!(f, "{{\n  \"schema\": \"{SCHEMA}\",\n  \"findings\": [{rows}{end}]\n}}")
    }
}

/// A finding on a line whose bytes are no longer at hand is one on its file.
fn place(diagnostic: &Diagnostic) -> Place {
    match diagnostic.location.line.as_ref().and_then(|line| line.hash) {
        Some(hash) => Place::Line(hash),
        None => {
            let path = &diagnostic.location.path;
            Place::File(path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::{LineLocation, Location};
    use crate::rule::{Effect, Evidence, Rule, Severity};

    static RULE: Rule = Rule {
        code: "X001",
        name: "some-fault",
        severity: Severity::Error,
        opt_in: false,
        effect: Effect::Advice,
        evidence: Evidence::Documented,
        provider_message: None,
        fix: None,
        since: "0.1.0",
        docs: "",
    };

    fn finding(path: &str, hash: Option<u128>) -> Diagnostic {
        Diagnostic {
            rule: &RULE,
            severity: Severity::Error,
            effect: Effect::Advice,
            evidence: Evidence::Documented,
            message: String::new(),
            help: None,
            provider_message: None,
            location: Location {
                path: Arc::from(path),
                line: hash.map(|hash| LineLocation { hash: Some(hash), ..LineLocation::default() }),
            },
            excerpt: None,
            fix: None,
        }
    }

    #[test]
    fn a_line_is_known_wherever_it_stands_as_often_as_it_was_met() {
        let mut baseline = Baseline::default();
        baseline.learn();
        for (path, hash) in [("a.jsonl", Some(1)), ("b.jsonl", Some(1)), ("a.jsonl", None)] {
            assert!(baseline.knows(&finding(path, hash)));
        }
        assert_eq!(baseline.extend(), 3);
        let mut again = Baseline::parse(&baseline.to_string()).expect("its own text");
        assert_eq!(again.to_string(), baseline.to_string());
        assert!(again.knows(&finding("shard-7.jsonl", Some(1))) && again.knows(&finding("c.jsonl", Some(1))));
        assert!(!again.knows(&finding("c.jsonl", Some(1))), "a third one is new");
        assert!(!again.knows(&finding("a.jsonl", Some(2))));
        assert!(again.knows(&finding("data/a.jsonl", None)) && !again.knows(&finding("b.jsonl", None)));
    }

    #[test]
    fn what_no_longer_occurs_is_pruned() {
        let text = r#"{"schema": "tunelint/baseline@1", "findings": [
            {"rule": "X001", "line": "00000000000000000000000000000001", "count": 3},
            {"rule": "X001", "file": "a.jsonl", "count": 1},
            {"rule": "X002", "file": "", "count": 1}]}"#;
        let mut baseline = Baseline::parse(text).expect("a baseline");
        assert!(baseline.knows(&finding("a.jsonl", Some(1))));
        assert_eq!(baseline.prune(|rule| rule == "X001"), 3);
        assert_eq!(baseline.len(), 2, "one line, and a rule that was not checked: {baseline}");
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for (text, expected) in [
            ("", "not a baseline"),
            (r#"{"messages": []}"#, "not a baseline"),
            (r#"{"schema": "tunelint/baseline@2", "findings": []}"#, "this tunelint reads `tunelint/baseline@1`"),
            (r#"{"schema": "tunelint/baseline@1", "findings": [{"rule": "X", "line": "12", "count": 1}]}"#, "entry 1"),
            (r#"{"schema": "tunelint/baseline@1", "findings": [{"rule": "X", "count": 1}]}"#, "entry 1"),
        ] {
            let error = Baseline::parse(text).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Baseline::parse(&Baseline::default().to_string()).expect("its own text").is_empty());
    }
}
