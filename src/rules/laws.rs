//! Laws over the catalogue. Each failure says what to do.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Check, REGISTRY};
use crate::format::FORMATS;
use crate::rule::{Evidence, Severity};
use crate::target::{BUILTIN, Level, Target};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules");

#[test]
fn codes_are_unique_and_sorted() {
    for pair in REGISTRY.windows(2) {
        let [(before, _), (after, _)] = pair else { continue };
        assert!(
            before.code < after.code,
            "move the row of {} ({}) in REGISTRY: rows are sorted by code, and no code stands twice",
            after.code,
            after.name
        );
    }
    let names: BTreeSet<_> = REGISTRY.iter().map(|(rule, _)| rule.name).collect();
    assert_eq!(names.len(), REGISTRY.len(), "two rules have the same name");
}

#[test]
fn codes_and_names_are_well_formed() {
    for (rule, _) in REGISTRY {
        assert!(
            rule.code.len() == 4
                && rule.code.as_bytes()[0].is_ascii_uppercase()
                && rule.code[1..].bytes().all(|byte| byte.is_ascii_digit()),
            "{}",
            rule.code
        );
        assert!(rule.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{}", rule.name);
        let path = rule.url().split("/blob/main/").nth(1).map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a path");
        assert!(path.exists(), "{}: the page is to stand at {}", rule.code, path.display());
    }
}

/// Evidence before zeal.
#[test]
fn what_is_inferred_is_no_error() {
    for (rule, _) in REGISTRY {
        assert!(
            rule.severity != Severity::Error || rule.evidence != Evidence::Inferred,
            "{} ({}): an inferred rule is a warning at most",
            rule.code,
            rule.name
        );
    }
    for (name, _) in BUILTIN {
        for (rule, own) in Target::builtin(name).expect("built in").rules {
            assert!(
                own.level != Level::Error || own.evidence != Evidence::Inferred,
                "{name}: {rule}: an inferred rule is a warning at most"
            );
        }
    }
}

#[test]
fn targets_name_encodings_that_exist() {
    for (name, _) in BUILTIN {
        let target = Target::builtin(name).expect("loads");
        let encodings = target.models.iter().filter_map(|model| model.encoding.as_ref()).chain([&target.tokens.encoding]);
        for encoding in encodings {
            assert!(crate::tokens::Counter::by_name(encoding).is_some(), "rules/targets/{name}.toml: there is no encoding `{encoding}`");
        }
    }
}

#[test]
fn targets_speak_of_rules_that_exist() {
    for (name, _) in BUILTIN {
        let target = Target::builtin(name).expect("built in");
        for (rule, own) in &target.rules {
            assert!(super::find(rule).is_some(), "rules/targets/{name}.toml: there is no rule `{rule}`");
            assert!(target.sources.contains_key(&own.source), "rules/targets/{name}.toml: `{rule}`: name `{}` under [sources]", own.source);
        }
    }
}

#[test]
fn schemas_speak_of_rules_that_exist() {
    fn named(schema: &serde_json::Value, names: &mut BTreeSet<String>) {
        if let Some(object) = schema.as_object() {
            names.extend(
                object
                    .get("x-rule")
                    .and_then(|rules| rules.as_object())
                    .into_iter()
                    .flatten()
                    .filter_map(|(_, rule)| rule.as_str())
                    .map(str::to_owned),
            );
        }
        schema.as_object().into_iter().flatten().for_each(|(_, value)| named(value, names));
        schema.as_array().into_iter().flatten().for_each(|value| named(value, names));
    }
    let mut names = BTreeSet::new();
    for (_, text) in FORMATS {
        named(&serde_json::from_str(text).expect("JSON"), &mut names);
    }
    for name in &names {
        let found = REGISTRY.iter().find(|(rule, _)| rule.name == name);
        assert!(
            found.is_some_and(|(_, check)| matches!(check, Check::Schema(_))),
            "add a rule `{name}` with Check::Schema: a schema in rules/formats/ names it under x-rule"
        );
    }
    for (rule, check) in REGISTRY {
        assert!(
            !matches!(check, Check::Schema(_)) || names.contains(rule.name),
            "no schema in rules/formats/ names {} under x-rule",
            rule.name
        );
    }
}

#[test]
fn every_file_is_registered() {
    for family in std::fs::read_dir(RULES).expect("the folder").flatten().filter(|entry| entry.path().is_dir()) {
        for file in std::fs::read_dir(family.path()).expect("a folder").flatten() {
            let path = file.path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a plain name").replace('_', "-");
            assert!(super::find(&name).is_some(), "add a `mod` and a row in src/rules/mod.rs for {}", path.display());
            let other = path.with_extension(if path.extension().is_some_and(|extension| extension == "rs") { "md" } else { "rs" });
            assert!(other.exists(), "{} is missing", other.display());
        }
    }
}

#[test]
fn pages_are_complete() {
    for (rule, _) in REGISTRY {
        assert!(
            rule.docs.starts_with("# ") && rule.summary().len() > 10,
            "{}: the page begins with `# ` and one sentence on what is wrong",
            rule.code
        );
        for section in ["## Why", "## Bad", "## Good", "## What happens", "## References"] {
            assert!(rule.docs.contains(&format!("\n{section}\n")), "{}: add the section `{section}` to the page", rule.code);
        }
    }
}

/// Conditions stand in `src/rules/`, numbers and prices in `rules/`: a limit in a rule's code would go stale unseen.
#[test]
fn limits_stand_in_the_targets() {
    for family in std::fs::read_dir(RULES).expect("the folder").flatten().filter(|entry| entry.path().is_dir()) {
        for file in std::fs::read_dir(family.path())
            .expect("a folder")
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|extension| extension == "rs"))
        {
            let code = std::fs::read_to_string(file.path()).expect("readable");
            for word in code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                let digits: String = word.chars().filter(char::is_ascii_digit).collect();
                let is_number = word.starts_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || c == '_');
                assert!(!is_number || digits.len() < 5, "{}: the number {word} belongs into a target's file", file.path().display());
            }
        }
    }
}

#[test]
fn the_index_is_current() {
    let path = format!("{RULES}/README.md");
    let current = super::index();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &current).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == current, "the index of the rules is stale: run `UPDATE=1 cargo test index`");
}
