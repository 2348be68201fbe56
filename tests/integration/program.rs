//! The program as a user runs it: exit codes, pipes, configuration, what it says when the job cannot be done.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const GOOD: &str = r#"{"messages": [{"role": "user", "content": "Number {n}?"}, {"role": "assistant", "content": "It is {n}."}]}"#;

pub(crate) fn tunelint(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tunelint"));
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1").env("SOURCE_DATE_EPOCH", "1795400000").env_remove("COLUMNS");
    command.output().expect("runs")
}

pub(crate) fn good(lines: usize) -> String {
    (0..lines).map(|n| GOOD.replace("{n}", &n.to_string()) + "\n").collect()
}

pub(crate) fn with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("written");
    }
    folder
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("not killed")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON on standard output")
}

#[test]
fn exit_codes_are_kept() {
    let bad = good(60).replace("\"assistant\"", "\"asistant\"");
    let folder = with(&[("good.jsonl", good(60).as_bytes()), ("bad.jsonl", bad.as_bytes()), ("few.jsonl", good(12).as_bytes())]);
    let run = |arguments: &[&str]| code(&tunelint(folder.path(), arguments));
    assert_eq!(run(&["check", "good.jsonl"]), 0);
    assert_eq!(run(&["check", "bad.jsonl"]), 1);
    assert_eq!(run(&["check", "bad.jsonl", "--exit-zero"]), 0);
    assert_eq!(run(&["check", "few.jsonl"]), 0, "a note fails nothing");
    assert_eq!(run(&["check", "few.jsonl", "--fail-on", "info"]), 1);
    assert_eq!(run(&["check", "missing.jsonl"]), 2);
    assert_eq!(run(&["check", "bad.jsonl", "missing.jsonl"]), 2, "2 outweighs 1");
    assert_eq!(run(&["check", "--no-such-flag", "good.jsonl"]), 2);
    assert_eq!(run(&["check"]), 2);
    assert_eq!(run(&["check", "--no-error-on-unmatched"]), 0);
    assert_eq!(run(&["check", ""]), 2);
    assert_eq!(run(&["--help"]), 0);
}

#[test]
fn a_good_file_is_checked_beside_a_missing_one() {
    let folder = with(&[("good.jsonl", good(60).as_bytes())]);
    let output = tunelint(folder.path(), &["check", "missing.jsonl", "good.jsonl"]);
    assert!(text(&output.stderr).contains("missing.jsonl: no such file or directory"), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("60 examples"));
}

