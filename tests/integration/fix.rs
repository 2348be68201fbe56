//! `tunelint check --fix` as a user runs it: what is written, where, and what is left alone.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use tempfile::TempDir;
use tunelint::edit::Applicability;
use tunelint::engine::{Engine, FixOptions, Fixed};
use tunelint::settings::Settings;

use crate::corpora;

const TYPO: &str = r#"{"messages": [{"role": "user", "content": "Number {n}?"}, {"role": "asistant", "content": "It is {n}."}]}"#;
const GOOD: &str = r#"{"messages": [{"role": "user", "content": "Number {n}?"}, {"role": "assistant", "content": "It is {n}."}]}"#;

fn tunelint(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tunelint"));
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1").env("SOURCE_DATE_EPOCH", "1795400000");
    command.output().expect("runs")
}

fn lines(line: &str, count: usize) -> String {
    (0..count).map(|n| line.replace("{n}", &n.to_string()) + "\n").collect()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("not killed")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).expect("readable")
}

/// Names of what stands in a folder: nothing half written may stay.
fn names(folder: &TempDir) -> BTreeSet<String> {
    std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_file_is_mended_in_place_and_the_rest_is_reported() {
    let data = lines(GOOD, 60) + &lines(TYPO, 2) + &lines(GOOD, 1).replace("\"It is 0.\"", "[]");
    let folder = folder(&[("a.jsonl", &data)]);
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix", "--output-format", "concise"]);
    assert_eq!(read(&folder, "a.jsonl"), data.replace("asistant", "assistant"));
    assert_eq!(code(&output), 1, "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("a.jsonl:63:") && !text(&output.stdout).contains("M003"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("a.jsonl: fixed 2 findings in 2 lines"), "{}", text(&output.stderr));
    assert_eq!(names(&folder), BTreeSet::from(["a.jsonl".to_owned()]));
}

#[test]
fn what_needs_no_mending_is_not_touched() {
    let folder = folder(&[("a.jsonl", &lines(GOOD, 60))]);
    let path = folder.path().join("a.jsonl");
    let before = std::fs::metadata(&path).expect("there");
    // Not even a folder that nothing can be written to matters then.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).expect("set");
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix"]);
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
    let after = std::fs::metadata(&path).expect("there");
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!((before.ino(), before.mtime(), before.mtime_nsec()), (after.ino(), after.mtime(), after.mtime_nsec()));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn permissions_and_links_stay_as_they_are() {
    let folder = folder(&[("real.jsonl", &lines(TYPO, 60))]);
    let real = folder.path().join("real.jsonl");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).expect("set");
    symlink("real.jsonl", folder.path().join("link.jsonl")).expect("linked");
    assert_eq!(code(&tunelint(folder.path(), &["check", "link.jsonl", "--fix"])), 0);
    assert_eq!(read(&folder, "real.jsonl"), lines(GOOD, 60));
    assert!(std::fs::symlink_metadata(folder.path().join("link.jsonl")).expect("there").file_type().is_symlink());
    assert_eq!(std::fs::metadata(&real).expect("there").permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_cannot_be_replaced_is_refused_and_stays() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(lines(TYPO, 60).as_bytes()).expect("packed");
    let packed = packed.finish().expect("packed");
    let folder = folder(&[("a.jsonl", &lines(TYPO, 60))]);
    std::fs::write(folder.path().join("b.jsonl.gz"), &packed).expect("written");
    let output = tunelint(folder.path(), &["check", "b.jsonl.gz", "missing.jsonl", "--fix"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("packed files are not fixed in place"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(folder.path().join("b.jsonl.gz")).expect("readable"), packed);
    assert_eq!(code(&tunelint(folder.path(), &["check", "b.jsonl.gz", "--fix-output", "b.jsonl"])), 0);
    assert_eq!(read(&folder, "b.jsonl"), lines(GOOD, 60));
    assert_eq!(code(&tunelint(folder.path(), &["check", "a.jsonl", "b.jsonl", "--fix-output", "c.jsonl"])), 2);
}

#[test]
fn the_fixed_data_can_go_elsewhere() {
    let folder = folder(&[("a.jsonl", &lines(TYPO, 60)), ("good.jsonl", &lines(GOOD, 60))]);
    assert_eq!(code(&tunelint(folder.path(), &["check", "a.jsonl", "--fix-output", "b.jsonl"])), 0);
    assert_eq!((read(&folder, "a.jsonl"), read(&folder, "b.jsonl")), (lines(TYPO, 60), lines(GOOD, 60)));
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix-output", "-"]);
    assert_eq!(text(&output.stdout), lines(GOOD, 60));
    assert!(text(&output.stderr).contains("60 examples"), "{}", text(&output.stderr));
    // Asked for, it is written even when nothing had to be mended.
    assert_eq!(code(&tunelint(folder.path(), &["check", "good.jsonl", "--fix-output", "c.jsonl"])), 0);
    assert_eq!(read(&folder, "c.jsonl"), lines(GOOD, 60));
}

#[test]
fn standard_input_is_mended_into_standard_output() {
    let folder = folder(&[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tunelint"))
        .current_dir(folder.path())
        .args(["check", "-", "--fix", "--output-format", "concise"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(lines(TYPO, 20).as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(text(&output.stdout), lines(GOOD, 20));
    assert!(text(&output.stderr).contains("L002"), "{}", text(&output.stderr));
    assert!(names(&folder).is_empty());
}

#[test]
fn a_diff_is_short_and_writes_nothing() {
    let long = TYPO.replace("Number {n}?", &"x".repeat(3_000_000));
    let data = lines(GOOD, 60) + &lines(&long, 1) + &lines(TYPO, 1);
    let folder = folder(&[("a.jsonl", &data), ("good.jsonl", &lines(GOOD, 60))]);
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--diff"]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 1);
    assert!(shown.starts_with("--- a.jsonl\n+++ a.jsonl\n@@ line 61, byte 3,000,"), "{shown}");
    assert!(shown.contains("\"asistant\"") && shown.contains("\"assistant\""), "{shown}");
    assert!(shown.len() < 1_500, "{} bytes", shown.len());
    assert_eq!(read(&folder, "a.jsonl"), data);
    let output = tunelint(folder.path(), &["check", "good.jsonl", "--diff"]);
    assert_eq!((code(&output), text(&output.stdout)), (0, String::new()));
}

#[test]
fn a_diff_steers_no_terminal() {
    let line = TYPO.replace("asistant", "asistant\u{9b}\u{202e}").replace("Number {n}?", "\u{1b}[2J\u{7f}");
    let folder = folder(&[("a.jsonl", &lines(&line, 20))]);
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--diff", "--unsafe-fixes"]);
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(shown.chars().find(|&c| tunelint::diagnostic::is_unsafe(c) && c != '\n'), None, "{shown:?}");
}

#[test]
fn exit_codes_say_what_is_left() {
    let typos = lines(TYPO, 60);
    let run = |data: &str, arguments: &[&str]| {
        let folder = folder(&[("a.jsonl", data)]);
        let arguments: Vec<&str> = ["check", "a.jsonl"].iter().chain(arguments).copied().collect();
        code(&tunelint(folder.path(), &arguments))
    };
    assert_eq!(run(&typos, &["--fix"]), 0);
    assert_eq!(run(&typos, &["--fix", "--exit-non-zero-on-fix"]), 1);
    assert_eq!(run(&typos, &["--fix-only"]), 0);
    assert_eq!(run(&typos, &["--fix-only", "--exit-non-zero-on-fix"]), 1);
    assert_eq!(run(&lines(GOOD, 60), &["--fix", "--exit-non-zero-on-fix"]), 0);
    assert_eq!(run(&typos, &["--diff"]), 1);
    assert_eq!(run(&typos, &["--unsafe-fixes"]), 1, "alone it mends nothing");
    let left = lines(GOOD, 60) + "{\"messages\": []}\n";
    assert_eq!(run(&left, &["--fix"]), 1);
    assert_eq!(run(&left, &["--fix-only"]), 0);
}

#[test]
fn lines_that_cannot_be_saved_are_set_aside_and_kept() {
    let lost = "{\"messages\": []}\n{\"messages\": [{\"role\": \"us\n";
    let data = lines(GOOD, 60) + lost + &lines(GOOD, 1);
    let folder = folder(&[("a.jsonl", &data)]);
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix"]);
    assert_eq!((code(&output), read(&folder, "a.jsonl")), (1, data.clone()), "safe fixes leave such lines where they are");
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix", "--unsafe-fixes"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stdout));
    assert_eq!(read(&folder, "a.jsonl"), lines(GOOD, 60));
    assert_eq!(read(&folder, "a.rejected.jsonl"), lost.to_owned() + &lines(GOOD, 1), "a copy is set aside, too");
    assert!(text(&output.stderr).contains("set aside 3 lines in"), "{}", text(&output.stderr));
    std::fs::write(folder.path().join("a.jsonl"), lines(GOOD, 60) + "7\n").expect("written");
    tunelint(folder.path(), &["check", "a.jsonl", "--fix", "--unsafe-fixes"]);
    assert_eq!(read(&folder, "a.rejected.jsonl"), lost.to_owned() + &lines(GOOD, 1) + "7\n", "what was set aside before stays");
}

#[test]
fn copies_of_lines_that_are_mended_stay_unless_unsafe_fixes_are_asked_for() {
    let twice = TYPO.replace("{n}", "7") + "\n" + &TYPO.replace("{n}", "7") + "\n";
    let folder = folder(&[("a.jsonl", &(lines(GOOD, 5) + &twice))]);
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix-only"]);
    assert_eq!(read(&folder, "a.jsonl"), lines(GOOD, 5) + &twice.replace("asistant", "assistant"), "{}", text(&output.stderr));
    assert_eq!(names(&folder).len(), 1, "nothing is set aside");
}

#[test]
fn a_file_that_would_lose_every_line_is_left_alone() {
    let data = lines(r#"{"messages": [{"role": "user", "content": "{n}"}, {"role": "assistant", "content": 7, "weight": 0.5}]}"#, 20);
    let folder = folder(&[("a.jsonl", &data)]);
    let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix", "--unsafe-fixes"]);
    assert!(text(&output.stderr).contains("no line can be saved"), "{}", text(&output.stderr));
    assert_eq!(read(&folder, "a.jsonl"), data);
    assert_eq!(names(&folder).len(), 1);
}

#[test]
fn whole_files_are_written_anew() {
    let wanted = lines(GOOD, 60);
    let array = format!("[{}]", wanted.trim_end().replace('\n', ",\n"));
    let wide: Vec<u8> = "\u{feff}".encode_utf16().chain(wanted.replace('\n', "\r\n").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let python = lines(&GOOD.replace('"', "'"), 60);
    for (name, bytes) in [
        ("array", array.into_bytes()),
        ("wide", wide),
        ("python", python.into_bytes()),
        ("returns", wanted.replace('\n', "\r").into_bytes()),
        ("windows", format!("\u{feff}{}", wanted.replace('\n', "\r\n")).into_bytes()),
        ("cut", wanted.trim_end().as_bytes().to_vec()),
        ("blank", wanted.replace('\n', "\n\n").into_bytes()),
        ("joined", wanted.replacen("}\n{", "}{", 1).into_bytes()),
    ] {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("a.jsonl"), bytes).expect("written");
        let output = tunelint(folder.path(), &["check", "a.jsonl", "--fix"]);
        assert_eq!((read(&folder, "a.jsonl"), code(&output)), (wanted.clone(), 0), "{name}: {}", text(&output.stdout));
        assert_eq!(names(&folder).len(), 1, "{name}");
    }
}

#[test]
fn big_files_are_mended_in_the_order_of_their_lines_by_any_number_of_threads() {
    let data = lines(GOOD, 20_000) + &lines(TYPO, 20_000) + &lines(GOOD, 10);
    let wanted = data.replace("asistant", "assistant");
    for threads in ["1", "4"] {
        let folder = folder(&[("a.jsonl", &data)]);
        tunelint(folder.path(), &["check", "a.jsonl", "--fix-only", "-j", threads]);
        assert!(read(&folder, "a.jsonl") == wanted, "{threads} threads");
    }
}

#[test]
fn what_is_interrupted_leaves_the_file_whole_and_nothing_beside_it() {
    let data = lines(TYPO, 60_000);
    let wanted = lines(GOOD, 60_000);
    for wait in [5, 50, 200] {
        let folder = folder(&[("a.jsonl", &data)]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_tunelint"))
            .current_dir(folder.path())
            .args(["check", "a.jsonl", "--fix-only"])
            .stderr(Stdio::null())
            .spawn()
            .expect("runs");
        std::thread::sleep(std::time::Duration::from_millis(wait));
        Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status().expect("sent");
        child.wait().expect("ends");
        let left = read(&folder, "a.jsonl");
        assert!(left == data || left == wanted, "after {wait} ms");
        assert_eq!(names(&folder), BTreeSet::from(["a.jsonl".to_owned()]), "after {wait} ms");
    }
}

fn mend(engine: &Engine, settings: &Settings, bytes: &[u8], applicability: Applicability) -> (Vec<u8>, Vec<u8>, Fixed) {
    engine.fix_bytes("a.jsonl", bytes.to_vec(), settings, FixOptions { applicability, hunks: true }).expect("fixed")
}

/// Rules found on each line, as text: a line keeps its identity through a fix by its place, blank lines aside.
fn findings(engine: &Engine, settings: &Settings, bytes: &[u8]) -> Vec<(u64, &'static str)> {
    let (found, _) = corpora::check(engine, settings, "a.jsonl", bytes.to_vec());
    found.iter().filter_map(|found| Some((found.location.line.as_ref()?.line, found.rule.code))).collect()
}

/// What holds for the fix of any file: twice is once, and, line by line, nothing changes but where a finding was, and
/// nothing is found that was not there before.
fn keeps_its_word(engine: &Engine, settings: &Settings, name: &str, bytes: &[u8]) {
    for applicability in [Applicability::Safe, Applicability::Unsafe] {
        let (once, rejected, _) = mend(engine, settings, bytes, applicability);
        let (twice, again, _) = mend(engine, settings, &once, applicability);
        assert!(once == twice && again.is_empty(), "{name} {applicability:?}: fixing twice is not fixing once");
        let (before, after) = (findings(engine, settings, bytes), findings(engine, settings, &once));
        let split = |bytes: &[u8]| bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (old, new) = (split(bytes), split(&once));
        // Where lines come or go, or nothing was known of them, only the file as a whole can be compared.
        let is_hidden = before.iter().any(|(_, code)| code.starts_with('F') || matches!(*code, "S003" | "S005" | "J003" | "S001"));
        if old.len() != new.len() || !rejected.is_empty() || is_hidden {
            continue;
        }
        for (index, (old, new)) in old.iter().zip(&new).enumerate() {
            let line = index as u64 + 1;
            let of =
                |found: &[(u64, &'static str)]| found.iter().filter(|(own, _)| *own == line).map(|(_, code)| *code).collect::<Vec<_>>();
            let (known, left) = (of(&before), of(&after));
            assert!(old == new || !known.is_empty(), "{name}:{line} {applicability:?}: changed without a finding");
            let is_unread = known.iter().any(|code| code.starts_with('J') || *code == "S004");
            let brought = left.iter().find(|code| !known.contains(code) && !code.starts_with('D'));
            assert!(is_unread || brought.is_none(), "{name}:{line} {applicability:?}: brings {brought:?} to {known:?}");
        }
    }
}

#[test]
fn fixes_of_the_fixtures_and_of_real_files_keep_their_word() {
    let engine = Engine::new(2).expect("schemas compile");
    let settings = corpora::settings("gpt-4o-2024-08-06");
    let fixtures = ["fixtures/broken", "fixtures/clean"].map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let folders: Vec<PathBuf> = fixtures.into_iter().chain(corpora::folder("jsonl")).collect();
    for path in folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder").flatten()).map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            keeps_its_word(&engine, &settings, &path.to_string_lossy(), &std::fs::read(&path).expect("readable"));
        }
    }
}

/// Lines that are nearly right: pieces of the kinds that fixes speak of, put together.
fn near_example() -> impl Strategy<Value = String> {
    let role =
        prop::sample::select(vec!["\"user\"", "\"asistant\"", "\"assistant\"", "\"human\"", "\"gpt\"", "\"Tool\"", "\"system\"", "7"]);
    let content = prop::sample::select(vec![
        "\"Hi\"",
        "'it\\'s'",
        "null",
        "7",
        "[]",
        "\"\"",
        "true",
        "[\"a\"]",
        "[{\"text\": \"a\"}]",
        "{\"type\": \"text\", \"text\": \"a\"}",
        "[{\"type\": \"input_text\", \"text\": \"b\"}]",
        "[{\"type\": \"image_url\", \"image_url\": \"data:image/jpg;base64,AAAA\"}]",
        "[{\"type\": \"image_url\", \"image_url\": {\"url\": \"iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mPYF3WCJMQwqmFUw/DVAAAkIeAQUvnE+wAAAABJRU5ErkJggg\", \"detail\": \"LOW\"}, \"x\": 1}]",
    ]);
    let more = prop::sample::select(vec![
        "",
        ", \"weight\": 1.0",
        ", \"weight\": true",
        ", \"weight\": 0.5",
        ", \"weight\": null",
        ", \"name\": \"\"",
        ", \"name\": \"a b\"",
        ", \"tool_call_id\": 7",
        ", \"x\": None",
        ", \"contnt\": \"b\"",
        ", \"tool_calls\": [{\"id\": \"a\", \"function\": {\"name\": \"f\", \"arguments\": {\"a\": 1}}}]",
        ", \"tool_calls\": [{\"id\": \"a\", \"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{'a': True}\"}}]",
    ]);
    let message = (role, content, more).prop_map(|(role, content, more)| format!("{{\"role\": {role}, \"content\": {content}{more}}}"));
    let key = prop::sample::select(vec!["\"messages\"", "\"mesages\"", "messages", "'messages'", "\"conversations\""]);
    let end = prop::sample::select(vec![
        "}",
        ",}",
        ", \"weight\": 1.0}",
        ", \"weight\": 0}",
        ", \"id\": 7, \"weight\": true}",
        ", \"tools\": []}",
        "},",
        "} // why",
        "}{}",
        ", \"tools\": [{\"function\": {\"name\": \"f\", \"parameters\": {\"properties\": {}}}}]}",
        ", \"parallel_tool_calls\": \"False\"}",
        ", \"functions\": []}",
        ", \"system\": \"Be brief.\"}",
    ]);
    (key, prop::collection::vec(message, 0..4), end).prop_map(|(key, messages, end)| format!("{{{key}: [{}]{end}", messages.join(", ")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn fixes_of_nearly_right_lines_keep_their_word(
        odd in prop::collection::vec(near_example(), 1..4),
        ends in prop::sample::select(vec!["\n", "\r\n", "\n\n", ""]),
        mark in any::<bool>(),
    ) {
        let engine = Engine::new(1).expect("schemas compile");
        let settings = corpora::settings("gpt-4o-2024-08-06");
        let mark = if mark { "\u{feff}" } else { "" };
        let data = format!("{mark}{}{}{ends}", lines(GOOD, 3), odd.join("\n"));
        keeps_its_word(&engine, &settings, &data, data.as_bytes());
    }
}
