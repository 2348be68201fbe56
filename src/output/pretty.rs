//! JSON for people: indented, keys in their order, numbers as they are written, and of base64 its ends alone.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::json_text;
use crate::diagnostic::bytes;
use crate::json::{Data, Value};

/// Characters of a value that is written on one line.
const ROOM: usize = 72;
/// Characters of one run that no text has: base64, or something as unreadable.
const RUN: usize = 256;

/// `value` over several lines. It is JSON again, but for the base64 that is left out.
pub fn pretty(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out
}

fn write(out: &mut String, value: &Value<'_>, depth: usize) {
    let indent = 2 * (depth + 1);
    if let Some(line) = on_one_line(value, ROOM.saturating_sub(indent)) {
        out.push_str(&line);
        return;
    }
    match &value.data {
        // However little room there is.
        Data::Array(items) if items.is_empty() => out.push_str("[]"),
        Data::Object(members) if members.is_empty() => out.push_str("{}"),
        Data::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let _ = write!(out, "{}\n{:indent$}", if index == 0 { "[" } else { "," }, "");
                write(out, item, depth + 1);
            }
            let _ = write!(out, "\n{:1$}]", "", indent - 2);
        }
        Data::Object(members) => {
            for (index, member) in members.iter().enumerate() {
                let _ = write!(out, "{}\n{:indent$}{}: ", if index == 0 { "{" } else { "," }, "", quoted(&member.key));
                write(out, &member.value, depth + 1);
            }
            let _ = write!(out, "\n{:1$}}}", "", indent - 2);
        }
        _ => out.push_str(&scalar(value)),
    }
}

/// The value on one line, when it takes no more than `room` bytes.
fn on_one_line(value: &Value<'_>, room: usize) -> Option<String> {
    // Escapes aside, what is long in the line is long here.
    let mut line = String::new();
    let fits = |line: &String| line.len() <= room;
    match &value.data {
        Data::Array(items) => {
            line.push('[');
            for (index, item) in items.iter().enumerate() {
                line.push_str(if index == 0 { "" } else { ", " });
                line.push_str(&on_one_line(item, room.checked_sub(line.len())?)?);
            }
            line.push(']');
        }
        Data::Object(members) => {
            line.push('{');
            for (index, member) in members.iter().enumerate() {
                let _ = write!(line, "{}{}: ", if index == 0 { "" } else { ", " }, quoted(&member.key));
                line.push_str(&on_one_line(&member.value, room.checked_sub(line.len())?)?);
            }
            line.push('}');
        }
        Data::String(text) if text.len() > room => return None,
        _ => line.push_str(&scalar(value)),
    }
    fits(&line).then_some(line)
}

fn scalar(value: &Value<'_>) -> String {
    match &value.data {
        Data::Null => "null".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(text) => (*text).to_owned(),
        Data::String(text) => quoted(text),
        Data::Array(_) | Data::Object(_) => String::new(),
    }
}

fn quoted(text: &str) -> String {
    json_text(&collapsed(text)).unwrap_or_default()
}

/// The same text with long runs of base64 cut to their ends: `iVBORw0KGgoA…<28.4 kB>…RK5CYII=`.
pub(super) fn collapsed(text: &str) -> Cow<'_, str> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let (mut out, mut rest) = (String::new(), text);
    loop {
        let bytes_left = rest.as_bytes();
        let Some((start, end)) = runs(bytes_left, is_base64).find(|(start, end)| end - start >= RUN) else { break };
        // The run is ASCII: its ends are boundaries.
        let run = rest.get(start..end).unwrap_or_default();
        let (head, tail) = (run.get(..12).unwrap_or_default(), run.get(run.len() - 8..).unwrap_or_default());
        let _ = write!(out, "{}{head}…<{}>…{tail}", rest.get(..start).unwrap_or_default(), bytes(run.len() as u64 - 20));
        rest = rest.get(end..).unwrap_or_default();
    }
    if out.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(out + rest) }
}

/// Where bytes that are `wanted` stand together.
fn runs(text: &[u8], wanted: impl Fn(&u8) -> bool) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text.get(at..)?.iter().position(&wanted)?;
        let length = text.get(at..)?.iter().position(|byte| !wanted(byte)).unwrap_or(text.len() - at);
        let run = (at, at + length);
        at += length;
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn shown(line: &str) -> String {
        pretty(&parse(line.as_bytes(), 128).value.expect("valid"))
    }

    #[test]
    fn small_values_stay_on_a_line_and_large_ones_are_indented() {
        assert_eq!(shown(r#"{"b":1.50,"a":[true,null]}"#), r#"{"b": 1.50, "a": [true, null]}"#);
        let long = "word ".repeat(20);
        assert_eq!(
            shown(&format!(r#"{{"b":[1,2],"a":"{long}","c":[]}}"#)),
            format!("{{\n  \"b\": [1, 2],\n  \"a\": \"{long}\",\n  \"c\": []\n}}")
        );
    }

    #[test]
    fn it_is_json_again() {
        let line = format!(r#"{{"a":[{{"b":"x\u001b\u202e\"\\"}},{{"c":["{}",1e5]}}],"d":{{}}}}"#, "é ".repeat(80));
        let again = shown(&line);
        assert!(!again.chars().any(|c| c != '\n' && crate::diagnostic::is_unsafe(c)), "{again}");
        let parsed = parse(again.as_bytes(), 128).value.expect("valid");
        assert!(parsed.says_the_same(&parse(line.as_bytes(), 128).value.expect("valid")));
    }

    #[test]
    fn what_is_empty_is_written_however_far_in_it_stands() {
        let line = format!("{}[], {{}}{}", "[".repeat(60), "]".repeat(60));
        let again = shown(&line);
        let parsed = parse(again.as_bytes(), 128).value.expect("valid");
        assert!(parsed.says_the_same(&parse(line.as_bytes(), 128).value.expect("valid")), "{again}");
    }

    #[test]
    fn base64_is_cut_wherever_it_stands() {
        let text = format!("é data:image/png;base64,{} and {}", "A".repeat(5000), "b".repeat(255));
        assert_eq!(collapsed(&text), format!("é data:image/png;base64,AAAAAAAAAAAA…<4.98 kB>…AAAAAAAA and {}", "b".repeat(255)));
        assert!(matches!(collapsed("as it is"), Cow::Borrowed(_)));
    }
}
