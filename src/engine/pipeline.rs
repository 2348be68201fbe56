//! Blocks of lines to many workers and back in order. A file of one block is checked where it is read:
//! no thread is started for a hook's dozen lines.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::bounded;

use super::line::{Outcome, Worker};
use super::reader::{Block, Content, Reader, lines};
use super::{Checks, Engine, Error, Input, Part, Sink, head};
use crate::context::{Context, Head};
use crate::diagnostic::Diagnostic;
use crate::exhibit::Shelf;
use crate::format::Shape;
use crate::settings::Settings;
use crate::summary::{FileSummary, Summary};

pub(super) fn check(
    engine: &Engine,
    mut input: Input,
    settings: &Settings,
    summary: &mut Summary,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let checks = Checks::new(settings);
    let path = Arc::clone(&input.path);
    let mut reader = Reader::new(input.take_origin(), settings.max_line_bytes);
    summary.files.push(FileSummary::new(Arc::clone(&path)));
    let first = reader.next().map_err(Error::Read)?;
    let bytes: &[u8] = match &first {
        Some(Block { content: Content::Lines(bytes), .. }) => bytes,
        _ => &[],
    };
    let seen = head::inspect(&input, bytes, reader.is_done(), settings.max_depth);
    let found = judge_head(&seen, &checks, settings, &path);
    engine.hand_over(&found, summary, sink)?;
    if let Some(file) = summary.files.last_mut() {
        file.shape = seen.shape;
    }
    let mut collector = Collector {
        engine,
        summary,
        sink,
        shelf: engine.shelf.as_ref(),
        limit: settings.model.as_ref().and_then(|model| model.context.as_ref()).map(|limit| limit.value),
    };
    if seen.fault.is_some() {
        let mut next = first;
        while let Some(block) = next {
            collector.absorb(unread(&block))?;
            next = reader.next().map_err(Error::Read)?;
        }
    } else {
        let shape = expected(&seen, settings);
        let worker = || Worker::new(engine, settings, &checks, &path, shape);
        each_block(engine.threads, &mut reader, first, &worker, &run, &mut |outcome| collector.absorb(outcome))?;
    }
    summary.settle_file().map_err(Error::Read)?;
    let mut found = Vec::new();
    let mut cx = Context::new(settings, &path, None, &mut found);
    if let Some(file) = summary.files.last().filter(|_| seen.fault.is_none()) {
        for &(judgement, check) in &checks.file {
            cx.judge(judgement);
            check(file, &mut cx);
        }
    }
    engine.hand_over(&found, summary, sink)
}

/// What the rules say of the first block, and so of the whole file.
fn judge_head(seen: &Head<'_>, checks: &Checks<'_>, settings: &Settings, path: &Arc<str>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut cx = Context::new(settings, path, None, &mut found);
    for &(judgement, check) in &checks.head {
        cx.judge(judgement);
        check(seen, &mut cx);
    }
    found
}

pub(super) fn check_part(engine: &Engine, part: &Part<'_>, settings: &Settings) -> Vec<Diagnostic> {
    let checks = Checks::new(settings);
    let input = Input::empty(part.path);
    let seen = head::inspect(&input, part.head, part.is_whole, settings.max_depth);
    let shape = expected(&seen, settings);
    let mut found = match shape {
        Some(_) => Vec::new(),
        None => judge_head(&seen, &checks, settings, &input.path),
    };
    if seen.fault.is_none() {
        found.extend(Worker::new(engine, settings, &checks, &input.path, shape).block(part.lines, part.place).found);
    }
    found
}

/// What the lines are judged as: what was asked for, else what most of the first lines look like, if the target takes that.
/// `None` when a finding on the whole file says already that its lines are of another format, or of one that is not taken.
pub(super) fn expected(seen: &Head<'_>, settings: &Settings) -> Option<Shape> {
    let shape = match (settings.format, seen.shape) {
        (Some(_), Some(Shape::Foreign(_))) => return None,
        (Some(asked), Some(shape @ Shape::Known(_))) if !shape.is_judged_as(asked) => return None,
        (Some(asked), _) => Some(Shape::Known(asked)),
        (None, shape) => shape,
    };
    match shape {
        Some(Shape::Known(format)) if !settings.target.formats.contains_key(&format) => None,
        shape => shape,
    }
}

fn run(worker: &mut Worker<'_>, block: Block) -> Outcome {
    match &block.content {
        Content::Lines(bytes) => worker.block(bytes, block.place),
        Content::TooLong(length) => worker.too_long(*length, block.place),
    }
}

