//! One line through the parser and the rules.

use std::ops::Range;

use serde_json::Value as Json;
use tunelint::diagnostic::Diagnostic;
use tunelint::edit::Applicability;
use tunelint::json::{Parsed, Value, encoded_twice, every, parse, relaxed, values};

use super::{asked, check, input, is_readable, with_bench};

/// Deepest nesting that serde_json reads.
const DEPTH: usize = 127;
/// Values of a line whose places are looked up; each costs a walk from its root.
const PLACES: usize = 200;

/// The verdict on a line is that of serde_json, every value is where its span says, no rule panics, and every finding has a place
/// within the line, a pointer that leads somewhere, and words that can be printed.
pub(super) fn holds(data: &[u8]) {
    let asked = asked(data);
    let line = &*asked.text;
    agrees_with_serde_json(line);
    reads_the_same_again(line);
    let line: Vec<u8> = line.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
    with_bench(|bench| {
        // Packed data are the business of whole files.
        let Ok(input) = input("a.jsonl", &line) else { return };
        if input.is_packed() {
            return;
        }
        let (found, ..) = check(&bench.engine, input, &bench.settings[asked.judge]);
        let skipped = if line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let line = line.strip_suffix(b"\r").unwrap_or(&line).get(skipped..).unwrap_or_default();
        let readable = only_utf8(line);
        let parsed = parse(&readable, bench.settings[asked.judge].max_depth);
        for diagnostic in &found {
            is_well_placed(diagnostic, line, skipped as u64, &parsed);
        }
    });
}

fn agrees_with_serde_json(line: &[u8]) {
    if std::str::from_utf8(line).is_err() {
        // Lines that are not UTF-8 are told apart before they are parsed.
        parse(line, DEPTH);
        return;
    }
    let parsed = parse(line, DEPTH);
    let ours = parsed.value.as_ref().filter(|_| !parsed.faults.iter().any(|fault| fault.kind.is_syntax()));
    let theirs = serde_json::from_slice::<Json>(line);
    assert_eq!(ours.is_some(), theirs.is_ok(), "ours: {:?}, serde_json: {theirs:?}", parsed.faults);
    assert!(parsed.value.is_some() || !parsed.faults.is_empty(), "what cannot be read has a reason");
    for fault in &parsed.faults {
        is_within(&fault.span.range(), line.len());
        every(line, fault).iter().for_each(|edit| is_within(&(edit.start..edit.end), line.len()));
    }
    if let (Some(ours), Ok(theirs)) = (ours, theirs) {
        assert_eq!(ours.to_json(), theirs);
    }
    if let Some(root) = &parsed.value {
        stand_where_they_say(root, line, ours.is_some());
    }
}

/// Every value is found by its place and its pointer, and what stands there is that value.
fn stand_where_they_say(root: &Value<'_>, line: &[u8], is_sound: bool) {
    let mut open = vec![root];
    for _ in 0..PLACES {
        let Some(value) = open.pop() else { break };
        is_within(&value.span.range(), line.len());
        let pointer = root.pointer(value.span);
        assert_eq!(root.at(&pointer).map(|found| found.span), Some(value.span), "{pointer}");
        if is_sound {
            let slice = &line[value.span.range()];
            assert_eq!(serde_json::from_slice::<Json>(slice).expect("a value"), value.to_json());
        }
        open.extend(value.as_array().unwrap_or_default());
        open.extend(value.as_object().unwrap_or_default().iter().map(|member| &member.value));
    }
}

/// Lenient readings are readings: what they write is JSON.
fn reads_the_same_again(line: &[u8]) {
    for applicability in [Applicability::Safe, Applicability::Unsafe] {
        for edit in relaxed(line, DEPTH, applicability).unwrap_or_default() {
            is_within(&(edit.start..edit.end), line.len());
        }
    }
    for edit in values(line, DEPTH).unwrap_or_default() {
        is_within(&(edit.start..edit.end), line.len());
    }
    let text = String::from_utf8_lossy(line);
    if let Some(inner) = encoded_twice(&text, DEPTH) {
        assert!(serde_json::from_str::<Json>(&inner).is_ok());
        assert!(!inner.contains(['\n', '\r']));
    }
}

fn is_within(range: &Range<usize>, length: usize) {
    assert!(range.start <= range.end && range.end <= length, "{range:?} of {length} bytes");
}

/// What a line is read as where it is not UTF-8: every byte that is none is one character, so that places stay what they are.
fn only_utf8(line: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        clean.extend_from_slice(chunk.valid().as_bytes());
        clean.extend(std::iter::repeat_n(b'?', chunk.invalid().len()));
    }
    clean
}

fn is_well_placed(diagnostic: &Diagnostic, line: &[u8], skipped: u64, parsed: &Parsed<'_>) {
    let code = diagnostic.rule.code;
    assert!(is_readable(&diagnostic.message), "{code}: {:?}", diagnostic.message);
    assert!(diagnostic.help.as_ref().is_none_or(|help| is_readable(help)), "{code}: {:?}", diagnostic.help);
    let Some(place) = &diagnostic.location.line else { return };
    assert_eq!(place.line, 1, "{code}");
    if let Some(excerpt) = &diagnostic.excerpt {
        assert!(place.byte_in_line <= line.len() as u64, "{code}: byte {} of {}", place.byte_in_line, line.len());
        assert_eq!(place.file_offset, place.byte_in_line + skipped, "{code}");
        let characters = line.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64;
        assert!((1..=characters + 1).contains(&place.column), "{code}: column {} of {characters}", place.column);
        assert!((place.column..=characters + 1).contains(&place.end_column), "{code}: columns {} to {}", place.column, place.end_column);
        assert!(excerpt.text.get(excerpt.start..excerpt.start + excerpt.length).is_some(), "{code}: {excerpt:?}");
        assert!(excerpt.text.chars().count() < 250 && (excerpt.text.is_empty() || is_readable(&excerpt.text)), "{code}: {excerpt:?}");
    }
    if !place.pointer.is_empty() {
        let root = parsed.value.as_ref().unwrap_or_else(|| panic!("{code}: a pointer into nothing, {}", place.pointer));
        assert!(root.at(&place.pointer).is_some(), "{code}: nothing at {}", place.pointer);
    }
    for edit in diagnostic.fix.iter().flat_map(|fix| &fix.edits) {
        is_within(&(edit.start..edit.end), line.len());
    }
}
