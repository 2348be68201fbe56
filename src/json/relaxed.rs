//! Text that is nearly JSON, read by its tokens alone: what Python's `repr`, JavaScript and people write. Each function names
//! the edits that make JSON of it. A reading is offered only where the whole line can be read with it.

use std::fmt::Write as _;
use std::ops::Range;

use super::{Fault, FaultKind, parse};
use crate::edit::{Applicability, Edit, Fix, apply};

/// The edits that make a line JSON which is not: quotes, keys, literals and commas as in Python and JavaScript; when
/// guesses are allowed, comments, typographic quotes and `NaN` too. `None` when the line still could not be read.
pub fn relaxed(line: &[u8], max_depth: usize, applicability: Applicability) -> Option<Vec<Edit>> {
    let guesses = applicability == Applicability::Unsafe;
    let tokens = tokens(line)?;
    let is_python = tokens.iter().any(|token| token.kind == Kind::String(b'\''));
    let mut edits = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let text = line.get(token.range.clone())?;
        let next = tokens.get(index + 1).map(|next| next.kind);
        let replacement = match token.kind {
            Kind::String(b'\'') => Some(string(text.get(1..text.len() - 1)?)?),
            // Python puts a text with an apostrophe in it into double quotes, with its own escapes.
            Kind::String(_) if is_python && text.contains(&b'\\') => {
                Some(string(text.get(1..text.len() - 1)?)?).filter(|json| json.as_bytes() != text)
            }
            Kind::String(_) => None,
            Kind::Typographic => Some(string(text.get(3..text.len() - 3)?)?).filter(|_| guesses),
            Kind::Comment => guesses.then(String::new),
            Kind::Word if next == Some(Kind::Mark(b':')) => Some(super::quote(&String::from_utf8_lossy(text))),
            Kind::Word => literal(text).filter(|_| guesses || matches!(text, b"True" | b"False" | b"None")).map(str::to_owned),
            Kind::Mark(b',') if is_last(next) => Some(String::new()),
            Kind::Mark(_) => None,
        };
        edits.extend(replacement.map(|text| Edit::replace(token.range.clone(), text)));
    }
    let fix = Fix::safe("", edits);
    let json = apply(line, [&fix]);
    let is_read = !json.made.is_empty() && parse(&json.bytes, max_depth).value.is_some();
    is_read.then_some(fix.edits)
}

/// The edits for every fault of this kind in a line, of those that leave the line readable. None for other kinds.
pub fn every(line: &[u8], fault: &Fault) -> Vec<Edit> {
    let tokens = tokens(line).unwrap_or_default();
    let mut edits = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let text = line.get(token.range.clone()).unwrap_or_default();
        let next = tokens.get(index + 1).map(|next| next.kind);
        match (&fault.kind, token.kind) {
            (FaultKind::TrailingComma, Kind::Mark(b',')) if is_last(next) => edits.push(Edit::delete(token.range.clone())),
            (FaultKind::NonFinite, Kind::Word) if matches!(text, b"NaN" | b"Infinity" | b"-Infinity") => {
                edits.push(Edit::replace(token.range.clone(), "null"));
            }
            (FaultKind::PythonLiteral, Kind::Word) if matches!(text, b"True" | b"False" | b"None") => {
                edits.extend(literal(text).map(|json| Edit::replace(token.range.clone(), json)));
            }
            (FaultKind::ControlCharacter(_), Kind::String(_)) => {
                let controls = text.iter().enumerate().filter(|(_, byte)| **byte < 0x20);
                edits.extend(controls.map(|(at, &byte)| Edit::replace(span(token, at, 1), escape(char::from(byte)))));
            }
            (FaultKind::InvalidEscape, Kind::String(_)) => {
                edits.extend(escapes(text).filter(|at| text.get(at + 1) == Some(&b'\'')).map(|at| Edit::delete(span(token, at, 1))));
            }
            _ => {}
        }
    }
    edits
}

