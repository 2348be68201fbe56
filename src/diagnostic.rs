//! A finding: what is wrong, where, what will happen, what to do, and the few characters of the line that show it.
//! Nothing here prints; nothing from the data leaves this file unsanitised.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::edit::Fix;
use crate::json::Span;
use crate::rule::{Effect, Evidence, Rule, Severity};

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule that was broken.
    pub rule: &'static Rule,
    /// How bad it is here: the rule's own level, or what target, configuration and flags made of it.
    pub severity: Severity,
    /// What will happen at this target.
    pub effect: Effect,
    /// How well that is known for this target.
    pub evidence: Evidence,
    /// What is wrong: lower case, no full stop, free of control characters.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What would mend it, where that is known.
    pub fix: Option<Fix>,
    /// What the provider would say.
    pub provider_message: Option<Cow<'static, str>>,
    /// Where.
    pub location: Location,
    /// The place in the line; `None` for findings on a whole file or run.
    pub excerpt: Option<Excerpt>,
}

/// Stands in [`Diagnostic::provider_message`] for the number of the line until that is known: no text from outside has this character.
pub(crate) const THIS_LINE: char = '\0';

impl Diagnostic {
    /// Numbers its line anew, which was counted from 1: so many come before it in the file.
    pub(crate) fn put_behind(&mut self, before: u64) {
        let Some(line) = &mut self.location.line else { return };
        line.line += before;
        if let Some(message) = &mut self.provider_message
            && message.contains(THIS_LINE)
        {
            *message = message.replace(THIS_LINE, &line.line.to_string()).into();
        }
    }
}

/// Where a finding is. Lines and columns count from 1, columns in characters; byte offsets count from 0.
#[derive(Clone, Debug)]
pub struct Location {
    /// The path as it was given, `-` for standard input; empty for a finding on the whole run.
    pub path: Arc<str>,
    /// The line and what is known within it; `None` for a whole file.
    pub line: Option<LineLocation>,
}

/// A place within a file.
#[derive(Clone, Debug, Default)]
pub struct LineLocation {
    /// Line, from 1.
    pub line: u64,
    /// First column, from 1, in characters.
    pub column: u64,
    /// One past the last column.
    pub end_column: u64,
    /// Bytes from the start of the line.
    pub byte_in_line: u64,
    /// Bytes from the start of the file, after decompression.
    pub file_offset: u64,
    /// RFC 6901 pointer of the value; empty for the whole line.
    pub pointer: String,
    /// Hash (XXH3, 128 bits) of the line without its line break; `None` when its bytes are no longer at hand.
    pub hash: Option<u128>,
}

/// A readable window of a line that may have megabytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// At most about 120 characters, control and bidirectional characters replaced.
    pub text: String,
    /// Byte in `text` where the fault begins.
    pub start: usize,
    /// Bytes of the fault in `text`.
    pub length: usize,
}

/// Bytes shown on either side of the fault, and of the fault itself.
const MARGIN: usize = 36;
const SPAN: usize = 32;

impl Excerpt {
    /// Cuts the window around `span` out of `line`.
    pub fn new(line: &[u8], span: Span) -> Self {
        let start = floor(line, (span.start as usize).min(line.len()));
        let end = ceil(line, (span.end as usize).clamp(start, line.len()));
        let from = floor(line, start.saturating_sub(MARGIN));
        let piece = |from: usize, to: usize| line.get(from..to).unwrap_or_default();
        let mut text = String::new();
        if from > 0 {
            text.push('…');
        }
        show(&mut text, piece(from, start));
        let shown = text.len();
        let rest_from = if end - start > 2 * SPAN {
            // The middle of a long value says nothing: a base64 image is its first characters and its size.
            let head = ceil(line, start + SPAN);
            let tail = floor(line, end.saturating_sub(12).max(head));
            show(&mut text, piece(start, head));
            let _ = write!(text, "…<{}>…", bytes((tail - head) as u64));
            show(&mut text, piece(tail, end));
            end
        } else {
            show(&mut text, piece(start, end));
            end
        };
        let length = text.len() - shown;
        let to = ceil(line, (rest_from + MARGIN).min(line.len()));
        show(&mut text, piece(rest_from, to));
        if to < line.len() {
            text.push('…');
        }
        let (mut start, mut length) = (shown, length);
        // From the last to the first, so that the offsets of those before stay true.
        let found: Vec<usize> = commands(&text).collect();
        for at in found.into_iter().rev() {
            const MARK: &str = "\u{fffd}";
            text.replace_range(at..=at, MARK);
            if at < start {
                start += MARK.len() - 1;
            } else if at < start + length {
                length += MARK.len() - 1;
            }
        }
        Self { text, start, length }
    }
}

