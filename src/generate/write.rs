//! Lines into files: put together in order, checked by the same engine as any dataset while they are written to a file
//! beside the final one, and put in place at the very end.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::make::Made;
use super::plan::Plan;
use super::recipe::OnError;
use super::select::Pick;
use super::store::{Pile, Stored};
use super::{Error, Host, Outcome, Problems, Refusal, RowProblem, Skipped, SplitOutcome, Step, reason};
use crate::diagnostic::Diagnostic;
use crate::engine::{self, Blocks, Engine, Input, Spent};
use crate::rule::Severity;
use crate::settings::{Levels, Origin, Selector, Settings};
use crate::summary::Summary;

/// Findings of each rule that are kept to be shown.
const SHOWN: u64 = 5;
/// Times a file is put together anew without the lines that would be refused.
const ROUNDS: usize = 5;
/// Bytes put together at a time: a block for the engine.
const BLOCK: usize = 1 << 20;
/// Blocks that wait to be written, and are written at a time. The system takes large pieces into its cache three times as fast
/// as pieces of a quarter of a megabyte (805 MB in 0.47 s and 1.43 s).
const BLOCKS: usize = 4;
/// Bytes that are written before they are sent on to the disk.
const FLUSH: usize = 64 << 20;
/// How often it is told how far the writing has come.
const TICK: Duration = Duration::from_millis(50);

/// Refuses outputs that cannot be put in place, before any work is done.
pub(super) fn check_outputs(outputs: &[PathBuf], overwrite: bool) -> Result<(), Error> {
    for (index, path) in outputs.iter().enumerate() {
        let failed = |message: &str| Err(Error::Failed(format!("{}: {message}", path.display())));
        if outputs.iter().take(index).any(|other| other == path) {
            return failed("two splits would be written to it");
        }
        match std::fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => return failed("it is a symbolic link; name the file itself"),
            Ok(metadata) if !metadata.is_file() => return failed("it is no regular file, and stays as it is"),
            Ok(_) if !overwrite => return failed("it is there already; --overwrite replaces it once the new one is whole"),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = parent(path);
                if !folder.is_dir() {
                    return failed("there is no such folder");
                }
            }
            Err(error) => return Err(Error::write(path, &error)),
        }
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What was written, not in place yet.
pub(super) struct Written {
    pub(super) outcome: Vec<SplitOutcome>,
    pub(super) summary: Summary,
    pub(super) skipped: Skipped,
    findings: Vec<Diagnostic>,
    preview: Vec<Vec<u8>>,
    files: Vec<Whole>,
}

/// A whole file under a passing name.
struct Whole {
    file: NamedTempFile,
    path: PathBuf,
}

impl Written {
    /// Puts the files and their manifests in place. When one cannot be put in place, those before it are; each is whole.
    pub(super) fn commit(&mut self, manifests: Vec<(PathBuf, String)>) -> Result<(), Error> {
        let mut files = std::mem::take(&mut self.files);
        for (path, text) in manifests {
            let mut file = temporary(&path)?;
            file.write_all(text.as_bytes()).map_err(|error| Error::write(&path, &error))?;
            files.push(Whole { file, path });
        }
        for Whole { file, path } in &files {
            file.as_file().sync_all().map_err(|error| Error::write(path, &error))?;
        }
        for Whole { file, path } in files {
            // It may have become something else since it was looked at.
            if std::fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
                return Err(Error::Failed(format!("{}: it is no regular file, and stays as it is", path.display())));
            }
            file.persist(&path).map_err(|error| Error::write(&path, &error.error))?;
            // The new name itself must outlive a power cut; a folder that cannot be synced is no reason to fail.
            let _ = File::open(parent(&path)).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }

    pub(super) fn into_outcome(self, settings: Settings, made: &Made) -> Outcome {
        Outcome {
            splits: self.outcome,
            preview: self.preview,
            summary: self.summary,
            settings,
            findings: self.findings,
            skipped: self.skipped,
            images: made.images,
            changes: made.changes.clone(),
            fitted: made.fitted.clone(),
        }
    }
}

/// A file beside `path`, readable as any new file is.
fn temporary(path: &Path) -> Result<NamedTempFile, Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Those of the file that is replaced, else what the umask leaves of read and write for all.
    let mode = std::fs::metadata(path).map_or(0o666, |metadata| metadata.permissions().mode() & 0o777);
    let mut builder = tempfile::Builder::new();
    let (prefix, permissions) = (format!(".{name}."), std::fs::Permissions::from_mode(mode));
    builder.prefix(&prefix).suffix(".tmp").permissions(permissions);
    builder
        .tempfile_in(parent(path))
        .map_err(|error| Error::Failed(format!("{}: cannot write here: {}", parent(path).display(), reason(&error))))
}

