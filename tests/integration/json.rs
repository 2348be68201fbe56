//! JSONTestSuite, line by line: every verdict right, on exactly the right lines, and nothing stops at a bad one.

use std::collections::BTreeSet;

use tunelint::engine::Engine;
use tunelint::rule::Severity;

use crate::corpora::{check, folder, settings};

/// Lines with a finding of the JSON rules that is an error, or a warning that other readers turn into one.
fn lines_found(name: &str) -> Option<(BTreeSet<u64>, Vec<u64>)> {
    let path = folder("json")?.join(name);
    let engine = Engine::new(2).expect("schemas compile");
    let bytes = std::fs::read(path).expect("readable");
    // Files of white space stand in the suite as blank lines, which are no lines at all to JSON.
    let lines: Vec<u64> =
        bytes.split(|&byte| byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty()).map(|(_, n)| n).collect();
    let (found, summary) = check(&engine, &settings("gpt-4o-2024-08-06"), name, bytes);
    assert!(summary.files[0].internal_errors.is_empty());
    let is_json = |code: &str| code.starts_with('J') && code != "J016";
    let lines_found = found
        .iter()
        .filter(|found| is_json(found.rule.code) || ["F015", "F017"].contains(&found.rule.code))
        .filter(|found| found.severity >= Severity::Warning)
        .filter_map(|found| Some(found.location.line.as_ref()?.line))
        .collect();
    Some((lines_found, lines))
}

#[test]
fn what_must_fail_fails_where_it_stands() {
    for name in ["n_lines.jsonl", "n_wrapped.jsonl"] {
        let Some((found, lines)) = lines_found(name) else { return };
        let missed: Vec<_> = lines.iter().filter(|line| !found.contains(line)).collect();
        assert!(missed.is_empty(), "{name}: nothing said of lines {missed:?}");
    }
}

#[test]
fn what_must_pass_passes() {
    for name in ["y_lines.jsonl", "y_wrapped.jsonl"] {
        let Some((found, _)) = lines_found(name) else { return };
        assert!(found.is_empty(), "{name}: lines {found:?} are valid JSON");
    }
}

#[test]
fn what_may_do_either_does_no_harm() {
    for name in ["i_lines.jsonl", "i_wrapped.jsonl"] {
        lines_found(name);
    }
}
