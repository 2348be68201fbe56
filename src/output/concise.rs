//! One line a finding, for editors, `grep` and agents: `path:line:column: error[CODE] message`.

use std::io::{self, Write};

use super::{Cap, Reporter, Style, summary};
use crate::diagnostic::{Diagnostic, number, sanitised};
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Concise<'a> {
    out: Box<dyn Write + 'a>,
    style: Style,
    cap: Cap,
}

impl<'a> Concise<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>, style: Style) -> Self {
        Self { out, style, cap: Cap::new(style.max_findings) }
    }
}

impl Reporter for Concise<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if !self.cap.lets_through(diagnostic) {
            return Ok(());
        }
        if !diagnostic.location.path.is_empty() {
            write!(self.out, "{}:", sanitised(&diagnostic.location.path))?;
            if let Some(line) = &diagnostic.location.line {
                write!(self.out, "{}:{}:", line.line, line.column)?;
            }
            write!(self.out, " ")?;
        }
        let paint = summary::Paint(self.style.color);
        let level = paint.severity(diagnostic.severity, diagnostic.severity.name());
        write!(self.out, "{level}[{}]{} {}", diagnostic.rule.code, self.style.mark(diagnostic), diagnostic.message)?;
        if let Some(help) = &diagnostic.help {
            write!(self.out, "; {help}")?;
        }
        writeln!(self.out)
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        for (code, rule) in &summary.rules {
            let more = self.cap.held_back(code);
            if more > 0 {
                writeln!(self.out, "... and {} more {code} {}; --max-findings 0 shows all", number(more), rule.name)?;
            }
        }
        if let Some(fixable) = self.style.fixable(summary).filter(|_| self.style.summary) {
            writeln!(self.out, "{fixable}")?;
        }
        if self.style.summary && !summary.files.is_empty() {
            writeln!(self.out, "{}", summary::verdict_line(summary, settings, self.style.color))?;
        }
        self.out.flush()
    }
}
