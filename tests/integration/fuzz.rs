//! What the fuzz targets hold, in every run of the tests: the seeds, the inputs that once failed, every example of every rule's page,
//! the fixtures, and what proptest makes up. A failure of a fuzzer goes into `fuzz/crashes/<target>/` and is tried here for ever.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::properties::{ALL, Property};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn property(target: &str) -> Property {
    ALL.iter().find(|(name, _)| *name == target).expect("a target").1
}

/// All files below `folder` with one of these extensions; any file at all for none.
fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if extensions.is_empty() || extensions.iter().any(|own| path.extension().is_some_and(|extension| extension == *own)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Tries each input, and tells of all that fail.
fn all_hold(target: &str, inputs: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let property = property(target);
    let failed: Vec<String> =
        inputs.into_iter().filter(|(_, bytes)| std::panic::catch_unwind(|| property(bytes)).is_err()).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "`{target}` does not hold of {failed:#?}");
}

fn inputs(folder: &str) -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| (path.display().to_string(), std::fs::read(path).expect("readable"));
    files(&Path::new(ROOT).join(folder), &[]).into_iter().map(read).collect()
}

fn seeds_and_crashes(target: &str) {
    let seeds = inputs(&format!("fuzz/seeds/{target}"));
    assert!(!seeds.is_empty(), "fuzz/seeds/{target}/ has no seed");
    all_hold(target, seeds.into_iter().chain(inputs(&format!("fuzz/crashes/{target}"))));
}

#[test]
fn seeds_and_crashes_of_line() {
    seeds_and_crashes("line");
}

#[test]
fn seeds_and_crashes_of_file() {
    seeds_and_crashes("file");
}

#[test]
fn seeds_and_crashes_of_image() {
    seeds_and_crashes("image");
}

#[test]
fn seeds_and_crashes_of_tokens() {
    seeds_and_crashes("tokens");
}

#[test]
fn seeds_and_crashes_of_fix() {
    seeds_and_crashes("fix");
}

#[test]
fn seeds_and_crashes_of_output() {
    seeds_and_crashes("output");
}

/// A target that is known to one place only is not fuzzed, or not tested.
#[test]
fn every_target_has_its_property_its_program_and_its_dictionary() {
    for (name, _) in ALL {
        for path in [format!("fuzz/targets/{name}.rs"), format!("fuzz/dictionaries/{name}.dict")] {
            assert!(Path::new(ROOT).join(&path).exists(), "{path} is missing");
        }
    }
    let programs = files(&Path::new(ROOT).join("fuzz/targets"), &["rs"]);
    assert_eq!(programs.len(), ALL.len(), "each target in fuzz/targets/ has a row in tests/integration/properties/mod.rs");
}

/// The examples of the rules' pages, each a small file.
fn examples() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for path in files(&Path::new(ROOT).join("src/rules"), &["md"]) {
        let page = std::fs::read_to_string(&path).expect("readable");
        for (index, block) in page.split("```jsonl").skip(1).enumerate() {
            let block = block.split_once('\n').map_or("", |(_, lines)| lines).split("```").next().unwrap_or_default();
            found.push((format!("{} {index}", path.display()), block.as_bytes().to_vec()));
        }
    }
    assert!(found.len() > 200, "{} examples", found.len());
    found.into_iter().chain(inputs("fixtures/broken")).chain(inputs("fixtures/clean")).collect()
}

#[test]
fn examples_of_the_rules_hold() {
    for target in ["line", "file", "fix", "output"] {
        all_hold(target, examples());
    }
}

/// Bytes by chance, choices by chance, and a seed with a few bytes changed.
fn made_up(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let by_chance = prop::collection::vec(any::<u8>(), 0..200);
    let choices = (5..=8_u8, prop::collection::vec(any::<u8>(), 0..120)).prop_map(|(head, choices)| [vec![head], choices].concat());
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let changed =
        (prop::sample::select(seeds), edits, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(mut bytes, edits, end, is_cut)| {
            for (at, byte) in edits {
                let length = bytes.len().max(1);
                if let Some(place) = bytes.get_mut(at.index(length)) {
                    *place = byte;
                }
            }
            if is_cut && !bytes.is_empty() {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        });
    prop_oneof![1 => by_chance, 4 => choices, 3 => changed]
}

fn holds_of_what_is_made_up(target: &str, cases: u32) {
    let seeds: Vec<Vec<u8>> =
        inputs(&format!("fuzz/seeds/{target}")).into_iter().map(|(_, bytes)| bytes).filter(|bytes| bytes.len() < 1 << 14).collect();
    let property = property(target);
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let result = runner.run(&made_up(seeds), |bytes| {
        property(&bytes);
        Ok(())
    });
    assert!(result.is_ok(), "{target}: {}", result.map_or_else(|error| error.to_string(), |()| String::new()));
}

#[test]
fn line_holds_of_what_is_made_up() {
    holds_of_what_is_made_up("line", 2_000);
}

#[test]
fn file_holds_of_what_is_made_up() {
    holds_of_what_is_made_up("file", 500);
}

#[test]
fn image_holds_of_what_is_made_up() {
    holds_of_what_is_made_up("image", 1_000);
}

#[test]
fn tokens_hold_of_what_is_made_up() {
    holds_of_what_is_made_up("tokens", 2_000);
}

#[test]
fn fix_holds_of_what_is_made_up() {
    holds_of_what_is_made_up("fix", 500);
}

#[test]
fn output_holds_of_what_is_made_up() {
    holds_of_what_is_made_up("output", 300);
}
