//! The input, or a part of a file, cut into blocks that end at a line break.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::input::{Origin, ReadAt, Spent};

/// Bytes of a block, unless one line is longer.
const BLOCK: usize = 1 << 20;
/// Bytes by which a block grows whose last line does not end in it.
const STEP: usize = BLOCK / 4;
/// Lines of a block: tiny lines can have a finding each, and findings are larger than such lines.
const BLOCK_LINES: usize = 4096;
/// Bytes that are read at a time to find the end of a line that is another part's, or the last one of a part.
const WINDOW: usize = 1 << 16;
/// Bytes of a part of a file, at least and at most: one of so many for each thread of what is left. Large parts have few borders, at which
/// two threads meet the same images; small ones at the end make all threads end together.
const PART: (u64, u64) = (1 << 20, 8 << 20);
const PARTS_OF_A_THREAD: u64 = 4;
/// Lines with more bytes than that are looked at by so many threads at a time.
const LONG: usize = 8 << 20;
const LONG_AT_ONCE: usize = 2;

/// A piece of the file.
pub(super) struct Block {
    /// Where its first byte stands in the file.
    pub(super) offset: u64,
    pub(super) content: Content,
    /// Held where it is very long.
    _permit: Option<Permit>,
}

pub(super) enum Content {
    Lines(Lines),
    /// One line over the cap; holds its length.
    TooLong(u64),
}

impl Content {
    /// Bytes that it takes in the file.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.bytes().len() as u64,
            Self::TooLong(length) => *length,
        }
    }
}

/// Whole lines, looked for once. The last one may lack its break.
pub(super) struct Lines {
    /// It begins with them; what stands behind them is none of theirs.
    buffer: Arc<Vec<u8>>,
    /// Where each of them ends, behind its break.
    ends: Vec<usize>,
}

impl Lines {
    fn new(bytes: Arc<Vec<u8>>) -> Self {
        let ends = ends(&bytes);
        Self { buffer: bytes, ends }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.ends.last().copied().unwrap_or_default()).unwrap_or_default()
    }

    pub(super) fn count(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Each with its break.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let mut start = 0;
        self.ends.iter().map(move |&end| self.buffer.get(std::mem::replace(&mut start, end)..end).unwrap_or_default())
    }
}

/// Where each line of `bytes` ends.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends: Vec<usize> = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1).collect();
    if ends.last().is_none_or(|&last| last < bytes.len()) && !bytes.is_empty() {
        ends.push(bytes.len());
    }
    ends
}

impl Block {
    /// Its lines; nothing of one that is too long.
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Lines(lines) => lines.bytes(),
            Content::TooLong(_) => &[],
        }
    }
}

/// Lets few at a time go on with a very long line, so that memory follows the longest line and not the threads.
struct Turnstile(Sender<()>, Receiver<()>);

impl Turnstile {
    fn new() -> Self {
        let (sender, receiver) = bounded(LONG_AT_ONCE);
        // There is room for all of them.
        for _ in 0..LONG_AT_ONCE {
            let _ = sender.send(());
        }
        Self(sender, receiver)
    }

    /// Waits until there are fewer.
    fn enter(&self) -> Option<Permit> {
        self.1.recv().ok().map(|()| Permit(self.0.clone()))
    }
}

/// Whose it is may go on; dropped, it goes to the next one.
struct Permit(Sender<()>);

