//! A dataset out of sources: a recipe and rows in, files that their target takes out.
//!
//! Three walks, each in memory that does not follow the data. `select` decides which rows go where, from as few columns
//! as will do. `make` turns those rows into lines and images, on all cores, and puts them on a pile. `write` puts lines
//! together in their order, hands them to the same engine as `check`, and puts files in place when nothing is wrong.

mod init;
mod json;
mod make;
mod manifest;
mod plan;
pub mod recipe;
mod render;
pub mod row;
mod select;
mod shapes;
mod size;
pub mod source;
mod store;
mod template;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use init::init;
pub use plan::Overview;
pub use shapes::{PRESETS, preset};

use crate::diagnostic::{Diagnostic, reason};
use crate::settings::Settings;
use crate::summary::Summary;
use crate::target::Date;
use recipe::{Loaded, OnError};
use row::Row;
use template::Fault;

/// How a recipe is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads to work on.
    pub threads: usize,
    /// The folder of the files, instead of the recipe's own.
    pub folder: Option<PathBuf>,
    /// Whether files that are there are replaced.
    pub overwrite: bool,
    /// Whether everything is done except writing.
    pub dry_run: bool,
    /// Only so many examples of the first split are made, and none is written or checked.
    pub preview: Option<usize>,
    /// The day on which the job would start.
    pub today: Date,
}

/// What a run tells while it goes on.
pub trait Host {
    /// `done` of `total` rows, or lines, of a step are through.
    fn progress(&mut self, step: Step, done: u64, total: Option<u64>);

    /// How large a file will be, before it is written.
    fn size(&mut self, split: &str, bytes: u64);
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows are chosen.
    Select,
    /// Rows are made into lines.
    Make,
    /// Lines are checked and written.
    Write,
}

impl Step {
    /// What is done, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Select => "selecting",
            Self::Make => "making",
            Self::Write => "writing",
        }
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The files, in the order of the recipe.
    pub splits: Vec<SplitOutcome>,
    /// The first lines, when they were asked for by [`Options::preview`].
    pub preview: Vec<Vec<u8>>,
    /// The sums of all splits but prompt-only ones, as of one `check`.
    pub summary: Summary,
    /// The settings they were checked with.
    pub settings: Settings,
    /// The first findings of each rule.
    pub findings: Vec<Diagnostic>,
    /// What was left out and why.
    pub skipped: Skipped,
    /// Distinct images.
    pub images: u64,
    /// What was done to how many of them, for people.
    pub changes: BTreeMap<&'static str, u64>,
    /// What `fit` has chosen, for people.
    pub fitted: Option<String>,
}

/// One file.
#[derive(Clone, Debug)]
pub struct SplitOutcome {
    /// Its name in the recipe.
    pub name: String,
    /// Its path.
    pub path: PathBuf,
    /// Lines.
    pub examples: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
    /// Whether it ends before the answers.
    pub prompt_only: bool,
}

/// Rows that were left out under `on_error = "skip"`.
#[derive(Clone, Debug, Default)]
pub struct Skipped {
    /// How many examples or rows, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// The first of them, by source and row.
    pub rows: Vec<RowProblem>,
}

impl Skipped {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.reasons.values().sum()
    }
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// Where the row stands.
    pub place: String,
    /// Its number in its source.
    pub row: u64,
    /// The keys of the recipe that it failed at, from the outermost.
    pub at: Vec<String>,
    /// What is wrong.
    pub message: String,
}

impl RowProblem {
    fn new(row: &Row, at: &[&str], message: String) -> Self {
        Self { place: row.place.clone(), row: row.number, at: at.iter().map(|&key| key.to_owned()).collect(), message }
    }

    fn of(row: &Row, fault: Fault) -> Self {
        Self { place: row.place.clone(), row: row.number, at: fault.at, message: fault.message }
    }
}

