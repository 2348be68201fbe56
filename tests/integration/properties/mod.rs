//! What holds of any bytes at all. Each property is a function that panics where it does not: the targets in `fuzz/` call it with
//! what libFuzzer makes up, `cargo test` with every seed, with every input that once failed, and with what proptest makes up.

#![allow(clippy::panic, reason = "a property that does not hold panics")]

mod file;
mod fix;
mod image;
mod line;
mod output;
mod pieces;
pub(crate) mod tokens;

use std::borrow::Cow;
use std::cell::RefCell;

use tunelint::diagnostic::{Diagnostic, is_unsafe};
use tunelint::engine::{Engine, Error, Input, Sink};
use tunelint::rules;
use tunelint::settings::Settings;
use tunelint::summary::Summary;
use tunelint::target::{Date, Target};

/// A property of bytes.
pub(crate) type Property = fn(&[u8]);

/// Every property, by the name of its target.
pub(crate) const ALL: [(&str, Property); 6] = [
    ("line", line::holds),
    ("file", file::holds),
    ("image", image::holds),
    ("tokens", tokens::holds),
    ("fix", fix::holds),
    ("output", output::holds),
];

/// Targets and models that data is judged for: what they take differs as much as it can.
const JUDGES: [(&str, Option<&str>); 4] =
    [("openai", Some("gpt-4o-2024-08-06")), ("together", None), ("fireworks", None), ("openai", Some("gpt-4.1-2025-04-14"))];

/// Runs after which the engines are made anew: they remember every image, which suits a file and not a night.
const RUNS: usize = 5_000;

/// What is dear to make and the same for every input.
struct Bench {
    engine: Engine,
    /// The same on three threads.
    threads: Engine,
    settings: Vec<Settings>,
    runs: usize,
}

impl Bench {
    fn new() -> Self {
        let settings = JUDGES.map(|(target, model)| {
            let target = Target::builtin(target).expect("built in");
            let mut settings = Settings::new(target, &rules::all(), Date::from_unix(1_795_400_000));
            settings.set_model(model);
            settings
        });
        let engine = |threads| Engine::new(threads).expect("schemas compile");
        Self { engine: engine(1), threads: engine(3), settings: settings.into(), runs: 0 }
    }
}

thread_local! {
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

/// Lends the bench. It comes back only from a run that went well.
fn with_bench(run: impl FnOnce(&Bench)) {
    let mut bench = BENCH.take().filter(|bench| bench.runs < RUNS).unwrap_or_else(Bench::new);
    run(&bench);
    bench.runs += 1;
    BENCH.set(Some(bench));
}

/// What an input asks for. One that begins like text is text, for the first judge: files can be seeds as they are. One that begins
/// with a byte below 9 says with it which judge it is for, and whether text follows or the choices that pieces are put together by;
/// the byte behind it is left to the property.
struct Asked<'a> {
    judge: usize,
    choice: u8,
    text: Cow<'a, [u8]>,
}

fn asked(data: &[u8]) -> Asked<'_> {
    match data {
        [head @ 1..=4, choice, text @ ..] => Asked { judge: usize::from(head - 1), choice: *choice, text: Cow::Borrowed(text) },
        [head @ 5..=8, choice, choices @ ..] => {
            Asked { judge: usize::from(head - 5), choice: *choice, text: Cow::Owned(pieces::file(choices)) }
        }
        text => Asked { judge: 0, choice: 0, text: Cow::Borrowed(text) },
    }
}

/// Checks one input; what was found and the sums, which are not finished when it could not be read.
fn check(engine: &Engine, input: Input, settings: &Settings) -> (Vec<Diagnostic>, Summary, Result<(), Error>) {
    let (mut found, mut summary) = (Vec::new(), Summary::default());
    let sink: &mut Sink<'_> = &mut |diagnostic: &Diagnostic| {
        found.push(diagnostic.clone());
        Ok(())
    };
    let mut result = engine.check(input, settings, &mut summary, sink);
    if result.is_ok() {
        result = engine.finish(settings, &mut summary, sink);
    }
    assert!(summary.files.iter().all(|file| file.internal_errors.is_empty()), "tunelint itself failed on a line");
    (found, summary, result)
}

fn input(path: &str, bytes: &[u8]) -> Result<Input, std::io::Error> {
    Input::from_bytes(path, bytes.to_vec())
}

/// What is said of a finding is for people: text without anything that steers a terminal.
fn is_readable(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(is_unsafe)
}
