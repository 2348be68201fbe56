//! Chosen rows into lines, and their images into what the target takes: one thread reads, the others evaluate templates and
//! encode, and what they make goes onto a pile. Each distinct image is encoded once.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use twox_hash::XxHash3_128;

use super::plan::{self, Line as SourceLine, Plan};
use super::recipe::{self, OnError, ShotWeight};
use super::render::{self, Finish};
use super::row::{Row, Value};
use super::store::{self, Pile, Stored};
use super::template::{Fault, Scope, to_jinja};
use super::{Error, Host, Problems, RowProblem, Step, reason};
use crate::image::transcode::{self, Accepted, Encode, Output};
use crate::target::Target;

/// What is to be done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) row: u64,
    pub(super) split: usize,
    /// The number in its split of the first example that it makes; of a few-shot example its place among those of the row.
    pub(super) first: u64,
    /// The number of the few-shot example that it is.
    pub(super) shot: Option<usize>,
}

/// How images are made.
#[derive(Clone, Debug)]
pub(super) struct Images(transcode::Options);

/// Qualities and sizes that `fit` goes through, from the largest files to the smallest.
const QUALITIES: [u8; 8] = [85, 80, 75, 70, 60, 50, 40, 30];
const SIDES: [u32; 10] = [2048, 1536, 1024, 768, 640, 512, 384, 256, 192, 128];

impl Images {
    pub(super) fn of(recipe: &recipe::Images, target: &Target) -> Self {
        let defaults = transcode::Options::new(Accepted::of(target));
        Self(transcode::Options {
            encode: match recipe.reencode {
                recipe::Reencode::WhenNeeded => Encode::WhenNeeded,
                recipe::Reencode::Always => Encode::Always,
            },
            output: match recipe.format {
                recipe::ImageFormat::Auto => Output::Auto,
                recipe::ImageFormat::Jpeg => Output::Jpeg,
                recipe::ImageFormat::Png => Output::Png,
            },
            quality: recipe.quality.unwrap_or(defaults.quality),
            max_pixels: recipe.max_pixels,
            max_side: recipe.max_side,
            background: recipe.background.map(|color| color.0),
            strip_metadata: recipe.strip_metadata,
            ..defaults
        })
    }

    /// Ever smaller ones: first of lower quality, then of fewer pixels.
    pub(super) fn smaller(&self) -> std::vec::IntoIter<Self> {
        let output = if self.0.output == Output::Png { Output::Png } else { Output::Jpeg };
        let smallest = self.0.quality.min(60);
        let qualities = QUALITIES.into_iter().filter(|&quality| quality < self.0.quality).map(|quality| (quality, self.0.max_side));
        let sides = SIDES.into_iter().filter(|&side| self.0.max_side.is_none_or(|max| side < max)).map(|side| (smallest, Some(side)));
        // Lower quality makes no PNG smaller.
        let qualities = qualities.filter(|_| output == Output::Jpeg);
        let steps: Vec<Self> = qualities
            .chain(sides)
            .map(|(quality, max_side)| Self(transcode::Options { encode: Encode::Always, output, quality, max_side, ..self.0.clone() }))
            .collect();
        steps.into_iter()
    }

    /// What they are, for people.
    pub(super) fn name(&self) -> String {
        let quality = format!("quality {}", self.0.quality);
        match self.0.max_side {
            Some(side) => format!("{quality}, longest side {side}"),
            None => quality,
        }
    }
}

/// Bytes of a split, or of few-shot examples.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    all: u64,
    images: u64,
    lines: u64,
}

/// All that was made.
#[derive(Debug)]
pub(super) struct Made {
    /// The lines of each split by the number of their example; none of no length stands for one that was left out.
    pub(super) lines: Vec<Vec<Stored>>,
    pub(super) pile: Arc<Pile>,
    /// The few-shot examples as they stand in every line.
    pub(super) shots: Arc<[u8]>,
    shot_images: u64,
    sizes: Vec<Size>,
    /// Distinct images.
    pub(super) images: u64,
    /// What was done to how many of them.
    pub(super) changes: BTreeMap<&'static str, u64>,
    /// Some images by hash, with the length of what was made of them.
    samples: BTreeMap<u128, (Bytes, u32)>,
    pub(super) fitted: Option<String>,
}

impl Made {
    /// Bytes of each file.
    pub(super) fn sizes(&self) -> Vec<u64> {
        self.sizes.iter().map(|size| size.all + size.lines * self.shots.len() as u64).collect()
    }

