//! Blocks of lines to many workers and back in order. A file of one block is checked where it is read:
//! no thread is started for a hook's dozen lines.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::bounded;

use super::input::{Origin, Spent};
use super::line::{Outcome, Worker};
use super::{Checks, Engine, Error, Input, Part, Sink, head};
use crate::context::{Context, Head};
use crate::diagnostic::Diagnostic;
use crate::exhibit::Shelf;
use crate::format::Shape;
use crate::settings::Settings;
use crate::summary::{FileSummary, Place, Summary};

/// Bytes of a block, unless one line is longer.
const BLOCK: usize = 1 << 20;
/// Lines of a block: tiny lines can have a finding each, and findings are larger than such lines.
const BLOCK_LINES: usize = 4096;

/// A piece of the file.
pub(super) struct Block {
    index: u64,
    pub(super) place: Place,
    pub(super) content: Content,
}

pub(super) enum Content {
    Lines(Arc<Vec<u8>>),
    /// One line over the cap; holds its length.
    TooLong(u64),
}

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

impl Block {
    /// The bytes that it holds.
    fn size(&self) -> usize {
        match &self.content {
            Content::Lines(bytes) => bytes.len(),
            Content::TooLong(_) => 0,
        }
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

/// How many lines `bytes` are; the last one may lack its break.
fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64 + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"))
}

impl Origin {
    /// Fills `to`, but for its end at the end of the input. Gives how many bytes.
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let Self::Reader(reader) = self else { return Ok(0) };
        let mut filled = 0;
        while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest) {
                Ok(0) => break,
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// The next block, where they come whole.
    fn made(&mut self) -> io::Result<Option<Arc<Vec<u8>>>> {
        match self {
            Self::Reader(_) => Ok(None),
            Self::Blocks(blocks) => blocks.next(),
        }
    }
}

/// Cuts the input into blocks that end at a line break.
pub(super) struct Reader {
    input: Origin,
    max_line: usize,
    /// Read, but behind the last line break of the block before.
    carry: Vec<u8>,
    spent: Spent,
    ready: VecDeque<Block>,
    done: bool,
    index: u64,
    place: Place,
}

impl Reader {
    pub(super) fn new(input: Origin, max_line: usize) -> Self {
        let (ready, spent) = (VecDeque::new(), Spent::default());
        Self { input, max_line, carry: Vec::new(), spent, ready, done: false, index: 0, place: Place { line: 1, offset: 0 } }
    }

    /// Whether the block just given out was the last one.
    pub(super) fn is_done(&self) -> bool {
        self.done && self.ready.is_empty() && self.carry.is_empty()
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        if matches!(self.input, Origin::Blocks(_)) {
            // One ahead, to know which is the last one.
            while !self.done && self.ready.len() < 2 {
                match self.input.made()? {
                    Some(block) => self.queue_made(block),
                    None => self.done = true,
                }
            }
        } else if self.ready.is_empty() {
            self.read()?;
        }
        Ok(self.ready.pop_front())
    }

    /// Reads up to the next line break behind a block's worth of bytes, or to the end.
    fn read(&mut self) -> io::Result<()> {
        // What stood there before is written over: memory that serves again need not be zeroed again.
        let mut bytes = self.spent.take();
        let mut filled = self.carry.len();
        let mut wanted = BLOCK.max(filled + BLOCK / 4);
        if bytes.is_empty() {
            // Zeros that the system has at hand, page by page as they are written over: a short file touches few.
            bytes = vec![0; wanted];
        } else {
            bytes.resize(bytes.len().max(wanted), 0);
        }
        if let Some(start) = bytes.get_mut(..filled) {
            start.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        loop {
            let old = filled;
            filled += if self.done { 0 } else { self.input.read(bytes.get_mut(filled..wanted).unwrap_or_default())? };
            self.done |= filled < wanted;
            let new = bytes.get(old..filled).unwrap_or_default();
            let last = if self.done { Some(new.len()) } else { memchr::memrchr(b'\n', new).map(|last| last + 1) };
            if let Some(last) = last {
                self.carry.extend_from_slice(new.get(last..).unwrap_or_default());
                bytes.truncate(old + last);
                self.queue(bytes);
                return Ok(());
            }
            if filled > self.max_line {
                drop(bytes);
                return self.skip_line(filled);
            }
            wanted = filled + BLOCK / 4;
            bytes.resize(bytes.len().max(wanted), 0);
        }
    }

    /// Reads on to the end of a line of which `length` bytes are over the cap already, and keeps none of it.
    fn skip_line(&mut self, length: usize) -> io::Result<()> {
        let mut length = length as u64;
        let mut buffer = vec![0; BLOCK];
        loop {
            let got = self.input.read(&mut buffer)?;
            let new = buffer.get(..got).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', new) {
                length += end as u64 + 1;
                self.carry.extend_from_slice(new.get(end + 1..).unwrap_or_default());
                break;
            }
            length += got as u64;
            if got == 0 {
                self.done = true;
                break;
            }
        }
        self.push(Content::TooLong(length), 1, length);
        Ok(())
    }

