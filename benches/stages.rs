//! Each stage of a check by itself, beside the crate that would do the same work.

#![allow(missing_docs, reason = "Criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "the input is made here")]

mod data;

use std::hint::black_box;
use std::io::BufRead;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use image::ImageFormat;
use tunelint::engine::{Engine, Input};
use tunelint::format::{Example, Format};
use tunelint::image::{Caps, Depth, data_url, inspect};
use tunelint::json;
use tunelint::rules;
use tunelint::schema::Schemas;
use tunelint::settings::{ImageChecks, Levels, Origin, Selector};
use tunelint::summary::Summary;
use tunelint::tokens::{Counter, Encoding};

const DEPTH: usize = 128;

/// Two seconds a work: enough to tell a tenth apart, and all of them in a few minutes.
fn group<'a>(criterion: &'a mut Criterion, name: &str, bytes: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1_500)).sample_size(10);
    group
}

fn text() -> String {
    data::text_file(2_000_000)
}

/// Blocks as the program reads them, split at line breaks, against the two ways of the standard library.
fn lines(criterion: &mut Criterion) {
    let file = text();
    let mut group = group(criterion, "lines", file.len());
    group.bench_function("tunelint: memchr over a block", |bench| {
        bench.iter(|| memchr::memchr_iter(b'\n', black_box(file.as_bytes())).fold(0, |last, at| black_box(at).max(last)));
    });
    group.bench_function("std: split", |bench| bench.iter(|| black_box(&file).as_bytes().split(|byte| *byte == b'\n').count()));
    group.bench_function("std: BufRead::lines", |bench| bench.iter(|| black_box(file.as_bytes()).lines().map_while(Result::ok).count()));
}

fn parse(criterion: &mut Criterion) {
    for (name, file) in [("text", text()), ("vision", data::vision_file(20, false))] {
        let mut group = group(criterion, &format!("parse/{name}"), file.len());
        group.bench_function("tunelint: values with their places", |bench| {
            bench.iter(|| file.lines().filter(|line| json::parse(line.as_bytes(), DEPTH).value.is_some()).count());
        });
        group.bench_function("serde_json: Value", |bench| {
            bench.iter(|| file.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count());
        });
        group.bench_function("serde_json: IgnoredAny", |bench| {
            bench.iter(|| file.lines().filter(|line| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()).count());
        });
    }
}

/// What stands between the parsed line and the rules.
fn views(criterion: &mut Criterion) {
    let file = text();
    let roots: Vec<_> = file.lines().map(|line| json::parse(line.as_bytes(), DEPTH).value.unwrap()).collect();
    let mut group = group(criterion, "views", file.len());
    group.bench_function("tunelint: Example of each line", |bench| {
        bench.iter(|| roots.iter().map(|root| Example::new(Format::Chat, root).messages.len()).sum::<usize>());
    });
}

/// Plain chats, which need no schema, and chats of parts, which do.
fn schema(criterion: &mut Criterion) {
    let schemas = Schemas::load().unwrap();
    for (name, file) in [("text", text()), ("vision", data::vision_file(20, false))] {
        let roots: Vec<_> = file.lines().map(|line| json::parse(line.as_bytes(), DEPTH).value.unwrap()).collect();
        let values: Vec<serde_json::Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let plain = jsonschema::validator_for(&serde_json::from_str(include_str!("../rules/formats/chat.schema.json")).unwrap());
        let mut group = group(criterion, &format!("schema/{name}"), file.len());
        group.bench_function("tunelint: faults", |bench| {
            bench.iter(|| roots.iter().map(|root| schemas.faults(Format::Chat, root).len()).sum::<usize>());
        });
        if let Ok(plain) = plain {
            group.bench_function("jsonschema: is_valid", |bench| {
                bench.iter(|| values.iter().filter(|value| plain.is_valid(value)).count());
            });
        }
    }
}