/// Moves back to the start of a UTF-8 character, three bytes at the most: the line may not be UTF-8.
fn floor(line: &[u8], at: usize) -> usize {
    let starts = |at: &usize| line.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (at.saturating_sub(3)..=at).rev().find(starts).unwrap_or(at)
}

/// Moves on to the end of a UTF-8 character.
fn ceil(line: &[u8], mut at: usize) -> usize {
    for _ in 0..3 {
        at += usize::from(line.get(at).is_some_and(|byte| byte & 0xc0 == 0x80));
    }
    at.min(line.len())
}

fn show(text: &mut String, bytes: &[u8]) {
    text.extend(String::from_utf8_lossy(bytes).chars().map(|c| match c {
        '\t' => ' ',
        c if is_unsafe(c) => '\u{fffd}',
        c => c,
    }));
}

/// Characters that move the cursor, hide text or reorder it: C0, DEL, C1, zero-width, bidirectional and tag characters.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{e0000}'..='\u{e0fff}' | '\u{fff9}'..='\u{fffb}')
}

/// Where a text would be a command to a machine that runs a pipeline and reads all that a program prints: GitHub's runner obeys `::`
/// at the start of a line, behind white space too, and `##[` anywhere (`ActionCommand.cs` of actions/runner), Azure's agent
/// `##vso[` anywhere (`Command.cs` of microsoft/azure-pipelines-agent), TeamCity `##teamcity[`. Gives the second character of
/// each, an ASCII one, without which it is none.
pub(crate) fn commands(text: &str) -> impl Iterator<Item = usize> {
    let begins = |at: usize, word: &str| text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
    memchr::memchr2_iter(b'#', b':', text.as_bytes()).filter(move |&at| {
        let before = text.get(..at).unwrap_or_default();
        let is_colon = text.as_bytes().get(at) == Some(&b':');
        if is_colon {
            let is_first = |before: &str| before.chars().next_back().is_none_or(char::is_whitespace);
            before.strip_suffix(':').is_some_and(is_first) && text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphabetic)
        } else {
            before.ends_with('#') && ["[", "vso[", "teamcity["].iter().any(|word| begins(at + 1, word))
        }
    })
}

/// The same text without [`commands`]: what makes one is told by its code.
fn disarmed(text: Cow<'_, str>) -> Cow<'_, str> {
    let found: Vec<usize> = commands(&text).collect();
    if found.is_empty() {
        return text;
    }
    let mut out = text.into_owned();
    for at in found.into_iter().rev() {
        let code = if out.as_bytes().get(at) == Some(&b':') { "\\u{3a}" } else { "\\u{23}" };
        out.replace_range(at..=at, code);
    }
    Cow::Owned(out)
}

/// `text` fit for a message: at most `MARGIN` characters, unsafe ones as `\u{…}`, in backticks.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for (index, c) in text.chars().enumerate() {
        if index == MARGIN {
            out.push('…');
            break;
        }
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '`' => out.push('\''),
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('`');
    disarmed(Cow::Owned(out)).into_owned()
}

/// Text from outside (a path, a library's message) made safe to print: unsafe characters as `\u{…}`, and so what would make it a
/// command to a machine that runs a pipeline.
pub fn sanitised(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return disarmed(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        } else {
            out.push(c);
        }
    }
    disarmed(Cow::Owned(out))
}

/// The system's reason for a failure in words of a message: lower case, without the error number.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A number with thousands separators: `65,536`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 image`, `12 images`.
pub fn count(value: u64, noun: &str) -> String {
    if value == 1 { format!("1 {noun}") } else { format!("{} {noun}s", number(value)) }
}

/// A size in bytes for people: `999 bytes`, `1.2 MB` (decimal, as providers state their limits).
pub fn bytes(value: u64) -> String {
    let (unit, scale) = match value {
        0..1_000 => return count(value, "byte"),
        1_000..1_000_000 => ("kB", 1e3),
        1_000_000..1_000_000_000 => ("MB", 1e6),
        _ => ("GB", 1e9),
    };
    let scaled = value as f64 / scale;
    if scaled < 10.0 { format!("{scaled:.2} {unit}") } else { format!("{scaled:.1} {unit}") }
}

