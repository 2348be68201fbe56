//! Token counts against published numbers and, text by text, against tiktoken-rs, over real datasets. They are too
//! big for this repository: `TUNELINT_CORPORA` names a folder with `token_oracles.json` and `jsonl/`; without it
//! these tests say that they were skipped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tunelint::tokens::{Counter, Encoding};

use crate::properties::tokens::oracle;

#[expect(clippy::print_stderr, reason = "a skipped test that says nothing looks like a passed one")]
fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("TUNELINT_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: TUNELINT_CORPORA is not set, no corpus was read");
    }
    folder
}

/// Every string in `value`, keys included.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Object(members) => {
            for (key, value) in members {
                found.push(key);
                strings(value, found);
            }
        }
        _ => {}
    }
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("{key} in {entry}"))
}

fn number(entry: &Value) -> usize {
    entry.as_u64().unwrap_or_else(|| panic!("{entry}")).try_into().unwrap()
}

/// `["x", 3]` is "xxx".
fn repeated(entry: &Value) -> String {
    entry[0].as_str().unwrap().repeat(number(&entry[1]))
}

#[test]
fn published_numbers() {
    let Some(folder) = corpora() else { return };
    let file: Value = serde_json::from_slice(&fs::read(folder.join("token_oracles.json")).unwrap()).unwrap();
    let mut checked = 0;
    for entry in file["oracles"].as_array().unwrap() {
        let counter = |name: &str| Counter::new(Encoding::by_name(name).unwrap().tokenizer());
        match text(entry, "kind") {
            // Entries that allow special tokens are not for us: to a counter that text is plain.
            "text_ids" if entry["special_allowed"] == false => {
                let tokenizer = Encoding::by_name(text(entry, "encoding")).unwrap().tokenizer();
                let ids: Vec<Value> = tokenizer.encode(text(entry, "input")).into_iter().map(Value::from).collect();
                assert_eq!(Value::from(ids), entry["ids"], "{entry}");
            }
            "text_count" => assert_eq!(counter(text(entry, "encoding")).count(text(entry, "input")), number(&entry["count"]), "{entry}"),
            "roundtrip_and_time" => {
                let input = repeated(&entry["input_repeat"]);
                for (name, count) in entry["counts"].as_object().unwrap() {
                    assert_eq!(counter(name).count(&input), number(count), "{name} {entry}");
                }
                for &encoding in Encoding::ALL {
                    for text in [input.clone(), format!(" {input}"), format!("{input}\n")] {
                        let ids = encoding.tokenizer().encode(&text);
                        assert!(encoding.tokenizer().decode(&ids) == text.as_bytes(), "{entry}");
                        assert!(ids == oracle(encoding).encode_ordinary(&text), "{entry}");
                    }
                }
            }
            "no_crash" => {
                let input = repeated(&entry["input_repeat"]);
                assert_eq!(counter(text(entry, "encoding")).count(&input), number(&entry["count"]), "{entry}");
            }
            // No Rust string holds a lone surrogate; a reader of JSON puts U+FFFD in its place.
            "lone_surrogate" => assert_eq!(counter(text(entry, "encoding")).count("\u{fffd}"), number(&entry["count"]), "{entry}"),
            _ => continue,
        }
        checked += 1;
    }
    assert!(checked > 40, "only {checked} entries were understood");
}

#[test]
fn real_files_as_tiktoken_counts_them() {
    let Some(folder) = corpora() else { return };
    let (mut texts, mut bytes) = (0, 0);
    let mut counters: Vec<Counter> = Encoding::ALL.iter().map(|encoding| Counter::new(encoding.tokenizer())).collect();
    for entry in fs::read_dir(folder.join("jsonl")).unwrap() {
        let content = String::from_utf8_lossy(&fs::read(entry.unwrap().path()).unwrap()).into_owned();
        for line in content.lines() {
            let value = serde_json::from_str(line).unwrap_or(Value::Null);
            // The line itself is a text too, full of escapes and punctuation.
            let mut found = vec![line];
            strings(&value, &mut found);
            for text in found {
                for (&encoding, counter) in Encoding::ALL.iter().zip(&mut counters) {
                    if encoding == Encoding::O200kHarmony {
                        continue; // the tables of o200k_base
                    }
                    let ids = encoding.tokenizer().encode(text);
                    assert!(ids == oracle(encoding).encode_ordinary(text), "{} of {text:?}", encoding.name());
                    assert_eq!(counter.count(text), ids.len(), "{} of {text:?}", encoding.name());
                }
                texts += 1;
                bytes += text.len();
            }
        }
    }
    assert!(texts > 10_000 && bytes > 10_000_000, "{texts} texts, {bytes} bytes");
}

/// The cookbook's rule over whole files: 3 for a message, the tokens of its strings, 1 for a name, 3 for an example.
#[test]
fn totals_of_real_chat_files() {
    let Some(folder) = corpora() else { return };
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("jsonl/manifest.json")).unwrap()).unwrap();
    let mut files = 0;
    for file in manifest["files"].as_array().unwrap() {
        let totals = &file["check"]["token_oracle_cookbook"];
        let content = fs::read_to_string(folder.join("jsonl").join(text(file, "file"))).unwrap_or_default();
        for (key, encoding) in [("cl100k", Encoding::Cl100kBase), ("o200k", Encoding::O200kBase)] {
            if totals.is_null() {
                continue;
            }
            let mut counter = Counter::new(encoding.tokenizer());
            let mut total = 0;
            for line in content.lines().filter(|line| !line.trim().is_empty()) {
                let example: Value = serde_json::from_str(line).unwrap();
                total += 3;
                for message in example["messages"].as_array().unwrap() {
                    total += 3;
                    for (key, value) in message.as_object().unwrap() {
                        total += value.as_str().map_or(0, |text| counter.count(text)) + usize::from(key == "name");
                    }
                }
            }
            assert_eq!(total, number(&totals[key]), "{key} of {}", text(file, "file"));
            files += 1;
        }
    }
    assert!(files > 20, "{files}");
}
