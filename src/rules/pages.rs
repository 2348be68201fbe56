//! The pages, run: a bad block raises its rule and no other, a good block raises nothing, and a fixed one is to the byte what
//! `--fix` makes of a bad one: the first, or the one that `of=2` names; with `unsafe` it is what `--unsafe-fixes` makes of it.
//!
//! A block may say what it is checked for: ```` ```jsonl target=azure model=gpt-4.1 format=chat lines=12 path=a.csv ````.
//! With `lines` the block stands that many times, `{{n}}` being the number. Macros in double braces stand for what a
//! page cannot show: `{{png 64x64 L}}`, `{{jpeg …}}`, `{{webp …}}`, `{{gif …}}` (base64; what may follow the mode stands
//! at [`image`]), `{{bytes ff fe}}`, `{{repeat 100 text}}`, `{{count 100 text}}` (the numbers with the text between
//! them). `now=2027-02-01` sets the day, `max-line=1000000` the cap on lines, `also=RULE` allows one rule more,
//! `select=RULE` turns on one that is off, `epochs=4` is the number asked for. `{{end}}` ends the block there, without its line
//! break; `{{utf-16 text}}` is a line in that encoding. `limits.examples_max=3` and
//! `images.bytes=999` set a limit of the target, where the real one is too large to show. With `answer` web addresses are asked, and
//! this is what each answers: a status (`404`), `private` for a host within, or the media type of a small PNG.

use std::io::Cursor;

use ::image::{DynamicImage, ImageFormat};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{REGISTRY, all};
use crate::edit::Applicability;
use crate::engine::{Engine, FixOptions, Fixed, Input};
use crate::fetch::{Answer, Fetch, Unanswered};
use crate::format::FORMATS;
use crate::rule::Rule;
use crate::settings::{Levels, Origin, Selector, Settings};
use crate::summary::Summary;
use crate::target::{Date, Target};

/// Rules that speak of every small file, of every image, of the day, or of all that is deprecated: only their own pages
/// hear them.
const QUIET: [&str; 8] = [
    "too-few-examples",
    "few-examples",
    "unscreened-images",
    "closing-target",
    "untrainable-format",
    "missing-byte-order-mark",
    "deprecated-function",
    "costly-tools",
];

