//! Files whose lines are no lines, written anew as JSONL in one pass: a JSON array, values spread over lines, another
//! encoding, lone carriage returns. Memory follows the longest line. Each answers whether all of the file could be written:
//! what is half understood is not written at all.

use std::io::{self, Read};

use super::Error;
use super::line::BYTE_ORDER_MARK;
use crate::json::parse;

/// Takes a line with its break.
type Write<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// Each item of an array, or each value of several, on a line of its own. `limits` are the longest line and the deepest
/// nesting. White space goes with the line breaks in it; nothing else of a value changes, but for a line break that stands
/// in a string as it is: that is written as an escape.
pub(super) fn to_lines(reader: &mut dyn Read, limits: (usize, usize), write: &mut Write<'_>) -> Result<bool, Error> {
    let mut items = Items { limits, ..Items::default() };
    let mut is_start = true;
    let is_whole = each_chunk(reader, &mut |bytes| {
        let bytes = if std::mem::take(&mut is_start) { bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes) } else { bytes };
        for &byte in bytes {
            if !items.take(byte, write)? {
                return Ok(false);
            }
        }
        Ok(true)
    })?;
    Ok(is_whole && items.is_complete(write).map_err(Error::Write)?)
}

/// UTF-16 or UTF-32 as UTF-8, without its byte order mark.
pub(super) fn to_utf8(reader: &mut dyn Read, encoding: &str, longest: usize, write: &mut Write<'_>) -> Result<bool, Error> {
    let width = if encoding.starts_with("UTF-32") { 4 } else { 2 };
    let is_little = encoding.ends_with("LE");
    let (mut left, mut line, mut high) = (Vec::new(), String::new(), None);
    let mut is_start = true;
    let is_whole = each_chunk(reader, &mut |bytes| {
        left.extend_from_slice(bytes);
        let whole = left.len() / width * width;
        for unit in left.get(..whole).unwrap_or_default().chunks_exact(width) {
            let unit = unit.iter().enumerate().fold(0_u32, |unit, (index, &byte)| {
                let place = if is_little { index } else { width - 1 - index };
                unit | u32::from(byte) << (8 * place)
            });
            let code = match (width, high.take(), unit) {
                (2, None, 0xd800..0xdc00) => {
                    high = Some(unit);
                    continue;
                }
                (2, Some(high), 0xdc00..0xe000) => 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
                (_, None, unit) => unit,
                _ => return Ok(false),
            };
            let Some(c) = char::from_u32(code) else { return Ok(false) };
            if std::mem::take(&mut is_start) && c == '\u{feff}' {
                continue;
            }
            line.push(c);
            if c == '\n' {
                write(line.as_bytes())?;
                line.clear();
            } else if line.len() > longest {
                return Ok(false);
            }
        }
        left.drain(..whole);
        Ok(true)
    })?;
    if !line.is_empty() {
        write(line.as_bytes()).map_err(Error::Write)?;
    }
    Ok(is_whole && left.is_empty() && high.is_none())
}

/// Line feeds for carriage returns; two in a row, of either kind, make one.
pub(super) fn to_line_feeds(reader: &mut dyn Read, longest: usize, write: &mut Write<'_>) -> Result<bool, Error> {
    let (mut line, mut after_return) = (Vec::new(), false);
    let is_whole = each_chunk(reader, &mut |bytes| {
        for &byte in bytes {
            let is_pair = std::mem::replace(&mut after_return, byte == b'\r') && byte == b'\n';
            match byte {
                b'\n' if is_pair => {}
                b'\r' | b'\n' => {
                    line.push(b'\n');
                    write(&line)?;
                    line.clear();
                }
                byte if line.len() < longest => line.push(byte),
                _ => return Ok(false),
            }
        }
        Ok(true)
    })?;
    if !line.is_empty() {
        write(&line).map_err(Error::Write)?;
    }
    Ok(is_whole)
}

/// Reads to the end, or until `take` answers that it understands no more.
fn each_chunk(reader: &mut dyn Read, take: &mut dyn FnMut(&[u8]) -> io::Result<bool>) -> Result<bool, Error> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Read(error)),
        };
        if !take(buffer.get(..count).unwrap_or_default()).map_err(Error::Write)? {
            return Ok(false);
        }
    }
}

/// The values of a file, told apart by their brackets and strings.
#[derive(Default)]
struct Items {
    limits: (usize, usize),
    /// The value so far, without its white space over lines.
    item: Vec<u8>,
    /// White space behind it, not written yet.
    space: Vec<u8>,
    /// Brackets that are open within the value.
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// Whether an array stands around the values: open, or closed.
    array: Option<bool>,
    /// Whether a value has been read, and whether a comma stands behind the last one.
    has_value: bool,
    after_comma: bool,
}