/// Puts the files together and checks them.
pub(super) fn write(
    plan: &Plan<'_>,
    picks: &[Vec<Pick>],
    made: &Made,
    problems: &mut Problems,
    stop: &Arc<AtomicBool>,
    host: &mut dyn Host,
) -> Result<Written, Error> {
    let mut written = Written {
        outcome: Vec::new(),
        summary: Summary::default(),
        skipped: Skipped::default(),
        findings: Vec::new(),
        preview: Vec::new(),
        files: Vec::new(),
    };
    if let Some(most) = plan.options.preview {
        written.preview = preview(made, most).map_err(|error| Error::write(&plan.scratch, &error))?;
        return Ok(written);
    }
    let engine = Engine::new(plan.options.threads).map_err(Error::Failed)?;
    let mut aside = Summary::default();
    for (name, bytes) in plan.recipe.splits.keys().zip(made.sizes()) {
        host.size(name, bytes);
    }
    for (index, (name, split)) in plan.recipe.splits.iter().enumerate() {
        let Some(path) = plan.outputs.get(index) else { continue };
        let own = picks.get(index).map(Vec::as_slice).unwrap_or_default();
        let for_prompts;
        let settings = if split.prompt_only {
            for_prompts = prompt_settings(plan)?;
            &for_prompts
        } else {
            &plan.settings
        };
        // What is asked of a model is no training data: its duplicates and overlaps are its own affair.
        let summary = if split.prompt_only { &mut aside } else { &mut written.summary };
        let source = plan.lines.iter().find(|line| line.splits.contains(&index)).map_or("", |line| line.name);
        let job = Job {
            plan,
            engine: &engine,
            settings,
            name,
            path,
            picks: own,
            source,
            lines: made.lines.get(index).map(Vec::as_slice).unwrap_or_default(),
            made,
        };
        let (outcome, file, findings) = job.run(summary, split.prompt_only, problems, stop, host)?;
        written.findings.extend(findings);
        written.outcome.push(outcome);
        written.files.extend(file.map(|file| Whole { file, path: path.clone() }));
    }
    let mut sink = Findings::default();
    engine
        .finish(&plan.settings, &mut written.summary, &mut |diagnostic| sink.take(diagnostic))
        .map_err(|error| Error::Failed(error.to_string()))?;
    if let Some(refusal) = sink.refusal("", &plan.settings, |_| None) {
        return Err(Error::Refused(Box::new(refusal)));
    }
    written.findings.extend(sink.kept);
    Ok(written)
}

fn preview(made: &Made, most: usize) -> io::Result<Vec<Vec<u8>>> {
    let lines = made.lines.first().into_iter().flatten().filter(|line| line.length > 0).take(most);
    lines
        .map(|&stored| {
            let mut text = Vec::new();
            made.pile.line(stored)?.assemble(&made.pile, &made.shots, &mut text)?;
            Ok(text)
        })
        .collect()
}

/// Rules that speak of answers and of whole training files; questions alone cannot keep them.
const NOT_FOR_PROMPTS: [&str; 12] = [
    "missing-assistant",
    "missing-final-answer",
    "untrained-example",
    "missing-output",
    "missing-completion",
    "too-few-examples",
    "few-examples",
    "duplicate-example",
    "conflicting-answers",
    "dominant-answer",
    "trained-few-shot",
    "train-validation-overlap",
];

fn prompt_settings(plan: &Plan<'_>) -> Result<Settings, Error> {
    let mut settings = Settings::new(plan.settings.target.clone(), &crate::rules::all(), plan.options.today);
    settings.set_model(plan.recipe.model.as_deref());
    settings.format = plan.settings.format;
    let names = NOT_FOR_PROMPTS.iter().copied().chain(plan.recipe.ignore.iter().map(String::as_str));
    let ignore = names.map(|name| Selector::parse(name, &crate::rules::all())).collect::<Result<_, _>>().map_err(Error::Failed)?;
    settings.apply(&Levels { ignore, ..Levels::default() }, Origin::Config);
    Ok(settings)
}

/// What the engine found.
#[derive(Default)]
struct Findings {
    kept: Vec<Diagnostic>,
    shown: HashMap<&'static str, u64>,
    errors: u64,
    /// Lines that would be refused, with the first reason.
    bad: BTreeMap<u64, (&'static str, String)>,
    /// Findings on the whole file that would be refused.
    of_file: bool,
}

impl Findings {
    fn take(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
            match &diagnostic.location.line {
                Some(line) => {
                    self.bad.entry(line.line).or_insert_with(|| (diagnostic.rule.name, diagnostic.message.clone()));
                }
                None => self.of_file = true,
            }
        }
        let shown = self.shown.entry(diagnostic.rule.code).or_default();
        *shown += 1;
        if *shown <= SHOWN {
            self.kept.push(diagnostic.clone());
        }
        Ok(())
    }

