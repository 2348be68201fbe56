//! The image module against a corpus of real and fuzzed images with Pillow's verdict on each.
//!
//! Skipped unless `TUNELINT_CORPORA` names a folder with `images/manifest.json` beside the images it lists. Prints
//! what was measured; fails on any disagreement that the manifest calls hard.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tunelint::image::transcode::{Accepted, Encode, Fault, Options, transcode};
use tunelint::image::{Caps, DamageKind, Depth, Format, Mode, Verdict, inspect};
use tunelint::target::Target;

struct Case {
    entry: Value,
    bytes: Vec<u8>,
}

impl Case {
    fn text(&self, pointer: &str) -> &str {
        self.entry.pointer(pointer).and_then(Value::as_str).unwrap_or("")
    }
    fn opened_by_pillow(&self) -> bool {
        self.entry.pointer("/pillow/mode").is_some()
    }
    fn decoded_by_pillow(&self) -> bool {
        self.entry.pointer("/pillow/decodes").and_then(Value::as_bool) == Some(true)
    }
    fn is_hard(&self) -> bool {
        self.text("/confidence") == "hard"
    }
}

fn images() -> Option<PathBuf> {
    let folder = std::env::var_os("TUNELINT_CORPORA").map(|folder| Path::new(&folder).join("images"));
    if folder.is_none() {
        println!("skipped: TUNELINT_CORPORA is not set");
    }
    folder
}

fn cases(images: &Path) -> Vec<Case> {
    let manifest = std::fs::read(images.join("manifest.json")).expect("manifest.json is there");
    let manifest: Value = serde_json::from_slice(&manifest).expect("manifest.json is JSON");
    let files = manifest["files"].as_array().expect("manifest.json lists files");
    let case = |entry: &Value| {
        let path = images.join(entry["file"].as_str().expect("an entry names its file"));
        Case { bytes: std::fs::read(path).expect("a listed file is there"), entry: entry.clone() }
    };
    files.iter().map(case).collect()
}

fn full(bytes: &[u8]) -> Verdict {
    inspect(bytes, Depth::Full, &Caps::default())
}

fn allowed(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Png | Format::WebP)
}

/// What a provider that takes JPEG, PNG and WebP in RGB and RGBA up to 10 MB would refuse.
fn refused(case: &Case, verdict: &Verdict) -> bool {
    !allowed(verdict.format)
        || !matches!(verdict.mode, Some(Mode::Rgb | Mode::Rgba))
        || case.bytes.len() > 10 * 1024 * 1024
        || verdict.damage.as_ref().is_some_and(|damage| damage.kind.is_fatal())
}

