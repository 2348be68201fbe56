//! What `table.py` sets beside the program: other crates in one harness, floors, and the cost of each stage on a file.
//!
//! `peer WORK FILE` prints seconds and what it counted. Lines are read, split, parsed and remembered in the same way
//! whatever the work, so that two works differ by what they are named after. It is a bench target only so that the
//! tests need not build it.

#![allow(clippy::print_stdout, reason = "its figures are its output")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "the files are those of make.py")]

use std::collections::HashSet;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, Instant};

use tunelint::format::{Example, Format};
use tunelint::image::transcode::{Accepted, Encode, Options, Output, transcode};
use tunelint::image::{Caps, Depth, data_url, inspect};
use tunelint::json::{self, Value};
use tunelint::schema::Schemas;
use tunelint::target::Target;
use tunelint::tokens::Encoding;
use twox_hash::XxHash3_128;

const WORKS: &str = "read, json, tokens, tiktoken-rs, text-floor, decode, verdict, image-floor, recode, spin or stages";
const DEPTH: usize = 128;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [work, file] = arguments.as_slice() else {
        println!("usage: peer WORK FILE, where WORK is {WORKS}");
        return;
    };
    if work == "stages" {
        return stages(file);
    }
    let mut texts = Texts::default();
    // What is loaded once is not part of the work.
    match work.as_str() {
        "tokens" | "text-floor" => drop(Encoding::O200kBase.tokenizer().encode("")),
        "tiktoken-rs" => drop(tiktoken_rs::o200k_base_singleton().encode_ordinary("")),
        _ => {}
    }
    let start = Instant::now();
    let counted = match work.as_str() {
        "read" => read(file),
        "json" => json_only(file),
        "text-floor" | "tokens" => texts.count_ours(file),
        "tiktoken-rs" => texts.count_theirs(file),
        "decode" => images(file, decode),
        "verdict" => images(file, verdict),
        "image-floor" => image_floor(file),
        "recode" => images(file, recoder()),
        "spin" => spin(file.parse().unwrap()),
        _ => panic!("no work `{work}`; there is {WORKS}"),
    };
    // Of two ways to count tokens only the counting is compared: reading and parsing are the same.
    let seconds = if matches!(work.as_str(), "tokens" | "tiktoken-rs") { texts.spent } else { start.elapsed() };
    println!("{:.6} {counted}", seconds.as_secs_f64());
}

/// Hands over each line of a file, from blocks of 1 MB as the program reads it.
fn each_line(path: &str, mut take: impl FnMut(&[u8])) {
    let mut file = File::open(path).unwrap();
    let mut block = vec![0; 1 << 20];
    let mut filled = 0;
    loop {
        if filled == block.len() {
            block.resize(filled * 2, 0);
        }
        let got = file.read(&mut block[filled..]).unwrap();
        let end = filled + got;
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', &block[filled..end]).map(|at| filled + at) {
            take(&block[start..at]);
            start = at + 1;
        }
        if got == 0 {
            return if filled > 0 {
                take(&block[..filled])
            };
        }
        block.copy_within(start..end, 0);
        filled = end - start;
    }
}

/// Lines.
fn read(path: &str) -> u64 {
    let mut lines = 0;
    each_line(path, |line| lines += u64::from(!black_box(line).is_empty()));
    lines
}

/// Lines that are JSON, by the cheapest walk that can tell.
fn json_only(path: &str) -> u64 {
    let mut lines = 0;
    each_line(path, |line| lines += u64::from(serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()));
    lines
}

fn parsed(line: &[u8]) -> Value<'_> {
    json::parse(line, DEPTH).value.unwrap()
}

/// Tokens of all texts; each text of 64 bytes or more is counted once, as in the program, where `ours` counts.
#[derive(Default)]
struct Texts {
    spent: Duration,
}

impl Texts {
    fn count(&mut self, path: &str, mut count: impl FnMut(&str) -> usize) -> u64 {
        let mut tokens = 0;
        each_line(path, |line| {
            let root = parsed(line);
            let example = Example::new(Format::Chat, &root);
            let start = Instant::now();
            tokens += example.texts().map(|(_, text)| count(text) as u64).sum::<u64>();
            self.spent += start.elapsed();
        });
        tokens
    }

    fn count_ours(&mut self, path: &str) -> u64 {
        let mut counter = tunelint::tokens::Counter::new(Encoding::O200kBase.tokenizer());
        self.count(path, |text| counter.count(text))
    }

