//! The report: what it says, that nothing in the data is more than text on it, and that a browser opens it in peace. The
//! browser's test is skipped, and says so, where no chromium is installed.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const HOSTILE: &str = r#"<script>alert(1)</script> "><img src=https://tracker.invalid/x.png onerror=alert(1)> </script> {{ page.title }}"#;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tunelint"));
    command.current_dir(folder).args(arguments).env("SOURCE_DATE_EPOCH", "1795400000").env("NO_COLOR", "1").output().expect("runs")
}

/// A dataset with hostile texts, an image that is cut and a line with a wrong role, and its page.
fn page(arguments: &[&str]) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let line = |text: &str| {
        let message = |role: &str, content: serde_json::Value| serde_json::json!({ "role": role, "content": content });
        serde_json::json!({ "messages": [message("user", text.into()), message("assistant", format!("{text}!").into())] }).to_string()
            + "\n"
    };
    let broken = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/broken/vision.jsonl")).expect("the fixture");
    let steering = "\u{1b}[2J \u{202e} \u{9b} \u{200b}";
    let odd_role = line("x").replace("\"assistant\"", &serde_json::json!(HOSTILE).to_string());
    let data = (0..12).map(|n| line(&format!("{HOSTILE} {steering} {n}"))).collect::<String>() + &odd_role + &broken;
    std::fs::write(folder.path().join("train <b>.jsonl"), data).expect("written");
    let output = run(folder.path(), &[&["report", "train <b>.jsonl"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let page = std::fs::read_to_string(folder.path().join("report.html")).expect("the page");
    (folder, page)
}

#[test]
fn nothing_in_the_data_is_more_than_text() {
    let (_folder, page) = page(&["--samples", "40"]);
    assert!(page.contains("&lt;script&gt;alert(1)"), "the text itself is shown");
    assert!(page.contains("train &lt;b&gt;.jsonl"));
    // Beside the charts the template has these elements, and no other.
    let known = "!doctype a b body br code dd details div dl dt figure footer h1 h2 h3 head html i img li line main meta p polyline pre rect \
                 circle section small span strong style summary svg table tbody td text th thead title tr ul";
    let known: Vec<&str> = known.split_whitespace().collect();
    for tag in regex::Regex::new("</?([A-Za-z!][A-Za-z0-9]*)([^>]*)>").expect("a pattern").captures_iter(&page) {
        assert!(known.contains(&tag[1].to_lowercase().as_str()), "{}", &tag[0]);
        assert!(!tag[2].contains(" on") && !tag[2].contains("href"), "{}", &tag[0]);
    }
    let sources = regex::Regex::new("src=\"([^\"]{0,30})").expect("a pattern");
    assert!(
        sources.captures_iter(&page).all(|source| source[1].replace("&#x2f;", "/").starts_with("data:image/")),
        "images come with the page"
    );
    assert!(page.contains("default-src 'none'") && !page.contains("<script"));
    assert_eq!(page.chars().find(|&c| c != '\n' && tunelint::diagnostic::is_unsafe(c)), None);
}

#[test]
fn it_says_what_matters() {
    let (folder, page) = page(&[]);
    for expected in [
        "OpenAI would refuse this dataset",
        "the upload would be refused at line 27 (J004 trailing-comma)",
        "the job would fail after the upload at line 13 (M003 unknown-role)",
        "2 images would be silently skipped",
        "estimated cost",
        "price of 2025-06-01",
        "upload limit 512.0 MB",
        "ends after 16 of 72 rows",
        "messages by role",
        "target</dt><dd>openai, looked up on ",
        "report &#x27;train &lt;b&gt;.jsonl&#x27;",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    // The SHA-256 is that of the file.
    use sha2::Digest as _;
    let bytes = std::fs::read(folder.path().join("train <b>.jsonl")).expect("the data");
    let hash: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(page.contains(&hash));
}

#[test]
fn redacted_pages_show_nothing_of_the_data() {
    let (_folder, page) = page(&["--redact"]);
    for secret in ["alert(1)", "tracker", "data:image", "A yellow circle", "asistant"] {
        assert!(!page.contains(secret), "{secret}");
    }
    assert!(page.contains("M003") && page.contains("the job would fail"), "what is wrong is still told");
}

#[test]
fn the_same_seed_shows_the_same_page_on_any_number_of_threads() {
    let hash = |arguments: &[&str]| {
        let (_folder, page) = page(arguments);
        page.lines().filter(|line| !line.contains("command</dt>")).collect::<String>()
    };
    assert_eq!(hash(&["--samples", "3", "-j", "1"]), hash(&["--samples", "3", "-j", "4"]));
    assert_ne!(hash(&["--samples", "3"]), hash(&["--samples", "3", "--seed", "7"]));
}

#[test]
fn a_check_can_write_a_page_too() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("a.jsonl"), "{\"messages\": []}\n").expect("written");
    let output = run(folder.path(), &["check", "a.jsonl", "--report", "page.html", "--output-format", "json"]);
    assert_eq!(output.status.code(), Some(1), "findings make a check fail");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    assert_eq!(report["schema"], "tunelint/findings@1");
    assert!(std::fs::read_to_string(folder.path().join("page.html")).expect("the page").contains("S009"));
    let output = run(folder.path(), &["report", "a.jsonl", "-o", "none/page.html"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none/page.html: no such file or directory"));
    // A page that cannot be made leaves the older one where it is.
    std::fs::write(folder.path().join("old.html"), "old").expect("written");
    assert_eq!(run(folder.path(), &["report", "missing.jsonl", "-o", "old.html"]).status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(folder.path().join("old.html")).expect("still there"), "old");
    let left = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 3, "nothing half done is left behind");
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test that says nothing looks like a passed one")]
fn a_browser_opens_it_in_peace() {
    let found =
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| Command::new(name).arg("--version").output().is_ok());
    let Some(browser) = found else {
        eprintln!("SKIPPED: no chromium is installed, the report was opened in no browser");
        return;
    };
    let (folder, _) = page(&[]);
    let (page, log, profile) = (folder.path().join("report.html"), folder.path().join("net.json"), folder.path().join("profile"));
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("runs");
    let (dom, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(dom.contains("Findings") && dom.contains("</html>"), "{said}");
    assert!(!dom.contains("<script") && !dom.contains("onerror=\""), "no element came out of a text");
    assert!(!said.contains("CONSOLE") && !said.contains("Content Security Policy"), "{said}");
    let log = std::fs::read_to_string(log).expect("the log of the network");
    assert!(!log.contains("tracker.invalid"), "the page asked for something");
}