#[test]
fn hard_verdicts_agree_with_pillow() {
    let Some(images) = images() else { return };
    let cases = cases(&images);
    let mut wrong = Vec::new();
    let mut slowest = (Duration::ZERO, String::new());
    let mut soft: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    let (mut hard, mut hard_clean_but_suspicious) = (0, 0);
    // Damaged images missed and good images refused, by this module, by Pillow and by the `image` crate's default.
    let mut missed = [0; 3];
    let mut overruled = [0; 3];
    for case in &cases {
        let name = case.text("/file");
        let start = Instant::now();
        let verdict = full(&case.bytes);
        slowest = slowest.max((start.elapsed(), name.to_owned()));
        let refuses = refused(case, &verdict);
        let expected = case.text("/expected");
        let agrees = match expected {
            "accept" => !refuses,
            "accept_or_warn" => verdict.damage.as_ref().is_none_or(|damage| !damage.kind.is_fatal()),
            _ => refuses,
        };
        let suspicious = verdict.damage.as_ref().is_some_and(|damage| damage.kind == DamageKind::Suspicious);
        if case.is_hard() {
            hard += 1;
            hard_clean_but_suspicious += u32::from(expected == "accept" && suspicious);
            if !agrees {
                wrong.push(format!("{name}: expected {expected} ({}), got {verdict:?}", case.text("/reason")));
            }
        } else {
            let found = verdict.damage.as_ref().map_or("nothing".into(), |damage| format!("{:?}", damage.kind));
            *soft.entry((expected.into(), case.text("/reason").into(), found)).or_default() += 1;
        }
        if allowed(verdict.format) {
            if case.opened_by_pillow() {
                let size = [verdict.width, verdict.height];
                if verdict.mode.map(Mode::name) != case.entry.pointer("/pillow/mode").and_then(Value::as_str) {
                    wrong.push(format!("{name}: mode {:?}", verdict.mode));
                }
                if Some(&serde_json::json!(size)) != case.entry.pointer("/pillow/size") {
                    wrong.push(format!("{name}: size {size:?}"));
                }
            }
            let damaged = expected == "reject" && ["corrupt", "truncated"].iter().any(|word| case.text("/reason").starts_with(word));
            let any = verdict.damage.is_some();
            let fatal = any && !suspicious;
            let theirs = case.text("/image_rs/result") != "ok";
            if damaged {
                for (count, found) in missed.iter_mut().zip([any, !case.decoded_by_pillow(), theirs]) {
                    *count += u32::from(!found);
                }
            } else if expected != "reject" {
                for (count, found) in overruled.iter_mut().zip([fatal, !case.decoded_by_pillow(), theirs]) {
                    *count += u32::from(found);
                }
            }
        }
    }
    println!("{hard} hard verdicts, {} disagreements", wrong.len());
    println!("{hard_clean_but_suspicious} of the hard accepts are noted as suspicious (damage that decoders paper over)");
    println!("damaged images missed:   this module {}, Pillow {}, image crate {}", missed[0], missed[1], missed[2]);
    println!("good images refused:     this module {}, Pillow {}, image crate {}", overruled[0], overruled[1], overruled[2]);
    println!("slowest: {:?} {}", slowest.0, slowest.1);
    println!("soft verdicts (expected, reason, found here, count):");
    for ((expected, reason, found), count) in &soft {
        println!("  {expected:8} {reason:16} {found:12} {count}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_cut_is_reported() {
    let Some(images) = images() else { return };
    let mut cuts = 0u32;
    let mut missed = Vec::new();
    for case in cases(&images) {
        let good = case.text("/expected").starts_with("accept") && case.is_hard() && case.decoded_by_pillow();
        let verdict = full(&case.bytes);
        if !good || verdict.damage.is_some() {
            continue;
        }
        // A cut that takes no more than what stands behind the image takes nothing of it.
        let end = case.bytes.len() - verdict.trailing_bytes;
        for percent in 0..100 {
            let at = end * percent / 100;
            cuts += 1;
            if full(&case.bytes[..at]).damage.is_none_or(|damage| !damage.kind.is_fatal()) {
                missed.push(format!("{} at {percent} %", case.text("/file")));
            }
        }
        for last in 1..=2 {
            cuts += 1;
            if full(&case.bytes[..end - last]).damage.is_none() {
                missed.push(format!("{} by {last} bytes", case.text("/file")));
            }
        }
    }
    println!("{cuts} cuts, {} missed", missed.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// What Pillow opens becomes an image that a provider takes, and what Pillow refuses becomes none. Rare kinds that are known
/// to be misread are refused, and some GIF and BMP files that bend their format.
#[test]
fn what_pillow_opens_is_made_to_comply() {
    let Some(images) = images() else { return };
    let accepted = Accepted::of(&Target::builtin("openai").expect("built in"));
    let options = Options { encode: Encode::Always, ..Options::new(accepted) };
    let (mut made, mut refused, mut doubted, mut wrong) = (0, 0, 0, Vec::new());
    for case in cases(&images) {
        let (name, format) = (case.text("/file"), Format::sniff(&case.bytes));
        if !matches!(format, Format::Jpeg | Format::Png | Format::WebP | Format::Gif | Format::Bmp) {
            continue;
        }
        match transcode(&case.bytes, &options) {
            Ok(prepared) => {
                let verdict = full(&prepared.bytes);
                let complies = verdict.damage.is_none()
                    && matches!(verdict.mode, Some(Mode::Rgb | Mode::Rgba))
                    && (verdict.orientation, verdict.animated, verdict.icc) == (1, None, false)
                    && (verdict.format, verdict.width, verdict.height) == (prepared.format, prepared.width, prepared.height);
                if !complies {
                    wrong.push(format!("{name}: became {verdict:?}"));
                } else if case.is_hard() && !case.decoded_by_pillow() {
                    wrong.push(format!("{name}: Pillow refuses it, {:?}", prepared.changes));
                }
                made += 1;
                doubted += u32::from(prepared.doubt.is_some());
            }
            Err(fault) => {
                let known = matches!(&fault, Fault::Damaged(damage) if damage.kind == DamageKind::Unsupported);
                if case.is_hard() && case.decoded_by_pillow() && !known && allowed(format) {
                    wrong.push(format!("{name}: Pillow opens it, {fault}"));
                }
                refused += 1;
            }
        }
    }
    println!("{made} images made, {doubted} of them in doubt; {refused} refused");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
