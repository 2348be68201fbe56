//! What a user does around a check: a baseline, a configuration, completions, a manual page, a problem matcher.

use std::path::Path;
use std::process::Command;

use crate::program::{code, good, json, text, tunelint, with};

/// A dataset with a fault on three lines, two of which are the same.
fn faulty() -> String {
    let mut lines: Vec<String> = good(60).lines().map(str::to_owned).collect();
    lines[3] = lines[3].replace("\"assistant\"", "\"asistant\"");
    lines[9] = lines[9].replace("\"It is 9.\"", "7");
    lines[20] = lines[9].clone();
    lines.join("\n") + "\n"
}

#[test]
fn a_baseline_outlives_shuffling_appending_and_sharding() {
    let folder = with(&[("train.jsonl", faulty().as_bytes())]);
    let run = |arguments: &[&str]| tunelint(folder.path(), arguments);
    assert_eq!(code(&run(&["check", "train.jsonl"])), 1);
    let added = run(&["check", "train.jsonl", "--add-baseline"]);
    assert_eq!(code(&added), 0, "{}", text(&added.stdout));
    assert!(text(&added.stderr).starts_with("tunelint-baseline.json: added "), "{}", text(&added.stderr));
    let written = std::fs::read_to_string(folder.path().join("tunelint-baseline.json")).expect("written");

    let known = ["--baseline", "tunelint-baseline.json", "--output-format", "json"];
    let check = |files: &[&str]| run(&[&["check"], files, &known].concat());
    assert_eq!(code(&check(&["train.jsonl"])), 0);
    let lines: Vec<String> = faulty().lines().map(str::to_owned).collect();
    let backwards: String = lines.iter().rev().map(|line| format!("{line}\r\n")).collect();
    std::fs::write(folder.path().join("backwards.jsonl"), backwards).expect("written");
    let report = json(&check(&["backwards.jsonl"]));
    let left: Vec<_> = report["findings"].as_array().expect("findings").iter().filter(|found| found["line_hash"].is_string()).collect();
    assert!(left.is_empty(), "{left:?}");
    std::fs::write(folder.path().join("a.jsonl"), lines[..15].join("\n")).expect("written");
    std::fs::write(folder.path().join("b.jsonl"), lines[15..].join("\n")).expect("written");
    assert_eq!(code(&check(&["a.jsonl", "b.jsonl"])), 0);

    let new = good(61).lines().last().expect("a line").replace("\"user\"", "\"usr\"");
    std::fs::write(folder.path().join("train.jsonl"), faulty() + &new + "\n" + &lines[9] + "\n").expect("written");
    let output = check(&["train.jsonl"]);
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let found: Vec<_> = report["findings"].as_array().expect("findings").iter().filter(|found| found["severity"] == "error").collect();
    assert_eq!(found.iter().map(|found| found["line"].as_u64()).collect::<Vec<_>>(), [Some(61), Some(62)], "a new line, and a third copy");
    assert!(report["summary"]["baselined"].as_u64() >= Some(3));
    assert_eq!(written, std::fs::read_to_string(folder.path().join("tunelint-baseline.json")).expect("there"), "a check writes nothing");
}

#[test]
fn a_baseline_is_named_in_the_configuration_pruned_and_never_half_written() {
    let folder = with(&[("data/train.jsonl", faulty().as_bytes()), ("data/tunelint.toml", b"baseline = \"known.json\"\n")]);
    let data = folder.path().join("data");
    let run = |arguments: &[&str]| tunelint(&data, arguments);
    let missing = run(&["check", "train.jsonl"]);
    assert_eq!(code(&missing), 2);
    assert!(text(&missing.stderr).contains("known.json: there is no such baseline; `--add-baseline` writes one"));
    assert_eq!(code(&run(&["check", "train.jsonl", "--add-baseline"])), 0);
    let shown = run(&["check", "train.jsonl"]);
    assert_eq!(code(&shown), 0);
    assert!(text(&shown.stdout).contains("findings in the baseline)"), "{}", text(&shown.stdout));
    let entries = || std::fs::read_to_string(data.join("known.json")).expect("there").matches("\"rule\"").count();
    let before = entries();
    std::fs::write(data.join("train.jsonl"), good(60)).expect("written");
    assert_eq!(code(&run(&["check", "train.jsonl", "missing.jsonl", "--update-baseline"])), 2);
    assert_eq!(entries(), before, "nothing is pruned when not everything could be checked");
    let pruned = run(&["check", "train.jsonl", "--update-baseline"]);
    assert_eq!(code(&pruned), 0);
    assert!(text(&pruned.stderr).contains("removed "), "{}", text(&pruned.stderr));
    assert!(entries() < before);
    // A dataset named where a baseline belongs is refused and left alone.
    let refused = run(&["check", "train.jsonl", "--add-baseline=train.jsonl"]);
    assert_eq!(code(&refused), 2);
    assert!(text(&refused.stderr).contains("not a baseline"), "{}", text(&refused.stderr));
    assert_eq!(std::fs::read_to_string(data.join("train.jsonl")).expect("there"), good(60));
}

