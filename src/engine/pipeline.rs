//! Blocks of lines to many workers and back in order. A file of one block is checked where it is read:
//! no thread is started for a hook's dozen lines.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Sender, bounded, unbounded};

use super::line::{Outcome, Worker};
use super::reader::{Block, Content, Parts, Reader};
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
    let bytes = first.as_ref().map(Block::bytes).unwrap_or_default();
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
            collector.absorb(&mut unread(&block))?;
            next = reader.next().map_err(Error::Read)?;
        }
    } else {
        let shape = expected(&seen, settings);
        let worker = || Worker::new(engine, settings, &checks, &path, shape);
        each_block(engine.threads, reader, first, &worker, &run, &mut |outcome| collector.absorb(outcome))?;
    }
    summary.settle_file(engine.threads).map_err(Error::Read)?;
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
        let mut outcome = Worker::new(engine, settings, &checks, &input.path, shape)
            .block(part.lines.split_inclusive(|&byte| byte == b'\n'), part.place.offset);
        outcome.put_behind(part.place.line - 1);
        found.extend(outcome.found);
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
        Content::Lines(lines) => worker.block(lines.iter(), block.offset),
        Content::TooLong(length) => worker.too_long(*length, block.offset),
    }
}

/// The outcome of a block of a file whose lines mean nothing.
fn unread(block: &Block) -> Outcome {
    let lines = match &block.content {
        Content::Lines(lines) => lines.count(),
        Content::TooLong(_) => 1,
    };
    Outcome { bytes: block.content.length(), lines, ..Outcome::default() }
}

/// Gives each block from `first` on to a worker, and hands on what they come to in the order of the file. A file of one
/// block, and any file on one thread, is worked on where it is read.
pub(super) fn each_block<W, T: Send>(
    threads: usize,
    mut reader: Reader,
    first: Option<Block>,
    worker: &(impl Fn() -> W + Sync),
    run: &(impl Fn(&mut W, Block) -> T + Sync),
    absorb: &mut dyn FnMut(&mut T) -> Result<(), Error>,
) -> Result<(), Error> {
    match first {
        Some(block) if threads > 1 && !reader.is_done() => return parallel(threads, reader, block, worker, run, absorb),
        Some(block) => {
            let mut worker = worker();
            let mut next = Some(block);
            while let Some(block) = next {
                absorb(&mut run(&mut worker, block))?;
                next = reader.next().map_err(Error::Read)?;
            }
        }
        None => {}
    }
    Ok(())
}

/// Bytes under way, unless a single block is larger, for each thread but for few threads. Enough for the others to go on while one
/// block takes its time, with ten megabytes of images perhaps.
const BYTES_UNDER_WAY: usize = 8 << 20;
const FEWEST_BYTES_UNDER_WAY: usize = 24 << 20;
/// Blocks under way at the most, for each thread but for few threads.
const BLOCKS_UNDER_WAY: usize = 8;
const FEWEST_BLOCKS_UNDER_WAY: usize = 64;

/// When something has its turn: the part of the input, and the place in that part.
type Turn = (u64, u64);

/// What comes at a turn: a block, or the end of the part, which may be one for want of more or for an error.
struct Step {
    turn: Turn,
    block: io::Result<Option<Block>>,
    ends_part: bool,
}

/// The same after the work.
struct Done<T> {
    turn: Turn,
    size: usize,
    outcome: io::Result<Option<T>>,
    ends_part: bool,
    /// Where the outcome goes back to who made it: memory that one thread has and another one gives up makes both wait.
    home: Option<Sender<T>>,
}

/// A stream, from which one block after the other is read: each is a part of its own.
struct Stream {
    reader: Reader,
    next: u64,
    ended: bool,
}

