//! A whole file through the reader: blocks, threads, encodings, packed data.

use std::io::{self, Read};

use tunelint::diagnostic::Diagnostic;
use tunelint::engine::{Input, Part};
use tunelint::output::{OutputFormat, Style, reporter};
use tunelint::settings::Settings;
use tunelint::summary::{Place, Summary};

use super::{asked, check, input, with_bench};

/// Lines of one block of the engine: a file of more is read by many.
const BLOCK_LINES: usize = 4096;
/// Lines that are checked one by one besides.
const PARTS: usize = 40;

/// Gives out its bytes in pieces of odd sizes, as pipes do.
struct Dribble {
    bytes: Vec<u8>,
    at: usize,
    step: usize,
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        // Never the same size twice in a row.
        let count = (1 + (self.at * 31 + self.step) % (2 * self.step)).min(rest.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// The findings and sums are the same for one thread and for three, for a file and for a pipe; lines and bytes are counted right;
/// every finding is in the line it names; and lines by themselves give what they give in the file.
pub(super) fn holds(data: &[u8]) {
    let asked = asked(data);
    let bytes = padded(&asked.text, asked.choice);
    with_bench(|bench| {
        let settings = &bench.settings[asked.judge];
        let step = [1 << 20, 7, 1000, 65_537][usize::from(asked.choice >> 4) % 4];
        let one = input("a.jsonl", &bytes);
        let many = Input::new("a.jsonl", true, Dribble { bytes: bytes.clone(), at: 0, step });
        assert_eq!(one.is_ok(), many.is_ok(), "a file and a pipe of the same bytes begin alike");
        let (Ok(one), Ok(many)) = (one, many) else { return };
        let is_packed = one.is_packed();
        assert_eq!(is_packed, many.is_packed());
        let (found, summary, result) = check(&bench.engine, one, settings);
        let (found_by_many, summary_by_many, result_by_many) = check(&bench.threads, many, settings);
        assert_eq!(result.is_ok(), result_by_many.is_ok(), "{result:?}, {result_by_many:?}");
        if result.is_err() {
            assert!(is_packed, "bytes in memory can be read: {result:?}");
            return;
        }
        assert_eq!(written(&found, &summary, settings), written(&found_by_many, &summary_by_many, settings));
        if !is_packed {
            counts_are_right(&bytes, &found, &summary);
            lines_stand_alone(bench, settings, &bytes, &found);
        }
    });
}

/// The same bytes among so many blank lines, or lines so long, that they come in several blocks.
fn padded(text: &[u8], choice: u8) -> Vec<u8> {
    match choice % 16 {
        1 => [text, b"\n", &b"\n".repeat(BLOCK_LINES)[..], text].concat(),
        2 => [text, b"\n", &b" \r\n".repeat(2 * BLOCK_LINES)[..], text, b"\n"].concat(),
        3 => [text, &b"{}\n".repeat(40)[..], text].concat(),
        4 => [text, b"\n{\"messages\": \"", &vec![b'x'; 1_100_000][..], b"\"}\n", text].concat(),
        5 => text.repeat(3),
        _ => text.to_vec(),
    }
}

fn written(found: &[Diagnostic], summary: &Summary, settings: &Settings) -> String {
    let style = Style { color: false, width: 100, max_findings: 0, summary: true, statistics: true, unsafe_fixes: true };
    let mut out = Vec::new();
    let mut reporter = reporter(OutputFormat::Json, style, settings, Box::new(&mut out));
    found.iter().try_for_each(|finding| reporter.report(finding)).expect("written");
    reporter.finish(summary, settings).expect("written");
    drop(reporter);
    String::from_utf8(out).expect("UTF-8")
}

fn counts_are_right(bytes: &[u8], found: &[Diagnostic], summary: &Summary) {
    let file = &summary.files[0];
    let starts: Vec<usize> =
        std::iter::once(0).chain(bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1)).collect();
    let lines = starts.len() - usize::from(bytes.is_empty() || bytes.ends_with(b"\n"));
    assert_eq!((file.lines, file.bytes), (lines as u64, bytes.len() as u64), "lines and bytes");
    assert!(file.examples + file.blank.count <= file.lines);
    let mut of_rules = 0;
    for diagnostic in found {
        of_rules += 1;
        let Some(place) = &diagnostic.location.line else { continue };
        assert!((1..=lines as u64).contains(&place.line), "{}: line {} of {lines}", diagnostic.rule.code, place.line);
        let start = starts[place.line as usize - 1];
        let end = starts.get(place.line as usize).copied().unwrap_or(bytes.len());
        let offset = place.file_offset as usize;
        assert!((start..=end).contains(&offset), "{}: byte {offset} is not in line {}", diagnostic.rule.code, place.line);
        let mark = if start == 0 && bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        if diagnostic.excerpt.is_some() {
            assert_eq!(offset, start + mark + place.byte_in_line as usize, "{}", diagnostic.rule.code);
        }
    }
    assert_eq!(of_rules, summary.rules.values().map(|rule| rule.count).sum::<u64>());
}

/// What [`tunelint::engine::Engine::check_part`] says of each line is what the check of the file said of it.
fn lines_stand_alone(bench: &super::Bench, settings: &Settings, bytes: &[u8], found: &[Diagnostic]) {
    let shown = |diagnostic: &Diagnostic| format!("{} {} {:?}", diagnostic.rule.code, diagnostic.message, diagnostic.location.line);
    let mut place = Place { line: 1, offset: 0 };
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    // The first block shows the format: files of several are compared elsewhere.
    if lines.len() > PARTS || bytes.len() > 1 << 19 {
        return;
    }
    for line in lines {
        let part = Part { path: "a.jsonl", head: bytes, is_whole: true, lines: line, place };
        let alone = bench.engine.check_part(&part, settings);
        let own: Vec<String> = alone.iter().filter(|found| found.excerpt.is_some()).map(shown).collect();
        let is_here = |found: &&Diagnostic| found.excerpt.is_some() && found.location.line.as_ref().is_some_and(|at| at.line == place.line);
        let in_file: Vec<String> = found.iter().filter(is_here).map(shown).collect();
        assert_eq!(own, in_file);
        place = Place { line: place.line + 1, offset: place.offset + line.len() as u64 };
    }
}
