//! The boolean entropy decoder of VP8 (RFC 6386, section 7): one bit of meaning at a time, at a given probability.
//!
//! The edge: data that run out are answered with zeros and counted; whoever reads must ask [`Bools::is_past_end`].

/// A reader at some place in one partition. Copied into a local variable by hot loops: its fields then stay in registers.
#[derive(Clone, Copy)]
pub(super) struct Bools<'a> {
    /// What has not been loaded yet.
    rest: &'a [u8],
    /// Bits loaded and not used up, less what the ones read so far stood for.
    value: u64,
    /// The width of the interval, 128 to 255 between calls.
    range: u32,
    /// Bits loaded beyond the eight that the next decision needs; below zero, more must be loaded first.
    spare: i32,
    past_end: bool,
}

impl<'a> Bools<'a> {
    /// A reader at the beginning of a partition. `None` if that begins with FF: data stand for a number below the
    /// first interval's width, 255, so no encoder writes this, and each decoder reads other nonsense out of it.
    pub(super) fn new(partition: &'a [u8]) -> Option<Self> {
        let possible = partition.first() != Some(&0xFF);
        possible.then_some(Bools { rest: partition, value: 0, range: 255, spare: -8, past_end: false })
    }

    /// Whether a decision was asked for that the data do not hold. libwebp stops there (vp8_dec.c, `VP8DecodeMB`);
    /// encoders write out all bits that a decoder looks at.
    pub(super) fn is_past_end(&self) -> bool {
        self.past_end
    }

    /// One decision, `false` with a probability of `probability` in 256.
    #[inline(always)]
    pub(super) fn read(&mut self, probability: u8) -> bool {
        if self.spare < 0 {
            self.load();
        }
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        let scaled = u64::from(split) << self.spare;
        let bit = self.value >= scaled;
        if bit {
            self.range -= split;
            self.value -= scaled;
        } else {
            self.range = split;
        }
        // `range` is 1 to 255 here: `split` is at least 1 and below the old `range`.
        let shift = self.range.leading_zeros() - 24;
        self.range <<= shift;
        self.spare -= shift as i32;
        bit
    }

    /// A decision at even odds (`L(1)`, `F`).
    pub(super) fn flag(&mut self) -> bool {
        self.read(128)
    }

    /// An unsigned number of up to eight bits, the highest first (`L(n)`).
    pub(super) fn literal(&mut self, bits: u32) -> u8 {
        (0..bits).fold(0, |value, _| value << 1 | u8::from(self.flag()))
    }

    /// Goes past a number that is there only if a flag says so: its bits, then a sign.
    pub(super) fn skip_optional_signed(&mut self, bits: u32) {
        if self.flag() {
            self.literal(bits + 1);
        }
    }

    /// Loads seven bytes, or near the end one.
    #[inline]
    fn load(&mut self) {
        // `value` is below `range << spare` with `spare` below zero: eight bits at most, and 56 go behind them.
        if let Some(eight) = self.rest.first_chunk() {
            self.value = self.value << 56 | u64::from_be_bytes(*eight) >> 8;
            self.spare += 56;
            self.rest = self.rest.get(7..).unwrap_or_default();
            return;
        }
        let byte = match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                byte
            }
            None => {
                self.past_end = true;
                0
            }
        };
        self.value = self.value << 8 | u64::from(byte);
        self.spare += 8;
    }
}

/// The encoder of RFC 6386, 7.3, for tests: makes data that say what a test wants said.
#[cfg(test)]
pub(super) mod writer {
    /// An interval being narrowed; carries run back into `bytes`.
    pub(in super::super) struct Writer {
        bytes: Vec<u8>,
        range: u32,
        bottom: u32,
        count: i32,
    }

    impl Writer {
        pub(in super::super) fn new() -> Self {
            Writer { bytes: Vec::new(), range: 255, bottom: 0, count: 24 }
        }

        pub(in super::super) fn put(&mut self, bit: bool, probability: u8) {
            let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
            if bit {
                let (bottom, carry) = self.bottom.overflowing_add(split);
                self.bottom = bottom;
                self.range -= split;
                if carry {
                    self.carry();
                }
            } else {
                self.range = split;
            }
            while self.range < 128 {
                self.range <<= 1;
                if self.bottom >> 31 != 0 {
                    self.carry();
                }
                self.bottom <<= 1;
                self.count -= 1;
                if self.count == 0 {
                    self.bytes.push((self.bottom >> 24) as u8);
                    self.bottom &= 0xFF_FFFF;
                    self.count = 8;
                }
            }
        }

        pub(in super::super) fn literal(&mut self, value: u32, bits: u32) {
            for bit in (0..bits).rev() {
                self.put(value >> bit & 1 != 0, 128);
            }
        }

        fn carry(&mut self) {
            for byte in self.bytes.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        }

        pub(in super::super) fn finish(mut self) -> Vec<u8> {
            self.literal(0, 32);
            self.bytes
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::writer::Writer;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn data_that_run_out_are_zeros_and_noticed() {
        let mut bools = Bools::new(&[]).unwrap();
        assert!(!bools.is_past_end());
        assert_eq!((bools.literal(8), bools.is_past_end()), (0, true));
        assert!(Bools::new(&[0xFF]).is_none());
        let mut bools = Bools::new(&[0xFE]).unwrap();
        assert!(bools.flag() && !bools.is_past_end());
        for _ in 0..1000 {
            bools.read(1);
        }
        assert!(bools.is_past_end());
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(decisions in prop::collection::vec((any::<bool>(), any::<u8>()), 0..600)) {
            let mut writer = Writer::new();
            for &(bit, probability) in &decisions {
                writer.put(bit, probability);
            }
            let bytes = writer.finish();
            let mut bools = Bools::new(&bytes).unwrap();
            for &(bit, probability) in &decisions {
                prop_assert_eq!(bools.read(probability), bit);
            }
            prop_assert!(!bools.is_past_end());
        }
    }
}
