//! GitHub workflow commands, which become annotations. A step may have ten of each kind, the rest is dropped: so the first
//! of each rule come first, and one notice tells how many more there are. Text is escaped as the runner asks, so that
//! nothing in the data can be a command of its own.

use std::io::{self, Write};

use super::{Digest, Reporter, relative, summary};
use crate::diagnostic::{Diagnostic, is_unsafe};
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Summary;

/// Annotations of one kind in a step (docs.github.com, "Workflow commands: limits").
const MOST: usize = 10;

pub(super) struct Github<'a> {
    out: Box<dyn Write + 'a>,
    digest: Digest,
}

impl<'a> Github<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        // Two notices are ours: how many more there are, and the verdict.
        Self { out, digest: Digest::new(MOST, MOST, MOST - 2) }
    }
}

impl Reporter for Github<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        self.digest.add(diagnostic);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        let (shown, more) = std::mem::replace(&mut self.digest, Digest::new(0, 0, 0)).finish();
        for diagnostic in &shown {
            writeln!(self.out, "{}", annotation(diagnostic))?;
        }
        if let Some(more) = more {
            let text = format!("{more} not shown: GitHub takes {MOST} of a kind; another --output-format has all");
            writeln!(self.out, "::notice title=tunelint::{}", data(&text))?;
        }
        writeln!(self.out, "::notice title=tunelint::{}", data(&summary::verdict_line(summary, settings, false)))?;
        self.out.flush()
    }
}

fn annotation(diagnostic: &Diagnostic) -> String {
    let mut properties = Vec::new();
    if !diagnostic.location.path.is_empty() {
        properties.push(format!("file={}", property(relative(&diagnostic.location.path))));
    }
    if let Some(line) = &diagnostic.location.line {
        properties.push(format!("line={},col={},endColumn={}", line.line, line.column, line.end_column.max(line.column)));
    }
    properties.push(format!("title={} {}", diagnostic.rule.code, diagnostic.rule.name));
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    format!("::{command} {}::{}", properties.join(","), data(&format!("{}{help}", diagnostic.message)))
}

/// The escapes of actions/toolkit's `escapeData`, and everything that could steer a terminal besides.
fn data(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c if is_unsafe(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The escapes of actions/toolkit's `escapeProperty`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn nothing_becomes_a_command_of_its_own() {
        assert_eq!(data("a\n::error::b%"), "a%0A::error::b%25");
        assert_eq!(property("a,b:c\r\n"), "a%2Cb%3Ac%0D%0A");
    }

    #[test]
    fn a_step_gets_no_more_than_it_shows() {
        let findings: Vec<_> = (1..=40).map(|line| finding(if line % 2 == 0 { "M003" } else { "I013" }, line)).collect();
        let written = written(OutputFormat::Github, &findings);
        for command in ["::error ", "::warning "] {
            assert_eq!(written.lines().filter(|line| line.starts_with(command)).count(), MOST, "{written}");
        }
        assert!(written.contains("10 more errors, 10 warnings not shown"), "{written}");
    }
}
