//! Findings through every output format.

use serde::de::IgnoredAny;
use serde_json::Value as Json;
use tunelint::diagnostic::{Diagnostic, is_unsafe};
use tunelint::engine::Input;
use tunelint::json::parse;
use tunelint::output::{ChatStyle, OutputFormat, Report, Reporter, Style, chat, pretty, reporter};
use tunelint::settings::Settings;
use tunelint::summary::Summary;

use super::{asked, check, with_bench};

/// Stands between the path of a file and its bytes.
const BEHIND_PATH: u8 = 0x1f;

/// Every format is well formed, whatever stands in the path, the keys and the values: JSON is JSON and XML is XML, nothing steers
/// a terminal, and nothing in the data is a command to the machine that runs a pipeline.
pub(super) fn holds(data: &[u8]) {
    let asked = asked(data);
    let (path, text) = match asked.text.iter().position(|&byte| byte == BEHIND_PATH) {
        Some(end) => (String::from_utf8_lossy(&asked.text[..end]).into_owned(), &asked.text[end + 1..]),
        None => ("a.jsonl".to_owned(), &*asked.text),
    };
    if path.is_empty() {
        return;
    }
    with_bench(|bench| {
        let settings = &bench.settings[asked.judge];
        let Ok(input) = Input::from_bytes(&path, text.to_vec()) else { return };
        let (found, summary, _) = check(&bench.engine, input, settings);
        let widths = [100, 0, 40, 1_000];
        let style = Style {
            color: asked.choice & 1 != 0,
            width: widths[usize::from(asked.choice >> 1) % widths.len()],
            max_findings: u64::from(asked.choice >> 3 & 3),
            summary: asked.choice & 32 == 0,
            statistics: asked.choice & 64 != 0,
            unsafe_fixes: asked.choice & 128 != 0,
        };
        for (name, format) in OutputFormat::ALL {
            let written = written(reporter_of(format, style, settings), &found, &summary, settings);
            is_harmless(name, &written, style.color);
            is_well_formed(format, &written, &found);
        }
        if asked.choice % 8 == 7 {
            is_a_page(&written(|out| Box::new(Report::new(out, asked.choice & 8 != 0)), &found, &summary, settings));
        }
        for line in text.split(|&byte| byte == b'\n').take(8) {
            let style = ChatStyle { color: style.color, width: style.width, all: style.summary };
            is_harmless("chat", &chat(line, settings, &style), style.color);
            if let Some(value) = parse(line, settings.max_depth).value {
                let shown = pretty(&value);
                is_harmless("pretty", &shown, false);
                assert!(is_json(&shown) || shown.contains('…'), "{shown}");
            }
        }
    });
}

/// Whether serde_json reads it, or skips it where it is deeper than the 127 levels that it reads.
fn is_json(text: &str) -> bool {
    let is_too_deep = |error: serde_json::Error| error.to_string().starts_with("recursion limit");
    serde_json::from_str::<Json>(text).map_or_else(is_too_deep, |_| true) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

type Out<'a> = Box<dyn std::io::Write + 'a>;

fn reporter_of(format: OutputFormat, style: Style, settings: &Settings) -> impl for<'a> FnOnce(Out<'a>) -> Box<dyn Reporter + 'a> {
    move |out| reporter(format, style, settings, out)
}

fn written(
    make: impl for<'a> FnOnce(Out<'a>) -> Box<dyn Reporter + 'a>,
    found: &[Diagnostic],
    summary: &Summary,
    settings: &Settings,
) -> String {
    let mut out = Vec::new();
    let mut reporter = make(Box::new(&mut out));
    found.iter().try_for_each(|finding| reporter.report(finding)).expect("written");
    reporter.finish(summary, settings).expect("written");
    drop(reporter);
    String::from_utf8(out).expect("UTF-8")
}

/// Nothing in it steers a terminal, and no line is a command to a machine that runs a pipeline but for those of the format.
fn is_harmless(name: &str, written: &str, is_coloured: bool) {
    let plain = if is_coloured { without_colors(written) } else { written.to_owned() };
    let steering = plain.chars().find(|&c| c != '\n' && is_unsafe(c));
    assert!(steering.is_none(), "{name}: {steering:?} in {written:?}");
    for line in plain.lines() {
        // GitHub's runner looks for `::` and a name behind white space, and if there is none for `##[` anywhere, Azure's agent for the
        // first `##vso[`, TeamCity for `##teamcity[`.
        let is_own = match name {
            "github" => ["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own)),
            "azure" => line.starts_with("##vso[task.logissue "),
            _ => false,
        };
        let folded = line.to_ascii_lowercase();
        let names = line.trim_start().strip_prefix("::").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
        let is_command = names || ["##[", "##vso[", "##teamcity["].iter().any(|word| folded.contains(word));
        assert!(is_own || !is_command, "{name}: a command to a pipeline in {line:?}");
    }
}

/// The text without the sequences that set a colour or a weight, which are ours.
fn without_colors(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = behind.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(behind.len());
        assert!(behind[end..].starts_with('m'), "a sequence that sets no colour: {:?}", behind.get(..20));
        rest = &behind[end + 1..];
    }
    plain + rest
}

fn is_well_formed(format: OutputFormat, written: &str, found: &[Diagnostic]) {
    let json = |text: &str| serde_json::from_str::<Json>(text).unwrap_or_else(|error| panic!("{format:?}: {error} in {text}"));
    let count = |value: &Json| value.as_array().map(Vec::len);
    match format {
        OutputFormat::Json => assert_eq!(count(&json(written)["findings"]), Some(found.len())),
        OutputFormat::Sarif => assert_eq!(count(&json(written)["runs"][0]["results"]), Some(found.len().min(5_000))),
        OutputFormat::Gitlab => assert_eq!(count(&json(written)), Some(found.len())),
        OutputFormat::Rdjson => assert_eq!(count(&json(written)["diagnostics"]), Some(found.len())),
        OutputFormat::Jsonl => assert_eq!(written.lines().map(json).collect::<Vec<_>>().len(), found.len() + 1),
        OutputFormat::Junit => {
            let document = roxmltree::Document::parse(written).unwrap_or_else(|error| panic!("{error} in {written}"));
            let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
            assert!(cases >= found.len().clamp(1, 1_000), "{written}");
        }
        OutputFormat::Markdown => assert!(written.chars().count() <= 65_536),
        OutputFormat::Full | OutputFormat::Concise | OutputFormat::Grouped | OutputFormat::Github | OutputFormat::Azure => {}
    }
}

/// The page has no element but those of its template and its charts, and none that does or fetches anything.
fn is_a_page(page: &str) {
    const KNOWN: &str = "!doctype a b body br code dd details div dl dt figcaption figure footer h1 h2 h3 head header html i img li line main meta \
                         ol p path polyline pre rect circle section small span strong style summary svg table tbody td text th thead title tr ul";
    is_harmless("page", page, false);
    for (at, _) in page.match_indices('<') {
        let tag = &page[at + 1..];
        let tag = tag.strip_prefix('/').unwrap_or(tag);
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '!').unwrap_or(tag.len());
        let name = tag[..end].to_ascii_lowercase();
        assert!(KNOWN.split_whitespace().any(|known| known == name), "<{name}> in the page");
    }
}