#[test]
fn config_says_where_each_setting_comes_from() {
    let configuration = b"target = \"azure\"\nignore = [\"few-examples\"]\n[[overrides]]\nfiles = [\"eval/*\"]\nepochs = 2\n";
    let folder = with(&[("tunelint.toml", configuration)]);
    let output = tunelint(folder.path(), &["config", "train.jsonl", "eval/a.jsonl", "--model", "gpt-4.1", "--max-findings", "9"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let line = |start: &str| shown.lines().rfind(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {shown}"));
    assert!(line("target = \"azure\"").ends_with("tunelint.toml"));
    assert!(line("model = \"gpt-4.1\"").ends_with("# flag"));
    assert!(line("epochs = 2").ends_with("tunelint.toml, override 1"));
    assert!(line("# epochs").contains("formula"), "the first file has none of its own");
    assert!(line("few-examples = \"off\"").contains("tunelint.toml; info by itself"));
    assert!(line("max-findings = 9").ends_with("# flag"));
    assert!(line("fail-on = \"error\"").ends_with("# default"));
    let schema = json(&tunelint(folder.path(), &["config", "--schema"]));
    assert!(schema["properties"]["per-file-ignores"].is_object());
}

#[test]
fn init_writes_what_check_then_reads() {
    let preference = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clean/preference.jsonl")).expect("a fixture");
    let vision = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/broken/vision.jsonl")).expect("a fixture");
    let sharegpt = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/broken/sharegpt.jsonl")).expect("a fixture");
    let chats = (0..4).flat_map(|_| vision.clone()).collect::<Vec<u8>>();
    let files: [(&str, &[u8]); 4] = [("data/chats.jsonl", &chats), ("dpo.jsonl", &preference), ("old.jsonl", &sharegpt), ("a.txt", b"")];
    let folder = with(&files);
    let printed = tunelint(folder.path(), &["init", "--print"]);
    assert_eq!(code(&printed), 0, "{}", text(&printed.stderr));
    assert!(!folder.path().join("tunelint.toml").exists());
    assert_eq!(code(&tunelint(folder.path(), &["init"])), 0);
    let written = std::fs::read_to_string(folder.path().join("tunelint.toml")).expect("written");
    assert_eq!(written, text(&printed.stdout));
    assert!(written.contains("include = [\"data/chats.jsonl\", "), "the largest first: {written}");
    assert!(written.contains("# Most of the data: chat, with images.\nmethod = \"sft\"\nmodel = \"gpt-4o-2024-08-06\""), "{written}");
    assert!(written.contains("files = [\"dpo.jsonl\"]\nmethod = \"dpo\""), "{written}");
    assert!(written.contains("# old.jsonl: ShareGPT"), "{written}");
    let report = json(&tunelint(folder.path(), &["check", "--output-format", "json"]));
    assert_eq!(report["summary"]["files"].as_array().map(Vec::len), Some(3), "{report}");
    // The lines that are commented out are settings too.
    let all: String = written
        .lines()
        .filter_map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") || setting.starts_with('[') => Some(format!("{setting}\n")),
            _ => None,
        })
        .collect();
    std::fs::write(folder.path().join("all.toml"), all.replace("baseline =", "exclude = [] #")).expect("written");
    let output = tunelint(folder.path(), &["check", "dpo.jsonl", "--config", "all.toml"]);
    assert_ne!(code(&output), 2, "{}", text(&output.stderr));

    let again = tunelint(folder.path(), &["init"]);
    assert_eq!(code(&again), 2);
    assert!(text(&again.stderr).contains("there is a configuration already"), "{}", text(&again.stderr));
    assert_eq!(written, std::fs::read_to_string(folder.path().join("tunelint.toml")).expect("there"), "never overwritten");
}

#[test]
fn init_finds_a_home_for_other_formats_and_for_none() {
    let reinforcement = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clean/reinforcement.jsonl")).expect("a fixture");
    let folder = with(&[("rl/tasks.jsonl", &reinforcement), (".gitignore", b"rl/\n"), ("empty/readme.md", b"")]);
    let written = text(&tunelint(folder.path(), &["init", "--print"]).stdout);
    assert!(written.contains("method = \"rft\"\nmodel = \"o4-mini-2025-04-16\""), "hidden by .gitignore, and found: {written}");
    let empty = tunelint(folder.path(), &["init", "empty"]);
    assert_eq!(code(&empty), 0, "{}", text(&empty.stderr));
    let checked = tunelint(&folder.path().join("empty"), &["check"]);
    assert!(text(&checked.stderr).contains("no file to check"), "{}", text(&checked.stderr));
    assert_eq!(code(&tunelint(folder.path(), &["init", "missing"])), 2);
}

#[test]
fn completions_are_what_each_shell_reads() {
    let here = Path::new(".");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = text(&tunelint(here, &["completions", shell]).stdout);
        assert!(script.contains("add-baseline") && script.contains("completions"), "{shell}");
    }
    let folder = with(&[("tunelint.bash", &tunelint(here, &["completions", "bash"]).stdout)]);
    let script =
        "source ./tunelint.bash && COMP_WORDS=(tunelint ch) COMP_CWORD=1 && _tunelint tunelint ch tunelint && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").current_dir(folder.path()).args(["-c", script]).output().expect("bash");
    assert_eq!(text(&output.stdout), "check\n", "{}", text(&output.stderr));
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let page = text(&tunelint(Path::new("."), &["man"]).stdout);
    assert!(page.starts_with(".ie") || page.starts_with(".TH"), "{page}");
    let folder = with(&[]);
    assert_eq!(code(&tunelint(folder.path(), &["man", "--out-dir", "man/man1"])), 0);
    let help = text(&tunelint(Path::new("."), &["--help"]).stdout);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut pages = 0;
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        let page = std::fs::read_to_string(folder.path().join(format!("man/man1/tunelint-{command}.1"))).expect(command);
        assert!(page.contains(".SH OPTIONS"), "{command}");
        pages += 1;
    }
    assert!(pages >= 7, "{help}");
    assert_eq!(code(&tunelint(folder.path(), &["man", "--out-dir", "/dev/null/x"])), 2);
}