impl Items {
    /// Takes the next byte; `false` when this is no list of values.
    fn take(&mut self, byte: u8, write: &mut Write<'_>) -> io::Result<bool> {
        if self.in_string {
            match byte {
                b'\n' => self.item.extend_from_slice(b"\\n"),
                b'\r' => self.item.extend_from_slice(b"\\r"),
                byte => self.item.push(byte),
            }
            self.in_string = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
            return Ok(self.item.len() <= self.limits.0);
        }
        if byte.is_ascii_whitespace() {
            if self.depth > 0 {
                self.space.push(byte);
            } else if !self.item.is_empty() {
                return self.end(write);
            }
            return Ok(self.space.len() <= self.limits.0);
        }
        if self.depth == 0 {
            match byte {
                b'[' if !self.has_value && self.item.is_empty() && self.array.is_none() => {
                    self.array = Some(true);
                    return Ok(true);
                }
                b',' | b']' if self.array == Some(false) => return Ok(false),
                b',' => {
                    let is_first = self.item.is_empty() && (!self.has_value || self.after_comma);
                    let is_read = self.end(write)?;
                    self.after_comma = true;
                    return Ok(is_read && !is_first);
                }
                b']' if self.array == Some(true) => {
                    self.array = Some(false);
                    return self.end(write);
                }
                b']' | b'}' => return Ok(false),
                _ if self.array == Some(false) => return Ok(false),
                // Within an array values stand behind commas; without one, a line break is enough.
                _ if self.array == Some(true) && self.item.is_empty() && self.has_value && !self.after_comma => return Ok(false),
                _ => {}
            }
        }
        self.settle_space();
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.item.push(byte);
        if self.depth == 0 && matches!(byte, b'}' | b']') {
            return self.end(write);
        }
        Ok(self.item.len() <= self.limits.0)
    }

    /// White space within a line stays; with a line break in it, it is one space behind a comma and nothing elsewhere.
    fn settle_space(&mut self) {
        let is_plain = !self.space.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        if is_plain {
            self.item.append(&mut self.space);
        } else if self.item.last() == Some(&b',') {
            self.item.push(b' ');
        }
        self.space.clear();
    }

    /// Ends a value, if one was begun: `false` when it cannot be read.
    fn end(&mut self, write: &mut Write<'_>) -> io::Result<bool> {
        if self.item.is_empty() {
            return Ok(true);
        }
        if parse(&self.item, self.limits.1).value.is_none() {
            return Ok(false);
        }
        self.item.push(b'\n');
        write(&self.item)?;
        self.item.clear();
        (self.has_value, self.after_comma) = (true, false);
        Ok(true)
    }

    fn is_complete(&mut self, write: &mut Write<'_>) -> io::Result<bool> {
        Ok(self.depth == 0 && !self.in_string && self.array != Some(true) && self.end(write)? && self.has_value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(of: impl FnOnce(&mut dyn Read, &mut Write<'_>) -> Result<bool, Error>, bytes: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        let is_whole = of(&mut &*bytes, &mut |line| {
            out.extend_from_slice(line);
            Ok(())
        });
        is_whole.expect("no error").then(|| String::from_utf8(out).expect("UTF-8"))
    }

    fn lines(text: &str) -> Option<String> {
        run(|reader, write| to_lines(reader, (1 << 20, 128), write), text.as_bytes())
    }

    #[test]
    fn values_stand_on_lines_of_their_own() {
        for (text, expected) in [
            (r#"[{"a": 1}, {"b":  2}]"#, "{\"a\": 1}\n{\"b\":  2}\n"),
            ("[\n  {\"a\": 1},\n  {\"b\": 2}\n]\n", "{\"a\": 1}\n{\"b\": 2}\n"),
            ("{\n  \"a\": [\n    1,\n    2\n  ]\n}\n{\n  \"b\": {}\n}", "{\"a\": [1, 2]}\n{\"b\": {}}\n"),
            ("{\n\"a\": 1\n},\n{\n\"a\": 2\n},\n", "{\"a\": 1}\n{\"a\": 2}\n"),
            ("[\r\n {\"a\": \"x, ]}\\\" y\"},\r\n]\r\n", "{\"a\": \"x, ]}\\\" y\"}\n"),
            ("[\n{\"a\": \"x\ny\"}]", "{\"a\": \"x\\ny\"}\n"),
            ("\u{feff}[{\"a\": 1}, 7, null]", "{\"a\": 1}\n7\nnull\n"),
        ] {
            assert_eq!(lines(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_half_understood_is_not_written() {
        for text in [
            "[{\"a\": 1}, {\"b\":",
            "[{\"a\": 1} {\"b\": 2}]",
            "[{\"a\": 1}]]",
            "[{\"a\": 1}]\n[{\"b\": 2}]",
            "[,{\"a\": 1}]",
            "{\n\"a\": 'x'\n}",
            "{\n\"a\": \"say \"hi\"\"\n}",
            "[]",
            "",
        ] {
            assert_eq!(lines(text), None, "{text}");
        }
        assert_eq!(run(|reader, write| to_lines(reader, (8, 128), write), b"[{\"a\": 1, \"b\": 2}]"), None);
    }

    #[test]
    fn wide_encodings_become_utf_8() {
        let text = "{\"a\": \"é😀\"}\r\n{}\n";
        let of = |encoding: &'static str, bytes: &[u8]| run(|reader, write| to_utf8(reader, encoding, 1 << 20, write), bytes);
        let units = |mark: bool| mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        assert_eq!(of("UTF-16LE", &units(true).flat_map(u16::to_le_bytes).collect::<Vec<_>>()).as_deref(), Some(text));
        assert_eq!(of("UTF-16BE", &units(false).flat_map(u16::to_be_bytes).collect::<Vec<_>>()).as_deref(), Some(text));
        let wide: Vec<u8> = text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(of("UTF-32LE", &wide).as_deref(), Some(text));
        assert_eq!(of("UTF-16LE", &[0, 0xd8, b'a', 0]), None, "half a surrogate pair");
        assert_eq!(of("UTF-16LE", &[b'a', 0, b'b']), None, "half a unit");
    }

    #[test]
    fn carriage_returns_become_line_feeds() {
        let of = |text: &str| run(|reader, write| to_line_feeds(reader, 1 << 20, write), text.as_bytes());
        assert_eq!(of("{}\r{}\r\n{}\n{}").as_deref(), Some("{}\n{}\n{}\n{}"));
    }
}
