//! SARIF 2.1.0 (OASIS), as code scanning reads it. The results come first, as they are found; the tool with the rules
//! that spoke closes the run.

use std::collections::BTreeMap;
use std::hash::Hasher as _;
use std::io::{self, Write};

use serde_json::{Value, json};
use xxhash_rust::xxh3::Xxh3;

use super::{Reporter, json_text, shown_edits};
use crate::diagnostic::Diagnostic;
use crate::edit::Edit;
use crate::rule::{Rule, Severity};
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Sarif<'a> {
    out: Box<dyn Write + 'a>,
    rules: BTreeMap<&'static str, &'static Rule>,
    begun: bool,
}

impl<'a> Sarif<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, rules: BTreeMap::new(), begun: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.begun = true;
        const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
        write!(self.out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"results\":[")
    }
}

impl Reporter for Sarif<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if self.begun {
            self.out.write_all(b",\n")?;
        } else {
            self.begin()?;
        }
        self.rules.insert(diagnostic.rule.code, diagnostic.rule);
        self.out.write_all(json_text(&result(diagnostic))?.as_bytes())
    }

    fn finish(&mut self, summary: &Summary, _: &Settings) -> io::Result<()> {
        if !self.begun {
            self.begin()?;
        }
        let rules: Vec<Value> = self.rules.values().map(|rule| descriptor(rule)).collect();
        let driver = json!({
            "name": "tunelint",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": rules,
        });
        let tool = json_text(&json!({ "driver": driver }))?;
        let properties = json!({ "verdict": summary.verdict().name(), "examples": summary.examples() });
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
        "partialFingerprints": { "tunelint/v1": fingerprint(diagnostic) },
        "properties": { "effect": diagnostic.effect.name(), "evidence": diagnostic.evidence.name() },
    });
    if diagnostic.location.path.is_empty() {
        return result;
    }
    let mut physical = json!({ "artifactLocation": { "uri": uri(&diagnostic.location.path) } });
    let mut location = json!({});
    if let Some(line) = &diagnostic.location.line {
        physical["region"] = json!({
            "startLine": line.line,
            "startColumn": line.column,
            "endColumn": line.end_column.max(line.column),
            "byteOffset": line.file_offset,
        });
        if !line.pointer.is_empty() {
            location["logicalLocations"] = json!([{ "fullyQualifiedName": line.pointer, "kind": "value" }]);
        }
    }
    if let Some(fixes) = fixes(diagnostic, &physical["artifactLocation"]) {
        result["fixes"] = fixes;
    }
    location["physicalLocation"] = physical;
    result["locations"] = json!([location]);
    result
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

/// Rule, place in the example and what is shown of the line: survives lines moving up and down.
fn fingerprint(diagnostic: &Diagnostic) -> String {
    let mut hash = Xxh3::new();
    hash.write(diagnostic.rule.code.as_bytes());
    if let Some(line) = &diagnostic.location.line {
        hash.write(line.pointer.as_bytes());
    }
    match &diagnostic.excerpt {
        Some(excerpt) => hash.write(excerpt.text.as_bytes()),
        None => hash.write(diagnostic.location.path.as_bytes()),
    }
    format!("{:016x}", hash.finish())
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
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