/// A size and the limit beside it, to the byte where they would read the same.
pub fn bytes_beside(value: u64, limit: u64) -> (String, String) {
    let short = (bytes(value), bytes(limit));
    if short.0 == short.1 { (count(value, "byte"), count(limit, "byte")) } else { short }
}

/// The nearest of `candidates` to `word`, when it is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The one of `candidates` that `word` can have been meant as; `None` when it is near none of them, or several.
pub fn only_near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.trim();
    let mut near = candidates.into_iter().filter(|candidate| nearest(word, [*candidate]).is_some());
    near.next().filter(|_| near.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_the_fault_and_little_else() {
        let line = format!(r#"{{"a": "{}", "b": "x{}"}}"#, "A".repeat(5_000_000), "é".repeat(100));
        let at = line.find('x').expect("there");
        let excerpt = Excerpt::new(line.as_bytes(), Span::new(at, at + 1));
        assert_eq!(&excerpt.text[excerpt.start..excerpt.start + excerpt.length], "x");
        let whole = Excerpt::new(line.as_bytes(), Span::new(6, 5_000_008));
        assert!(whole.text.len() < 200, "{}", whole.text);
        assert!(whole.text.contains("…<5.00 MB>…"), "{}", whole.text);
    }

    #[test]
    fn nothing_unsafe_is_shown() {
        let excerpt = Excerpt::new("{\u{1b}[2J\u{202e}\u{9b}\u{200b}}".as_bytes(), Span::new(0, 1));
        assert!(!excerpt.text.chars().any(is_unsafe));
        assert_eq!(quoted("a\u{1b}\n`"), "`a\\u{1b}\\n'`");
    }

    #[test]
    fn nothing_that_is_shown_is_a_command_to_a_pipeline() {
        for (text, shown) in [
            ("##vso[task.setvariable variable=PATH]x", "#\\u{23}vso[task.setvariable variable=PATH]x"),
            ("a ##[add-mask]b", "a #\\u{23}[add-mask]b"),
            ("##TeamCity[x]", "#\\u{23}TeamCity[x]"),
            ("::error::x", ":\\u{3a}error::x"),
            ("a \u{a0}::add-mask::b", "a \u{a0}:\\u{3a}add-mask::b"),
            ("###vso[x", "##\\u{23}vso[x"),
        ] {
            assert_eq!(sanitised(text), shown);
            assert_eq!(commands(&quoted(&format!("x {text}"))).next(), None);
            let excerpt = Excerpt::new(text.as_bytes(), Span::new(2, 7));
            assert_eq!(commands(&excerpt.text).next(), None);
            assert_eq!(excerpt.text.chars().count(), text.chars().count());
            let marked = &excerpt.text[excerpt.start..excerpt.start + excerpt.length];
            assert_eq!(marked.chars().count(), String::from_utf8_lossy(&text.as_bytes()[2..7]).chars().count(), "{excerpt:?}");
        }
        for harmless in ["## Heading", "std::vec", "f :: Int", "a#[b", "C##", "# [x]", ":: a"] {
            assert!(matches!(sanitised(harmless), Cow::Borrowed(_)), "{harmless}");
        }
    }

    #[test]
    fn windows_never_split_or_panic() {
        let line = "é\u{1f600}x".repeat(50).into_bytes();
        for start in 0..line.len() {
            for length in [0, 1, 3, 90, 1000] {
                let excerpt = Excerpt::new(&line, Span::new(start, start + length));
                assert!(excerpt.text.is_char_boundary(excerpt.start) && excerpt.text.is_char_boundary(excerpt.start + excerpt.length));
            }
        }
    }

    #[test]
    fn figures_are_readable() {
        assert_eq!(number(65_536), "65,536");
        assert_eq!(bytes(512_000_000), "512.0 MB");
        assert_eq!(count(1, "image"), "1 image");
        assert_eq!(bytes_beside(600_000_000, 512_000_000), ("600.0 MB".to_owned(), "512.0 MB".to_owned()));
        assert_eq!(bytes_beside(512_000_001, 512_000_000), ("512,000,001 bytes".to_owned(), "512,000,000 bytes".to_owned()));
        assert_eq!(nearest("asistant", ["user", "assistant"]), Some("assistant"));
        assert_eq!(nearest("zebra", ["user", "assistant"]), None);
    }
}
