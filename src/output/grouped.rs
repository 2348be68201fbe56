//! Findings for people, by file: the path once, then a line for each.

use std::io::{self, Write};
use std::sync::Arc;

use super::{Cap, Reporter, Style, summary};
use crate::diagnostic::{Diagnostic, number, sanitised};
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Grouped<'a> {
    out: Box<dyn Write + 'a>,
    style: Style,
    cap: Cap,
    path: Option<Arc<str>>,
}

impl<'a> Grouped<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>, style: Style) -> Self {
        Self { out, style, cap: Cap::new(style.max_findings), path: None }
    }
}

impl Reporter for Grouped<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if !self.cap.lets_through(diagnostic) {
            return Ok(());
        }
        let paint = summary::Paint(self.style.color);
        let path = &diagnostic.location.path;
        if self.path.as_ref() != Some(path) {
            let gap = if self.path.is_some() { "\n" } else { "" };
            let title = if path.is_empty() { "all files".into() } else { sanitised(path) };
            writeln!(self.out, "{gap}{}", paint.bold(format_args!("{title}:")))?;
            self.path = Some(Arc::clone(path));
        }
        // Lines stream by: columns are as wide as most files need.
        let place = diagnostic.location.line.as_ref().map(|line| format!("{}:{}", line.line, line.column)).unwrap_or_default();
        let level = paint.severity(diagnostic.severity, format_args!("{:<7}", diagnostic.severity.name()));
        writeln!(self.out, "  {place:>11}  {level}  {}  {}", diagnostic.rule.code, diagnostic.message)
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        if self.path.is_some() {
            writeln!(self.out)?;
        }
        for (code, rule) in &summary.rules {
            let more = self.cap.held_back(code);
            if more > 0 {
                writeln!(self.out, "... and {} more {code} {}; --max-findings 0 shows all", number(more), rule.name)?;
            }
        }
        if self.style.summary && !summary.files.is_empty() {
            writeln!(self.out, "{}", summary::verdict_line(summary, settings, self.style.color))?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn a_path_is_told_once() {
        let text = written(OutputFormat::Grouped, &[finding("M003", 7), finding("I013", 12_345), finding("L002", 0)]);
        assert_eq!(text.matches("data/a b.jsonl:").count(), 1);
        assert!(text.contains("\n          7:3  error    M003  "), "{text}");
        assert!(text.contains("\n      12345:3  warning  I013  "), "{text}");
    }
}