    /// About how many bytes the largest file, of `largest` now, would have with other images.
    pub(super) fn estimate(&self, images: &Images, largest: u64) -> u64 {
        let (mut before, mut after) = (0, 0);
        for (bytes, length) in self.samples.values() {
            before += u64::from(*length);
            after += transcode::transcode(bytes, &images.0).map_or(u64::from(*length), |made| made.bytes.len().div_ceil(3) as u64 * 4);
        }
        let shots = self.shots.len() as u64;
        let of_images = self
            .sizes
            .iter()
            .filter(|size| size.all + size.lines * shots == largest)
            .map(|size| size.images + size.lines * self.shot_images)
            .max();
        let of_images = of_images.unwrap_or_default();
        largest - of_images + if before == 0 { of_images } else { (of_images as f64 * after as f64 / before as f64 * 1.02) as u64 }
    }
}

/// Images that are kept for [`Made::estimate`].
const SAMPLES: usize = 48;
const SAMPLE_BYTES: usize = 4 << 20;

/// What workers share.
struct Shared<'p> {
    plan: &'p Plan<'p>,
    options: &'p transcode::Options,
    pile: Arc<Pile>,
    made: store::Made,
    changes: Mutex<BTreeMap<&'static str, u64>>,
    samples: Mutex<BTreeMap<u128, (Bytes, u32)>>,
    /// Why the pile could not be written.
    broken: Mutex<Option<String>>,
    has_shots: bool,
}

/// What a worker tells.
enum Told {
    Line { split: usize, number: u64, stored: Stored, length: u64, images: u64 },
    Shot { number: usize, messages: Vec<Value>, folder: Arc<std::path::Path> },
    Problem(RowProblem),
    Rows(u64),
    Failed(Error),
}

/// Rows handed to a worker at a time.
const BATCH: usize = 8;

type Batch = Vec<(Row, Vec<Work>)>;

/// Makes everything that `work` says, source by source.
pub(super) fn make(
    plan: &Plan<'_>,
    work: &[Vec<Work>],
    images: &Images,
    problems: &mut Problems,
    stop: &AtomicBool,
    host: &mut dyn Host,
) -> Result<Made, Error> {
    let pile = Pile::new(&plan.scratch).map_err(|error| Error::write(&plan.scratch, &error))?;
    let shared = Shared {
        plan,
        options: &images.0,
        pile: Arc::new(pile),
        made: store::Made::default(),
        changes: Mutex::default(),
        samples: Mutex::default(),
        broken: Mutex::default(),
        has_shots: plan.recipe.few_shot.as_ref().is_some_and(|shots| !shots.examples.is_empty()),
    };
    let splits = plan.recipe.splits.len();
    let mut collector = Collector {
        lines: vec![Vec::new(); splits],
        sizes: vec![Size::default(); splits],
        shots: vec![None; plan.recipe.few_shot.as_ref().map_or(0, |shots| shots.examples.len())],
        done: 0,
        total: work.iter().map(|work| rows_in(work)).sum(),
    };
    for (line, work) in plan.lines.iter().zip(work) {
        written_out(&shared, line, &mut collector)?;
        if !work.is_empty() {
            source(&shared, line, work, &mut collector, problems, stop, host)?;
        }
    }
    let (shots, shot_images) = shots(&shared, collector.shots)?;
    let Shared { pile, made, changes, samples, .. } = shared;
    Ok(Made {
        lines: collector.lines,
        pile,
        shots,
        shot_images,
        sizes: collector.sizes,
        images: made.count(),
        changes: changes.into_inner().unwrap_or_else(PoisonError::into_inner),
        samples: samples.into_inner().unwrap_or_else(PoisonError::into_inner),
        fitted: None,
    })
}

fn rows_in(work: &[Work]) -> u64 {
    work.chunk_by(|a, b| a.row == b.row).count() as u64
}

struct Collector {
    lines: Vec<Vec<Stored>>,
    sizes: Vec<Size>,
    shots: Vec<Option<(Vec<Value>, Arc<std::path::Path>)>>,
    done: u64,
    total: u64,
}

impl Collector {
    fn line(&mut self, split: usize, number: u64, stored: Stored, length: u64, images: u64) {
        if let (Some(lines), Some(size)) = (self.lines.get_mut(split), self.sizes.get_mut(split)) {
            let number = number as usize;
            if lines.len() <= number {
                lines.resize(number + 1, Stored::default());
            }
            if let Some(slot) = lines.get_mut(number) {
                *slot = stored;
            }
            *size = Size { all: size.all + length, images: size.images + images, lines: size.lines + 1 };
        }
    }
}

