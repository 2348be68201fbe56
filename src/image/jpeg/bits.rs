//! The entropy-coded bytes of a JPEG between two markers, un-stuffed, and a reader of their bits.
//!
//! The edge: a [`Segment`] knows where it stands in the file and what ended it; what its bits mean is `scan`'s.

use memchr::memchr;

/// What stands behind a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A marker with this code (never 0 or 0xFF).
    Marker(u8),
    /// The end of the file.
    EndOfFile,
}

/// Entropy-coded data up to the next marker. The buffer is reused from segment to segment.
pub(super) struct Segment {
    /// The data with `FF 00` turned back into `FF`, then eight zero bytes, so that a reader that runs over sees
    /// zeros, as libjpeg feeds them (jdhuff.c, `jpeg_fill_bit_buffer`).
    clean: Vec<u8>,
    /// Where the segment begins in the file.
    pub(super) start: usize,
    /// Where the marker or the end of the file is: the first byte not part of the data.
    pub(super) end: usize,
    /// What is there.
    pub(super) stop: Stop,
    /// The first byte after that marker.
    pub(super) after: usize,
}

/// Zero bytes behind the data: one refill reads eight.
const PADDING: usize = 8;

impl Segment {
    /// A buffer for the segments of a file of this many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Segment { clean: Vec::with_capacity(bytes), start: 0, end: 0, stop: Stop::EndOfFile, after: 0 }
    }

    /// Reads the segment that begins at `start`. Costs one `memchr` run for each `FF` in it.
    pub(super) fn read(&mut self, file: &[u8], start: usize) {
        self.clean.clear();
        self.start = start;
        let mut at = start;
        self.stop = loop {
            let rest = file.get(at..).unwrap_or_default();
            let Some(plain) = memchr(0xFF, rest) else {
                self.clean.extend_from_slice(rest);
                self.end = file.len();
                self.after = file.len();
                break Stop::EndOfFile;
            };
            let (data, marked) = rest.split_at(plain);
            self.clean.extend_from_slice(data);
            // Any number of FF may stand before a marker as filling; before a 00 libjpeg takes them for one FF.
            let fill = marked.iter().take_while(|&&byte| byte == 0xFF).count();
            at += plain;
            match marked.get(fill) {
                Some(0) => {
                    self.clean.push(0xFF);
                    at += fill + 1;
                }
                Some(&code) => {
                    self.end = at;
                    self.after = at + fill + 1;
                    break Stop::Marker(code);
                }
                None => {
                    self.end = at;
                    self.after = file.len();
                    break Stop::EndOfFile;
                }
            }
        };
        self.clean.extend_from_slice(&[0; PADDING]);
    }

    /// Makes it a segment without data before the same stop.
    pub(super) fn empty(&mut self) {
        self.clean.clear();
        self.clean.extend_from_slice(&[0; PADDING]);
        self.start = self.end;
    }

    /// The number of bits of data.
    pub(super) fn bit_len(&self) -> usize {
        self.clean.len().saturating_sub(PADDING).saturating_mul(8)
    }

    /// A reader at the first bit.
    pub(super) fn bits(&self) -> Bits<'_> {
        Bits { clean: &self.clean, next: 0, held: 0, count: 0 }
    }

    /// The place in the file of a bit of the data: walks the stuffing again, so for findings only.
    pub(super) fn file_offset(&self, file: &[u8], bit: usize) -> usize {
        let mut left = bit / 8;
        let mut at = self.start;
        while left > 0 && at < self.end {
            let stuffed = file.get(at) == Some(&0xFF) && file.get(at + 1) == Some(&0);
            at += if stuffed { 2 } else { 1 };
            left -= 1;
        }
        at.min(self.end)
    }
}

/// Whether bytes between data and a marker are the padding that some encoders leave: ones (stuffed or not) or zeros.
pub(super) fn is_padding(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, 0 | 0xFF))
}

/// Bits, most significant first. At least 56 are at hand after [`Bits::refill`].
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    clean: &'a [u8],
    /// The byte that the next refill begins with.
    next: usize,
    /// The bits at hand, at the top; below `count` they may be set already, to the same values.
    held: u64,
    /// How many are at hand.
    count: u32,
}

impl Bits<'_> {
    /// Tops up without a branch on how many bits are there (Giesen's "variant 4").
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let word = self.clean.get(self.next..).and_then(|rest| rest.first_chunk()).map_or(0, |c| u64::from_be_bytes(*c));
        self.held |= word >> self.count;
        self.next += ((63 - self.count) >> 3) as usize;
        self.count |= 56;
    }

    /// The next `n` bits, 1 to 32, without taking them.
    #[inline(always)]
    pub(super) fn peek(&self, n: u32) -> usize {
        (self.held >> (64 - n)) as usize
    }

    /// Takes `n` bits, at most those at hand.
    #[inline(always)]
    pub(super) fn skip(&mut self, n: u32) {
        self.held <<= n;
        self.count = self.count.wrapping_sub(n);
    }

    /// Takes `n` bits, 0 to 16, as a number.
    #[inline(always)]
    pub(super) fn take(&mut self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        let value = self.peek(n) as u32;
        self.skip(n);
        value
    }

    /// Takes up to 64 bits unseen.
    #[inline(always)]
    pub(super) fn skip_many(&mut self, n: u32) {
        self.refill();
        if n > 32 {
            self.skip(32);
            self.refill();
            self.skip(n - 32);
        } else {
            self.skip(n);
        }
    }

    /// Bits taken so far; beyond the data when the reader ran over.
    #[inline(always)]
    pub(super) fn taken(&self) -> usize {
        (self.next * 8).wrapping_sub(self.count as usize)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;

    #[test]
    fn stuffing_filling_and_stops() {
        let mut segment = Segment::with_capacity(0);
        let file = b"\x12\xFF\x00\x34\xFF\xFF\x00\x56\xFF\xFF\xD9tail";
        segment.read(file, 0);
        assert_eq!((segment.stop, segment.end, segment.bit_len()), (Stop::Marker(0xD9), 8, 40));
        assert_eq!(segment.clean[..5], [0x12, 0xFF, 0x34, 0xFF, 0x56]);
        assert_eq!(segment.file_offset(file, 16), 3);
        segment.read(b"\x01\xFF", 0);
        assert_eq!((segment.stop, segment.end, segment.bit_len()), (Stop::EndOfFile, 1, 8));
    }

    #[test]
    fn bits_are_counted_and_end_in_zeros() {
        let mut segment = Segment::with_capacity(0);
        segment.read(&[0b1010_0101; 20], 0);
        let mut bits = segment.bits();
        for taken in 0..200 {
            assert_eq!(bits.taken(), taken);
            bits.refill();
            let expected = if taken < 160 { [1, 0, 1, 0, 0, 1, 0, 1][taken % 8] } else { 0 };
            assert_eq!(bits.take(1), expected, "{taken}");
        }
    }
}