#[test]
fn every_page_does_what_it_says() {
    let engine = Engine::new(1).expect("schemas compile");
    let mut wrong = Vec::new();
    for (rule, _) in REGISTRY {
        let mut seen = [0; 2];
        for (section, info, text) in blocks(rule.docs) {
            let bad = match section {
                "Bad" => true,
                "Good" => false,
                _ => continue,
            };
            seen[usize::from(bad)] += 1;
            let found = run(&engine, rule, info, text);
            let allowed = attribute(info, "also");
            let mut others: Vec<_> = found.iter().filter(|(name, _)| *name != rule.name && Some(*name) != allowed).collect();
            others.dedup();
            if bad && !found.iter().any(|(name, _)| *name == rule.name) {
                wrong.push(format!("{} {}: a bad block does not raise it; it raises {found:?}", rule.code, rule.name));
            }
            if !bad && found.iter().any(|(name, _)| *name == rule.name) {
                wrong.push(format!("{} {}: a good block raises it: {found:?}", rule.code, rule.name));
            }
            if !others.is_empty() {
                wrong.push(format!(
                    "{} {}: a {} block raises other rules: {others:?}",
                    rule.code,
                    rule.name,
                    if bad { "bad" } else { "good" }
                ));
            }
        }
        if seen.contains(&0) {
            wrong.push(format!("{} {}: show a bad and a good block", rule.code, rule.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fix_is_shown_on_its_page() {
    let engine = Engine::new(1).expect("schemas compile");
    let mut wrong = Vec::new();
    for (rule, _) in REGISTRY {
        let all = blocks(rule.docs);
        let bad: Vec<_> = all.iter().filter(|(section, ..)| *section == "Bad").collect();
        let mut best = None;
        for (_, info, text) in all.iter().filter(|(section, ..)| *section == "Fixed") {
            let number: usize = attribute(info, "of").map_or(1, |number| number.parse().expect("a number"));
            let (_, bad_info, bad_text) = bad.get(number - 1).expect("`of` is the number of a bad block");
            let applicability = if info.split(' ').any(|word| word == "unsafe") { Applicability::Unsafe } else { Applicability::Safe };
            best = Some(best.map_or(applicability, |best: Applicability| best.min(applicability)));
            let (fixed, report) = mend(&engine, rule, bad_info, bad_text, applicability);
            let expected = expand(bad_info, text);
            if fixed != expected {
                wrong.push(format!("{} {}: `--fix` makes this:\n{}", rule.code, rule.name, String::from_utf8_lossy(&fixed)));
            }
            // Of copies one is kept and the others are set aside; elsewhere that would be no fix.
            let is_own = report.findings.contains_key(rule.code) || (rule.code == "D001" && report.rejected.contains_key(rule.code));
            if !is_own {
                wrong.push(format!("{} {}: it is not this rule whose fix is shown", rule.code, rule.name));
            }
            let left = run(&engine, rule, bad_info, text);
            if !left.is_empty() {
                wrong.push(format!("{} {}: what is fixed raises {left:?}", rule.code, rule.name));
            }
        }
        if best != rule.fix {
            wrong
                .push(format!("{} {}: it declares the fix {:?}, its page shows {best:?} under `## Fixed`", rule.code, rule.name, rule.fix));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Fixing twice is fixing once, no line has a finding that it did not have before, and what is good stays as it is.
#[test]
fn fixes_keep_their_word_on_every_page() {
    let engine = Engine::new(1).expect("schemas compile");
    let mut wrong = Vec::new();
    for (rule, _) in REGISTRY {
        for (section, info, text) in
            blocks(rule.docs).into_iter().filter(|(_, info, text)| !info.contains("max-line") && !text.contains("{{next file}}"))
        {
            let before = run(&engine, rule, info, text);
            for applicability in [Applicability::Safe, Applicability::Unsafe] {
                let once = mend(&engine, rule, info, text, applicability).0;
                let twice = mend_bytes(&engine, rule, info, once.clone(), applicability).0;
                if once != twice {
                    wrong.push(format!(
                        "{} {applicability:?}: once {}\ntwice {}",
                        rule.code,
                        String::from_utf8_lossy(&once),
                        String::from_utf8_lossy(&twice)
                    ));
                }
                if section == "Good" && before.is_empty() && applicability == Applicability::Safe && once != expand(info, text) {
                    wrong.push(format!("{}: a good block is changed to {}", rule.code, String::from_utf8_lossy(&once)));
                }
                let after = check(&engine, rule, info, vec![once.clone()]);
                let is_new = |name: &str| !before.iter().any(|(known, _)| *known == name);
                // A line that could not be read, and a file whose lines were not looked at, have faults that nobody has seen.
                let was_read = !before.iter().any(|(name, _)| hides(name));
                if let Some((name, message)) = after.iter().find(|(name, _)| is_new(name) && was_read) {
                    wrong.push(format!("{} {applicability:?}: brings {name} ({message}): {}", rule.code, String::from_utf8_lossy(&once)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a finding of this rule means that the line, or the file, was not read any further.
fn hides(name: &str) -> bool {
    let rule = super::find(name).expect("a rule");
    let is_format = matches!(name, "foreign-format" | "mixed-formats" | "format-method-mismatch" | "not-an-object");
    is_format || rule.code.starts_with('J') || rule.code.starts_with('F')
}

fn mend(engine: &Engine, rule: &'static Rule, info: &str, text: &str, applicability: Applicability) -> (Vec<u8>, Fixed) {
    mend_bytes(engine, rule, info, expand(info, text), applicability)
}

fn mend_bytes(engine: &Engine, rule: &'static Rule, info: &str, bytes: Vec<u8>, applicability: Applicability) -> (Vec<u8>, Fixed) {
    let path = attribute(info, "path").unwrap_or("page0.jsonl");
    let options = FixOptions { applicability, hunks: true };
    let (fixed, _, report) = engine.fix_bytes(path, bytes, &settings(rule, info), options).expect("fixed");
    (fixed, report)
}

fn run(engine: &Engine, rule: &'static Rule, info: &str, text: &str) -> Vec<(&'static str, String)> {
    check(engine, rule, info, text.split("{{next file}}\n").map(|text| expand(info, text)).collect())
}

fn settings(rule: &'static Rule, info: &str) -> Settings {
    let target = target(info);
    let now = attribute(info, "now").map_or(Date::from_unix(1_795_400_000), |now| Date::try_from(now.to_owned()).expect("a date"));
    let mut settings = Settings::new(target, &all(), now);
    settings.set_model(attribute(info, "model"));
    settings.format = attribute(info, "format").map(|name| FORMATS.iter().find(|(format, _)| format.name() == name).expect("a format").0);
    if let Some(cap) = attribute(info, "max-line") {
        settings.max_line_bytes = cap.parse().expect("a number");
    }
    let quiet = QUIET.iter().filter(|name| **name != rule.name).filter_map(|name| Selector::parse(name, &all()).ok()).collect();
    let selected = attribute(info, "select").map(|name| Selector::parse(name, &all()).expect("a rule"));
    settings.apply(&Levels { ignore: quiet, extend_select: selected.into_iter().collect(), ..Levels::default() }, Origin::Flag);
    settings.epochs = attribute(info, "epochs").map(|epochs| epochs.parse().expect("a number"));
    settings
}

fn check(engine: &Engine, rule: &'static Rule, info: &str, files: Vec<Vec<u8>>) -> Vec<(&'static str, String)> {
    let settings = settings(rule, info);
    let asking =
        attribute(info, "answer").map(|answer| Engine::new(1).expect("schemas compile").with_fetch(Box::new(Told(answer.to_owned()))));
    let engine = asking.as_ref().unwrap_or(engine);
    let mut summary = Summary::default();
    let mut found = Vec::new();
    let mut sink = |diagnostic: &crate::diagnostic::Diagnostic| {
        found.push((diagnostic.rule.name, diagnostic.message.clone()));
        Ok(())
    };
    for (index, bytes) in files.into_iter().enumerate() {
        let path = attribute(info, "path").map_or(format!("page{index}.jsonl"), str::to_owned);
        let input = Input::from_bytes(&path, bytes).expect("readable");
        engine.check(input, &settings, &mut summary, &mut sink).expect("checked");
    }
    engine.finish(&settings, &mut summary, &mut sink).expect("finished");
    found
}

/// A web where every address answers the same.
#[derive(Debug)]
struct Told(String);

impl Fetch for Told {
    fn fetch(&self, _: &str, _: u64) -> Result<Answer, Unanswered> {
        match self.0.as_str() {
            "private" => Err(Unanswered::Private { address: [10, 0, 0, 1].into(), kind: "an address of a private network" }),
            status if status.parse::<u16>().is_ok() => Err(Unanswered::Status { code: status.parse().expect("a status"), reason: "" }),
            label => {
                let body = STANDARD.decode(image("png", "64x64 RGB")).expect("base64");
                Ok(Answer { media_type: Some(label.to_owned()), size: body.len() as u64, body })
            }
        }
    }
}

/// The target of a block, its limits overridden where the block says so.
fn target(info: &str) -> Target {
    let name = attribute(info, "target").unwrap_or("openai");
    let limits = info.split_whitespace().filter_map(|word| word.split_once('=').filter(|(key, _)| key.contains('.')));
    let limits: String = limits
        .map(|(key, value)| format!("[{key}]\nvalue = {value}\nsource = \"the page\"\nevidence = \"inferred\"\nchecked = 2026-11-22\n"))
        .collect();
    Target::from_toml("page", &format!("extends = \"{name}\"\n{limits}")).expect("a built-in target and limits it knows")
}

/// The fenced blocks of a page, each with its section and what stands behind the fence.
fn blocks(page: &str) -> Vec<(&str, &str, &str)> {
    let (mut section, mut found, mut rest) = ("", Vec::new(), page);
    while let Some((line, next)) = rest.split_once('\n') {
        rest = next;
        if let Some(title) = line.strip_prefix("## ") {
            section = title;
        } else if let Some(info) = line.strip_prefix("```") {
            let end = if rest.starts_with("```") { 0 } else { rest.find("\n```").map_or(rest.len(), |end| end + 1) };
            found.push((section, info, &rest[..end]));
            rest = rest.get(end + 4..).unwrap_or_default();
        }
    }
    found
}

fn attribute<'a>(info: &'a str, key: &str) -> Option<&'a str> {
    info.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

fn expand(info: &str, text: &str) -> Vec<u8> {
    let Some(lines) = attribute(info, "lines").map(|lines| lines.parse::<usize>().expect("a number")) else { return expand_once(text, 1) };
    (1..=lines).flat_map(|n| expand_once(text, n)).collect()
}

fn expand_once(text: &str, n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.extend(before.as_bytes());
        let (macro_text, behind) = after.split_once("}}").expect("a macro ends in }}");
        rest = behind;
        let (name, arguments) = macro_text.split_once(' ').unwrap_or((macro_text, ""));
        match name {
            "end" => return out,
            "utf-16" => out.extend(format!("\u{feff}{}\n", arguments.trim_end()).encode_utf16().flat_map(u16::to_le_bytes)),
            "n" => out.extend(n.to_string().as_bytes()),
            "bytes" => out.extend(arguments.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hex"))),
            "repeat" => {
                let (count, what) = arguments.split_once(' ').expect("a count and a text");
                out.extend(what.repeat(count.parse().expect("a count")).as_bytes());
            }
            "count" => {
                let (count, between) = arguments.split_once(' ').expect("a count and a text");
                let numbers: Vec<_> = (1..=count.parse::<usize>().expect("a count")).map(|n| n.to_string()).collect();
                out.extend(numbers.join(between).as_bytes());
            }
            format => out.extend(image(format, arguments).as_bytes()),
        }
    }
    out.extend(rest.as_bytes());
    out
}

/// Base64 of an image drawn for the occasion: `WxH MODE`, then what is done to its bytes, one after the other:
/// `swap=ffc0:ffc9` replaces the first such bytes, `insert=2:ffe1…` puts bytes in at an offset, `flip=50%` inverts the byte
/// at that share of the file, `tail=9` adds zeros, `cut=50%` cuts.
fn image(format: &str, arguments: &str) -> String {
    let mut words = arguments.split_whitespace();
    let (width, height) = words.next().and_then(|size| size.split_once('x')).expect("WxH");
    let (width, height) = (width.parse().expect("a width"), height.parse().expect("a height"));
    let drawn =
        DynamicImage::ImageRgba8(::image::RgbaImage::from_fn(width, height, |x, y| ::image::Rgba([x as u8, y as u8, (x ^ y) as u8, 255])));
    let (mut picture, mut changes) = (DynamicImage::ImageRgb8(drawn.to_rgb8()), Vec::new());
    for word in words {
        match word {
            "RGB" => {}
            "RGBA" => {
                picture = DynamicImage::ImageRgba8(::image::RgbaImage::from_fn(width, height, |x, y| {
                    ::image::Rgba([x as u8, y as u8, 0, (x ^ y) as u8])
                }))
            }
            "L" => picture = DynamicImage::ImageLuma8(drawn.to_luma8()),
            "LA" => picture = DynamicImage::ImageLumaA8(drawn.to_luma_alpha8()),
            "I;16" => picture = DynamicImage::ImageLuma16(drawn.to_luma16()),
            _ => changes.push(word.split_once('=').expect("a mode or a change")),
        }
    }
    let kind = match format {
        "png" => ImageFormat::Png,
        "jpeg" => ImageFormat::Jpeg,
        "webp" => ImageFormat::WebP,
        "gif" => ImageFormat::Gif,
        other => panic!("there is no macro {other}"),
    };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, kind).expect("encoded");
    let mut bytes = bytes.into_inner();
    let share = |text: &str, of: usize| of * text.trim_end_matches('%').parse::<usize>().expect("a share") / 100;
    for (change, how) in changes {
        let pair = || how.split_once(':').expect("two values");
        match change {
            "swap" => {
                let (old, new) = (hex(pair().0), hex(pair().1));
                let at = memchr::memmem::find(&bytes, &old).expect("bytes that are there");
                bytes.splice(at..at + old.len(), new);
            }
            "insert" => {
                let at: usize = pair().0.parse().expect("an offset");
                bytes.splice(at..at, hex(pair().1));
            }
            "flip" => {
                let at = share(how, bytes.len()).min(bytes.len() - 1);
                bytes[at] ^= 0xff;
            }
            "tail" => bytes.resize(bytes.len() + how.parse::<usize>().expect("a number"), 0),
            "cut" => bytes.truncate(share(how, bytes.len())),
            other => panic!("there is no change {other}"),
        }
    }
    STANDARD.encode(&bytes)
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex")).collect()
}
