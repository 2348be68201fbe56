//! GitHub workflow commands: each finding becomes an annotation. Text is escaped as the runner asks, so that nothing in
//! the data can be a command of its own.

use std::io::{self, Write};

use super::{Cap, Reporter, Style, summary};
use crate::diagnostic::{Diagnostic, number};
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Github<'a> {
    out: Box<dyn Write + 'a>,
    cap: Cap,
}

impl<'a> Github<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>, style: Style) -> Self {
        Self { out, cap: Cap::new(style.max_findings) }
    }
}

impl Reporter for Github<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if !self.cap.lets_through(diagnostic) {
            return Ok(());
        }
        let mut properties = Vec::new();
        if !diagnostic.location.path.is_empty() {
            properties.push(format!("file={}", property(&diagnostic.location.path)));
        }
        if let Some(line) = &diagnostic.location.line {
            properties.push(format!("line={},col={},endColumn={}", line.line, line.column, line.end_column.max(line.column)));
        }
        properties.push(format!("title={} {}", diagnostic.rule.code, diagnostic.rule.name));
        let mut message = diagnostic.message.clone();
        if let Some(help) = &diagnostic.help {
            message = format!("{message}\n{help}");
        }
        writeln!(self.out, "::{} {}::{}", command(diagnostic.severity), properties.join(","), data(&message))
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        for (code, rule) in &summary.rules {
            let more = self.cap.held_back(code);
            if more > 0 {
                writeln!(self.out, "::notice title={code} {}::and {} more", rule.name, number(more))?;
            }
        }
        writeln!(self.out, "::notice title=tunelint::{}", data(&summary::verdict_line(summary, settings, false)))?;
        self.out.flush()
    }
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}

/// The escapes of actions/toolkit's `escapeData`, and everything that could steer a terminal besides.
fn data(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c if crate::diagnostic::is_unsafe(c) => out.push('\u{fffd}'),
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

    #[test]
    fn nothing_becomes_a_command_of_its_own() {
        assert_eq!(data("a\n::error::b%"), "a%0A::error::b%25");
        assert_eq!(property("a,b:c\r\n"), "a%2Cb%3Ac%0D%0A");
    }
}