impl Drop for Permit {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// A file that several threads read at a time, each a part of it. A line belongs to the part in which it begins.
pub(super) struct Parts {
    file: Arc<dyn ReadAt>,
    length: u64,
    threads: u64,
    /// Number of the next part, and where it begins.
    next: Mutex<(u64, u64)>,
    max_line: usize,
    turnstile: Arc<Turnstile>,
}

/// The size of a part before whose end so many bytes are left.
fn size_of_part(left: u64, threads: u64) -> u64 {
    (left / (threads * PARTS_OF_A_THREAD)).clamp(PART.0, PART.1)
}

impl Parts {
    /// Sets `reader` upon the next part. Gives its number; `None` when there is none left.
    pub(super) fn next(&self, reader: &mut Option<Reader>) -> Option<u64> {
        let (number, start, end) = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let (number, start) = *next;
            let left = self.length.checked_sub(start).filter(|&left| left > 0)?;
            let size = size_of_part(left, self.threads);
            *next = (number + 1, start + size);
            // What has been added in the meantime belongs to the last part.
            (number, start, if left > size { start + size } else { u64::MAX })
        };
        let spent = reader.take().map(Reader::into_spent).unwrap_or_default();
        let (input, turnstile) = (Origin::File(Arc::clone(&self.file), self.length), Some(Arc::clone(&self.turnstile)));
        *reader = Some(Reader { spent, turnstile, ..Reader::part(input, self.max_line, start, end) });
        Some(number)
    }
}

/// Makes `buffer` at least so large, and a new one large enough for a block whose last line ends a little behind it.
fn grow(buffer: &mut Vec<u8>, size: usize) {
    if buffer.is_empty() {
        // Zeros that the system has at hand, page by page as they are written over: a short file touches few.
        *buffer = vec![0; size.max(BLOCK + STEP)];
    } else if buffer.len() < size {
        buffer.resize(size, 0);
    }
}

/// What was read behind the last line break of the block before.
#[derive(Default)]
struct Carry {
    /// Where it stands: what holds that block, which others may still look at.
    buffer: Arc<Vec<u8>>,
    range: Range<usize>,
}

/// Cuts the input into blocks that end at a line break.
pub(super) struct Reader {
    input: Origin,
    max_line: usize,
    /// How far the input was read.
    at: u64,
    /// Lines that begin there or behind are not looked at.
    end: u64,
    /// Whether what is read next begins a line, or goes on with one.
    is_at_line: bool,
    /// Where the next block begins.
    offset: u64,
    carry: Carry,
    spent: Spent,
    ready: VecDeque<Block>,
    done: bool,
    /// Where others read the same file.
    turnstile: Option<Arc<Turnstile>>,
}

impl Reader {
    pub(super) fn new(input: Origin, max_line: usize) -> Self {
        Self {
            input,
            max_line,
            at: 0,
            end: u64::MAX,
            is_at_line: true,
            offset: 0,
            carry: Carry::default(),
            spent: Spent::default(),
            ready: VecDeque::new(),
            done: false,
            turnstile: None,
        }
    }

    /// One that reads the lines which begin from `start` on, before `end`; `start` is not 0.
    fn part(input: Origin, max_line: usize, start: u64, end: u64) -> Self {
        // The byte before tells whether a line begins there.
        Self { at: start - 1, end, is_at_line: false, ..Self::new(input, max_line) }
    }

    /// Leaves all but the next few megabytes to others, as far as that can be: what they take comes out of what is given back.
    pub(super) fn split(&mut self, threads: usize) -> Option<Parts> {
        let Origin::File(file, length) = &self.input else { return None };
        let threads = threads as u64;
        let second = self.at + size_of_part(length.saturating_sub(self.at), threads);
        if second >= *length {
            return None;
        }
        let turnstile = Arc::new(Turnstile::new());
        let (file, length, max_line) = (Arc::clone(file), *length, self.max_line);
        (self.end, self.turnstile) = (second, Some(Arc::clone(&turnstile)));
        Some(Parts { file, length, threads, next: Mutex::new((1, second)), max_line, turnstile })
    }

    /// Whether the block just given out was the last one.
    pub(super) fn is_done(&self) -> bool {
        self.done && self.ready.is_empty() && self.carry.range.is_empty()
    }

    /// The memory that serves again.
    fn into_spent(mut self) -> Spent {
        self.spent.keep(self.carry.buffer);
        self.spent
    }