    /// What would be refused, if anything would.
    fn refusal(&mut self, split: &str, settings: &Settings, row: impl Fn(u64) -> Option<String>) -> Option<Refusal> {
        if self.errors == 0 {
            return None;
        }
        let errors = std::mem::take(&mut self.kept).into_iter().filter(|finding| finding.severity == Severity::Error);
        let findings = errors.map(|finding| {
            let row = finding.location.line.as_ref().and_then(|line| row(line.line));
            (finding, row)
        });
        Some(Refusal { split: split.to_owned(), findings: findings.collect(), count: self.errors, settings: settings.clone() })
    }
}

/// One file to write.
struct Job<'a> {
    plan: &'a Plan<'a>,
    engine: &'a Engine,
    settings: &'a Settings,
    name: &'a str,
    path: &'a Path,
    picks: &'a [Pick],
    source: &'a str,
    lines: &'a [Stored],
    made: &'a Made,
}

impl Job<'_> {
    fn run(
        &self,
        summary: &mut Summary,
        prompt_only: bool,
        problems: &mut Problems,
        stop: &Arc<AtomicBool>,
        host: &mut dyn Host,
    ) -> Result<(SplitOutcome, Option<NamedTempFile>, Vec<Diagnostic>), Error> {
        // The lines that are there, by the number of their example.
        let mut order: Vec<u32> = (0_u32..).zip(self.lines).filter(|(_, line)| line.length > 0).map(|(number, _)| number).collect();
        // The sums of what is put together anew must not hold what was left out.
        let before = (self.plan.recipe.on_error == OnError::Skip).then(|| summary.clone());
        for _ in 0..ROUNDS {
            let (mut found, file, written) = self.attempt(&order, summary, stop, host)?;
            let row =
                |line: u64| order.get(line.saturating_sub(1) as usize).and_then(|&number| self.row(number)).map(|row| self.place(row));
            let lines_only = !found.of_file && found.errors > 0;
            if let (Some(before), true) = (&before, lines_only) {
                for (&line, (rule, message)) in &found.bad {
                    let number =
                        order.get(line.saturating_sub(1) as usize).copied().and_then(|number| self.row(number)).unwrap_or_default();
                    problems.add(RowProblem {
                        place: self.place(number),
                        row: number,
                        at: Vec::new(),
                        message: format!("{rule}: {message}"),
                    })?;
                }
                let mut line = 0;
                order.retain(|_| {
                    line += 1;
                    !found.bad.contains_key(&line)
                });
                *summary = before.clone();
                continue;
            }
            if let Some(refusal) = found.refusal(self.name, self.settings, row) {
                return Err(Error::Refused(Box::new(refusal)));
            }
            let outcome = SplitOutcome {
                name: self.name.to_owned(),
                path: self.path.to_owned(),
                examples: order.len() as u64,
                bytes: written.bytes,
                sha256: written.sha256,
                prompt_only,
            };
            return Ok((outcome, file, found.kept));
        }
        Err(Error::Failed(format!(
            "{}: each time lines were left out, others would be refused; use on_error = \"stop\" to see them",
            self.path.display()
        )))
    }

    /// The row that an example was made from.
    fn row(&self, number: u32) -> Option<u64> {
        let after = self.picks.partition_point(|pick| pick.first <= u64::from(number));
        // Rows that make no example share their number with the next one.
        self.picks.get(..after)?.iter().rev().find(|pick| pick.examples > 0).map(|pick| pick.row)
    }

    fn place(&self, row: u64) -> String {
        format!("row {row} of `{}`", self.source)
    }

    /// Writes and checks the lines in `order` once.
    fn attempt(
        &self,
        order: &[u32],
        summary: &mut Summary,
        stop: &Arc<AtomicBool>,
        host: &mut dyn Host,
    ) -> Result<(Findings, Option<NamedTempFile>, Sums), Error> {
        let file = if self.plan.options.dry_run { None } else { Some(temporary(self.path)?) };
        let to = file.as_ref().map(NamedTempFile::reopen).transpose().map_err(|error| Error::write(self.path, &error))?;
        let (written, blocks) = bounded(BLOCKS);
        let writer = std::thread::spawn(move || write_blocks(to, &blocks));
        let (done, sums) = (Arc::new(AtomicU64::new(0)), Arc::new(OnceLock::new()));
        let assembler = Assembler {
            lines: order.iter().filter_map(|&number| self.lines.get(number as usize)).copied().collect::<Vec<_>>().into_iter(),
            pile: Arc::clone(&self.made.pile),
            shots: Arc::clone(&self.made.shots),
            written,
            spent: Spent::default(),
            hasher: Sha256::new(),
            bytes: 0,
            sums: Arc::clone(&sums),
            done: Arc::clone(&done),
            stop: Arc::clone(stop),
        };
        let shown = self.path.to_string_lossy();
        let mut found = Findings::default();
        let total = order.len() as u64;
        let telling = std::thread::current();
        let checked = std::thread::scope(|scope| {
            let checking = scope.spawn(|| {
                let input = Input::made(&shown, assembler);
                let checked = self.engine.check(input, self.settings, summary, &mut |finding| found.take(finding));
                telling.unpark();
                checked
            });
            while !checking.is_finished() {
                host.progress(Step::Write, done.load(Ordering::Relaxed), Some(total));
                std::thread::park_timeout(TICK);
            }
            checking.join().unwrap_or_else(|_| Err(engine::Error::Read(io::Error::other("the checking thread failed"))))
        });
        host.progress(Step::Write, total, Some(total));
        // The assembler is gone by now, and with it the channel: the writer has come to its end.
        let written = writer.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread failed")));
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        // Why it could not be written says more than that the lines could not be read on.
        written.map_err(|error| Error::write(self.path, &error))?;
        checked.map_err(|error| match error {
            engine::Error::Read(error) | engine::Error::Write(error) => Error::write(self.path, &error),
        })?;
        Ok((found, file, sums.get().cloned().unwrap_or_default()))
    }
}