impl Stream {
    fn next(&mut self) -> Option<Step> {
        let block = if self.ended { Ok(None) } else { self.reader.next() };
        self.ended |= !matches!(block, Ok(Some(_)));
        if matches!(block, Ok(None)) {
            return None;
        }
        self.next += 1;
        Some(Step { turn: (self.next, 0), block, ends_part: true })
    }
}

/// Where the blocks come from.
enum Source {
    /// All take turns in reading: each reads its own blocks, so that the bytes are in the cache of the core that looks at them.
    Stream(Mutex<Stream>),
    /// Each reads parts of a file, and waits for nobody.
    Parts(Parts),
}

/// Blocks whose outcome is not absorbed yet, whether they are worked on or were done out of turn.
struct UnderWay {
    blocks: usize,
    bytes: usize,
    /// The part that is absorbed.
    part: u64,
    /// Nobody will absorb any more.
    given_up: bool,
}

/// What is shared by those who work on the blocks of a file.
struct Shared {
    source: Source,
    under_way: Mutex<UnderWay>,
    /// Told when blocks were absorbed.
    room: Condvar,
    most_blocks: usize,
    most_bytes: usize,
}

impl Shared {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether who works on `part` must wait. What is absorbed next need not: all others wait for it.
    fn is_full(&self, now: &UnderWay, part: u64) -> bool {
        !now.given_up && now.part != part && (now.blocks >= self.most_blocks || now.bytes >= self.most_bytes)
    }

    /// Waits until there is room; whether there is still anybody to work for.
    fn wait(&self, part: u64) -> bool {
        !self.room.wait_while(self.under_way(), |now| self.is_full(now, part)).unwrap_or_else(PoisonError::into_inner).given_up
    }

    fn absorbed(&self, next: Turn, size: usize) {
        let mut now = self.under_way();
        (now.blocks, now.bytes, now.part) = (now.blocks - 1, now.bytes - size, next.0);
        drop(now);
        self.room.notify_all();
    }

    fn give_up(&self) {
        self.under_way().given_up = true;
        self.room.notify_all();
    }
}

/// One who takes steps.
struct Walker<'s> {
    shared: &'s Shared,
    reader: Option<Reader>,
    /// What is next in the part that it reads, if it is in one.
    turn: Option<Turn>,
}

impl Walker<'_> {
    /// The part that it is in; none that is absorbed when it is in none.
    fn part(&self) -> u64 {
        self.turn.map_or(u64::MAX, |(part, _)| part)
    }

    /// The next step, which is under way from now on.
    fn next(&mut self) -> Option<Step> {
        let step = match &self.shared.source {
            Source::Stream(stream) => stream.lock().unwrap_or_else(PoisonError::into_inner).next()?,
            Source::Parts(parts) => {
                let (part, place) = match self.turn {
                    Some(turn) => turn,
                    None => (parts.next(&mut self.reader)?, 0),
                };
                let block = self.reader.as_mut().map_or(Ok(None), Reader::next);
                let ends_part = !matches!(block, Ok(Some(_)));
                self.turn = (!ends_part).then_some((part, place + 1));
                Step { turn: (part, place), block, ends_part }
            }
        };
        let mut now = self.shared.under_way();
        (now.blocks, now.bytes) = (now.blocks + 1, now.bytes + step.size());
        Some(step)
    }
}

impl Step {
    fn size(&self) -> usize {
        self.block.as_ref().ok().and_then(Option::as_ref).map_or(0, |block| block.bytes().len())
    }

    fn done<W, T>(self, worker: &mut W, run: &impl Fn(&mut W, Block) -> T, home: Option<&Sender<T>>) -> Done<T> {
        let (size, Self { turn, block, ends_part }) = (self.size(), self);
        Done { turn, size, outcome: block.map(|block| block.map(|block| run(worker, block))), ends_part, home: home.cloned() }
    }
}

/// Outcomes that are put back in order, and handed on as their turn comes.
struct Turns<'a, T> {
    waiting: BTreeMap<Turn, Done<T>>,
    next: Turn,
    absorb: &'a mut dyn FnMut(&mut T) -> Result<(), Error>,
}