/// A whole check without tokens and images, once with the rules and once without any: the difference is theirs.
fn all_rules(criterion: &mut Criterion) {
    let file = text();
    let mut on = data::settings();
    on.count_tokens = false;
    on.images = ImageChecks::None;
    let mut off = on.clone();
    let all = Selector::parse("ALL", &rules::all()).unwrap();
    off.apply(&Levels { ignore: vec![all], ..Levels::default() }, Origin::Flag);
    let mut group = group(criterion, "rules", file.len());
    for (name, settings) in [("tunelint: every rule", on), ("tunelint: no rule", off)] {
        let engine = Engine::new(1).unwrap();
        group.bench_function(name, |bench| {
            let input = || Input::from_bytes("text.jsonl", file.clone().into_bytes()).unwrap();
            let check = |input| {
                let mut summary = Summary::default();
                engine.check(input, &settings, &mut summary, &mut |_| Ok(())).unwrap();
                summary
            };
            bench.iter_batched(input, check, BatchSize::LargeInput);
        });
    }
}

fn base64(criterion: &mut Criterion) {
    let payload = STANDARD.encode(data::jpeg(1_600, 1_200, 1, false));
    let mut group = group(criterion, "base64", payload.len());
    let mut bytes = Vec::new();
    group.bench_function("tunelint: decode, strictly", |bench| bench.iter(|| data_url::decode(black_box(&payload), &mut bytes).is_ok()));
    let mut room = vec![0; payload.len()];
    group.bench_function("base64: decode_slice", |bench| bench.iter(|| STANDARD.decode_slice(black_box(&payload), &mut room).is_ok()));
    group.bench_function("base64: decode", |bench| bench.iter(|| STANDARD.decode(black_box(&payload)).is_ok()));
}

/// The verdict on every byte of an image against decoding it to pixels. Bytes are those of the file.
fn images(criterion: &mut Criterion) {
    let files = [
        ("jpeg", data::jpeg(800, 600, 2, false)),
        ("jpeg, progressive", data::jpeg(800, 600, 2, true)),
        ("png", data::written(400, 300, ImageFormat::Png)),
        ("webp, lossless", data::written(400, 300, ImageFormat::WebP)),
        ("webp, lossy", include_bytes!("lossy.webp").to_vec()),
        ("gif", data::written(400, 300, ImageFormat::Gif)),
    ];
    for (name, bytes) in files {
        assert!(inspect(&bytes, Depth::Full, &Caps::default()).damage.is_none(), "{name} is whole");
        let mut group = group(criterion, &format!("image/{name}"), bytes.len());
        group.bench_function("tunelint: verdict", |bench| bench.iter(|| inspect(black_box(&bytes), Depth::Full, &Caps::default())));
        group.bench_function("tunelint: header", |bench| bench.iter(|| inspect(black_box(&bytes), Depth::Header, &Caps::default())));
        group.bench_function("image: decode", |bench| bench.iter(|| image::load_from_memory(black_box(&bytes)).is_ok()));
    }
}

/// A counter remembers whole texts and pieces, so each round begins with a new one: what is timed is text met for the first time.
fn tokens(criterion: &mut Criterion) {
    let texts = [("English", data::english()), ("code", data::code()), ("Chinese", data::chinese())];
    let encodings =
        [(Encoding::O200kBase, tiktoken_rs::o200k_base_singleton()), (Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton())];
    for (encoding, peer) in encodings {
        let tokenizer = encoding.tokenizer();
        for (kind, texts) in &texts {
            let mut group = group(criterion, &format!("tokens/{}/{kind}", encoding.name()), texts.iter().map(String::len).sum());
            group.bench_function("tunelint", |bench| {
                let count = |counter: &mut Counter| texts.iter().map(|text| counter.count(text)).sum::<usize>();
                bench.iter_batched_ref(|| Counter::new(tokenizer), count, BatchSize::LargeInput);
            });
            group.bench_function("tiktoken-rs", |bench| {
                bench.iter(|| texts.iter().map(|text| peer.encode_ordinary(text).len()).sum::<usize>());
            });
        }
    }
}

criterion_group!(benches, lines, parse, views, schema, all_rules, base64, images, tokens);
criterion_main!(benches);
