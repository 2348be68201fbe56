//! Reviewdog Diagnostic Format as one JSON object (`DiagnosticResult`). Its columns count bytes, from 1.

use std::io::{self, Write};

use serde_json::json;

use super::{Reporter, json_text, relative};
use crate::diagnostic::Diagnostic;
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Rdjson<'a> {
    out: Box<dyn Write + 'a>,
    begun: bool,
}

impl<'a> Rdjson<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, begun: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.begun = true;
        let source = json!({ "name": "tunelint", "url": env!("CARGO_PKG_REPOSITORY") });
        write!(self.out, "{{\"source\":{source},\"diagnostics\":[")
    }
}

impl Reporter for Rdjson<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if self.begun {
            self.out.write_all(b",\n")?;
        } else {
            self.begin()?;
        }
        let path = relative(&diagnostic.location.path);
        let location = match &diagnostic.location.line {
            Some(line) => json!({ "path": path, "range": { "start": { "line": line.line, "column": line.byte_in_line + 1 } } }),
            None => json!({ "path": path }),
        };
        let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let value = json!({
            "message": format!("{}{help}", diagnostic.message),
            "location": location,
            "severity": match diagnostic.severity {
                Severity::Error => "ERROR",
                Severity::Warning => "WARNING",
                Severity::Info => "INFO",
            },
            "code": { "value": diagnostic.rule.code, "url": diagnostic.rule.url() },
        });
        self.out.write_all(json_text(&value)?.as_bytes())
    }

    fn finish(&mut self, _: &Summary, _: &Settings) -> io::Result<()> {
        if !self.begun {
            self.begin()?;
        }
        self.out.write_all(b"]}\n")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn columns_count_bytes() {
        let text = written(OutputFormat::Rdjson, &[finding("M003", 7), finding("L002", 0)]);
        let result: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(result["diagnostics"][0]["location"]["range"]["start"], serde_json::json!({ "line": 7, "column": 5 }));
        assert_eq!(result["diagnostics"][0]["code"]["value"], "M003");
        assert_eq!(result["diagnostics"][1]["severity"], "INFO");
        let none: serde_json::Value = serde_json::from_str(&written(OutputFormat::Rdjson, &[])).expect("JSON");
        assert_eq!(none["diagnostics"].as_array().map(Vec::len), Some(0));
    }
}