    /// Queues lines that came whole, but for those over the cap.
    fn queue_made(&mut self, block: Arc<Vec<u8>>) {
        if block.len() <= self.max_line {
            let (lines, length) = (lines(&block), block.len() as u64);
            self.push(Content::Lines(block), lines, length);
            return;
        }
        for line in block.split_inclusive(|&byte| byte == b'\n') {
            let length = line.len() as u64;
            let content = if line.len() > self.max_line { Content::TooLong(length) } else { Content::Lines(Arc::new(line.to_vec())) };
            self.push(content, 1, length);
        }
    }

    /// Cuts `bytes` into blocks of at most [`BLOCK_LINES`] lines.
    fn queue(&mut self, bytes: Vec<u8>) {
        let total = lines(&bytes);
        if total == 0 {
            return;
        }
        if total <= BLOCK_LINES as u64 {
            let length = bytes.len() as u64;
            let block = self.spent.give(bytes);
            self.push(Content::Lines(block), total, length);
            return;
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let cut = memchr::memchr_iter(b'\n', rest).nth(BLOCK_LINES - 1).map_or(rest.len(), |end| end + 1);
            let (piece, next) = rest.split_at(cut);
            self.push(Content::Lines(Arc::new(piece.to_vec())), lines(piece), piece.len() as u64);
            rest = next;
        }
    }

    fn push(&mut self, content: Content, lines: u64, bytes: u64) {
        self.ready.push_back(Block { index: self.index, place: self.place, content });
        self.index += 1;
        self.place = Place { line: self.place.line + lines, offset: self.place.offset + bytes };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::io::Read;

    use super::*;
    use crate::engine::Blocks;

    /// Gives out its bytes in pieces of odd sizes, as pipes do.
    struct Dribble(Vec<u8>, usize);

    impl Read for Dribble {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    fn blocks(bytes: &[u8], step: usize, max_line: usize) -> Vec<Block> {
        let mut reader = Reader::new(Origin::Reader(Box::new(Dribble(bytes.to_vec(), step))), max_line);
        std::iter::from_fn(|| reader.next().expect("no error")).collect()
    }

    proptest! {
        #[test]
        fn blocks_put_together_are_the_file(lines in prop::collection::vec("[a-z]{0,9}", 0..200), step in 1_usize..50, newline in any::<bool>()) {
            let mut text = lines.join("\n").into_bytes();
            if newline {
                text.push(b'\n');
            }
            let mut joined = Vec::new();
            let mut line = 1;
            for block in blocks(&text, step, 1 << 20) {
                prop_assert_eq!(block.place, Place { line, offset: joined.len() as u64 });
                let Content::Lines(bytes) = block.content else { panic!("no line is too long") };
                line += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
                joined.extend_from_slice(&bytes);
            }
            prop_assert_eq!(joined, text);
        }
    }

    #[test]
    fn a_line_over_the_cap_is_passed_by() {
        let long = BLOCK * 3;
        let text = [b"a\n".to_vec(), vec![b'x'; long], b"\nb\n".to_vec()].concat();
        let found = blocks(&text, usize::MAX, BLOCK);
        let shown: Vec<_> = found
            .iter()
            .map(|block| match &block.content {
                Content::Lines(bytes) => (block.place.line, bytes.len() as u64),
                Content::TooLong(length) => (block.place.line, *length),
            })
            .collect();
        assert_eq!(shown, [(1, 2), (2, long as u64 + 1), (3, 2)]);
    }

    /// Gives out one block after another.
    struct Whole(std::vec::IntoIter<&'static str>);

    impl Blocks for Whole {
        fn next(&mut self) -> io::Result<Option<Arc<Vec<u8>>>> {
            Ok(self.0.next().map(|block| Arc::new(block.as_bytes().to_vec())))
        }
    }

    #[test]
    fn blocks_that_come_whole_are_handed_on() {
        let mut reader = Reader::new(Origin::Blocks(Box::new(Whole(vec!["a\nb\n", "c\n", "12345678\nd\n"].into_iter()))), 7);
        let mut shown = Vec::new();
        while let Some(block) = reader.next().expect("no error") {
            let length = match &block.content {
                Content::Lines(bytes) => bytes.len() as u64,
                Content::TooLong(length) => *length,
            };
            shown.push((block.place.line, block.place.offset, length, reader.is_done()));
        }
        assert_eq!(shown, [(1, 0, 4, false), (3, 4, 2, false), (4, 6, 9, false), (5, 15, 2, true)]);
    }

    #[test]
    fn tiny_lines_make_small_blocks() {
        let found = blocks(&b"{}\n".repeat(10_000), usize::MAX, BLOCK);
        assert_eq!(found.len(), 3);
        assert_eq!(found[2].place, Place { line: 8193, offset: 8192 * 3 });
    }
}