/// The rows of one source: a reader, workers, and this thread, which keeps count.
fn source(
    shared: &Shared<'_>,
    line: &SourceLine<'_>,
    work: &[Work],
    collector: &mut Collector,
    problems: &mut Problems,
    stop: &AtomicBool,
    host: &mut dyn Host,
) -> Result<(), Error> {
    let threads = shared.plan.options.threads.max(1);
    let rows = line.source.rows(&shared.plan.wanted(line, work)).map_err(Error::source)?;
    let (to_workers, batches) = bounded::<Batch>(threads * 2);
    let (tell, told) = bounded::<Told>(threads * 64);
    let ending = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = tell.clone();
        let ending = &ending;
        scope.spawn(move || read(rows, work, &to_workers, &reading, ending, stop));
        for _ in 0..threads {
            let (batches, tell): (Receiver<Batch>, Sender<Told>) = (batches.clone(), tell.clone());
            scope.spawn(move || {
                for batch in batches {
                    // A template's or a decoder's panic is the end of the run, not of the process.
                    let rows = batch.len() as u64;
                    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        batch.iter().try_for_each(|(row, work)| one(shared, line, row, work, &tell))
                    }));
                    match made {
                        Ok(Ok(())) => drop(tell.send(Told::Rows(rows))),
                        Ok(Err(error)) => drop(tell.send(Told::Failed(error))),
                        Err(_) => {
                            let place = batch.first().map(|(row, _)| row.place.clone()).unwrap_or_default();
                            drop(tell.send(Told::Failed(Error::Failed(format!(
                                "{place}: tunelint itself failed at this row or soon after; please report it"
                            )))));
                        }
                    }
                }
            });
        }
        drop((tell, batches));
        let mut first: Option<RowProblem> = None;
        let mut failed = None;
        for told in told {
            match told {
                Told::Line { split, number, stored, length, images } => collector.line(split, number, stored, length, images),
                Told::Shot { number, messages, folder } => {
                    if let Some(slot) = collector.shots.get_mut(number) {
                        *slot = Some((messages, folder));
                    }
                }
                Told::Problem(problem) if problems.on_error == OnError::Skip => problems.add(problem)?,
                // Rows before it may still be under way: the first one is told, whichever thread was the fastest.
                Told::Problem(problem) => {
                    ending.store(true, Ordering::Relaxed);
                    if first.as_ref().is_none_or(|first| problem.row < first.row) {
                        first = Some(problem);
                    }
                }
                Told::Rows(rows) => {
                    collector.done += rows;
                    host.progress(Step::Make, collector.done, Some(collector.total));
                }
                Told::Failed(error) => {
                    ending.store(true, Ordering::Relaxed);
                    failed = failed.or(Some(error));
                }
            }
        }
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        match (failed, first) {
            (Some(error), _) => Err(error),
            (None, Some(problem)) => Err(Error::Row(Box::new(problem))),
            (None, None) => Ok(()),
        }
    })
}

/// Reads rows and hands each to a worker together with what is to be done with it.
fn read(rows: super::source::Rows, work: &[Work], to_workers: &Sender<Batch>, tell: &Sender<Told>, ending: &AtomicBool, stop: &AtomicBool) {
    let mut work = work;
    let mut batch = Vec::with_capacity(BATCH);
    for row in rows {
        if ending.load(Ordering::Relaxed) || stop.load(Ordering::Relaxed) {
            return;
        }
        let row = match row {
            Ok(row) => row,
            Err(error) => return drop(tell.send(Told::Failed(Error::source(error)))),
        };
        let from = work.partition_point(|work| work.row < row.number);
        let own = work.get(from..).unwrap_or_default();
        let (own, rest) = own.split_at(own.partition_point(|work| work.row == row.number));
        work = rest;
        if !own.is_empty() {
            batch.push((row, own.to_vec()));
        }
        if batch.len() == BATCH && to_workers.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_err() {
            return;
        }
        if work.is_empty() {
            break;
        }
    }
    if !batch.is_empty() {
        let _ = to_workers.send(batch);
    }
    if let Some(missing) = work.first() {
        let message = format!("row {} was there and is gone: the source has changed while it was read", missing.row);
        let _ = tell.send(Told::Failed(Error::Failed(message)));
    }
}