/// Writes blocks until no more come, as many at a time as there are. What has been written is on its way to the disk meanwhile, so
/// that little is left to wait for at the end.
fn write_blocks(to: Option<File>, blocks: &Receiver<Arc<Vec<u8>>>) -> io::Result<()> {
    let Some(mut file) = to else {
        blocks.iter().for_each(drop);
        return Ok(());
    };
    let written = file.try_clone()?;
    let (more, flushes) = bounded(1);
    std::thread::scope(|scope| {
        // A failure to flush shows when the whole file is synced.
        scope.spawn(move || flushes.iter().for_each(|()| drop(written.sync_data())));
        let more = more;
        let mut unflushed = 0;
        for first in blocks {
            let next = blocks.try_iter().take(BLOCKS - 1);
            let waiting: Vec<Arc<Vec<u8>>> = std::iter::once(first).chain(next).collect();
            unflushed += waiting.iter().map(|block| block.len()).sum::<usize>();
            write_all(&mut file, &mut waiting.iter().map(|block| IoSlice::new(block)).collect::<Vec<_>>())?;
            if unflushed >= FLUSH && more.try_send(()).is_ok() {
                unflushed = 0;
            }
        }
        Ok(())
    })
}

fn write_all(file: &mut File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What was written.
#[derive(Clone, Debug, Default)]
struct Sums {
    bytes: u64,
    sha256: String,
}

/// Puts lines together as they are checked, and hands each block to the writer, too.
struct Assembler {
    lines: std::vec::IntoIter<Stored>,
    pile: Arc<Pile>,
    shots: Arc<[u8]>,
    written: Sender<Arc<Vec<u8>>>,
    spent: Spent,
    hasher: Sha256,
    bytes: u64,
    /// Set at the end.
    sums: Arc<OnceLock<Sums>>,
    done: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Blocks for Assembler {
    fn next(&mut self) -> io::Result<Option<Arc<Vec<u8>>>> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted"));
        }
        let mut block = self.spent.take();
        block.clear();
        block.reserve(BLOCK);
        while block.len() < BLOCK {
            let Some(stored) = self.lines.next() else { break };
            self.pile.line(stored)?.assemble(&self.pile, &self.shots, &mut block)?;
            block.push(b'\n');
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        if block.is_empty() {
            let hash = std::mem::take(&mut self.hasher).finalize();
            let _ = self.sums.set(Sums { bytes: self.bytes, sha256: hash.iter().map(|byte| format!("{byte:02x}")).collect() });
            return Ok(None);
        }
        let block = Arc::new(block);
        self.spent.keep(Arc::clone(&block));
        self.bytes += block.len() as u64;
        self.written.send(Arc::clone(&block)).map_err(|_| io::Error::other("it could not be written"))?;
        self.hasher.update(block.as_slice());
        Ok(Some(block))
    }
}