/// Where the second and each further value of a line begins; `None` unless they are objects, and nothing else stands there
/// but white space and commas.
pub fn values(line: &[u8], max_depth: usize) -> Option<Vec<Edit>> {
    let tokens = tokens(line)?;
    let (mut depth, mut end, mut start, mut edits) = (0_usize, 0, None, Vec::new());
    for token in tokens {
        let Kind::Mark(mark) = token.kind else {
            if depth == 0 {
                return None;
            }
            continue;
        };
        match mark {
            b'{' | b'[' => {
                if depth == 0 {
                    if mark == b'[' {
                        return None;
                    }
                    if start.is_some() {
                        edits.push(Edit::replace(end..token.range.start, "\n"));
                    }
                    start = Some(token.range.start);
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    end = token.range.end;
                    parse(line.get(start?..end)?, max_depth).value?;
                }
            }
            b':' if depth == 0 => return None,
            _ => {}
        }
    }
    if depth > 0 || edits.is_empty() {
        return None;
    }
    if end < line.len() {
        edits.push(Edit::delete(end..line.len()));
    }
    Some(edits)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// In these quotes.
    String(u8),
    /// In “curly” quotes.
    Typographic,
    /// Letters, digits and what numbers are made of.
    Word,
    Comment,
    /// One of `{}[]:,`, or anything else.
    Mark(u8),
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

/// `None` when a string does not end.
fn tokens(line: &[u8]) -> Option<Vec<Token>> {
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(&byte) = line.get(at) {
        let rest = line.get(at..)?;
        let (kind, length) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'"' | b'\'' => (Kind::String(byte), string_length(rest, byte)?),
            b'#' => (Kind::Comment, rest.len()),
            b'/' if rest.starts_with(b"//") => (Kind::Comment, rest.len()),
            b'/' if rest.starts_with(b"/*") => (Kind::Comment, memchr::memmem::find(rest, b"*/")? + 2),
            0xe2 if rest.starts_with("“".as_bytes()) || rest.starts_with("”".as_bytes()) => {
                (Kind::Typographic, memchr::memmem::find(rest.get(3..)?, "”".as_bytes())? + 6)
            }
            byte if is_word(byte) => (Kind::Word, rest.iter().take_while(|byte| is_word(**byte)).count()),
            byte => (Kind::Mark(byte), 1),
        };
        tokens.push(Token { kind, range: at..at + length });
        at += length;
    }
    Some(tokens)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_$+-.".contains(&byte)
}

fn is_last(next: Option<Kind>) -> bool {
    matches!(next, None | Some(Kind::Mark(b'}' | b']')))
}

/// Bytes of a string with its quotes.
fn string_length(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(quote, b'\\', rest.get(at..)?)?;
        if rest.get(at) == Some(&quote) {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Where a backslash begins an escape.
fn escapes(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += memchr::memchr(b'\\', text.get(at..)?)?;
        at += 2;
        Some(at - 2)
    })
}

fn span(token: &Token, at: usize, length: usize) -> Range<usize> {
    token.range.start + at..token.range.start + at + length
}

fn literal(word: &[u8]) -> Option<&'static str> {
    match word {
        b"True" => Some("true"),
        b"False" => Some("false"),
        b"None" | b"NaN" | b"Infinity" | b"-Infinity" | b"undefined" => Some("null"),
        _ => None,
    }
}

fn escape(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        c => format!("\\u{:04x}", c as u32),
    }
}

