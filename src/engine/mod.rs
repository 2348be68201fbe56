//! Bytes in, findings and sums out: in input order, on all cores, in memory that does not follow the file.

mod facts;
mod fetch;
mod fix;
mod head;
mod input;
mod line;
mod pipeline;
mod reader;
mod reshape;

pub use fix::{Change, FixOptions, Fixed, Hunk, Rewrite};
pub use input::{Blocks, Input, ReadAt};
pub(crate) use input::{Spent, unpacked};

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fetch::Fetcher;

use crate::baseline::Baseline;
use crate::context::{Context, Head, Image, Line};
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Shelf, Wanted};
use crate::fetch::Fetch;
use crate::format::{Example, Message};
use crate::image::Embedded;
use crate::rules::{Check, REGISTRY};
use crate::schema::{SchemaFault, Schemas};
use crate::settings::{Judgement, Settings};
use crate::summary::{FileSummary, Place, Summary};

/// What is known of the images met last, by a hash of the whole URL: the same image stands in many lines of a real file. One that is
/// met again stays; of a file of nothing but distinct images, only so many are kept.
#[derive(Debug)]
struct Remembered<T> {
    young: HashMap<u128, Arc<T>>,
    old: HashMap<u128, Arc<T>>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<T> Remembered<T> {
    /// Verdicts of a generation.
    const MOST: usize = 1 << 14;

    fn get(&mut self, hash: u128) -> Option<Arc<T>> {
        if let Some(known) = self.young.get(&hash) {
            return Some(Arc::clone(known));
        }
        let known = self.old.remove(&hash)?;
        Some(self.put(hash, known))
    }

    fn put(&mut self, hash: u128, known: Arc<T>) -> Arc<T> {
        if self.young.len() >= Self::MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, Arc::clone(&known));
        known
    }
}

/// What a URL holds, `None` where it embeds no image. Empty while the thread that met it first looks at it: the others wait for
/// that, which takes less than to look as well.
type KnownImage = OnceLock<Option<Embedded>>;

/// Takes each finding, in order.
pub type Sink<'a> = dyn FnMut(&Diagnostic) -> io::Result<()> + 'a;

/// What a run shares between its files: the schemas, and the verdict on every image seen.
#[derive(Debug)]
pub struct Engine {
    schemas: Schemas,
    images: Mutex<Remembered<KnownImage>>,
    /// What asks for images by their addresses; `None` asks for none.
    fetcher: Option<Fetcher>,
    /// Keeps two files made to collide from doing so in every run.
    seed: u64,
    threads: usize,
    /// What of the data is to be kept for a report.
    shelf: Option<Shelf>,
    /// Findings that are not told; `None` tells all.
    baseline: Option<Mutex<Baseline>>,
}

/// Some lines out of a file.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The path as it was given.
    pub path: &'a str,
    /// The first bytes of the file, at least its first line: they show its format.
    pub head: &'a [u8],
    /// Whether that is all of the file.
    pub is_whole: bool,
    /// The lines, with their line breaks.
    pub lines: &'a [u8],
    /// Where the first of them stands.
    pub place: Place,
}

/// Why a file could not be checked to its end.
#[derive(Debug)]
pub enum Error {
    /// It could not be read, or not be unpacked.
    Read(io::Error),
    /// A finding could not be written.
    Write(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "{error}"),
            Self::Write(error) => write!(f, "cannot write the findings: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl Engine {
    /// An engine that works on `threads` threads.
    ///
    /// # Errors
    ///
    /// When a schema that is built in cannot be read; never, as the tests show.
    pub fn new(threads: usize) -> Result<Self, String> {
        let seed = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0);
        Ok(Self {
            schemas: Schemas::load()?,
            images: Mutex::default(),
            fetcher: None,
            seed,
            threads: threads.max(1),
            shelf: None,
            baseline: None,
        })
    }

    /// The same engine, which asks `fetch` for the images that stand behind web addresses, 100 of an example at the most, and judges
    /// them as it judges embedded ones. [`Engine::fix`] asks for none.
    #[must_use]
    pub fn with_fetch(self, fetch: Box<dyn Fetch>) -> Self {
        Self { fetcher: Some(Fetcher::new(fetch)), ..self }
    }

    /// The same engine, which keeps samples and images for a report in [`Summary::exhibits`].
    pub fn with_exhibits(self, wanted: Wanted) -> Self {
        Self { shelf: Some(Shelf::new(wanted)), ..self }
    }

    /// The same engine, which counts findings that `baseline` knows and does not tell them.
    #[must_use]
    pub fn with_baseline(self, baseline: Option<Baseline>) -> Self {
        Self { baseline: baseline.map(Mutex::new), ..self }
    }

