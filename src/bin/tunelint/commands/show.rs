//! `tunelint show`: lines of a dataset as chats, each with what is wrong with it. A file is read up to the line that is
//! asked for, and of it no more is kept than its first lines and that one.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::ops::RangeInclusive;
use std::path::Path;

use tunelint::diagnostic::{bytes, count, number, quoted, sanitised};
use tunelint::engine::{Engine, Input, Part};
use tunelint::json::parse;
use tunelint::output::{ChatStyle, OutputFormat, Style, chat, pretty, reporter};
use tunelint::settings::Settings;
use tunelint::summary::{Place, Summary};

use super::check::{Plan, colored, engine, width};
use crate::cli::ShowArguments;
use crate::{Exit, files};

/// Bytes of the beginning that are kept to tell what the file holds.
const HEAD: usize = 1 << 20;

pub(crate) fn run(arguments: &ShowArguments) -> Result<Exit, String> {
    let mut plan = Plan::new(&arguments.judging, &arguments.config)?;
    let engine = engine(1, &arguments.judging)?;
    let is_terminal = io::stdout().is_terminal();
    let style = ChatStyle { color: colored(arguments.color, is_terminal), width: width(is_terminal), all: arguments.all };
    let of_stdin = arguments.stdin.as_ref().map(|lines| format!("-:{lines}"));
    let several = arguments.places.len() + usize::from(of_stdin.is_some()) > 1;
    for place in of_stdin.iter().chain(&arguments.places) {
        let (path, wanted) = parse_place(place)?;
        let settings = plan.settings_for(Path::new(path))?;
        let lines = Lines::open(path, settings.max_line_bytes)?;
        let several = several || wanted.start() != wanted.end();
        let shown = lines.show(wanted, |head, is_whole, line, place| {
            let part = Part { path, head, is_whole, lines: line, place };
            let heading = several.then(|| format!("{}:{}", sanitised(path), place.line));
            show(arguments, &engine, &part, heading, &settings, &style)
        });
        match shown {
            Err(Problem::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Clean),
            Err(Problem::Write(error)) => return Err(format!("cannot write the lines: {}", files::reason(&error))),
            Err(Problem::Read(message)) => return Err(format!("{path}: {message}")),
            Ok(()) => {}
        }
    }
    Ok(Exit::Clean)
}

/// `FILE:LINE` or `FILE:FIRST-LAST`.
fn parse_place(text: &str) -> Result<(&str, RangeInclusive<u64>), String> {
    let problem = || format!("{} names no line: write FILE:LINE or FILE:FIRST-LAST, such as train.jsonl:12", quoted(text));
    let (path, lines) = text.rsplit_once(':').ok_or_else(problem)?;
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    let (first, last): (u64, u64) = first.parse().ok().zip(last.parse().ok()).ok_or_else(problem)?;
    if first == 0 || last < first {
        return Err(format!("{}: lines count from 1, the first one before the last", quoted(text)));
    }
    if path.is_empty() { Err(problem()) } else { Ok((path, first..=last)) }
}

fn show(
    arguments: &ShowArguments,
    engine: &Engine,
    part: &Part<'_>,
    heading: Option<String>,
    settings: &Settings,
    style: &ChatStyle,
) -> io::Result<()> {
    let content = part.lines.strip_suffix(b"\n").unwrap_or(part.lines);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    let content = content.strip_prefix(b"\xef\xbb\xbf").filter(|_| part.place.offset == 0).unwrap_or(content);
    let mut out = io::BufWriter::new(io::stdout().lock());
    if let Some(heading) = heading {
        let bold = anstyle::Style::new().bold();
        let heading = if style.color { format!("{bold}{heading}{bold:#}") } else { heading };
        writeln!(out, "{heading}")?;
    }
    let text = String::from_utf8_lossy(content);
    match parse(text.as_bytes(), settings.max_depth).value.filter(|_| arguments.raw) {
        _ if content.trim_ascii().is_empty() => writeln!(out, "a blank line")?,
        Some(root) => writeln!(out, "{}", pretty(&root))?,
        None => out.write_all(chat(content, settings, style).as_bytes())?,
    }
    writeln!(out)?;
    if !arguments.quiet {
        let mut found = engine.check_part(part, settings);
        found.sort_by_key(|found| std::cmp::Reverse(found.severity));
        let style =
            Style { color: style.color, width: style.width, max_findings: 0, summary: false, statistics: false, unsafe_fixes: false };
        let mut reporter = reporter(OutputFormat::Full, style, settings, Box::new(&mut out));
        found.iter().try_for_each(|diagnostic| reporter.report(diagnostic))?;
        reporter.finish(&Summary::default(), settings)?;
    }
    out.flush()
}

