//! JSON, one object a line: each finding as in [`json`](super::json), then the sums. For streams and for `jq`.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{Finding, Totals};
use super::{Reporter, json_text};
use crate::diagnostic::Diagnostic;
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Jsonl<'a> {
    out: Box<dyn Write + 'a>,
}

impl<'a> Jsonl<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out }
    }
}

/// A line says what it is.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Finding(Finding<'a>),
    Summary(Totals),
}

impl Reporter for Jsonl<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        writeln!(self.out, "{}", json_text(&Line::Finding(diagnostic.into()))?)
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        writeln!(self.out, "{}", json_text(&Line::Summary(Totals::new(summary, settings)))?)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn each_line_is_an_object_that_says_what_it_is() {
        let text = written(OutputFormat::Jsonl, &[finding("M003", 7), finding("L002", 0)]);
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().expect("a type")).collect();
        assert_eq!(kinds, ["finding", "finding", "summary"]);
        assert_eq!((&lines[0]["code"], &lines[0]["line"]), (&"M003".into(), &7.into()));
    }
}