impl<T> Turns<'_, T> {
    fn take(&mut self, done: Done<T>, shared: &Shared) -> Result<(), Error> {
        self.waiting.insert(done.turn, done);
        while let Some(done) = self.waiting.remove(&self.next) {
            let (part, place) = self.next;
            self.next = if done.ends_part { (part + 1, 0) } else { (part, place + 1) };
            let absorbed = match done.outcome {
                Ok(Some(mut outcome)) => {
                    let absorbed = (self.absorb)(&mut outcome);
                    // Who is not there any more does not mind.
                    let _ = done.home.map(|home| home.send(outcome));
                    absorbed
                }
                Ok(None) => Ok(()),
                Err(error) => Err(Error::Read(error)),
            };
            if absorbed.is_err() {
                shared.give_up();
                return absorbed;
            }
            shared.absorbed(self.next, done.size);
        }
        Ok(())
    }
}

/// All read, and work on what they have read. This thread is one of them, and the one that puts the outcomes of all in order: a thread
/// for that alone would push the others off their cores each time that it wakes. Nobody reads on while too much is under way.
fn parallel<W, T: Send>(
    threads: usize,
    mut reader: Reader,
    first: Block,
    worker: &(impl Fn() -> W + Sync),
    run: &(impl Fn(&mut W, Block) -> T + Sync),
    absorb: &mut dyn FnMut(&mut T) -> Result<(), Error>,
) -> Result<(), Error> {
    let (source, reader) = match reader.split(threads) {
        Some(parts) => (Source::Parts(parts), Some(reader)),
        None => (Source::Stream(Mutex::new(Stream { reader, next: 0, ended: false })), None),
    };
    let shared = Shared {
        source,
        under_way: Mutex::new(UnderWay { blocks: 1, bytes: first.bytes().len(), part: 0, given_up: false }),
        room: Condvar::new(),
        most_blocks: (threads * BLOCKS_UNDER_WAY).max(FEWEST_BLOCKS_UNDER_WAY),
        most_bytes: (threads * BYTES_UNDER_WAY).max(FEWEST_BYTES_UNDER_WAY),
    };
    // Made before any other, which would wait for the vocabulary that this one loads.
    let mut own = worker();
    thread::scope(|scope| {
        // Room for what all workers that saw room may send.
        let (done, outcomes) = bounded::<Done<T>>(shared.most_blocks + threads);
        for _ in 1..threads {
            let (done, shared) = (done.clone(), &shared);
            scope.spawn(move || {
                let (mut worker, mut walker) = (worker(), Walker { shared, reader: None, turn: None });
                let (home, returned) = unbounded();
                while shared.wait(walker.part()) {
                    returned.try_iter().for_each(drop);
                    let Some(step) = walker.next() else { return };
                    if done.send(step.done(&mut worker, run, Some(&home))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        // What was read already is the beginning of the first part.
        let ends_part = reader.is_none();
        let mut walker = Walker { shared: &shared, reader, turn: (!ends_part).then_some((0, 1)) };
        let mut turns = Turns { waiting: BTreeMap::new(), next: (0, 0), absorb };
        turns.take(Step { turn: (0, 0), block: Ok(Some(first)), ends_part }.done(&mut own, run, None), &shared)?;
        loop {
            for outcome in outcomes.try_iter() {
                turns.take(outcome, &shared)?;
            }
            // What is under way is with the others then.
            let is_full = shared.is_full(&shared.under_way(), walker.part());
            match if is_full { None } else { walker.next() } {
                Some(step) => turns.take(step.done(&mut own, run, None), &shared)?,
                None => match outcomes.recv() {
                    Ok(outcome) => turns.take(outcome, &shared)?,
                    Err(_) => return Ok(()),
                },
            }
        }
    })
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
    fn absorb(&mut self, outcome: &mut Outcome) -> Result<(), Error> {
        outcome.put_behind(self.summary.files.last().map_or(0, |file| file.lines));
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
            file.internal_errors.extend_from_slice(&outcome.internal_errors);
        }
        for facts in &outcome.facts {
            self.summary.absorb(facts, self.limit);
        }
        if let Some(shelf) = self.shelf {
            shelf.keep(&mut self.summary.exhibits, std::mem::take(&mut outcome.exhibits));
        }
        self.engine.hand_over(&outcome.found, self.summary, self.sink)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::engine::input::{Origin, ReadAt};

    /// Lines without end, or so many bytes of them and then an error.
    struct Lines(usize);

    impl Read for Lines {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(to.len()).ok_or_else(|| io::Error::other("gone"))?;
            to.fill(b'\n');
            Ok(to.len())
        }
    }

    /// A file of lines of a thousand bytes that changes once so much of it was read: it ends there, or cannot be read any more.
    struct Fickle {
        left: AtomicU64,
        fails: bool,
    }

    const SIZE: u64 = 40 << 20;

    impl ReadAt for Fickle {
        fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
            let count = (to.len() as u64).min(SIZE.saturating_sub(offset));
            if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(count)).is_err() {
                return if self.fails { Err(io::Error::other("gone")) } else { Ok(0) };
            }
            for (at, byte) in (offset..).zip(to.iter_mut().take(count as usize)) {
                *byte = if at % 1000 == 999 { b'\n' } else { b'x' };
            }
            Ok(count as usize)
        }

        fn behind_hole(&self, offset: u64) -> u64 {
            offset
        }
    }

    fn run(origin: Origin, threads: usize, most: u64) -> (u64, u64, Result<(), Error>) {
        let mut reader = Reader::new(origin, 1 << 28);
        let first = reader.next().expect("no error yet");
        let (mut absorbed, mut bytes) = (0, 0);
        let mut absorb = |&mut (offset, size): &mut (u64, u64)| {
            assert_eq!(offset, bytes);
            (absorbed, bytes) = (absorbed + 1, bytes + size);
            if absorbed < most { Ok(()) } else { Err(Error::Write(io::ErrorKind::BrokenPipe.into())) }
        };
        let ended =
            each_block(threads, reader, first, &|| (), &|(): &mut (), block| (block.offset, block.bytes().len() as u64), &mut absorb);
        (absorbed, bytes, ended)
    }

    fn stream(left: usize) -> Origin {
        Origin::Reader(Box::new(Lines(left)))
    }

    fn file(left: u64, fails: bool) -> Origin {
        Origin::File(Arc::new(Fickle { left: AtomicU64::new(left), fails }), SIZE)
    }

    #[test]
    fn who_cannot_go_on_stops_all_others() {
        for threads in [1, 2, 5] {
            assert!(matches!(run(stream(usize::MAX), threads, 99), (99, _, Err(Error::Write(_)))), "{threads} threads");
            assert!(matches!(run(file(u64::MAX, false), threads, 9), (9, _, Err(Error::Write(_)))), "{threads} threads");
            let (absorbed, _, ended) = run(stream(3 << 20), threads, u64::MAX);
            assert!(absorbed > 0 && matches!(ended, Err(Error::Read(_))), "{threads} threads");
        }
    }

    #[test]
    fn a_file_that_changes_underfoot_ends_the_run_and_no_more() {
        for threads in [1, 2, 5] {
            assert!(matches!(run(file(u64::MAX, false), threads, u64::MAX), (_, SIZE, Ok(()))), "{threads} threads");
            for left in [2 << 20, 9 << 20, 23 << 20, 39 << 20] {
                let (_, bytes, ended) = run(file(left, true), threads, u64::MAX);
                assert!(bytes <= left && matches!(ended, Err(Error::Read(_))), "{threads} threads, {left}: {bytes} {ended:?}");
            }
        }
    }
}