/// Does with a row what is to be done with it.
fn one(shared: &Shared<'_>, line: &SourceLine<'_>, row: &Row, work: &[Work], tell: &Sender<Told>) -> Result<(), Error> {
    let examples = match line.cutter.examples(row) {
        Ok(examples) => examples,
        Err(problem) => {
            drop(tell.send(Told::Problem(problem)));
            return Ok(());
        }
    };
    // The same image stands in all examples of a row: its file is read once.
    let mut by_path = HashMap::new();
    for work in work {
        if let Some(number) = work.shot {
            if let Some(example) = examples.get(work.first as usize) {
                match shot(shared, line, Some(example), number) {
                    Ok(messages) => drop(tell.send(Told::Shot { number, messages, folder: Arc::clone(&row.folder) })),
                    // It stands in every line: there is no leaving it out.
                    Err(problem) => return Err(Error::Row(Box::new(problem))),
                }
            }
            continue;
        }
        let split = shared.plan.recipe.splits.get_index(work.split);
        let prompt_only = split.is_some_and(|(_, split)| split.prompt_only);
        for (index, example) in examples.iter().enumerate() {
            let number = work.first + index as u64;
            let scope = minijinja::Value::from_object(Scope::of(example, number, number + 1));
            let made = match line.renderer.line(&scope, prompt_only, &shared.finish()) {
                Ok(value) => {
                    render::write(&value, shared.plan.recipe.output.json, &mut |image| shared.image(image, &row.folder, &mut by_path))
                        .map_err(|message| RowProblem::new(row, &[], message))
                }
                Err(fault) => Err(RowProblem::of(row, fault)),
            };
            shared.is_whole()?;
            match made {
                Ok(made) => {
                    let stored = shared.pile.put_line(&made).map_err(|error| Error::write(&shared.plan.scratch, &error))?;
                    let images = made.images.iter().map(|(_, image)| u64::from(image.length)).sum();
                    let _ = tell.send(Told::Line { split: work.split, number, stored, length: made.length(0), images });
                }
                Err(problem) => drop(tell.send(Told::Problem(problem))),
            }
        }
    }
    Ok(())
}

impl<'p> Shared<'p> {
    fn finish(&self) -> Finish<'p> {
        Finish { images: &self.plan.recipe.images, keep_nulls: self.plan.recipe.output.keep_nulls, has_shots: self.has_shots }
    }

    /// An error when the pile could not be written.
    fn is_whole(&self) -> Result<(), Error> {
        match &*self.broken.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(message) => Err(Error::Failed(message.clone())),
            None => Ok(()),
        }
    }

    /// Where the URL of an image is kept.
    fn image(&self, image: &Value, folder: &Arc<std::path::Path>, by_path: &mut HashMap<Arc<str>, Stored>) -> Result<Stored, String> {
        let path = match image {
            Value::Image { bytes: None, path: Some(path) } => Some(path),
            _ => None,
        };
        if let Some(stored) = path.and_then(|path| by_path.get(path)) {
            return Ok(*stored);
        }
        let named = |message: String| match path.filter(|path| path.len() < 200) {
            Some(path) => format!("{}: {message}", crate::diagnostic::quoted(path)),
            None => message,
        };
        let bytes = render::image_bytes(image, folder).map_err(named)?;
        let hash = XxHash3_128::oneshot(&bytes);
        let stored = self.made.get(hash, || self.encode(&bytes, hash)).map_err(|message| named(message.to_string()))?;
        if let Some(path) = path {
            by_path.insert(Arc::clone(path), stored);
        }
        Ok(stored)
    }

    fn encode(&self, bytes: &Bytes, hash: u128) -> Result<Stored, Arc<str>> {
        let prepared = transcode::transcode(bytes, self.options).map_err(|fault| Arc::from(fault.to_string()))?;
        let mut url = String::with_capacity(32 + prepared.bytes.len().div_ceil(3) * 4);
        url.push_str("data:");
        url.push_str(prepared.media_type());
        url.push_str(";base64,");
        STANDARD.encode_string(&prepared.bytes, &mut url);
        {
            let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
            for change in &prepared.changes {
                *changes.entry(change.name()).or_default() += 1;
            }
            // Encoding anew makes such a file look sound, not right: this is the last place that can say so.
            if prepared.doubt.is_some() {
                *changes.entry("with damage that decoders paper over: look at them").or_default() += 1;
            }
        }
        if self.plan.recipe.output.fit && bytes.len() <= SAMPLE_BYTES {
            let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            samples.insert(hash, (Bytes::copy_from_slice(bytes), url.len() as u32));
            if samples.len() > SAMPLES {
                samples.pop_last();
            }
        }
        self.pile.put(url.as_bytes()).map_err(|error| {
            let message = format!("{}: {}", self.plan.scratch.display(), reason(&error));
            *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.clone());
            Arc::from(message)
        })
    }
}