/// The outcome of a block of a file whose lines mean nothing.
fn unread(block: &Block) -> Outcome {
    match &block.content {
        Content::Lines(bytes) => Outcome { bytes: bytes.len() as u64, lines: lines(bytes), ..Outcome::default() },
        Content::TooLong(length) => Outcome { bytes: *length, lines: 1, ..Outcome::default() },
    }
}

/// Gives each block from `first` on to a worker, and hands on what they come to in the order of the file. A file of one
/// block, and any file on one thread, is worked on where it is read.
pub(super) fn each_block<W, T: Send>(
    threads: usize,
    reader: &mut Reader,
    first: Option<Block>,
    worker: &(impl Fn() -> W + Sync),
    run: &(impl Fn(&mut W, Block) -> T + Sync),
    absorb: &mut dyn FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    match first {
        Some(block) if threads > 1 && !reader.is_done() => return parallel(threads, reader, block, worker, run, absorb),
        Some(block) => {
            let mut worker = worker();
            let mut next = Some(block);
            while let Some(block) = next {
                absorb(run(&mut worker, block))?;
                next = reader.next().map_err(Error::Read)?;
            }
        }
        None => {}
    }
    Ok(())
}

/// Bytes under way, unless a single block is larger, for each thread but for few threads. Enough for the others to go on while one
/// block takes its time, with ten megabytes of images perhaps.
const BYTES_UNDER_WAY: usize = 4 << 20;
const FEWEST_BYTES_UNDER_WAY: usize = 24 << 20;
/// Blocks under way at the most.
const MOST_UNDER_WAY: usize = 64;

/// Where blocks come from. Each worker reads its own: so its bytes are in the cache of the core that looks at them.
struct Source<'r> {
    reader: &'r mut Reader,
    /// Read before the workers began.
    first: Option<Block>,
    error: Option<io::Error>,
    ended: bool,
}

impl Source<'_> {
    fn next(&mut self) -> Option<Block> {
        if self.first.is_some() {
            return self.first.take();
        }
        let next = if self.ended { Ok(None) } else { self.reader.next() };
        self.ended |= !matches!(next, Ok(Some(_)));
        next.unwrap_or_else(|error| {
            self.error = Some(error);
            None
        })
    }
}

/// Blocks whose outcome is not absorbed yet, whether they are worked on or were done out of turn.
#[derive(Default)]
struct UnderWay {
    blocks: usize,
    bytes: usize,
    /// Nobody will absorb any more.
    given_up: bool,
}

/// What is shared by those who work on the blocks of a file.
struct Shared<'r> {
    source: Mutex<Source<'r>>,
    under_way: Mutex<UnderWay>,
    /// Told when blocks were absorbed.
    room: Condvar,
    most_bytes: usize,
}

impl Shared<'_> {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, now: &UnderWay) -> bool {
        !now.given_up && (now.blocks >= MOST_UNDER_WAY || now.bytes >= self.most_bytes)
    }

    /// Waits until there is room; whether there is still anybody to work for.
    fn wait(&self) -> bool {
        !self.room.wait_while(self.under_way(), |now| self.is_full(now)).unwrap_or_else(PoisonError::into_inner).given_up
    }

    /// The next block, which is under way from now on.
    fn next(&self) -> Option<Block> {
        let block = self.source.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        let mut now = self.under_way();
        (now.blocks, now.bytes) = (now.blocks + 1, now.bytes + block.size());
        Some(block)
    }
}

/// Outcomes that are put back in order, and handed on as their turn comes.
struct Turns<'a, T> {
    waiting: BTreeMap<u64, (usize, T)>,
    turn: u64,
    absorb: &'a mut dyn FnMut(T) -> Result<(), Error>,
}

impl<T> Turns<'_, T> {
    fn take(&mut self, (index, size, outcome): Done<T>, shared: &Shared<'_>) -> Result<(), Error> {
        self.waiting.insert(index, (size, outcome));
        while let Some((size, outcome)) = self.waiting.remove(&self.turn) {
            let absorbed = (self.absorb)(outcome);
            let mut now = shared.under_way();
            (now.blocks, now.bytes) = (now.blocks - 1, now.bytes - size);
            now.given_up |= absorbed.is_err();
            drop(now);
            shared.room.notify_all();
            absorbed?;
            self.turn += 1;
        }
        Ok(())
    }
}

/// The place of a block in the file, its size, and what it came to.
type Done<T> = (u64, usize, T);

