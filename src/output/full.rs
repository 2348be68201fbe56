//! Findings for people: miette draws the place in the line, on a window of our own. It is never given the line itself:
//! lines here have megabytes, and miette 7 prints all of it and panics on columns beyond 65,535.

use std::fmt;
use std::io::{self, Write};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Cap, Reporter, Style, summary};
use crate::diagnostic::{Diagnostic, Excerpt, sanitised};
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Summary;

pub(super) struct Full<'a> {
    out: Box<dyn Write + 'a>,
    style: Style,
    cap: Cap,
    target: String,
    handler: GraphicalReportHandler,
}

impl<'a> Full<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>, style: Style, target: &str) -> Self {
        let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(style.width).with_links(false).with_context_lines(1);
        Self { out, style, cap: Cap::new(style.max_findings), target: target.to_owned(), handler }
    }
}

impl Reporter for Full<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if !self.cap.lets_through(diagnostic) {
            return Ok(());
        }
        let paint = summary::Paint(self.style.color);
        let level = paint.severity(diagnostic.severity, format_args!("{}[{}]", diagnostic.severity, diagnostic.rule.code));
        writeln!(self.out, "{level} {}{}: {}", diagnostic.rule.name, self.style.mark(diagnostic), paint.bold(&diagnostic.message))?;
        let path = sanitised(&diagnostic.location.path);
        match (&diagnostic.location.line, &diagnostic.excerpt) {
            (Some(line), Some(excerpt)) => {
                let gutter = line.line.to_string().len() + 4;
                let window = Window {
                    excerpt: cropped(excerpt, self.style.width.saturating_sub(gutter)),
                    path: path.into_owned(),
                    line: line.line.saturating_sub(1) as usize,
                    column: line.column.saturating_sub(1) as usize,
                    severity: diagnostic.severity,
                };
                let mut drawn = String::new();
                let drawing = self.handler.render_report(&mut drawn, &window);
                debug_assert!(drawing.is_ok());
                // The heading is ours; what miette draws begins with the frame.
                let frame = drawn.find('╭').and_then(|frame| drawn.get(..frame)?.rfind('\n')).map_or(0, |end| end + 1);
                writeln!(self.out, "{}", drawn.get(frame..).unwrap_or_default().trim_end())?;
            }
            (Some(line), None) => writeln!(self.out, "   at {path}:{}", line.line)?,
            (None, _) if !path.is_empty() => writeln!(self.out, "   in {path}")?,
            (None, _) => {}
        }
        for (name, text) in self.notes(diagnostic) {
            write_wrapped(&mut self.out, &paint.dim(format_args!("{name}:")), name.len() + 5, &text, self.style.width)?;
        }
        writeln!(self.out)
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        if self.style.summary && !summary.files.is_empty() {
            self.out.write_all(summary::text(summary, settings, &self.cap, self.style).as_bytes())?;
        }
        self.out.flush()
    }
}

impl Full<'_> {
    fn notes(&self, diagnostic: &Diagnostic) -> Vec<(&'static str, String)> {
        let mut notes = Vec::new();
        if let Some(help) = &diagnostic.help {
            notes.push(("help", help.clone()));
        }
        let effect = diagnostic.effect.describe(&self.target, diagnostic.severity);
        let grade = match diagnostic.evidence {
            crate::rule::Evidence::Inferred => " (inferred, not documented)",
            _ => "",
        };
        match diagnostic.location.line.as_ref().map(|line| line.pointer.as_str()).filter(|pointer| !pointer.is_empty()) {
            Some(pointer) => notes.push(("note", format!("at {}: {effect}{grade}", short(&sanitised(pointer))))),
            None => notes.push(("note", format!("{effect}{grade}"))),
        }
        if let Some(message) = &diagnostic.provider_message {
            notes.push(("says", sanitised(message).into_owned()));
        }
        notes
    }
}

/// Pointers through hostile keys can have megabytes.
fn short(pointer: &str) -> String {
    match pointer.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", pointer.get(..end).unwrap_or_default()),
        None => pointer.to_owned(),
    }
}

/// Writes `text` behind a label, broken at spaces so that it fits `width`, continued under its own beginning.
fn write_wrapped(out: &mut dyn Write, label: &str, indent: usize, text: &str, width: usize) -> io::Result<()> {
    write!(out, "   {label} ")?;
    let room = width.saturating_sub(indent).max(20);
    let mut used = 0;
    for word in text.split(' ') {
        let word_width = word.width();
        if used > 0 && used + 1 + word_width > room {
            write!(out, "\n{:indent$}", "")?;
            used = 0;
        } else if used > 0 {
            write!(out, " ")?;
            used += 1;
        }
        write!(out, "{word}")?;
        used += word_width;
    }
    writeln!(out)
}

/// The part of an excerpt that fits `width` columns, the fault kept in sight.
fn cropped(excerpt: &Excerpt, width: usize) -> Excerpt {
    let width = width.max(30);
    if excerpt.text.width() <= width {
        return excerpt.clone();
    }
    let (before, rest) = excerpt.text.split_at(excerpt.start);
    let (fault, behind) = rest.split_at(excerpt.length);
    // The fault comes first; what stands around it shares the rest.
    let fault = head(fault, width * 7 / 10);
    let room = width - fault.width();
    let before = tail(before, (room / 2).max(room.saturating_sub(behind.width())));
    let behind = head(behind, room.saturating_sub(before.width()));
    Excerpt { start: before.len(), length: fault.len(), text: before + &fault + &behind }
}

fn head(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let mut out: String = text
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or_default();
            used <= room
        })
        .collect();
    out.push('…');
    out
}

fn tail(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut used = 1;
    let kept: Vec<char> = text
        .chars()
        .rev()
        .take_while(|c| {
            used += c.width().unwrap_or_default();
            used <= room
        })
        .collect();
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

/// What miette is given: a source that knows the true line and column, and holds the window alone.
#[derive(Debug)]
struct Window {
    excerpt: Excerpt,
    path: String,
    line: usize,
    column: usize,
    severity: Severity,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("here")
    }
}

impl std::error::Error for Window {}

impl miette::Diagnostic for Window {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(None, (self.excerpt.start, self.excerpt.length)))))
    }
}

impl SourceCode for Window {
    fn read_span<'a>(&'a self, span: &SourceSpan, before: usize, _after: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        // Asked without context, miette wants the place for its heading: the true column. Else it wants text to draw,
        // which begins at column 0 of the window.
        let column = if before == 0 { self.column } else { 0 };
        let (text, span) = if before == 0 {
            (self.excerpt.text.get(span.offset()..span.offset() + span.len()).unwrap_or_default(), *span)
        } else {
            (self.excerpt.text.as_str(), (0, self.excerpt.text.len()).into())
        };
        Ok(Box::new(MietteSpanContents::new_named(self.path.clone(), text.as_bytes(), span, self.line, column, 1)))
    }
}
