//! SARIF 2.1.0 (OASIS), as code scanning reads it: GitHub shows 5,000 results of a run and refuses one with 25,000. Beyond
//! that the worst are written, and the run's properties say how many are not.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Reporter, fingerprint, json_text, relative, shown_edits};
use crate::diagnostic::Diagnostic;
use crate::edit::Edit;
use crate::rule::{Rule, Severity};
use crate::settings::Settings;
use crate::summary::Summary;

/// Results that code scanning shows (docs.github.com, "SARIF results exceed limits").
const MOST: usize = 5_000;

pub(super) struct Sarif<'a> {
    out: Box<dyn Write + 'a>,
    rules: BTreeMap<&'static str, &'static Rule>,
    /// Results as they came, those of one severity no more than can be needed.
    kept: Vec<(Severity, String)>,
    counts: BTreeMap<Severity, usize>,
}

impl<'a> Sarif<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, rules: BTreeMap::new(), kept: Vec::new(), counts: BTreeMap::new() }
    }

    /// How many results of each severity are written.
    fn quota(&self) -> BTreeMap<Severity, usize> {
        let mut room = MOST;
        let mut share = |severity| {
            let own = self.counts.get(&severity).copied().unwrap_or_default().min(room);
            room -= own;
            (severity, own)
        };
        Severity::ALL.map(&mut share).into()
    }
}

impl Reporter for Sarif<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        let count = self.counts.entry(diagnostic.severity).or_default();
        *count += 1;
        if *count <= MOST {
            self.rules.insert(diagnostic.rule.code, diagnostic.rule);
            self.kept.push((diagnostic.severity, json_text(&result(diagnostic))?));
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, _: &Settings) -> io::Result<()> {
        const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
        write!(self.out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"results\":[")?;
        let (mut quota, mut separator) = (self.quota(), "");
        for (severity, result) in &self.kept {
            if let Some(left) = quota.get_mut(severity).filter(|left| **left > 0) {
                *left -= 1;
                write!(self.out, "{separator}{result}")?;
                separator = ",\n";
            }
        }
        let rules: Vec<Value> = self.rules.values().map(|rule| descriptor(rule)).collect();
        let driver = json!({
            "name": "tunelint",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": rules,
        });
        let tool = json_text(&json!({ "driver": driver }))?;
        let found: usize = self.counts.values().sum();
        let mut properties = json!({ "verdict": summary.verdict().name(), "examples": summary.examples(), "baselined": summary.baselined });
        if found > MOST {
            put(&mut properties, "resultsFound", found.into());
            put(&mut properties, "resultsOmitted", (found - MOST).into());
        }
        writeln!(self.out, "],\"tool\":{tool},\"columnKind\":\"unicodeCodePoints\",\"properties\":{properties}}}]}}")?;
        self.out.flush()
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(diagnostic: &Diagnostic) -> Value {
    let mut text = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        text = format!("{text}; {help}");
    }
    let mut result = json!({
        "ruleId": diagnostic.rule.code,
        "level": level(diagnostic.severity),
        "message": { "text": text },
        "partialFingerprints": { "tunelint/v1": format!("{:016x}", fingerprint(diagnostic)) },
        "properties": { "effect": diagnostic.effect.name(), "evidence": diagnostic.evidence.name() },
    });
    if diagnostic.location.path.is_empty() {
        return result;
    }
    let artifact = json!({ "uri": uri(&diagnostic.location.path) });
    if let Some(fixes) = fixes(diagnostic, &artifact) {
        put(&mut result, "fixes", fixes);
    }
    let mut physical = json!({ "artifactLocation": artifact });
    let mut location = json!({});
    if let Some(line) = &diagnostic.location.line {
        let region = json!({
            "startLine": line.line,
            "startColumn": line.column,
            "endColumn": line.end_column.max(line.column),
            "byteOffset": line.file_offset,
        });
        put(&mut physical, "region", region);
        if !line.pointer.is_empty() {
            put(&mut location, "logicalLocations", json!([{ "fullyQualifiedName": line.pointer, "kind": "value" }]));
        }
    }
    put(&mut location, "physicalLocation", physical);
    put(&mut result, "locations", json!([location]));
    result
}

/// Adds a member to an object.
fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// The fix in bytes of the file; none where it is written anew, or where the edits are too many to be shown.
fn fixes(diagnostic: &Diagnostic, artifact: &Value) -> Option<Value> {
    let (fix, line) = (diagnostic.fix.as_ref()?, diagnostic.location.line.as_ref()?);
    let edits = shown_edits(fix).filter(|edits| !edits.is_empty())?;
    let start = line.file_offset.checked_sub(line.byte_in_line)?;
    let replacement = |edit: &Edit| {
        json!({
            "deletedRegion": { "byteOffset": start + edit.start as u64, "byteLength": edit.end - edit.start },
            "insertedContent": { "text": edit.replacement },
        })
    };
    let replacements: Vec<Value> = edits.iter().map(replacement).collect();
    let change = json!({ "artifactLocation": artifact, "replacements": replacements });
    Some(
        json!([{ "description": { "text": fix.title }, "artifactChanges": [change], "properties": { "applicability": fix.applicability } }]),
    )
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": { "text": rule.summary() },
        "help": { "text": rule.summary(), "markdown": rule.docs },
        "helpUri": rule.url(),
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "effect": rule.effect.name(), "evidence": rule.evidence.name() },
    })
}

/// A relative reference in the sense of RFC 3986: everything but unreserved characters and `/` is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in relative(path).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// That all of it is what the official schema allows stands in `tests/python/test_output.py`, since a package brings that schema.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    fn run(findings: &[Diagnostic]) -> Value {
        let log: Value = serde_json::from_str(&written(OutputFormat::Sarif, findings)).expect("JSON");
        log["runs"][0].clone()
    }

    #[test]
    fn the_worst_are_kept_and_the_others_told() {
        let findings: Vec<_> = (1..=4_000)
            .map(|line| finding("I013", line))
            .chain((1..=2_000).map(|line| finding("M003", line)))
            .chain([finding("L002", 0)])
            .collect();
        let run = run(&findings);
        let levels: Vec<_> =
            run["results"].as_array().expect("results").iter().map(|result| result["level"].as_str().expect("a level")).collect();
        let of = |level: &str| levels.iter().filter(|own| **own == level).count();
        assert_eq!((of("error"), of("warning"), of("note")), (2_000, 3_000, 0));
        assert_eq!((&run["properties"]["resultsFound"], &run["properties"]["resultsOmitted"]), (&6_001.into(), &1_001.into()));
    }
}