/// All take turns in reading, and work on what they have read. This thread is one of them, and the one that puts the outcomes of
/// all in order: a thread for that alone would push the others off their cores each time that it wakes. Nobody reads on while too
/// much is under way.
fn parallel<W, T: Send>(
    threads: usize,
    reader: &mut Reader,
    first: Block,
    worker: &(impl Fn() -> W + Sync),
    run: &(impl Fn(&mut W, Block) -> T + Sync),
    absorb: &mut dyn FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let shared = Shared {
        source: Mutex::new(Source { reader, first: Some(first), error: None, ended: false }),
        under_way: Mutex::default(),
        room: Condvar::new(),
        most_bytes: (threads * BYTES_UNDER_WAY).max(FEWEST_BYTES_UNDER_WAY),
    };
    let work = |worker: &mut W, block: Block| (block.index, block.size(), run(worker, block));
    thread::scope(|scope| {
        // Room for what all workers that saw room may send.
        let (done, outcomes) = bounded::<Done<T>>(MOST_UNDER_WAY + threads);
        for _ in 1..threads {
            let (done, shared, work) = (done.clone(), &shared, &work);
            scope.spawn(move || {
                let mut worker = worker();
                while let Some(block) = shared.wait().then(|| shared.next()).flatten() {
                    if done.send(work(&mut worker, block)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut turns = Turns { waiting: BTreeMap::new(), turn: 0, absorb };
        let mut worker = worker();
        loop {
            for outcome in outcomes.try_iter() {
                turns.take(outcome, &shared)?;
            }
            // What is under way is with the others then.
            let is_full = shared.is_full(&shared.under_way());
            match if is_full { None } else { shared.next() } {
                Some(block) => turns.take(work(&mut worker, block), &shared)?,
                None => match outcomes.recv() {
                    Ok(outcome) => turns.take(outcome, &shared)?,
                    Err(_) => return Ok(()),
                },
            }
        }
    })?;
    match shared.source.into_inner().unwrap_or_else(PoisonError::into_inner).error {
        Some(error) => Err(Error::Read(error)),
        None => Ok(()),
    }
}

/// Takes outcomes in input order.
struct Collector<'a, 'b> {
    engine: &'a Engine,
    summary: &'a mut Summary,
    sink: &'a mut Sink<'b>,
    shelf: Option<&'a Shelf>,
    limit: Option<u64>,
}

impl Collector<'_, '_> {
    fn absorb(&mut self, outcome: Outcome) -> Result<(), Error> {
        if let Some(file) = self.summary.files.last_mut() {
            file.lines += outcome.lines;
            file.bytes += outcome.bytes;
            file.examples += outcome.examples;
            for (sum, own) in [(&mut file.blank, outcome.blank), (&mut file.crlf, outcome.crlf)] {
                if sum.count == 0 {
                    *sum = own;
                } else {
                    sum.count += own.count;
                }
            }
            file.internal_errors.extend(outcome.internal_errors);
        }
        for facts in outcome.facts {
            self.summary.absorb(facts, self.limit);
        }
        if let Some(shelf) = self.shelf {
            shelf.keep(&mut self.summary.exhibits, outcome.exhibits);
        }
        self.engine.hand_over(&outcome.found, self.summary, self.sink)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::engine::input::Origin;

    /// Lines without end, or so many bytes of them and then an error.
    struct Lines(usize);

    impl Read for Lines {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(to.len()).ok_or_else(|| io::Error::other("gone"))?;
            to.fill(b'\n');
            Ok(to.len())
        }
    }

    fn run(left: usize, threads: usize, most: u64) -> (u64, Result<(), Error>) {
        let mut reader = Reader::new(Origin::Reader(Box::new(Lines(left))), 1 << 28);
        let first = reader.next().expect("no error yet");
        let mut absorbed = 0;
        let mut absorb = |turn| {
            assert_eq!(turn, absorbed);
            absorbed += 1;
            if absorbed < most { Ok(()) } else { Err(Error::Write(io::ErrorKind::BrokenPipe.into())) }
        };
        let ended = each_block(threads, &mut reader, first, &|| (), &|(): &mut (), block| block.index, &mut absorb);
        (absorbed, ended)
    }

    #[test]
    fn who_cannot_go_on_stops_all_others() {
        for threads in [1, 2, 5] {
            assert!(matches!(run(usize::MAX, threads, 99), (99, Err(Error::Write(_)))), "{threads} threads");
            let (absorbed, ended) = run(3 << 20, threads, u64::MAX);
            assert!(absorbed > 0 && matches!(ended, Err(Error::Read(_))), "{threads} threads");
        }
    }
}