/// The messages of a few-shot example, which may use a row.
fn shot(shared: &Shared<'_>, line: &SourceLine<'_>, row: Option<&Row>, number: usize) -> Result<Vec<Value>, RowProblem> {
    let nowhere;
    let row = match row {
        Some(row) => row,
        None => {
            nowhere = Row {
                number: 0,
                place: format!("few-shot example {}", number + 1),
                folder: Arc::from(shared.plan.loaded.folder.as_path()),
                cells: Vec::new(),
            };
            &nowhere
        }
    };
    let own = shared.plan.recipe.few_shot.as_ref().and_then(|shots| shots.examples.get(number));
    let mut scope = Scope::of(row, number as u64, number as u64 + 1);
    for (key, value) in own.into_iter().flatten().filter(|(key, _)| *key != "row") {
        scope.cells.retain(|(name, _)| **name != **key);
        scope.cells.push((Arc::from(key.as_str()), to_jinja(&plan::literal(value))));
    }
    let Some(templates) = line.shots.as_ref() else { return Ok(Vec::new()) };
    let mut messages = templates.value(&minijinja::Value::from_object(scope)).map_err(|fault| RowProblem::of(row, fault))?;
    messages.retain(|message| !matches!(render::role(message), Some("system" | "developer")));
    let finish = shared.finish();
    finish.messages(&mut messages);
    let weight = match shared.plan.shot_weight {
        ShotWeight::Zero => Some(0),
        ShotWeight::One => Some(1),
        ShotWeight::Omit => None,
    };
    for message in &mut messages {
        if !finish.keep_nulls {
            render::drop_nulls(message);
        }
        if let (Some(weight), Some("assistant"), Value::Object(members)) =
            (weight, render::role(message).map(str::to_owned).as_deref(), message)
            && !members.iter().any(|(name, _)| &**name == "weight")
        {
            members.push((Arc::from("weight"), Value::Int(weight)));
        }
    }
    Ok(messages)
}

/// Few-shot examples that name no row.
fn written_out(shared: &Shared<'_>, line: &SourceLine<'_>, collector: &mut Collector) -> Result<(), Error> {
    let Some(shots) = shared.plan.recipe.few_shot.as_ref().filter(|_| line.shots.is_some()) else { return Ok(()) };
    for (number, _) in shots.examples.iter().enumerate().filter(|(_, example)| !example.contains_key("row")) {
        let messages = shot(shared, line, None, number).map_err(|problem| Error::Row(Box::new(problem)))?;
        if let Some(slot) = collector.shots.get_mut(number) {
            *slot = Some((messages, Arc::from(shared.plan.loaded.folder.as_path())));
        }
    }
    Ok(())
}

/// Few-shot examples as they stand in every line, and how many bytes of that are images.
fn shots(shared: &Shared<'_>, shots: Vec<Option<(Vec<Value>, Arc<std::path::Path>)>>) -> Result<(Arc<[u8]>, u64), Error> {
    let style = shared.plan.recipe.output.json;
    let (mut out, mut images) = (Vec::new(), 0);
    for (number, (messages, folder)) in shots.into_iter().enumerate().filter_map(|(number, shot)| Some((number, shot?))) {
        let line = render::write(&Value::List(messages), style, &mut |image| shared.image(image, &folder, &mut HashMap::new()));
        shared.is_whole()?;
        let line = line.map_err(|message| {
            let at = ["few_shot".to_owned(), "examples".to_owned(), number.to_string()].to_vec();
            Error::Row(Box::new(RowProblem { place: format!("few-shot example {}", number + 1), row: 0, at, message }))
        })?;
        let mut text = Vec::new();
        line.assemble(&shared.pile, &[], &mut text).map_err(|error| Error::write(&shared.plan.scratch, &error))?;
        let inside = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or_default();
        if !out.is_empty() && !inside.is_empty() {
            out.extend_from_slice(if style == recipe::JsonStyle::Python { b", " } else { b"," });
        }
        out.extend_from_slice(inside);
        images += line.images.iter().map(|(_, image)| u64::from(image.length)).sum::<u64>();
    }
    if shared.has_shots && out.is_empty() {
        let fault = Fault { at: vec!["few_shot".to_owned()], message: "the examples make no message".to_owned() };
        return Err(Error::recipe(shared.plan.loaded, &fault));
    }
    Ok((out.into(), images))
}