/// Why nothing was written.
#[derive(Debug)]
pub enum Error {
    /// The recipe, a source or the disk is at fault.
    Failed(String),
    /// A row cannot be made into a line, and `on_error` is `stop`.
    Row(Box<RowProblem>),
    /// The result would be refused.
    Refused(Box<Refusal>),
    /// A signal asked for the end.
    Interrupted,
}

/// What the target would refuse in what was made.
#[derive(Debug)]
pub struct Refusal {
    /// The split.
    pub split: String,
    /// The first findings of each rule, each with the row it was made from.
    pub findings: Vec<(Diagnostic, Option<String>)>,
    /// How many findings there are.
    pub count: u64,
    /// What it was checked with.
    pub settings: Settings,
}

impl Error {
    fn source(error: source::Error) -> Self {
        Self::Failed(error.to_string())
    }

    fn recipe(loaded: &Loaded, fault: &Fault) -> Self {
        Self::Failed(located(loaded, &fault.at, &fault.message))
    }

    fn write(path: &std::path::Path, error: &io::Error) -> Self {
        Self::Failed(format!("{}: {}", path.display(), reason(error)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(message) => f.write_str(message),
            Self::Row(problem) => write!(f, "{}: {}", problem.place, problem.message),
            Self::Refused(refusal) => write!(f, "the target would refuse the split `{}`", refusal.split),
            Self::Interrupted => f.write_str("interrupted; nothing was written"),
        }
    }
}

impl std::error::Error for Error {}

/// A message with the line of the recipe it speaks of.
pub fn located(loaded: &Loaded, at: &[String], message: &str) -> String {
    let keys: Vec<&str> = at.iter().map(String::as_str).collect();
    let line = loaded.line(&keys).map(|line| format!(":{line}")).unwrap_or_default();
    let mut path = String::new();
    for key in keys.iter().filter(|key| **key != "expr") {
        match key.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) if path.is_empty() => path.push_str(key),
            Err(_) => path.push_str(&format!(".{key}")),
        }
    }
    let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
    format!("{}{line}: {path}{message}", loaded.path.display())
}

/// Problems with rows: the first one ends the run, or each is counted.
#[derive(Debug)]
struct Problems {
    on_error: OnError,
    skipped: Skipped,
}

/// Rows that are told one by one.
const TOLD: usize = 1000;
/// Reasons that are told apart.
const REASONS: usize = 100;

impl Problems {
    fn new(on_error: OnError) -> Self {
        Self { on_error, skipped: Skipped::default() }
    }

    fn add(&mut self, problem: RowProblem) -> Result<(), Error> {
        if self.on_error == OnError::Stop {
            return Err(Error::Row(Box::new(problem)));
        }
        let reasons = &mut self.skipped.reasons;
        let reason = if reasons.len() < REASONS || reasons.contains_key(&problem.message) {
            problem.message.clone()
        } else {
            "other reasons".to_owned()
        };
        *reasons.entry(reason).or_default() += 1;
        self.skipped.rows.push(problem);
        if self.skipped.rows.len() >= 2 * TOLD {
            self.cut();
        }
        Ok(())
    }

    /// Keeps the first rows, whatever the order in which threads came upon them.
    fn cut(&mut self) {
        self.skipped.rows.sort_by(|a, b| (&a.place, a.row, &a.message).cmp(&(&b.place, b.row, &b.message)));
        self.skipped.rows.truncate(TOLD);
    }

    fn finish(mut self) -> Skipped {
        self.cut();
        self.skipped
    }
}

/// Runs a recipe. Files appear under their names when all of them are whole and nothing in them would be refused; until
/// then, and after any error, what was there before stays as it was.
///
/// `stop` is looked at all the while; once it is set the run ends with [`Error::Interrupted`].
///
/// # Errors
///
/// See [`Error`]. Nothing has been written then.
pub fn run(loaded: &Loaded, options: &Options, stop: &Arc<AtomicBool>, host: &mut dyn Host) -> Result<Outcome, Error> {
    let (recipe, target) = plan::prepare(loaded)?;
    let environment = template::environment();
    let plan = plan::Plan::new(loaded, &recipe, target, &environment, options)?;
    plan.run(stop, host)
}
