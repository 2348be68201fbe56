//! Whole runs in one process, without its start: `check` on the three kinds of file, and `generate`.

#![allow(missing_docs, reason = "Criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "the input is made here")]

mod data;

use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Value;
use tunelint::engine::{Engine, Input};
use tunelint::generate::recipe::Loaded;
use tunelint::generate::{self, Host, Options, Step};
use tunelint::settings::Settings;
use tunelint::summary::Summary;
use tunelint::target::Date;

fn group<'a>(criterion: &'a mut Criterion, name: &str, bytes: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes as u64));
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(10);
    group
}

/// A check of the whole file with an engine that has seen nothing yet.
fn check(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, file: &str, settings: &Settings, threads: usize) {
    group.bench_function(format!("tunelint, {name}"), |bench| {
        let ready = || (Engine::new(threads).unwrap(), Input::from_bytes("train.jsonl", file.as_bytes().to_vec()).unwrap());
        let check = |(engine, input): (Engine, Input)| {
            let mut summary = Summary::default();
            engine.check(input, settings, &mut summary, &mut |_| Ok(())).unwrap();
            engine.finish(settings, &mut summary, &mut |_| Ok(())).unwrap();
            summary
        };
        bench.iter_batched(ready, check, BatchSize::PerIteration);
    });
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value["messages"].as_array().into_iter().flatten().filter_map(|message| message["content"].as_str())
}

fn text(criterion: &mut Criterion) {
    let file = data::text_file(8_000_000);
    let mut group = group(criterion, "check/text", file.len());
    let with = data::settings();
    let mut without = data::settings();
    without.count_tokens = false;
    for threads in [1, 2] {
        check(&mut group, &format!("{threads} threads"), &file, &with, threads);
        check(&mut group, &format!("no tokens, {threads} threads"), &file, &without, threads);
    }
    let peer = tiktoken_rs::o200k_base_singleton();
    group.bench_function("serde_json and tiktoken-rs, nothing else", |bench| {
        let count = |line| texts(&serde_json::from_str(line).unwrap()).map(|text| peer.encode_ordinary(text).len()).sum::<usize>();
        bench.iter(|| file.lines().map(count).sum::<usize>());
    });
}

fn vision(criterion: &mut Criterion) {
    for (name, file) in [("repeated images", data::vision_file(60, false)), ("distinct images", data::vision_file(40, true))] {
        let mut group = group(criterion, &format!("check/{name}"), file.len());
        for threads in [1, 2] {
            check(&mut group, &format!("{threads} threads"), &file, &data::settings(), threads);
        }
        group.bench_function("serde_json, base64 and image, each image once", |bench| {
            bench.iter(|| {
                let mut met = HashSet::new();
                for line in file.lines() {
                    let root: Value = serde_json::from_str(line).unwrap();
                    let parts = root
                        .get("messages")
                        .and_then(|list| list.as_array())
                        .into_iter()
                        .flatten()
                        .filter_map(|message| message.get("content")?.as_array());
                    for url in parts.flatten().filter_map(|part| part.pointer("/image_url/url")?.as_str()) {
                        if met.insert(url.to_owned()) {
                            let bytes = STANDARD.decode(url.split_once(',').unwrap().1).unwrap();
                            black_box(image::load_from_memory(&bytes).unwrap());
                        }
                    }
                }
                met.len()
            });
        });
    }
}

struct Silent;

impl Host for Silent {
    fn progress(&mut self, _: Step, _: u64, _: Option<u64>) {}
    fn size(&mut self, _: &str, _: u64) {}
}

/// The recipe of the cookbook's notebook over small images, everything but the writing: files are for `table.py`.
fn generate(criterion: &mut Criterion) {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/generate/ocr_vqa/recipe.toml");
    let loaded = Loaded::read(&recipe, &[]).unwrap();
    let run = |threads| {
        let today = Date::from_unix(1_795_564_800);
        let options = Options { threads, folder: None, overwrite: true, dry_run: true, preview: None, today };
        generate::run(&loaded, &options, &Arc::new(AtomicBool::new(false)), &mut Silent).unwrap()
    };
    let bytes: u64 = run(1).splits.iter().map(|split| split.bytes).sum();
    let mut group = group(criterion, "generate", bytes as usize);
    for threads in [1, 2] {
        group.bench_function(format!("tunelint, {threads} threads"), |bench| bench.iter(|| run(threads)));
    }
}

criterion_group!(benches, text, vision, generate);
criterion_main!(benches);