    fn count_theirs(&mut self, path: &str) -> u64 {
        let tokenizer = tiktoken_rs::o200k_base_singleton();
        self.count(path, |text| tokenizer.encode_ordinary(text).len())
    }
}

/// The images that `work` says are whole, of those that were not met before.
fn images(path: &str, mut work: impl FnMut(&[u8]) -> bool) -> u64 {
    let (mut met, mut whole, mut bytes) = (HashSet::new(), 0, Vec::new());
    each_line(path, |line| {
        let root = parsed(line);
        let example = Example::new(Format::Chat, &root);
        for url in example.messages.iter().flat_map(|message| message.images()).map(|image| image.text) {
            if met.insert(XxHash3_128::oneshot(url.as_bytes())) {
                let data = data_url::parse(url).unwrap().unwrap();
                data_url::decode(data.payload, &mut bytes).unwrap();
                whole += u64::from(work(&bytes));
            }
        }
    });
    whole
}

/// As `image` decodes by itself: to pixels.
fn decode(bytes: &[u8]) -> bool {
    image::load_from_memory(bytes).is_ok_and(|picture| black_box(picture.width()) > 0)
}

fn verdict(bytes: &[u8]) -> bool {
    inspect(bytes, Depth::Full, &Caps::default()).damage.is_none()
}

/// What the table's recipe asks for: RGB, JPEG, quality 50, each image anew.
fn recoder() -> impl FnMut(&[u8]) -> bool {
    let target = Target::builtin("openai").unwrap();
    let options = Options { encode: Encode::Always, output: Output::Jpeg, quality: 50, ..Options::new(Accepted::of(&target)) };
    move |bytes| transcode(bytes, &options).is_ok_and(|prepared| !black_box(prepared.bytes).is_empty())
}

/// Images without looking at anything else: no JSON, only where a URL begins and its string ends.
fn image_floor(path: &str) -> u64 {
    const OPENING: &[u8] = b"\"data:image/jpeg;base64,";
    let begins = memchr::memmem::Finder::new(OPENING);
    let (mut met, mut whole, mut bytes) = (HashSet::new(), 0, Vec::new());
    each_line(path, |line| {
        let mut at = 0;
        while let Some(found) = begins.find(&line[at..]) {
            let start = at + found + OPENING.len();
            let end = start + memchr::memchr(b'"', &line[start..]).unwrap();
            if met.insert(XxHash3_128::oneshot(&line[start..end])) {
                data_url::decode(std::str::from_utf8(&line[start..end]).unwrap(), &mut bytes).unwrap();
                whole += u64::from(verdict(&bytes));
            }
            at = end;
        }
    });
    whole
}

/// A loop that needs a core and nothing else.
fn spin(rounds: u64) -> u64 {
    (0..rounds).fold(1, |sum, round| black_box(sum ^ round).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17))
}

/// Seconds of each stage over a file, on one thread; the rules, what is remembered of an example and the output are the
/// rest of what `check` takes.
fn stages(path: &str) {
    const NAMES: [&str; 7] = ["parse", "schema", "view", "tokens", "hash of image URLs", "base64", "verdict of images"];
    let schemas = Schemas::load().unwrap();
    let mut counter = tunelint::tokens::Counter::new(Encoding::O200kBase.tokenizer());
    let (mut met, mut bytes, mut spent) = (HashSet::new(), Vec::new(), [Duration::ZERO; NAMES.len()]);
    let whole = Instant::now();
    each_line(path, |line| {
        let mut since = Instant::now();
        let mut note = |stage: usize| {
            let now = Instant::now();
            spent[stage] += now - since;
            since = now;
        };
        let root = parsed(line);
        note(0);
        black_box(schemas.faults(Format::Chat, &root));
        note(1);
        let example = Example::new(Format::Chat, &root);
        note(2);
        black_box(example.texts().map(|(_, text)| counter.count(text)).sum::<usize>());
        note(3);
        for url in example.messages.iter().flat_map(|message| message.images()).map(|image| image.text) {
            let is_new = met.insert(XxHash3_128::oneshot(url.as_bytes()));
            note(4);
            if is_new {
                data_url::decode(data_url::parse(url).unwrap().unwrap().payload, &mut bytes).unwrap();
                note(5);
                black_box(inspect(&bytes, Depth::Full, &Caps::default()));
                note(6);
            }
        }
    });
    let reading = whole.elapsed().saturating_sub(spent.iter().sum());
    for (name, time) in std::iter::once(("read and split", reading)).chain(NAMES.into_iter().zip(spent)) {
        println!("{:.6} {name}", time.as_secs_f64());
    }
}