    /// The baseline with what was met of it, after the run.
    pub fn into_baseline(self) -> Option<Baseline> {
        self.baseline.map(|baseline| baseline.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts findings and hands them to the sink, but for those the baseline knows.
    fn hand_over(&self, found: &[Diagnostic], summary: &mut Summary, sink: &mut Sink<'_>) -> Result<(), Error> {
        // Uncontended: only the thread that puts outcomes in order comes here.
        let mut baseline = self.baseline.as_ref().map(|baseline| baseline.lock().unwrap_or_else(PoisonError::into_inner));
        for diagnostic in found {
            if baseline.as_mut().is_some_and(|baseline| baseline.knows(diagnostic)) {
                summary.baselined += 1;
            } else {
                summary.count(diagnostic);
                sink(diagnostic).map_err(Error::Write)?;
            }
        }
        Ok(())
    }

    /// Checks one file: its findings go to `sink` in the order of its lines, its sums become the last file of `summary`.
    ///
    /// Memory is bounded by the blocks in flight (a few megabytes, or a few of the longest lines). What tells copies in a file
    /// of more than a quarter of a million examples waits in a temporary file, 32 to 40 bytes an example.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when the input fails; what was found up to there has been reported.
    /// [`Error::Write`] when the sink fails.
    pub fn check(&self, input: Input, settings: &Settings, summary: &mut Summary, sink: &mut Sink<'_>) -> Result<(), Error> {
        pipeline::check(self, input, settings, summary, sink)
    }

    /// Checks some lines of a file by themselves: gives what a check of the whole file says of them. What it says of the
    /// file is left out, unless that is why the lines are not looked at.
    pub fn check_part(&self, part: &Part<'_>, settings: &Settings) -> Vec<Diagnostic> {
        pipeline::check_part(self, part, settings)
    }

    /// Mends one file: reads its newest version from `store` and writes the next one there, until nothing changes.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when the input fails or has a line that is too long to be read, [`Error::Write`] when the store
    /// fails. The store then holds a pass that was not ended.
    pub fn fix(&self, store: &mut dyn Rewrite, settings: &Settings, options: FixOptions) -> Result<Fixed, Error> {
        fix::fix(self, store, settings, options)
    }

    /// Mends a file in memory, shown as `path`: gives back its bytes, the lines set aside, and what was done.
    ///
    /// # Errors
    ///
    /// As for [`Engine::fix`].
    pub fn fix_bytes(
        &self,
        path: &str,
        bytes: Vec<u8>,
        settings: &Settings,
        options: FixOptions,
    ) -> Result<(Vec<u8>, Vec<u8>, Fixed), Error> {
        let mut store = fix::Memory::new(path, bytes);
        let fixed = fix::fix(self, &mut store, settings, options)?;
        Ok((store.bytes, store.rejected, fixed))
    }

    /// Judges the run as a whole, after its last file.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] when the sink fails; [`Error::Read`] when what was set aside for this cannot be read.
    pub fn finish(&self, settings: &Settings, summary: &mut Summary, sink: &mut Sink<'_>) -> Result<(), Error> {
        summary.settle().map_err(Error::Read)?;
        let checks = Checks::new(settings);
        let path = Arc::from("");
        let mut found = Vec::new();
        let mut cx = Context::new(settings, &path, None, &mut found);
        for &(judgement, check) in &checks.run {
            cx.judge(judgement);
            check(summary, &mut cx);
        }
        self.hand_over(&found, summary, sink)
    }
}

type Row<'s, F> = Vec<(&'s Judgement, F)>;
type SchemaCheck = fn(&SchemaFault<'_>, &mut Context<'_>);

/// The enabled checks by level, each with its judgement.
#[derive(Default)]
struct Checks<'s> {
    head: Row<'s, fn(&Head<'_>, &mut Context<'_>)>,
    line: Row<'s, fn(&Line<'_>, &mut Context<'_>)>,
    schema: HashMap<&'static str, (&'s Judgement, SchemaCheck)>,
    example: Row<'s, fn(&Example<'_>, &mut Context<'_>)>,
    message: Row<'s, fn(&Message<'_>, &Example<'_>, &mut Context<'_>)>,
    image: Row<'s, fn(&Image<'_>, &mut Context<'_>)>,
    file: Row<'s, fn(&FileSummary, &mut Context<'_>)>,
    run: Row<'s, fn(&Summary, &mut Context<'_>)>,
}

impl<'s> Checks<'s> {
    fn new(settings: &'s Settings) -> Self {
        let mut checks = Self::default();
        for (own, (rule, check)) in settings.judgements().iter().zip(REGISTRY).filter(|(own, _)| own.severity.is_some()) {
            match *check {
                Check::Head(check) => checks.head.push((own, check)),
                Check::Line(check) => checks.line.push((own, check)),
                Check::Schema(check) => {
                    checks.schema.insert(rule.name, (own, check));
                }
                Check::Example(check) => checks.example.push((own, check)),
                Check::Message(check) => checks.message.push((own, check)),
                Check::Image(check) => checks.image.push((own, check)),
                Check::File(check) => checks.file.push((own, check)),
                Check::Run(check) => checks.run.push((own, check)),
            }
        }
        checks
    }
}