#[test]
fn wrong_words_get_the_nearest_right_one() {
    let folder = with(&[("good.jsonl", good(60).as_bytes()), ("bad.toml", b"targt = \"azure\"\n")]);
    for (arguments, expected) in [
        (&["check", "good.jsonl", "--target", "opnai"][..], "did you mean `openai`?"),
        (&["check", "good.jsonl", "--select", "unknwn-role"], "did you mean `unknown-role`?"),
        (&["check", "good.jsonl", "--config", "bad.toml"], "did you mean `target`?"),
        (&["rule", "M0003"], "did you mean `M003`?"),
        (&["check", "good.jsonl", "--output-format", "jsn"], "json"),
    ] {
        let output = tunelint(folder.path(), arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let folder = with(&[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tunelint"))
        .current_dir(folder.path())
        .args(["check", "-", "--output-format", "json", "--stdin-filename", "data/train.jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(good(60).as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    let report = json(&output);
    assert_eq!(report["summary"]["files"][0]["path"], "data/train.jsonl");
    assert_eq!(report["summary"]["files"][0]["examples"], 60);
}

#[test]
fn packed_files_are_read_by_their_magic_bytes() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(good(30).as_bytes()).expect("packed");
    let first = packed.finish().expect("packed");
    let twice = [first.clone(), first.clone()].concat();
    let cut = &first[..first.len() - 9];
    let folder = with(&[("one.bin", &first), ("two.jsonl.gz", &twice), ("cut.jsonl.gz", cut)]);
    let examples =
        |name: &str| json(&tunelint(folder.path(), &["check", name, "--output-format", "json"]))["summary"]["files"][0]["examples"].clone();
    assert_eq!(examples("one.bin"), 30);
    assert_eq!(examples("two.jsonl.gz"), 60);
    let output = tunelint(folder.path(), &["check", "cut.jsonl.gz"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("cut.jsonl.gz"), "{}", text(&output.stderr));
}

#[test]
fn folders_are_searched_and_gitignore_is_said() {
    let folder = with(&[("data/a.jsonl", good(60).as_bytes()), ("data/sub/b.ndjson", good(61).as_bytes()), ("data/note.txt", b"x")]);
    let paths = |arguments: &[&str]| {
        let report = json(&tunelint(folder.path(), arguments));
        report["summary"]["files"]
            .as_array()
            .expect("files")
            .iter()
            .map(|file| file["path"].as_str().expect("a path").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&["check", "data", "--output-format", "json"]), ["data/a.jsonl", "data/sub/b.ndjson"]);
    assert_eq!(paths(&["check", "data", "--exclude", "sub", "--output-format", "json"]), ["data/a.jsonl"]);
    std::fs::write(folder.path().join(".gitignore"), "data/\n").expect("written");
    let output = tunelint(folder.path(), &["check", "."]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains(".gitignore hides all 2 datasets"), "{}", text(&output.stderr));
}

#[test]
fn the_nearest_configuration_counts() {
    let bad = good(60).replace("\"assistant\"", "\"asistant\"");
    let folder = with(&[
        ("a/train.jsonl", bad.as_bytes()),
        ("a/eval/test.jsonl", bad.as_bytes()),
        ("tunelint.toml", b"[rules]\nunknown-role = \"warning\"\n"),
        ("a/pyproject.toml", b"[project]\nname = \"x\"\n"),
        ("b/pyproject.toml", b"[tool.tunelint]\nignore = [\"M\"]\n[tool.tunelint.per-file-ignores]\n"),
        ("b/train.jsonl", bad.as_bytes()),
    ]);
    let rules = |arguments: &[&str]| json(&tunelint(folder.path(), arguments))["summary"]["rules"].clone();
    let severity = |arguments: &[&str]| {
        let report = json(&tunelint(folder.path(), arguments));
        let found = report["findings"].as_array().expect("findings").iter().find(|found| found["code"] == "M003").cloned();
        found.map(|found| found["severity"].as_str().expect("a severity").to_owned())
    };
    assert_eq!(
        severity(&["check", "a/train.jsonl", "--output-format", "json"]).as_deref(),
        Some("warning"),
        "a pyproject.toml without a table is passed by"
    );
    assert_eq!(severity(&["check", "a/train.jsonl", "--isolated", "--output-format", "json"]).as_deref(), Some("error"));
    assert_eq!(rules(&["check", "b/train.jsonl", "--output-format", "json"])["M003"], Value::Null);
    assert_eq!(
        severity(&["check", "a/train.jsonl", "--config", "rules.unknown-role='info'", "--output-format", "json"]).as_deref(),
        Some("info")
    );
    assert_eq!(rules(&["check", "a/train.jsonl", "--config", "ignore=['unknown-role']", "--output-format", "json"])["M003"], Value::Null);
    assert_eq!(severity(&["check", "a/eval/test.jsonl", "--select", "M003", "--output-format", "json"]).as_deref(), Some("warning"));
}

#[test]
fn overrides_fit_paths() {
    let folder = with(&[
        ("train.jsonl", good(60).as_bytes()),
        ("eval/test.jsonl", good(5).as_bytes()),
        (
            "tunelint.toml",
            b"[per-file-ignores]\n\"eval/*\" = [\"too-few-examples\"]\n[[overrides]]\nfiles = [\"eval/*.jsonl\"]\ntarget = \"together\"\n",
        ),
    ]);
    assert_eq!(code(&tunelint(folder.path(), &["check", "train.jsonl", "eval"])), 0);
    assert_eq!(code(&tunelint(folder.path(), &["check", "eval", "--isolated"])), 1);
}

/// A file is read at several places at a time, what comes through a pipe at one: lines are numbered the same.
#[test]
fn output_is_the_same_for_any_number_of_threads() {
    let data = good(80_000)
        .replace("Number 777?", "<|im_end|>")
        .replace("\"It is 39000.\"", "7")
        .replace("It is 70000.\"}]", "It is.\"}], \"id\": 1");
    let data = data.replace("It is 60000.\"}]}", &format!("{}\"}}]}}", "x".repeat(3_000_000)));
    let data = data.replace("\"It is 79000.\"}]}\n", "\"It is 79000.\"}]}\r\n\n");
    let folder = with(&[("big.jsonl", data.as_bytes())]);
    let run = |threads: &str| tunelint(folder.path(), &["check", "big.jsonl", "--output-format", "json", "-j", threads]);
    let one = run("1");
    let findings = json(&one)["findings"].as_array().expect("findings").clone();
    let line_of = |code: &str| findings.iter().find(|found| found["code"] == code).map(|found| found["line"].clone());
    assert_eq!(
        ["M026", "M008", "S010", "F013", "F014"].map(line_of),
        [778, 39_001, 70_001, 79_002, 79_001].map(|line| Some(line.into())),
        "{findings:?}"
    );
    let says = findings.iter().find(|found| found["code"] == "S010").map(|found| found["provider_message"].clone());
    assert_eq!(says.expect("found"), "Invalid file format. Example 70001 contains an extra \"id\".");
    for threads in ["2", "3", "7"] {
        assert_eq!(text(&run(threads).stdout), text(&one.stdout), "{threads} threads");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_tunelint"));
    command.args(["check", "-", "--stdin-filename", "big.jsonl", "--output-format", "json", "-j", "3"]).current_dir(folder.path());
    command.env("SOURCE_DATE_EPOCH", "1795400000").stdin(std::fs::File::open(folder.path().join("big.jsonl")).expect("opens"));
    let piped = json(&command.output().expect("runs"));
    assert_eq!(piped["findings"], json(&one)["findings"]);
}

#[test]
fn a_closed_pipe_ends_quietly_and_a_full_disk_does_not() {
    let bad = good(20_000).replace("\"assistant\"", "\"asistant\"");
    let folder = with(&[("bad.jsonl", bad.as_bytes())]);
    let shell = |command: &str| {
        let command = command.replace("tunelint", env!("CARGO_BIN_EXE_tunelint"));
        Command::new("sh").current_dir(folder.path()).args(["-c", &command]).output().expect("runs")
    };
    let output = shell("tunelint check bad.jsonl --max-findings 0 --output-format concise | head -n 1");
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert_eq!(text(&output.stderr), "");
    if Path::new("/dev/full").exists() {
        let output = shell("tunelint check bad.jsonl --max-findings 0 > /dev/full; echo $?");
        assert_eq!(text(&output.stdout), "2\n");
        assert!(text(&output.stderr).contains("cannot write the findings"), "{}", text(&output.stderr));
    }
}

#[test]
fn every_format_is_well_formed_and_safe() {
    let evil = "\u{1b}[2J\u{9b}\u{7f}\u{202e}\\n::error::x%0A##vso[x]<script>";
    let line = format!(r#"{{"messages": [{{"role": "{evil}", "content": "a"}}], "{evil}": 1}}"#)
        .replace('\u{1b}', "\\u001b")
        .replace('\u{7f}', "\\u007f");
    let folder = with(&[("evil\u{9b}\n::error::.jsonl", (good(20) + &line + "\n").as_bytes())]);
    for (format, _) in tunelint::output::OutputFormat::ALL {
        let output = tunelint(folder.path(), &["check", ".", "--output-format", format]);
        let shown = text(&output.stdout) + &text(&output.stderr);
        let raw = shown.chars().find(|&c| tunelint::diagnostic::is_unsafe(c) && c != '\n' && c != '\t');
        assert_eq!(raw, None, "{format}: {shown:?}");
        let commands = shown.lines().filter(|line| line.starts_with("::") || line.starts_with("##vso[") || line.starts_with("##[")).count();
        assert_eq!(commands > 0, ["github", "azure"].contains(&format), "{format}: {shown}");
        assert!(!shown.lines().any(|line| line.starts_with("::error::x")), "{shown}");
        if ["json", "sarif", "gitlab", "rdjson"].contains(&format) {
            json(&output);
        }
    }
}

#[test]
fn sarif_has_what_code_scanning_reads() {
    let bad = good(20).replace("\"It is 7.\"", "7");
    let folder = with(&[("data/tr ain.jsonl", bad.as_bytes())]);
    let report = json(&tunelint(folder.path(), &["check", "data", "--output-format", "sarif"]));
    assert_eq!(report["version"], "2.1.0");
    let run = &report["runs"][0];
    let result = run["results"].as_array().expect("results").iter().find(|result| result["ruleId"] == "M008").expect("the fault");
    let physical = &result["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "data/tr%20ain.jsonl");
    assert_eq!(physical["region"]["startLine"], 8);
    assert_eq!(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "/messages/1/content");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    assert!(rules.iter().any(|rule| rule["id"] == "M008" && rule["help"]["markdown"].as_str().is_some_and(|page| page.contains("## Why"))));
}

#[test]
fn huge_lines_stay_small_on_the_screen() {
    let line =
        format!(r#"{{"messages": [{{"role": "user", "content": "{}"}}, {{"role": "assistant", "content": 7}}]}}"#, "x".repeat(5_000_000));
    let folder = with(&[("big.jsonl", (good(60) + &line + "\n").as_bytes())]);
    let output = tunelint(folder.path(), &["check", "big.jsonl", "--no-tokens", "--quiet"]);
    assert!(text(&output.stdout).contains("big.jsonl:61:50000"), "{}", text(&output.stdout));
    assert!(output.stdout.len() < 2_000, "{} bytes", output.stdout.len());
}

#[test]
fn a_line_over_the_cap_is_said_and_passed_by() {
    let long = format!("{{\"a\": \"{}\"}}\n", "x".repeat(3_000_000));
    let folder = with(&[("long.jsonl", (good(30) + &long + &good(31).replace("It is 5.", "")).as_bytes())]);
    let report = json(&tunelint(folder.path(), &["check", "long.jsonl", "--config", "max-line-bytes=100000", "--output-format", "json"]));
    let findings = report["findings"].as_array().expect("findings");
    assert!(findings.iter().any(|found| found["code"] == "F016" && found["line"] == 31), "{findings:?}");
    assert!(findings.iter().any(|found| found["line"] == 37), "the lines behind it are checked: {findings:?}");
}

/// A terabyte of holes, as a crash can leave them, costs no reading.
#[test]
#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "a skipped test that says nothing looks like a passed one")]
fn a_hole_in_a_file_is_passed_by() {
    let folder = with(&[("holes.jsonl", good(30).as_bytes())]);
    let path = folder.path().join("holes.jsonl");
    let mut file = std::fs::File::options().append(true).open(&path).expect("opens");
    let is_told = file.set_len(1 << 40).is_ok() && rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(1 << 30)).is_err();
    if !is_told {
        println!("skipped: this file system has no holes, or does not tell of them");
        return;
    }
    file.write_all(b"\n{\"messages\": []}\n").expect("written");
    for threads in ["1", "3"] {
        let start = std::time::Instant::now();
        let report = json(&tunelint(folder.path(), &["check", "holes.jsonl", "--output-format", "json", "-j", threads]));
        let findings = report["findings"].as_array().expect("findings");
        assert!(findings.iter().any(|found| found["code"] == "F016" && found["line"] == 31), "{findings:?}");
        assert!(findings.iter().any(|found| found["line"] == 32), "the line behind it is checked: {findings:?}");
        assert!(start.elapsed().as_secs() < 60, "{threads} threads: {:?}", start.elapsed());
    }
}

/// The cap is one and the same for a line that a block holds and for one that no block does, on one thread and on several.
#[test]
fn a_line_is_too_long_from_the_byte_over_the_cap_on() {
    let line = |length: usize| format!("{{\"text\": \"{}\"}}\n", "x".repeat(length - 13));
    let lengths = [1999, 2000, 2001, 2_000_000, 30, 3_000_000, 2000, 2001];
    let lines: String = lengths.into_iter().map(line).collect();
    let folder = with(&[("long.jsonl", lines.as_bytes())]);
    for threads in ["1", "2", "4"] {
        let arguments = ["check", "long.jsonl", "--config", "max-line-bytes=2000", "--output-format", "json", "--select", "too-long-line"];
        let report = json(&tunelint(folder.path(), &[&arguments[..], &["-j", threads]].concat()));
        let found: Vec<_> = report["findings"].as_array().expect("findings").iter().map(|found| found["line"].as_u64()).collect();
        assert_eq!(found, [Some(3), Some(4), Some(6), Some(8)], "{threads} threads");
        assert_eq!(report["summary"]["files"][0]["lines"], lengths.len());
    }
}

#[test]
fn the_json_contract_is_kept() {
    let folder = with(&[("a.jsonl", (good(20) + "{\"messages\": []}\n").as_bytes())]);
    let report = json(&tunelint(folder.path(), &["check", "a.jsonl", "--output-format", "json"]));
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(report["schema"], "tunelint/findings@1");
    for key in ["schema", "tool", "target", "model", "findings", "summary"] {
        assert!(keys(&report).contains(&key.to_owned()), "{key}");
    }
    let finding = &report["findings"].as_array().expect("findings").iter().find(|found| found["code"] == "S009").expect("empty messages");
    let contract = [
        "code",
        "name",
        "severity",
        "effect",
        "evidence",
        "message",
        "help",
        "url",
        "path",
        "line",
        "column",
        "end_column",
        "byte_in_line",
        "file_offset",
        "pointer",
        "line_hash",
        "provider_message",
        "fix",
    ];
    for key in contract {
        assert!(keys(finding).contains(&key.to_owned()), "{key}");
    }
    assert_eq!((&finding["line"], &finding["column"], &finding["pointer"]), (&21.into(), &14.into(), &"/messages".into()));
    let whole_file = tunelint(folder.path(), &["check", "a.jsonl", "--output-format", "json", "--select", "few-examples"]);
    assert_eq!(json(&whole_file)["findings"][0]["line"], Value::Null);
    let summary = &report["summary"];
    assert_eq!(summary["verdict"], "rejected");
    for key in ["path", "bytes", "lines", "examples", "format", "tokens", "images"] {
        assert!(keys(&summary["files"][0]).contains(&key.to_owned()), "{key}");
    }
}

#[test]
fn fixtures_say_what_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["chat", "tools", "preference", "reinforcement"] {
        let (target, model) = if name == "reinforcement" { ("azure", "o4-mini") } else { ("openai", "gpt-4.1") };
        let file = format!("fixtures/clean/{name}.jsonl");
        let output = tunelint(root, &["check", &file, "--fail-on", "warning", "--isolated", "--target", target, "--model", model]);
        assert_eq!(code(&output), 0, "{}", text(&output.stdout));
    }
    for name in ["chat", "vision", "sharegpt", "array"] {
        let output = tunelint(root, &["check", &format!("fixtures/broken/{name}.jsonl"), "--isolated"]);
        assert_eq!(code(&output), 1, "{}", text(&output.stdout));
    }
}

#[test]
fn a_narrow_window_is_kept_to() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tunelint"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("COLUMNS", "60").env("NO_COLOR", "1");
    let output =
        command.args(["check", "fixtures/broken/vision.jsonl", "--quiet", "--select", "I,M,T", "--isolated"]).output().expect("runs");
    let shown = text(&output.stdout);
    for line in shown.lines().filter(|line| !line.contains("] ")) {
        assert!(line.chars().count() <= 60, "{line}");
    }
    assert!(shown.contains("vision.jsonl:11:"));
}

#[test]
fn a_line_is_shown_with_what_is_wrong_with_it() {
    let bad = r#"{"messages": [{"role": "user", "content": "Number 60?"}]}"#;
    let folder = with(&[("a.jsonl", (good(60) + bad + "\n").as_bytes()), ("dir/b.jsonl", b"")]);
    let show = |arguments: &[&str]| tunelint(folder.path(), &[&["show"], arguments].concat());
    let output = show(&["a.jsonl:3"]);
    assert_eq!(code(&output), 0);
    let shown = text(&output.stdout);
    assert!(shown.contains("Number 2?") && shown.contains("It is 2.") && !shown.contains("Number 3?"), "{shown}");
    // A chat that lacks its answer is one by the lines before it; alone it would pass for a prompt to reinforce.
    let shown = text(&show(&["a.jsonl:60-61"]).stdout);
    assert!(shown.contains("Number 59?") && shown.contains("error[M015]") && shown.contains("a.jsonl:61:14"), "{shown}");
    let raw = text(&show(&["a.jsonl:61", "--raw", "--quiet"]).stdout);
    assert_eq!(serde_json::from_str::<Value>(&raw).expect("JSON"), serde_json::from_str::<Value>(bad).expect("JSON"));
    for (place, expected) in [
        ("a.jsonl:62", "a.jsonl: there is no line 62: the file has 61 lines"),
        ("a.jsonl", "write FILE:LINE"),
        ("a.jsonl:0", "lines count from 1"),
        ("missing.jsonl:1", "no such file"),
        ("dir:1", "a folder, not a file"),
        ("dir/b.jsonl:1", "the file has 0 lines"),
    ] {
        let output = show(&[place]);
        assert_eq!(code(&output), 2, "{place}");
        assert!(text(&output.stderr).contains(expected), "{place}: {}", text(&output.stderr));
    }
}

#[test]
fn a_line_is_shown_out_of_a_packed_pipe() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(good(30).as_bytes()).expect("packed");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tunelint"))
        .args(["show", "-:7", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(&packed.finish().expect("packed")).expect("written");
    let output = child.wait_with_output().expect("ends");
    assert!(text(&output.stdout).contains("It is 6."), "{}", text(&output.stdout));
}