/// The text between the quotes of Python or JavaScript as a JSON string; `None` for an escape that means something else in
/// each of them.
fn string(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => json.push_str("\\\""),
            c if c < ' ' => json.push_str(&escape(c)),
            '\\' => {
                let code = rest.next()?;
                let mut hex = |digits: usize| {
                    let text = rest.as_str().get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
                    rest = rest.as_str().get(digits..)?.chars();
                    u32::from_str_radix(text, 16).ok()
                };
                match code {
                    '\'' => json.push('\''),
                    '"' | '\\' | '/' | 'n' | 'r' | 't' | 'b' | 'f' => json.extend(['\\', code]),
                    'u' => {
                        let _ = write!(json, "\\u{:04x}", hex(4)?);
                    }
                    'x' | 'U' => match char::from_u32(hex(if code == 'x' { 2 } else { 8 })?)? {
                        c @ ('"' | '\\') => json.extend(['\\', c]),
                        c if c < ' ' => json.push_str(&escape(c)),
                        c => json.push(c),
                    },
                    _ => return None,
                }
            }
            c => json.push(c),
        }
    }
    json.push('"');
    Some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(line: &str, applicability: Applicability) -> Option<String> {
        let fix = Fix::safe("", relaxed(line.as_bytes(), 128, applicability)?);
        Some(String::from_utf8(apply(line.as_bytes(), [&fix]).bytes).expect("UTF-8"))
    }

    #[test]
    fn python_and_javascript_are_read() {
        for (line, json) in [
            (r#"{'a': 'it\'s "so"', "b": "it's", 'c': [True, None,], }"#, r#"{"a": "it's \"so\"", "b": "it's", "c": [true, null] }"#),
            (r"{'a': '\x41\xe9\U0001f600\u2028\n'}", r#"{"a": "Aé😀\u2028\n"}"#),
            (r#"{a: 1, $b_2: {c: 'd'}}"#, r#"{"a": 1, "$b_2": {"c": "d"}}"#),
            (r#"{'a': "it's \x41"}"#, r#"{"a": "it's A"}"#),
            ("{'a': '\t'}", r#"{"a": "\t"}"#),
        ] {
            assert_eq!(mended(line, Applicability::Safe).as_deref(), Some(json), "{line}");
        }
    }

    #[test]
    fn guesses_are_made_only_when_they_are_allowed() {
        for (line, json) in [
            ("{“a”: “b \"c\"”}", r#"{"a": "b \"c\""}"#),
            (r#"{"a": 1} // why"#, r#"{"a": 1} "#),
            ("{'a': NaN, /* b */ 'c': undefined}", r#"{"a": null,  "c": null}"#),
        ] {
            assert_eq!(mended(line, Applicability::Unsafe).as_deref(), Some(json), "{line}");
            assert_eq!(mended(line, Applicability::Safe), None, "{line}");
        }
    }

    #[test]
    fn what_stays_unreadable_is_left_alone() {
        for line in ["{'a': 'it's'}", r"{'a': '\d'}", r"{'a': '\N{BULLET}'}", "{'a': b'c'}", "{'a': 'b' 'c'}", "{'a': (1, 2)}", "{'a", "{}"]
        {
            assert_eq!(mended(line, Applicability::Unsafe), None, "{line}");
        }
    }

    #[test]
    fn all_faults_of_a_kind_are_found() {
        for (line, json) in [
            (r#"{"a": [1,], "b": {"c": ",]",},},"#, r#"{"a": [1], "b": {"c": ",]"}}"#),
            (r#"{"a": True, "b": [None, "None"]}"#, r#"{"a": true, "b": [null, "None"]}"#),
            (r#"{"a": NaN, "b": -Infinity}"#, r#"{"a": null, "b": null}"#),
            (r#"{"a": "it\'s", "b": "\\'\'"}"#, r#"{"a": "it's", "b": "\\''"}"#),
            ("{\"a\": \"\t\u{1}\", \"b\":\t\"\u{8}\"}", "{\"a\": \"\\t\\u0001\", \"b\":\t\"\\b\"}"),
        ] {
            let fault = parse(line.as_bytes(), 128).faults.remove(0);
            let fix = Fix::safe("", every(line.as_bytes(), &fault));
            assert_eq!(String::from_utf8(apply(line.as_bytes(), [&fix]).bytes).expect("UTF-8"), json, "{line}");
        }
    }

    #[test]
    fn objects_beside_each_other_are_told_apart() {
        let split = |line: &str| {
            let fix = Fix::safe("", values(line.as_bytes(), 128)?);
            Some(String::from_utf8(apply(line.as_bytes(), [&fix]).bytes).expect("UTF-8"))
        };
        assert_eq!(split(r#"{"a": "}{"}{"b": {}}, {}"#).as_deref(), Some("{\"a\": \"}{\"}\n{\"b\": {}}\n{}"));
        assert_eq!(split("{}\r{},\r").as_deref(), Some("{}\n{}"));
        for line in [r#"{"a": 1}"#, "{} x", "{} []", "{}}", "{} {"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
