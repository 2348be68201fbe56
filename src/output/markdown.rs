//! Markdown for a pull-request comment or a step summary: the verdict, the files, the rules, and the first findings of
//! each rule, folded. It fits the smaller of the two, a comment's 65,536 characters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Digest, Reporter, relative, summary};
use crate::diagnostic::{Diagnostic, bytes, count, number, sanitised};
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::{FileSummary, Summary};

/// Characters of a comment on GitHub; a step summary may have a mebibyte.
const MOST: usize = 65_536;
/// Findings that are listed at most, of each severity.
const LISTED: usize = 60;
/// Files in the table.
const FILES: usize = 30;

pub(super) struct Markdown<'a> {
    out: Box<dyn Write + 'a>,
    digest: Digest,
}

impl<'a> Markdown<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, digest: Digest::new(LISTED, LISTED, LISTED) }
    }
}

impl Reporter for Markdown<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        self.digest.add(diagnostic);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        let (shown, _) = std::mem::replace(&mut self.digest, Digest::new(0, 0, 0)).finish();
        let mut page = head(summary, settings);
        page.push_str(&rules(summary));
        page.push_str(&findings(&shown, summary, MOST.saturating_sub(page.chars().count())));
        self.out.write_all(page.as_bytes())?;
        self.out.flush()
    }
}

fn head(summary: &Summary, settings: &Settings) -> String {
    let mut out = format!("### tunelint: {}\n\n", text(&summary::verdict_line(summary, settings, false)));
    if summary.files.is_empty() {
        return out;
    }
    out.push_str("| file | examples | tokens | images | size | cost |\n|---|--:|--:|--:|--:|--:|\n");
    for (index, file) in summary.files.iter().take(FILES).enumerate() {
        let tokens = if settings.count_tokens { number(file.tokens.all()) } else { "–".to_owned() };
        let cost = file.cost(settings).filter(|_| index == 0).map_or("–".to_owned(), |cost| format!("${cost:.2}"));
        let (examples, images) = (number(file.examples), number(file.images.count));
        let _ = writeln!(out, "| {} | {examples} | {tokens} | {images} | {} | {cost} |", path(file), bytes(file.bytes));
    }
    if summary.files.len() > FILES {
        let _ = writeln!(out, "\n{}", count((summary.files.len() - FILES) as u64, "more file"));
    }
    out.push('\n');
    out
}

fn path(file: &FileSummary) -> String {
    code(&relative(&file.path).chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect::<String>())
}

fn rules(summary: &Summary) -> String {
    if summary.rules.is_empty() {
        return String::new();
    }
    let mut rows: Vec<_> = summary.rules.iter().collect();
    rows.sort_by_key(|(code, rule)| (std::cmp::Reverse(rule.severity), **code));
    let mut out = "| level | rule | | findings | effect |\n|---|---|---|--:|---|\n".to_owned();
    for (code, rule) in rows {
        let name = crate::rules::find(code).map_or_else(|| rule.name.to_owned(), |found| format!("[{}]({})", rule.name, found.url()));
        let _ = writeln!(out, "| {} | {code} | {name} | {} | {} |", mark(rule.severity), number(rule.count), rule.effect);
    }
    out.push('\n');
    out
}

fn mark(severity: Severity) -> String {
    let mark = match severity {
        Severity::Error => "🔴",
        Severity::Warning => "🟡",
        Severity::Info => "🔵",
    };
    format!("{mark} {severity}")
}

/// As many findings as `room` characters hold, by rule.
fn findings(shown: &[Diagnostic], summary: &Summary, room: usize) -> String {
    const CLOSING: usize = 200;
    let mut groups: BTreeMap<(std::cmp::Reverse<Severity>, &str), Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in shown {
        groups.entry((std::cmp::Reverse(diagnostic.severity), diagnostic.rule.code)).or_default().push(diagnostic);
    }
    let (mut out, mut used, mut left) = (String::new(), 0, 0);
    for ((_, code), found) in groups {
        let Some(first) = found.first() else { continue };
        let all = summary.rules.get(code).map_or(found.len() as u64, |rule| rule.count);
        let lines: Vec<String> = found.iter().map(|diagnostic| item(diagnostic)).collect();
        let more = all.saturating_sub(found.len() as u64);
        let more = if more > 0 { format!("- … {}\n", count(more, "more")).replace("mores", "more") } else { String::new() };
        let help = first.help.as_deref().map(|help| format!("Help: {}\n\n", text(help))).unwrap_or_default();
        let title = format!("<details><summary>{} {code} {} ({})</summary>\n\n", mark(first.severity), first.rule.name, number(all));
        let section = format!("{title}{help}{}{more}\n</details>\n\n", lines.concat());
        let length = section.chars().count();
        if used + length + CLOSING > room {
            left += 1;
            continue;
        }
        used += length;
        out.push_str(&section);
    }
    if left > 0 {
        let _ = writeln!(out, "The findings of {} did not fit here.", count(left, "rule"));
    }
    out
}

fn item(diagnostic: &Diagnostic) -> String {
    let line = diagnostic.location.line.as_ref().map(|line| format!(":{}:{}", line.line, line.column)).unwrap_or_default();
    let place = if diagnostic.location.path.is_empty() {
        String::new()
    } else {
        format!("{} ", code(&format!("{}{line}", relative(&diagnostic.location.path))))
    };
    format!("- {place}{}\n", text(&diagnostic.message))
}

/// A code span. Nothing in it is Markdown or HTML, and no user is mentioned.
fn code(text: &str) -> String {
    format!("`{}`", sanitised(text).replace('`', "'").replace('|', "\\|"))
}

/// A message: what stands in backticks stays code, all else is escaped.
fn text(message: &str) -> String {
    let pieces: Vec<&str> = message.split('`').collect();
    let is_balanced = pieces.len() % 2 == 1;
    let piece = |(index, piece): (usize, &&str)| {
        if index % 2 == 1 && is_balanced && !piece.is_empty() { code(piece) } else { escaped(piece) }
    };
    pieces.iter().enumerate().map(piece).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitised(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '@' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn code_stays_code_and_the_rest_is_text() {
        assert_eq!(text("the key `<b>|x` *is* <i>"), "the key `<b>\\|x` \\*is\\* &lt;i&gt;");
        assert_eq!(text("an odd ` one <b>"), "an odd  one &lt;b&gt;");
        assert_eq!(code("a`b\u{202e}"), "`a'b\\u{202e}`");
    }

    #[test]
    fn it_fits_a_comment_whatever_is_found() {
        let codes: Vec<&str> = crate::rules::all().iter().map(|rule| rule.code).collect();
        let findings: Vec<_> = codes
            .iter()
            .flat_map(|code| (1..5).map(|line| finding(code, line)))
            .map(|mut found| {
                found.message = "é<".repeat(500);
                found
            })
            .collect();
        let page = written(OutputFormat::Markdown, &findings);
        assert!(page.chars().count() <= MOST, "{}", page.chars().count());
        assert!(page.contains("did not fit here") && page.contains("<details>"));
        assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
        assert!(!page.contains("é<"));
    }
}
