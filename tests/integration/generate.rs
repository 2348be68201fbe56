//! `tunelint generate` as a user runs it: what it makes of real sources, what it says of broken ones, and that nothing
//! half-made is ever found under a final name.

use std::collections::HashMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::program::{code, json, text, tunelint, with};

const NOTEBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/generate/ocr_vqa");

/// A recipe that reads `rows.csv` and makes chats of its columns `question` and `answer`. Rules on few examples are off.
const SMALL: &str = r#"ignore = ["too-few-examples"]
[source]
path = "rows.csv"
[example]
preset = "question-answer"
"#;

fn rows(count: usize) -> String {
    std::iter::once("question,answer\n".to_owned()).chain((0..count).map(|n| format!("What is {n}?,It is {n}.\n"))).collect()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("there");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The distinct images of a file in the order they come, and its text with `<image N>` in their places.
fn numbered(written: &str) -> (Vec<&str>, String) {
    let (mut images, mut numbered, mut known) = (Vec::new(), String::new(), HashMap::new());
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("data:image/jpeg;base64,") {
        let (image, behind) = after.split_at(after.find('"').expect("a quote"));
        let number = *known.entry(image).or_insert_with(|| {
            images.push(image);
            images.len() - 1
        });
        numbered.push_str(before);
        numbered.push_str(&format!("<image {number}>"));
        rest = behind;
    }
    numbered.push_str(rest);
    (images, numbered)
}

#[test]
fn the_notebook_is_reproduced_to_the_byte() {
    let untouched = TempDir::new().expect("a folder");
    let folder = untouched.path().to_string_lossy().into_owned();
    let arguments = ["generate", "recipe.toml", "-q", "--output-dir", &folder, "--set", "images.reencode=when-needed"];
    assert_eq!(code(&tunelint(Path::new(NOTEBOOK), &arguments)), 0);
    let out = TempDir::new().expect("a folder");
    let output = tunelint(Path::new(NOTEBOOK), &["generate", "recipe.toml", "--output-dir", &out.path().to_string_lossy()]);
    assert_eq!(code(&output), 0, "{}{}", text(&output.stdout), text(&output.stderr));
    let expected: Value = serde_json::from_str(&fs::read_to_string(format!("{NOTEBOOK}/expected.json")).expect("there")).expect("JSON");
    for split in ["train", "validation", "test"] {
        let expected = &expected[split];
        let written = fs::read_to_string(out.path().join(format!("ocr-vqa-{split}.jsonl"))).expect("written");
        let (images, numbered) = numbered(&written);
        assert_eq!(numbered.lines().count() as u64, expected["lines"].as_u64().expect("a number"), "{split}");
        assert_eq!(numbered.lines().next(), expected["first"].as_str().map(str::trim_end), "{split}");
        assert_eq!(hash(numbered.as_bytes()), expected["sha256"].as_str().expect("a text"), "{split}");
        assert_eq!(images.len() as u64, expected["images"].as_u64().expect("a number"), "{split}");
        // Both went through JPEG: ours is to be no further from the picture in the source than Pillow's.
        let sources = fs::read_to_string(untouched.path().join(format!("ocr-vqa-{split}.jsonl"))).expect("written");
        let (sources, _) = self::numbered(&sources);
        let pillow = expected["first_images"].as_array().expect("a list").iter().map(|image| image.as_str().expect("a text"));
        for ((source, ours), theirs) in sources.iter().zip(&images).zip(pillow) {
            let pixels = |text: &str| image::load_from_memory(&STANDARD.decode(text).expect("base64")).expect("an image").to_rgb8();
            let [source, ours, theirs] = [*source, *ours, theirs].map(pixels);
            let off = |image: &image::RgbImage| {
                assert_eq!(image.dimensions(), source.dimensions());
                image.iter().zip(source.iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / source.len() as f64
            };
            assert!(off(&ours) <= off(&theirs) * 1.1 + 0.2, "{split}: off by {}, Pillow by {}", off(&ours), off(&theirs));
        }
        let manifest: Value =
            serde_json::from_str(&fs::read_to_string(out.path().join(format!("ocr-vqa-{split}.jsonl.manifest.json"))).expect("there"))
                .expect("JSON");
        assert_eq!(manifest["file"]["sha256"], hash(written.as_bytes()).as_str());
        assert_eq!(manifest["file"]["examples"], expected["lines"]);
    }
    let check = tunelint(
        out.path(),
        &["check", "ocr-vqa-train.jsonl", "ocr-vqa-validation.jsonl", "--target", "openai", "--output-format", "concise"],
    );
    assert_eq!(code(&check), 0, "{}", text(&check.stdout));
}

#[test]
fn the_same_recipe_gives_the_same_bytes_on_any_number_of_threads() {
    let mut seen = Vec::new();
    for threads in ["1", "2", "1", "5"] {
        let out = TempDir::new().expect("a folder");
        let folder = out.path().to_string_lossy().into_owned();
        let arguments = ["generate", "recipe.toml", "--output-dir", &folder, "-q", "-j", threads];
        assert_eq!(code(&tunelint(Path::new(NOTEBOOK), &arguments)), 0);
        let files: Vec<_> =
            names(out.path()).into_iter().map(|name| (hash(&fs::read(out.path().join(&name)).expect("there")), name)).collect();
        assert_eq!(files.len(), 6, "three files and their manifests");
        seen.push(files);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

#[test]
fn what_is_there_is_kept_until_it_is_to_be_replaced() {
    let folder = with(&[("recipe.toml", SMALL.as_bytes()), ("rows.csv", rows(3).as_bytes()), ("recipe.jsonl", b"precious\n")]);
    let output = tunelint(folder.path(), &["generate", "recipe.toml"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("recipe.jsonl: it is there already; --overwrite"), "{}", text(&output.stderr));
    assert_eq!(fs::read(folder.path().join("recipe.jsonl")).expect("there"), b"precious\n");
    // A run that fails leaves it, too.
    let output = tunelint(folder.path(), &["generate", "recipe.toml", "--overwrite", "--set", "example.preset=messages"]);
    assert_eq!(code(&output), 2);
    assert_eq!(fs::read(folder.path().join("recipe.jsonl")).expect("there"), b"precious\n");
    assert_eq!(code(&tunelint(folder.path(), &["generate", "recipe.toml", "--overwrite", "-q"])), 0);
    assert_eq!(lines(&folder.path().join("recipe.jsonl")).len(), 3);
    assert_eq!(names(folder.path()), ["recipe.jsonl", "recipe.jsonl.manifest.json", "recipe.toml", "rows.csv"]);
}

#[test]
fn only_regular_files_are_replaced() {
    let folder = with(&[("recipe.toml", SMALL.as_bytes()), ("rows.csv", rows(3).as_bytes()), ("target.txt", b"precious\n")]);
    let run = |output: &str| {
        let set = format!("splits.train.output={output}");
        tunelint(folder.path(), &["generate", "recipe.toml", "--overwrite", "--set", &set])
    };
    std::os::unix::fs::symlink("target.txt", folder.path().join("link.jsonl")).expect("linked");
    let output = run("link.jsonl");
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("symbolic link"), "{}", text(&output.stderr));
    fs::create_dir(folder.path().join("folder.jsonl")).expect("made");
    assert_eq!(code(&run("folder.jsonl")), 2);
    assert_eq!(code(&run("/dev/null")), 2);
    let output = run("nowhere/train.jsonl");
    assert!(text(&output.stderr).contains("there is no such folder"), "{}", text(&output.stderr));
    // Nothing can be made in /proc, not even by root.
    let output = run("/proc/train.jsonl");
    assert_eq!(code(&output), 2, "{}", text(&output.stderr));
    assert_eq!(fs::read(folder.path().join("target.txt")).expect("there"), b"precious\n");
    assert!(folder.path().join("link.jsonl").is_symlink());
    assert_eq!(names(folder.path()), ["folder.jsonl", "link.jsonl", "recipe.toml", "rows.csv", "target.txt"]);
}

/// Killed at any moment, by whatever signal: the old file is whole, or the new one is.
#[test]
fn a_killed_run_leaves_no_half_file() {
    let work = with(&[]);
    for (signal, cleans_up) in [("INT", true), ("TERM", true), ("KILL", false)] {
        for delay in [5, 40, 90, 160, 300, 600] {
            let out = work.path().join(format!("{signal}{delay}"));
            fs::create_dir(&out).expect("made");
            fs::write(out.join("ocr-vqa-train.jsonl"), "old\n").expect("written");
            let mut child = Command::new(env!("CARGO_BIN_EXE_tunelint"))
                .current_dir(NOTEBOOK)
                .args(["generate", "recipe.toml", "--overwrite", "--output-dir", &out.to_string_lossy()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("runs");
            std::thread::sleep(Duration::from_millis(delay));
            let killed =
                Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).stderr(Stdio::null()).status().expect("runs");
            let status = child.wait().expect("ends");
            let finished = status.code() == Some(0);
            if killed.success() && !finished {
                assert!(status.signal().is_some(), "{signal} after {delay} ms: {status}");
            }
            let train = fs::read_to_string(out.join("ocr-vqa-train.jsonl")).expect("there");
            assert!(train == "old\n" || train.lines().count() == 718, "{signal} after {delay} ms: {} lines", train.lines().count());
            for (name, count) in [("ocr-vqa-validation.jsonl", 241), ("ocr-vqa-test.jsonl", 480)] {
                if let Ok(text) = fs::read_to_string(out.join(name)) {
                    assert_eq!(text.lines().count(), count, "{signal} after {delay} ms: {name}");
                }
            }
            if cleans_up {
                let left: Vec<_> = names(&out).into_iter().filter(|name| name.ends_with(".tmp")).collect();
                assert_eq!(left, [""; 0], "{signal} after {delay} ms");
            }
        }
    }
}

#[test]
fn a_full_quota_is_an_error_and_leaves_nothing() {
    for blocks in [0, 1, 40, 2000] {
        let out = with(&[("ocr-vqa-train.jsonl", b"old\n")]);
        let script = format!(
            "ulimit -f {blocks}; exec {} generate recipe.toml --overwrite --output-dir {}",
            env!("CARGO_BIN_EXE_tunelint"),
            out.path().display()
        );
        let output = Command::new("bash").current_dir(NOTEBOOK).args(["-c", &script]).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{blocks}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("file too large"), "{}", text(&output.stderr));
        assert_eq!(names(out.path()), ["ocr-vqa-train.jsonl"], "{blocks}");
        assert_eq!(fs::read(out.path().join("ocr-vqa-train.jsonl")).expect("there"), b"old\n");
    }
}

#[test]
fn a_row_that_cannot_be_made_stops_the_run_or_is_counted() {
    let csv = "question,answer\nOne?,1\nTwo?,\nThree?,3\nFour?,4\n";
    let recipe = format!("{SMALL}[images]\n").replace("preset = \"question-answer\"", "messages = [\n  { role = \"user\", content = \"{{ question }}\" },\n  { role = \"{% if question == 'Four?' %}asistant{% else %}assistant{% endif %}\", content = \"{{ {}[answer] if answer == '3' else answer }}\" },\n]");
    let folder = with(&[("recipe.toml", recipe.as_bytes()), ("rows.csv", csv.as_bytes())]);
    let output = tunelint(folder.path(), &["generate", "recipe.toml"]);
    assert_eq!(code(&output), 1);
    let said = text(&output.stderr);
    assert!(said.contains("rows.csv:4: recipe.toml:7: example.messages[1].content: "), "{said}");
    assert!(said.contains("nothing was written"), "{said}");
    assert_eq!(names(folder.path()), ["recipe.toml", "rows.csv"]);

    let output = tunelint(folder.path(), &["generate", "recipe.toml", "--set", "on_error=skip", "--output-format", "json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let report = json(&output);
    assert_eq!(report["skipped"]["count"], 2, "{report:#}");
    let made = lines(&folder.path().join("recipe.jsonl"));
    assert_eq!(made.len(), 2);
    assert_eq!(made[0]["messages"][0]["content"], "One?");
    let reasons: Vec<&String> = report["skipped"]["reasons"].as_object().expect("reasons").keys().collect();
    assert!(reasons.iter().any(|reason| reason.starts_with("unknown-role")), "{reasons:?}");
    let manifest: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("recipe.jsonl.manifest.json")).expect("there")).expect("JSON");
    assert_eq!(manifest["skipped"]["count"], 2);
}

#[test]
fn what_would_be_refused_is_not_written() {
    let folder =
        with(&[("recipe.toml", SMALL.replace("ignore = [\"too-few-examples\"]\n", "").as_bytes()), ("rows.csv", rows(3).as_bytes())]);
    let output = tunelint(folder.path(), &["generate", "recipe.toml"]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stdout).contains("too-few-examples"), "{}", text(&output.stdout));
    assert_eq!(names(folder.path()), ["recipe.toml", "rows.csv"]);
}

#[test]
fn mistakes_are_named_with_the_line_of_the_recipe() {
    let folder = with(&[("rows.csv", rows(3).as_bytes()), ("pairs.jsonl", b"{\"q\": [1, 2], \"a\": [1]}\n")]);
    let say = |recipe: &str| {
        fs::write(folder.path().join("r.toml"), recipe).expect("written");
        let output = tunelint(folder.path(), &["generate", "r.toml"]);
        assert_ne!(code(&output), 0, "{recipe}");
        text(&output.stderr)
    };
    let source = "[source]\npath = \"rows.csv\"\n";
    for (recipe, expected) in [
        ("", "r.toml: say where the rows come from"),
        ("[source]\npath = \"row.csv\"\n[example]\npreset = \"messages\"\n", "row.csv"),
        ("[sorce]\npath = \"rows.csv\"\n", "r.toml:1: there is no key `sorce` here; did you mean `source`?"),
        ("target = \"opnai\"\n[source]\npath = \"rows.csv\"\n", "r.toml:1: target: there is no target `opnai`; did you mean `openai`?"),
        (
            &format!("{source}[example]\npreset = \"mesages\"\n"),
            "r.toml:4: example.preset: there is no preset `mesages`; did you mean `messages`?",
        ),
        (&format!("{source}[example]\n"), "say what is made of a row"),
        (
            &format!("{source}[example]\nmessages = [\n {{ role = \"user\", content = \"{{{{ questoin }}}}\" }},\n]\n"),
            "r.toml:5: example.messages[0].content: there is no column `questoin`; did you mean `question`? The columns are `question`, `answer`",
        ),
        (&format!("{source}[example]\ntext = \"{{{{ question \"\n"), "r.toml:4: example.text: not a valid template"),
        (
            &format!("{source}[rows]\nfilter = \"score > 1\"\n[example]\npreset = \"question-answer\"\n"),
            "r.toml:4: rows.filter: there is no column `score`",
        ),
        (
            &format!("{source}[rows]\nexplode = [\"answr\"]\n[example]\npreset = \"question-answer\"\n"),
            "r.toml:4: rows.explode: there is no column `answr`; did you mean `answer`?",
        ),
        (
            &format!("{source}[rows]\nexplode = [\"answer\"]\n[example]\npreset = \"question-answer\"\n"),
            "rows.csv:2: r.toml:4: rows.explode: `answer` holds text, no list",
        ),
        (
            &format!("{source}[images]\nquality = 0\n[example]\npreset = \"question-answer\"\n"),
            "r.toml:4: images.quality: a quality is between 1 and 100",
        ),
        (&format!("{source}[splits.a]\n[splits.b]\n[example]\npreset = \"question-answer\"\n"), "only one split"),
        (
            "[source]\npath = \"pairs.jsonl\"\n[rows]\nexplode = [\"q\", \"a\"]\n[example]\ntext = \"{{ q }}\"\n",
            "`q` has 2 elements and `a` has 1",
        ),
        (&format!("{source}[example]\nmessages = {{ expr = \"question\" }}\n"), "messages are a list, not text"),
        (
            &format!("{source}[few_shot]\nexamples = [{{ row = 9 }}]\n[example]\npreset = \"question-answer\"\n"),
            "there is no example 9 in that split; it has 3",
        ),
    ] {
        let said = say(recipe);
        assert!(said.contains(expected), "{recipe}\n{said}");
    }
}

#[test]
fn every_preset_makes_what_the_target_takes() {
    let shapes = [
        ("messages", r#"{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}"#),
        ("sharegpt", r#"{"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]}"#),
        ("alpaca", r#"{"instruction": "Q", "input": "I", "output": "A"}"#),
        ("question-answer", r#"{"question": "Q", "answer": "A"}"#),
        ("prompt-completion-chat", r#"{"prompt": "Q", "completion": "A"}"#),
        ("chosen-rejected", r#"{"prompt": "Q", "chosen": "A", "rejected": "B"}"#),
        ("prompt-completion", r#"{"prompt": "Q ->", "completion": " A\n"}"#),
    ];
    for (preset, row) in shapes {
        let recipe = format!(
            "ignore = [\"too-few-examples\", \"closing-target\"]\n[source]\npath = \"rows.jsonl\"\n[example]\npreset = \"{preset}\"\n"
        );
        let folder = with(&[("r.toml", recipe.as_bytes()), ("rows.jsonl", row.as_bytes())]);
        let target = if preset == "prompt-completion" { "together" } else { "openai" };
        let set = format!("target={target}");
        let model = if preset == "chosen-rejected" { "gpt-4.1-2025-04-14" } else { "" };
        let model = format!("model={model}");
        let mut arguments = vec!["generate", "r.toml", "--set", &set];
        if preset == "chosen-rejected" {
            arguments.extend(["--set", &model]);
        }
        let output = tunelint(folder.path(), &arguments);
        assert_eq!(code(&output), 0, "{preset}: {}{}", text(&output.stdout), text(&output.stderr));
        let made = fs::read_to_string(folder.path().join("r.jsonl")).expect("written");
        assert!(made.contains("A") && made.contains("Q"), "{preset}: {made}");
    }
}

#[test]
fn nulls_are_dropped_and_keys_kept_in_order() {
    let row = r#"{"messages": [{"role": "user", "content": "Q", "tool_calls": null}, {"role": "assistant", "content": "A", "weight": 0}, {"content": "B", "role": "assistant", "name": null}], "tools": null}"#;
    let recipe = "ignore = [\"too-few-examples\"]\n[source]\npath = \"rows.jsonl\"\n[example]\npreset = \"messages\"\ntools = { expr = \"tools\" }\n";
    let folder = with(&[("r.toml", recipe.as_bytes()), ("rows.jsonl", row.as_bytes())]);
    let output = tunelint(folder.path(), &["generate", "r.toml", "-q"]);
    assert_eq!(code(&output), 0, "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(
        fs::read_to_string(folder.path().join("r.jsonl")).expect("written"),
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Q\"},{\"role\":\"assistant\",\"content\":\"A\",\"weight\":0},{\"content\":\"B\",\"role\":\"assistant\"}]}\n"
    );
}

#[test]
fn groups_never_straddle_and_stay_where_they_are() {
    let csv = |rows: usize| -> String {
        std::iter::once("question,answer,book\n".to_owned())
            .chain((0..rows).map(|n| format!("What is {n}?,It is {n}.,book {}\n", n / 4)))
            .collect()
    };
    let recipe = format!("{SMALL}\n[rows]\ngroup_by = \"book\"\nshuffle = true\n[splits.train]\nrows = 0.8\n[splits.validation]\n")
        .replace("too-few-examples", "L");
    let run = |rows: usize| {
        let folder = with(&[("r.toml", recipe.as_bytes()), ("rows.csv", csv(rows).as_bytes())]);
        let output = tunelint(folder.path(), &["generate", "r.toml", "-q"]);
        assert_eq!(code(&output), 0, "{}{}", text(&output.stdout), text(&output.stderr));
        let questions = |name: &str| -> Vec<u64> {
            let number =
                |line: &Value| line["messages"][0]["content"].as_str()?.trim_start_matches("What is ").trim_end_matches('?').parse().ok();
            lines(&folder.path().join(name)).iter().map(|line| number(line).expect("a number")).collect()
        };
        (questions("r-train.jsonl"), questions("r-validation.jsonl"))
    };
    let (train, validation) = run(400);
    assert_eq!(train.len() + validation.len(), 400);
    assert!((280..360).contains(&train.len()), "{}", train.len());
    assert!(validation.iter().all(|n| !train.iter().any(|other| other / 4 == n / 4)));
    let (more, _) = run(800);
    assert!(train.iter().all(|n| more.contains(n)), "rows stay in their split when others are added");
}

#[test]
fn files_are_made_to_fit() {
    let recipe = r#"ignore = ["too-few-examples"]
[source]
path = "pictures"
[splits.train]
output = "train.jsonl"
[example]
messages = [
  { role = "user", content = [{ image = "image" }] },
  { role = "assistant", content = "Noise number {{ index }}." },
]
"#;
    let folder = with(&[("r.toml", recipe.as_bytes())]);
    fs::create_dir(folder.path().join("pictures")).expect("made");
    let mut state = 1_u32;
    for index in 0..12 {
        let picture = image::RgbImage::from_fn(160, 120, |x, y| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([(x + y) as u8, (state >> 24) as u8, (y * 2) as u8])
        });
        picture.save(folder.path().join(format!("pictures/{index}.png"))).expect("saved");
    }
    let run = |more: &[&str]| tunelint(folder.path(), &[&["generate", "r.toml", "--overwrite", "--output-format", "json"], more].concat());
    let whole = run(&[]);
    assert_eq!(code(&whole), 0, "{}", text(&whole.stderr));
    let bytes = json(&whole)["splits"][0]["bytes"].as_u64().expect("a number");
    for share in [60, 30] {
        let most = bytes * share / 100;
        let limit = format!("output.max_file_size={most}");
        let refused = run(&["--set", &limit]);
        assert_eq!(code(&refused), 2);
        assert!(text(&refused.stderr).contains("the split `train` would have"), "{}", text(&refused.stderr));
        let fitted = run(&["--set", &limit, "--set", "output.fit=true"]);
        assert_eq!(code(&fitted), 0, "{}", text(&fitted.stderr));
        let report = json(&fitted);
        let size = report["splits"][0]["bytes"].as_u64().expect("a number");
        assert!(size <= most && size == fs::metadata(folder.path().join("train.jsonl")).expect("there").len(), "{report:#}");
        assert!(report["images"]["fitted"].as_str().expect("said").starts_with("quality "), "{report:#}");
    }
    let hopeless = run(&["--set", "output.max_file_size=500", "--set", "output.fit=true"]);
    assert_eq!(code(&hopeless), 2);
    assert!(text(&hopeless.stderr).contains("with the smallest images"), "{}", text(&hopeless.stderr));
}

#[test]
fn nothing_is_written_for_a_look() {
    let folder = with(&[("r.toml", SMALL.as_bytes()), ("rows.csv", rows(5).as_bytes())]);
    let dry = tunelint(folder.path(), &["generate", "r.toml", "--dry-run"]);
    assert_eq!(code(&dry), 0);
    for expected in ["would write r.jsonl: 5 examples", "tokens", "cost"] {
        assert!(text(&dry.stdout).contains(expected), "{}", text(&dry.stdout));
    }
    let preview = tunelint(folder.path(), &["generate", "r.toml", "--preview", "2"]);
    assert!(text(&preview.stdout).contains("What is 1?") && !text(&preview.stdout).contains("What is 2?"), "{}", text(&preview.stdout));
    assert_eq!(names(folder.path()), ["r.toml", "rows.csv"]);
}

#[test]
fn recipes_keep_their_schema() {
    let schema = json(&tunelint(Path::new("."), &["generate", "--schema"]));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let recipe = fs::read_to_string(format!("{NOTEBOOK}/recipe.toml")).expect("there");
    let value: Value = toml::from_str(&recipe).expect("TOML");
    let faults: Vec<String> = validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(faults, [""; 0]);
    let typo: Value = toml::from_str(&recipe.replace("shuffle", "shufle")).expect("TOML");
    assert!(!validator.is_valid(&typo));
}

#[test]
fn init_writes_recipes_that_run() {
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
    let png = STANDARD.decode(png).expect("base64");
    let chat: String = (0..20)
        .map(|n| {
            format!(
                "{{\"messages\": [{{\"role\": \"user\", \"content\": \"{n}?\"}}, {{\"role\": \"assistant\", \"content\": \"{n}!\"}}]}}\n"
            )
        })
        .collect();
    let turns: String = (0..20)
        .map(|n| {
            format!("{{\"conversations\": [{{\"from\": \"human\", \"value\": \"{n}?\"}}, {{\"from\": \"gpt\", \"value\": \"{n}!\"}}]}}\n")
        })
        .collect();
    let reviews: String = std::iter::once("review text;stars\n".to_owned()).chain((0..20).map(|n| format!("good {n};{n}\n"))).collect();
    let folder = with(&[
        ("rows.csv", rows(20).as_bytes()),
        ("chat.jsonl", chat.as_bytes()),
        ("turns.json", turns.as_bytes()),
        ("reviews.csv", reviews.as_bytes()),
    ]);
    for (index, kind) in ["cat", "dog"].iter().cycle().take(20).enumerate() {
        let path = folder.path().join(format!("animals/{kind}/{index}.png"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, &png).expect("written");
    }
    for source in ["rows.csv", "chat.jsonl", "turns.json", "reviews.csv", "animals"] {
        let output = tunelint(folder.path(), &["init", source]);
        assert_eq!(code(&output), 0, "{source}: {}", text(&output.stderr));
        let recipe = format!("{}.toml", source.split('.').next().expect("a stem"));
        let output = tunelint(folder.path(), &["generate", &recipe, "--dry-run", "--set", "ignore=[\"too-few-examples\"]"]);
        assert_eq!(code(&output), 0, "{recipe}: {}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(code(&tunelint(folder.path(), &["init", source])), 2, "a recipe that is there stays");
    }
}

#[test]
fn images_never_come_from_outside_the_source() {
    let png = STANDARD
        .decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
        .expect("base64");
    let recipe = "ignore = [\"too-few-examples\"]\n[source]\npath = \"in/rows.csv\"\n[example]\npreset = \"image-question-answer\"\n";
    let folder = with(&[("r.toml", recipe.as_bytes()), ("secret.png", &png), ("in/fine.png", &png)]);
    std::os::unix::fs::symlink("../secret.png", folder.path().join("in/link.png")).expect("linked");
    let secret = folder.path().join("secret.png").to_string_lossy().into_owned();
    for (path, is_fine) in [
        ("fine.png", true),
        ("../secret.png", false),
        (secret.as_str(), false),
        ("link.png", false),
        ("file:///etc/passwd", false),
        ("in\\..\\..\\x", false),
    ] {
        fs::write(folder.path().join("in/rows.csv"), format!("image,question,answer\n{path},Q,A\n")).expect("written");
        let output = tunelint(folder.path(), &["generate", "r.toml", "--overwrite"]);
        assert_eq!(code(&output), i32::from(!is_fine), "{path}: {}{}", text(&output.stdout), text(&output.stderr));
    }
}
