//! The input cut into blocks that end at a line break.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::sync::Arc;

use super::input::{Origin, Spent};
use crate::summary::Place;

/// Bytes of a block, unless one line is longer.
const BLOCK: usize = 1 << 20;
/// Lines of a block: tiny lines can have a finding each, and findings are larger than such lines.
const BLOCK_LINES: usize = 4096;

/// A piece of the file.
pub(super) struct Block {
    pub(super) index: u64,
    pub(super) place: Place,
    pub(super) content: Content,
}

pub(super) enum Content {
    Lines(Arc<Vec<u8>>),
    /// One line over the cap; holds its length.
    TooLong(u64),
}

impl Block {
    /// The bytes that it holds.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Lines(bytes) => bytes.len(),
            Content::TooLong(_) => 0,
        }
    }
}

/// How many lines `bytes` are; the last one may lack its break.
pub(super) fn lines(bytes: &[u8]) -> u64 {
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
        // What was carried over holds whole lines where it follows a line over the cap.
        let mut old = 0;
        loop {
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
            old = filled;
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