enum Problem {
    Read(String),
    Write(io::Error),
}

/// The lines of a file, one after the other.
struct Lines {
    reader: BufReader<Box<dyn io::Read + Send>>,
    most: usize,
    head: Vec<u8>,
    place: Place,
}

impl Lines {
    fn open(path: &str, most: usize) -> Result<Self, String> {
        let input = match path {
            "-" => Input::new(path, false, io::stdin()),
            _ => Input::new(path, true, file(path)?),
        };
        let input = input.map_err(|error| format!("{path}: {}", files::reason(&error)))?;
        let reader = BufReader::with_capacity(1 << 16, input.into_reader());
        Ok(Self { reader, most, head: Vec::new(), place: Place { line: 1, offset: 0 } })
    }

    /// Hands each wanted line to `show`, with the beginning of the file and whether that is all of it.
    fn show(
        mut self,
        wanted: RangeInclusive<u64>,
        mut show: impl FnMut(&[u8], bool, &[u8], Place) -> io::Result<()>,
    ) -> Result<(), Problem> {
        let read = |error: io::Error| Problem::Read(files::reason(&error));
        // Whether the first lines make a chat or something else is settled by many of them.
        let is_whole = self.fill_head().map_err(read)?;
        let head = std::mem::take(&mut self.head);
        let mut source = io::Cursor::new(&head).chain(&mut self.reader);
        let (mut line, mut place) = (Vec::new(), self.place);
        while place.line <= *wanted.end() {
            let is_wanted = wanted.contains(&place.line);
            let length = next_line(&mut source, &mut line, if is_wanted { self.most } else { 0 }).map_err(read)?;
            if length == 0 {
                let lines = count(place.line - 1, "line");
                return Err(Problem::Read(format!("there is no line {}: the file has {lines}", number(place.line.max(*wanted.start())))));
            }
            if is_wanted {
                if length > self.most as u64 {
                    let limit = bytes(self.most as u64);
                    return Err(Problem::Read(format!("line {} has {}; at most {limit} are read", place.line, bytes(length))));
                }
                show(&head, is_whole, &line, place).map_err(Problem::Write)?;
            }
            place = Place { line: place.line + 1, offset: place.offset + length };
        }
        Ok(())
    }

    /// Reads the beginning: [`HEAD`] bytes, or as many as the first line has.
    fn fill_head(&mut self) -> io::Result<bool> {
        let mut has_line = false;
        loop {
            let more = self.reader.fill_buf()?;
            if more.is_empty() {
                return Ok(true);
            }
            let length = more.len();
            has_line |= memchr::memchr(b'\n', more).is_some();
            self.head.extend_from_slice(more);
            self.reader.consume(length);
            if self.head.len() > self.most || (self.head.len() >= HEAD && has_line) {
                return Ok(false);
            }
        }
    }
}

fn file(path: &str) -> Result<File, String> {
    if Path::new(path).is_dir() {
        return Err(format!("{path}: a folder, not a file"));
    }
    Ok(files::open(Path::new(path))?.file)
}

/// Reads up to and with the next line break; keeps `most` bytes and a few more, and gives the length of the line.
fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>, most: usize) -> io::Result<u64> {
    line.clear();
    let mut length = 0;
    loop {
        let available = source.fill_buf()?;
        if available.is_empty() {
            return Ok(length);
        }
        let end = memchr::memchr(b'\n', available).map(|end| end + 1);
        let taken = end.unwrap_or(available.len());
        if line.len() < most {
            line.extend_from_slice(available.get(..taken).unwrap_or_default());
        }
        length += taken as u64;
        source.consume(taken);
        if end.is_some() {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        assert_eq!(parse_place("a:b.jsonl:12"), Ok(("a:b.jsonl", 12..=12)));
        assert_eq!(parse_place("-:3-5"), Ok(("-", 3..=5)));
        for wrong in ["a.jsonl", "a.jsonl:", ":5", "a.jsonl:x", "a.jsonl:0", "a.jsonl:5-3", "a.jsonl:1-2-3"] {
            assert!(parse_place(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_are_counted_without_being_kept() {
        let text = [b"a\n".to_vec(), vec![b'x'; 5_000], b"\n\nend".to_vec()].concat();
        let mut source = BufReader::with_capacity(16, text.as_slice());
        let mut line = Vec::new();
        let lengths: Vec<u64> = (0..5).map(|_| next_line(&mut source, &mut line, 0).expect("readable")).collect();
        assert_eq!(lengths, [2, 5_001, 1, 3, 0]);
    }
}