/// The regular expression that the README gives to editors reads what the program prints.
#[test]
fn the_problem_matcher_of_the_readme_fits() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("the README");
    let regexp = readme.lines().find_map(|line| line.trim().strip_prefix("\"regexp\": ")?.strip_suffix(',')).expect("a problem matcher");
    let regexp: String = serde_json::from_str(regexp).expect("a JSON string");
    let regexp = regex::Regex::new(&regexp).expect("a regular expression");
    let output = tunelint(Path::new(env!("CARGO_MANIFEST_DIR")), &["check", "fixtures/broken/chat.jsonl", "--output-format", "concise"]);
    let shown = text(&output.stdout);
    let at = |line: &str| {
        let parts = regexp.captures(line)?;
        let part = |index: usize| parts.get(index).map(|part| part.as_str().to_owned()).unwrap_or_default();
        Some((part(1), part(2), part(3), part(4), part(5), part(6)))
    };
    let matched: Vec<_> = shown.lines().filter_map(at).collect();
    let with_place = shown.lines().filter(|line| line.starts_with("fixtures/broken/chat.jsonl:") && line.contains(": error[")).count();
    assert_eq!(matched.len(), with_place, "{shown}");
    let (path, line, column, severity, code, message) = matched.first().expect("a finding");
    assert_eq!((path.as_str(), line.as_str(), column.as_str()), ("fixtures/broken/chat.jsonl", "3", "118"));
    assert_eq!((severity.as_str(), code.as_str()), ("error", "M009"));
    assert!(message.starts_with("`content` is null"), "{message}");
    let windows = at(r"C:\data\a b.jsonl:7:9: warning[I013] the image is in mode L").expect("matched");
    assert_eq!((windows.0.as_str(), windows.1.as_str()), (r"C:\data\a b.jsonl", "7"));
}
