//! GitLab Code Quality: one array of issues, whose fingerprints must differ or all but the first are dropped.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::json;

use super::{Reporter, fingerprint, json_text, relative};
use crate::diagnostic::Diagnostic;
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Gitlab<'a> {
    out: Box<dyn Write + 'a>,
    begun: bool,
    /// Where findings on the whole run are put: an issue needs a file.
    path: Arc<str>,
    /// How often each fingerprint was met: the same fault in two equal lines has the same one.
    seen: HashMap<u64, u64>,
}

impl<'a> Gitlab<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, begun: false, path: Arc::from("."), seen: HashMap::new() }
    }
}

impl Reporter for Gitlab<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if !diagnostic.location.path.is_empty() {
            self.path = Arc::clone(&diagnostic.location.path);
        }
        let own = fingerprint(diagnostic);
        let times = self.seen.entry(own).or_default();
        *times += 1;
        let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let issue = json!({
            "description": format!("{}{help}", diagnostic.message),
            "check_name": diagnostic.rule.name,
            "fingerprint": format!("{own:016x}{times:08x}"),
            "severity": match diagnostic.severity {
                Severity::Error if diagnostic.effect.rejects() => "blocker",
                Severity::Error => "critical",
                Severity::Warning => "major",
                Severity::Info => "info",
            },
            "location": {
                "path": relative(&self.path),
                "lines": { "begin": diagnostic.location.line.as_ref().map_or(1, |line| line.line) },
            },
        });
        self.out.write_all(if self.begun { b",\n" } else { b"[" })?;
        self.begun = true;
        self.out.write_all(json_text(&issue)?.as_bytes())
    }

    fn finish(&mut self, _: &Summary, _: &Settings) -> io::Result<()> {
        self.out.write_all(if self.begun { b"]\n" } else { b"[]\n" })?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn an_issue_has_what_the_documentation_asks_for() {
        let findings = [finding("M003", 7), finding("M003", 7), finding("I013", 9), finding("L002", 0)];
        let issues: Vec<serde_json::Value> = serde_json::from_str(&written(OutputFormat::Gitlab, &findings)).expect("JSON");
        assert_eq!(issues.len(), 4);
        for issue in &issues {
            let text = |pointer: &str| issue.pointer(pointer).and_then(serde_json::Value::as_str).expect("text").to_owned();
            assert!(["/description", "/check_name", "/fingerprint", "/location/path"].iter().all(|pointer| !text(pointer).is_empty()));
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&text("/severity").as_str()));
            assert!(!text("/location/path").starts_with("./"));
            assert!(issue["location"]["lines"]["begin"].as_u64().expect("a line") > 0);
        }
        let fingerprints: HashSet<_> = issues.iter().map(|issue| issue["fingerprint"].to_string()).collect();
        assert_eq!(fingerprints.len(), 4);
        assert_eq!(written(OutputFormat::Gitlab, &[]), "[]\n");
    }
}