    /// Room for a block, which begins with what was carried over; and how much that is. What stands behind it is of no account: memory
    /// that serves again is not zeroed again.
    fn room(&mut self) -> (Vec<u8>, usize) {
        let Carry { buffer: mut last, range } = std::mem::take(&mut self.carry);
        let length = range.len();
        // Where nobody looks at the block before any more, its own memory is in the cache.
        if let Some(last) = Arc::get_mut(&mut last).filter(|last| last.len() >= BLOCK) {
            last.copy_within(range, 0);
            return (std::mem::take(last), length);
        }
        let mut room = self.spent.take();
        grow(&mut room, BLOCK.max(length));
        if let (Some(to), Some(carry)) = (room.get_mut(..length), last.get(range)) {
            to.copy_from_slice(carry);
        }
        self.spent.keep(last);
        (room, length)
    }

    /// Fills `to`, but for its end at the end of the input. Gives how many bytes.
    fn fill(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = to.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let got = match &mut self.input {
                Origin::Reader(reader) => reader.read(rest),
                Origin::File(file, _) => file.read_at(rest, self.at),
                Origin::Blocks(_) => Ok(0),
            };
            match got {
                Ok(0) => break,
                Ok(got) => (filled, self.at) = (filled + got, self.at + got as u64),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        // One ahead of what comes in blocks, to know which is the last one.
        while let Origin::Blocks(blocks) = &mut self.input
            && !self.done
            && self.ready.len() < 2
        {
            match blocks.next()? {
                Some(block) => self.queue_made(block),
                None => self.done = true,
            }
        }
        if self.ready.is_empty() && !self.done {
            self.read()?;
        }
        Ok(self.ready.pop_front())
    }

    /// Reads up to the next line break behind a block's worth of bytes, or to the end.
    fn read(&mut self) -> io::Result<()> {
        if !self.is_at_line {
            self.find_line()?;
        }
        if self.offset >= self.end {
            self.done = true;
            self.carry.range = 0..0;
            return Ok(());
        }
        let (mut buffer, mut filled) = self.room();
        // What was carried over holds whole lines where it follows a line over the cap.
        let mut old = 0;
        let mut permit = None;
        loop {
            let wanted = BLOCK.max(filled + STEP);
            grow(&mut buffer, wanted);
            // Behind the end of a part little more is read than ends its last line.
            let left = if self.at < self.end { self.end - self.at } else { (self.at - self.end).max(WINDOW as u64) };
            let goal = wanted.min(filled.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
            filled += if self.done { 0 } else { self.fill(buffer.get_mut(filled..goal).unwrap_or_default())? };
            self.done |= filled < goal;
            if let Some(end) = self.end_of_part(buffer.get(..filled).unwrap_or_default(), old) {
                self.done = true;
                self.queue(buffer, end..end, permit);
                return Ok(());
            }
            let new = buffer.get(old..filled).unwrap_or_default();
            let last = if self.done { Some(new.len()) } else { memchr::memrchr(b'\n', new).map(|last| last + 1) };
            if let Some(last) = last {
                self.queue(buffer, old + last..filled, permit);
                return Ok(());
            }
            if filled > self.max_line {
                drop(buffer);
                return self.skip_line(filled);
            }
            if filled > LONG && permit.is_none() {
                permit = self.turnstile.as_deref().and_then(Turnstile::enter);
            }
            old = filled;
        }
    }

    /// Reads on to the first line that begins here.
    fn find_line(&mut self) -> io::Result<()> {
        self.is_at_line = true;
        let (mut buffer, _) = self.room();
        self.offset = self.end;
        let mut range = 0..0;
        loop {
            self.pass_hole();
            let start = self.at;
            let got = if start < self.end { self.fill(buffer.get_mut(..WINDOW).unwrap_or_default())? } else { 0 };
            if let Some(end) = memchr::memchr(b'\n', buffer.get(..got).unwrap_or_default()) {
                self.offset = start + end as u64 + 1;
                range = end + 1..got;
                break;
            }
            if got < WINDOW {
                break;
            }
        }
        self.carry = Carry { buffer: Arc::new(buffer), range };
        Ok(())
    }

    /// Goes on behind the zeros of a hole, in which no line ends. Gives how many.
    fn pass_hole(&mut self) -> u64 {
        let Origin::File(file, _) = &self.input else { return 0 };
        let from = self.at;
        self.at = file.behind_hole(from);
        self.at - from
    }

    /// Where in `bytes`, the next block, the last line ends that begins before the end of the part; `None` when that was not read yet. It
    /// does not end before `old`.
    fn end_of_part(&self, bytes: &[u8], old: usize) -> Option<usize> {
        let from = usize::try_from(self.end - 1 - self.offset).ok()?.max(old);
        Some(from + 1 + memchr::memchr(b'\n', bytes.get(from..)?)?)
    }

    /// Reads on to the end of a line of which `length` bytes are over the cap already, and keeps none of it.
    fn skip_line(&mut self, length: usize) -> io::Result<()> {
        let mut length = length as u64;
        let (mut buffer, _) = self.room();
        let mut range = 0..0;
        loop {
            length += self.pass_hole();
            let got = self.fill(buffer.get_mut(..BLOCK).unwrap_or_default())?;
            if let Some(end) = memchr::memchr(b'\n', buffer.get(..got).unwrap_or_default()) {
                length += end as u64 + 1;
                range = end + 1..got;
                break;
            }
            length += got as u64;
            if got == 0 {
                self.done = true;
                break;
            }
        }
        self.carry = Carry { buffer: Arc::new(buffer), range };
        self.push(Content::TooLong(length), None);
        Ok(())
    }

    /// Queues lines that came whole, but for those over the cap.
    fn queue_made(&mut self, block: Arc<Vec<u8>>) {
        if block.len() <= self.max_line {
            self.push(Content::Lines(Lines::new(block)), None);
            return;
        }
        for line in block.split_inclusive(|&byte| byte == b'\n') {
            let is_long = line.len() > self.max_line;
            let content = if is_long { Content::TooLong(line.len() as u64) } else { Content::Lines(Lines::new(Arc::new(line.to_vec()))) };
            self.push(content, None);
        }
    }

    /// Cuts what stands in `buffer` before `rest` into blocks of at most [`BLOCK_LINES`] lines, and carries `rest` over.
    fn queue(&mut self, buffer: Vec<u8>, rest: Range<usize>, permit: Option<Permit>) {
        let buffer = Arc::new(buffer);
        let bytes = buffer.get(..rest.start).unwrap_or_default();
        self.carry = if Spent::is_worth_keeping(&buffer) {
            Carry { buffer: Arc::clone(&buffer), range: rest }
        } else {
            // A large one goes as soon as nobody looks at it.
            Carry { range: 0..rest.len(), buffer: Arc::new(buffer.get(rest).unwrap_or_default().to_vec()) }
        };
        let ends = ends(bytes);
        if ends.len() <= BLOCK_LINES {
            if !ends.is_empty() {
                self.push(Content::Lines(Lines { buffer, ends }), permit);
            }
            return;
        }
        let mut start = 0;
        for ends in ends.chunks(BLOCK_LINES) {
            let end = ends.last().copied().unwrap_or(start);
            let piece = bytes.get(start..end).unwrap_or_default().to_vec();
            let ends = ends.iter().map(|end| end - start).collect();
            self.push(Content::Lines(Lines { buffer: Arc::new(piece), ends }), None);
            start = end;
        }
    }

    fn push(&mut self, content: Content, permit: Option<Permit>) {
        let offset = self.offset;
        self.offset += content.length();
        self.ready.push_back(Block { offset, content, _permit: permit });
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

    impl ReadAt for Vec<u8> {
        fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
            let rest = self.get(offset as usize..).unwrap_or_default();
            let count = to.len().min(rest.len());
            to[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }

        fn behind_hole(&self, offset: u64) -> u64 {
            let zeros = self.iter().skip(offset as usize).take_while(|&&byte| byte == 0).count();
            offset + zeros as u64
        }
    }

    /// What a block holds, or how long its one line is.
    type Shown = (u64, Result<Vec<u8>, u64>);

    fn shown(block: Block) -> Shown {
        let content = match block.content {
            Content::Lines(lines) => {
                assert_eq!(lines.iter().collect::<Vec<_>>(), lines.bytes().split_inclusive(|&byte| byte == b'\n').collect::<Vec<_>>());
                Ok(lines.bytes().to_vec())
            }
            Content::TooLong(length) => Err(length),
        };
        (block.offset, content)
    }

    fn all(reader: &mut Reader) -> Vec<Shown> {
        std::iter::from_fn(|| reader.next().expect("no error").map(shown)).collect()
    }

    fn blocks(bytes: &[u8], step: usize, max_line: usize) -> Vec<Shown> {
        all(&mut Reader::new(Origin::Reader(Box::new(Dribble(bytes.to_vec(), step))), max_line))
    }

    /// What the parts of a file hold, all but the first of which have `size` bytes.
    fn parts(bytes: &[u8], second: u64, size: u64, max_line: usize) -> Vec<Shown> {
        let (file, length) = (Arc::new(bytes.to_vec()), bytes.len() as u64);
        let mut first = Reader { end: second, ..Reader::new(Origin::File(file.clone(), length), max_line) };
        let mut found = all(&mut first);
        let mut start = second;
        while start < length {
            let end = if length - start > size { start + size } else { u64::MAX };
            let (turnstile, input) = (Arc::new(Turnstile::new()), Origin::File(file.clone(), length));
            found.extend(all(&mut Reader { turnstile: Some(turnstile), ..Reader::part(input, max_line, start, end) }));
            start = start.saturating_add(size);
        }
        found
    }

    /// The lines of blocks, each with its offset; of one that is too long, its length.
    fn lines_of(blocks: Vec<Shown>) -> Vec<Shown> {
        let mut lines = Vec::new();
        for (mut offset, content) in blocks {
            match content {
                Err(length) => lines.push((offset, Err(length))),
                Ok(bytes) => {
                    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                        lines.push((offset, if line.len() > 20 { Err(line.len() as u64) } else { Ok(line.to_vec()) }));
                        offset += line.len() as u64;
                    }
                }
            }
        }
        lines
    }

    proptest! {
        #[test]
        fn blocks_put_together_are_the_file(lines in prop::collection::vec("[a-z]{0,9}", 0..200), step in 1_usize..50, newline in any::<bool>()) {
            let mut text = lines.join("\n").into_bytes();
            if newline {
                text.push(b'\n');
            }
            let mut joined = Vec::new();
            for (offset, content) in blocks(&text, step, 1 << 20) {
                prop_assert_eq!(offset, joined.len() as u64);
                joined.extend(content.expect("no line is too long"));
            }
            prop_assert_eq!(joined, text);
        }

        #[test]
        fn each_line_is_in_one_part(lines in prop::collection::vec("[a-z]{0,30}", 1..60), second in 1_u64..200, size in 1_u64..100, newline in any::<bool>()) {
            let mut text = lines.join("\n").into_bytes();
            if newline {
                text.push(b'\n');
            }
            prop_assert_eq!(lines_of(parts(&text, second, size, 20)), lines_of(blocks(&text, usize::MAX, 20)));
        }
    }

    #[test]
    fn lines_longer_than_windows_blocks_and_parts_are_in_one_part() {
        for (length, second, size) in [(100_000, 1 << 20, 1 << 18), (3_000_000, 1 << 20, 1 << 20), (WINDOW, WINDOW as u64, WINDOW as u64)] {
            let line = [vec![b'x'; length - 1], vec![b'\n']].concat();
            let text = [line.repeat(5), b"y\n".repeat(9000), line.repeat(2)].concat();
            for max_line in [usize::MAX, 1 << 21] {
                assert_eq!(lines_of(parts(&text, second, size, max_line)), lines_of(blocks(&text, usize::MAX, max_line)), "{length}");
            }
        }
    }

    #[test]
    fn memory_serves_again_once_nobody_looks_at_it() {
        let line = [vec![b'x'; 99_999], vec![b'\n']].concat();
        let text = line.repeat(50);
        let mut reader = Reader::new(Origin::Reader(Box::new(Dribble(text.clone(), usize::MAX))), usize::MAX);
        let mut next = || reader.next().expect("no error");
        let at = |block: &Block| block.bytes().as_ptr();
        let first = next().expect("a block");
        let second = next().expect("a block");
        assert_ne!(at(&first), at(&second));
        let (freed, seen) = (at(&second), [first.bytes(), second.bytes()].concat());
        drop(second);
        let third = next().expect("a block");
        assert_eq!(at(&third), freed);
        let (freed, seen) = (at(&first), [&seen, third.bytes()].concat());
        drop(first);
        let fourth = next().expect("a block");
        assert_eq!(at(&fourth), freed);
        let rest: Vec<_> = std::iter::from_fn(next).collect();
        let seen = rest.iter().fold([&seen, fourth.bytes()].concat(), |seen, block| [&seen, block.bytes()].concat());
        assert_eq!((seen.len(), seen == text), (text.len(), true));
        assert_eq!(third.bytes(), line.repeat(third.bytes().len() / line.len()));
    }

    #[test]
    fn memory_of_a_very_long_line_is_given_back_with_it() {
        let text = [vec![b'x'; 20 << 20], b"\n".to_vec(), [vec![b'y'; 99_998], b"\n".to_vec()].concat().repeat(20)].concat();
        let mut reader = Reader::new(Origin::File(Arc::new(text.clone()), text.len() as u64), usize::MAX);
        let block = reader.next().expect("no error").expect("a block");
        let Content::Lines(lines) = &block.content else { panic!("a line that is not too long") };
        assert_eq!((Arc::strong_count(&lines.buffer), reader.carry.range.is_empty()), (1, false));
        let (_, first) = shown(block);
        let parts = std::iter::once(first).chain(all(&mut reader).into_iter().map(|(_, bytes)| bytes));
        assert!(parts.map(|bytes| bytes.expect("no line is too long")).collect::<Vec<_>>().concat() == text);
    }

    #[test]
    fn holes_are_passed_by() {
        let hole = vec![0; BLOCK * 5];
        let text = [b"a\n".to_vec(), vec![b'x'; BLOCK * 2], hole.clone(), b"x\nb\n".to_vec(), hole.clone(), hole].concat();
        for (second, size) in [(u64::MAX, 1), (1 << 20, 1 << 20)] {
            let found = parts(&text, second, size, BLOCK);
            let (long, last) = (BLOCK as u64 * 7 + 2, BLOCK as u64 * 10);
            assert_eq!(found, [(0, Ok(b"a\n".to_vec())), (2, Err(long)), (long + 2, Ok(b"b\n".to_vec())), (long + 4, Err(last))]);
        }
    }

    #[test]
    fn a_line_over_the_cap_is_passed_by() {
        let long = BLOCK * 3;
        let text = [b"a\n".to_vec(), vec![b'x'; long], b"\nb\n".to_vec()].concat();
        let found = blocks(&text, usize::MAX, BLOCK);
        assert_eq!(found, [(0, Ok(b"a\n".to_vec())), (2, Err(long as u64 + 1)), (long as u64 + 3, Ok(b"b\n".to_vec()))]);
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
        let mut found = Vec::new();
        while let Some(block) = reader.next().expect("no error") {
            let (offset, content) = shown(block);
            found.push((offset, content.map(|bytes| bytes.len()), reader.is_done()));
        }
        assert_eq!(found, [(0, Ok(4), false), (4, Ok(2), false), (6, Err(9), false), (15, Ok(2), true)]);
    }

    #[test]
    fn tiny_lines_make_small_blocks() {
        let found = blocks(&b"{}\n".repeat(10_000), usize::MAX, BLOCK);
        assert_eq!(found.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [0, 4096 * 3, 8192 * 3]);
    }
}
