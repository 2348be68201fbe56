//! Huffman tables of a JPEG, made for walking past symbols instead of decoding them.
//!
//! The walk wants no values, so a table answers with how many bits and how many coefficients to step over, several
//! symbols at a time. The edge: bits come from `bits`, meaning from `scan`.

use super::bits::Bits;
use std::cell::RefCell;
use std::rc::Rc;

/// Width of the look-up that takes several symbols at once: two to three typical ones fit.
const WIDE: u32 = 12;
/// Width of the look-up for one symbol.
const NARROW: u32 = 9;

/// A table as it stands in a DHT segment, before anyone knows whether it is used.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Spec {
    /// Codes of each length, 1 to 16.
    pub(super) counts: [u8; 16],
    /// Symbols in order of code; at most 256.
    pub(super) symbols: Vec<u8>,
}

/// The tables of the standard's annex K, which files without tables of their own mean (Motion JPEG): DC for slots
/// 0 and 1, then AC for slots 0 and 1. libjpeg-turbo fills them in for sequential files (jdhuff.c).
pub(super) fn standard() -> [Spec; 4] {
    let spec = |counts: [u8; 16], symbols: &[u8]| Spec { counts, symbols: symbols.to_vec() };
    [
        spec([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], DC_SYMBOLS),
        spec([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], DC_SYMBOLS),
        spec([0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125], AC_LUMA_SYMBOLS),
        spec([0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119], AC_CHROMA_SYMBOLS),
    ]
}

/// ITU-T T.81, tables K.3 and K.4.
const DC_SYMBOLS: &[u8] = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B";
/// ITU-T T.81, table K.5.
const AC_LUMA_SYMBOLS: &[u8] = b"\
    \x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xA1\x08\x23\x42\xB1\
    \xC1\x15\x52\xD1\xF0\x24\x33\x62\x72\x82\x09\x0A\x16\x17\x18\x19\x1A\x25\x26\x27\x28\x29\x2A\x34\x35\x36\x37\
    \x38\x39\x3A\x43\x44\x45\x46\x47\x48\x49\x4A\x53\x54\x55\x56\x57\x58\x59\x5A\x63\x64\x65\x66\x67\x68\x69\x6A\
    \x73\x74\x75\x76\x77\x78\x79\x7A\x83\x84\x85\x86\x87\x88\x89\x8A\x92\x93\x94\x95\x96\x97\x98\x99\x9A\xA2\xA3\
    \xA4\xA5\xA6\xA7\xA8\xA9\xAA\xB2\xB3\xB4\xB5\xB6\xB7\xB8\xB9\xBA\xC2\xC3\xC4\xC5\xC6\xC7\xC8\xC9\xCA\xD2\xD3\
    \xD4\xD5\xD6\xD7\xD8\xD9\xDA\xE1\xE2\xE3\xE4\xE5\xE6\xE7\xE8\xE9\xEA\xF1\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9\xFA";
/// ITU-T T.81, table K.6.
const AC_CHROMA_SYMBOLS: &[u8] = b"\
    \x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xA1\xB1\xC1\
    \x09\x23\x33\x52\xF0\x15\x62\x72\xD1\x0A\x16\x24\x34\xE1\x25\xF1\x17\x18\x19\x1A\x26\x27\x28\x29\x2A\x35\x36\
    \x37\x38\x39\x3A\x43\x44\x45\x46\x47\x48\x49\x4A\x53\x54\x55\x56\x57\x58\x59\x5A\x63\x64\x65\x66\x67\x68\x69\
    \x6A\x73\x74\x75\x76\x77\x78\x79\x7A\x82\x83\x84\x85\x86\x87\x88\x89\x8A\x92\x93\x94\x95\x96\x97\x98\x99\x9A\
    \xA2\xA3\xA4\xA5\xA6\xA7\xA8\xA9\xAA\xB2\xB3\xB4\xB5\xB6\xB7\xB8\xB9\xBA\xC2\xC3\xC4\xC5\xC6\xC7\xC8\xC9\xCA\
    \xD2\xD3\xD4\xD5\xD6\xD7\xD8\xD9\xDA\xE2\xE3\xE4\xE5\xE6\xE7\xE8\xE9\xEA\xF2\xF3\xF4\xF5\xF6\xF7\xF8\xF9\xFA";

/// What one wide look-up says: steps over one symbol and over all symbols known from these twelve bits.
///
/// bits 0-7: bits of all; 8-15: coefficients of all; 16-23: bits of the first; 24-29: coefficients of the first.
#[derive(Clone, Copy)]
pub(super) struct Step(u32);

impl Step {
    /// The last of all symbols ends the block.
    const ENDS: u32 = 1 << 30;
    /// No symbol is known: the code is longer than the look-up, or invalid.
    const LONG: u32 = 1 << 31;

    #[inline(always)]
    pub(super) fn is_long(self) -> bool {
        self.0 & Step::LONG != 0
    }
    #[inline(always)]
    pub(super) fn ends(self) -> bool {
        self.0 & Step::ENDS != 0
    }
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 0xFF
    }
    #[inline(always)]
    pub(super) fn coefficients(self) -> u32 {
        self.0 >> 8 & 0xFF
    }
    #[inline(always)]
    pub(super) fn first_bits(self) -> u32 {
        self.0 >> 16 & 0xFF
    }
    /// 0 when the first symbol ends the block.
    #[inline(always)]
    pub(super) fn first_coefficients(self) -> u32 {
        self.0 >> 24 & 0x3F
    }
}

/// A table ready to walk with.
pub(super) struct Table {
    spec: Spec,
    /// By the next nine bits: code length << 8 | symbol; 0 for a longer code.
    narrow: [u16; 1 << NARROW],
    /// By the next twelve bits; for AC symbols of sequential scans.
    wide: Option<Box<[Step; 1 << WIDE]>>,
    /// By code length: the largest code, or -1.
    largest: [i32; 17],
    /// By code length: what to add to a code to get the place of its symbol.
    place: [i32; 17],
}

/// A code that the table has not.
pub(super) struct BadCode;

impl Table {
    /// Makes the table, or `None` if the code lengths describe no prefix code, as libjpeg judges
    /// (jdhuff.c, `jpeg_make_d_derived_tbl`): over-full, or with a code of all ones.
    fn new(spec: &Spec, wide: bool) -> Option<Table> {
        let mut narrow = [0u16; 1 << NARROW];
        let mut single = [0u16; 1 << WIDE];
        let (mut largest, mut place) = ([-1i32; 17], [0i32; 17]);
        let mut symbols = spec.symbols.iter();
        let (mut code, mut seen) = (0i32, 0i32);
        let by_length = spec.counts.iter().zip(largest.iter_mut().skip(1)).zip(place.iter_mut().skip(1));
        for (length, ((&count, largest), place)) in (1u32..).zip(by_length) {
            *place = seen - code;
            for _ in 0..count {
                let symbol = *symbols.next()?;
                let entry = (length as u16) << 8 | u16::from(symbol);
                fill(&mut narrow, NARROW, code, length, entry);
                fill(&mut single, WIDE, code, length, entry);
                code += 1;
            }
            seen += i32::from(count);
            if count > 0 {
                *largest = code - 1;
                if code >= 1 << length {
                    return None;
                }
            }
            code <<= 1;
        }
        let wide = wide.then(|| widen(&single));
        Some(Table { spec: spec.clone(), narrow, wide, largest, place })
    }

    /// The table for a spec, from this thread's small cache: most files use the tables of the standard's annex K,
    /// and making the wide look-up costs as much as walking some 5 kB.
    pub(super) fn cached(spec: &Spec, wide: bool) -> Option<Rc<Table>> {
        const KEPT: usize = 16;
        thread_local!(static CACHE: RefCell<Vec<Rc<Table>>> = const { RefCell::new(Vec::new()) });
        CACHE.with(|cache| {
            let mut cache = cache.try_borrow_mut().ok()?;
            if let Some(found) = cache.iter().position(|t| t.wide.is_some() == wide && t.spec == *spec) {
                return cache.get(found).cloned();
            }
            let table = Rc::new(Table::new(spec, wide)?);
            if cache.len() >= KEPT {
                cache.remove(0);
            }
            cache.push(Rc::clone(&table));
            Some(table)
        })
    }

    /// The wide look-up, for AC tables of sequential scans.
    pub(super) fn steps(&self) -> Option<&[Step; 1 << WIDE]> {
        self.wide.as_deref()
    }

    /// Takes one code; its symbol. A code that is not in the table takes 17 bits, as in libjpeg
    /// (`jpeg_huff_decode`), so that both go on from the same bit. Needs 17 bits at hand and leaves 47 of a full 56.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits) -> Result<u8, BadCode> {
        #[expect(clippy::indexing_slicing, reason = "peek(NARROW) is below 1 << NARROW, the length")]
        let entry = self.narrow[bits.peek(NARROW)];
        if entry != 0 {
            bits.skip(u32::from(entry >> 8));
            return Ok(entry as u8);
        }
        self.long_symbol(bits)
    }

    #[cold]
    fn long_symbol(&self, bits: &mut Bits) -> Result<u8, BadCode> {
        for length in NARROW + 1..=16 {
            let code = bits.peek(length) as i32;
            let (Some(&largest), Some(&place)) = (self.largest.get(length as usize), self.place.get(length as usize)) else {
                break;
            };
            if code <= largest {
                bits.skip(length);
                bits.refill();
                let place = usize::try_from(code + place).unwrap_or(usize::MAX);
                return Ok(self.spec.symbols.get(place).copied().unwrap_or(0));
            }
        }
        bits.skip(17);
        bits.refill();
        Err(BadCode)
    }
}

/// The index of the wide look-up.
#[inline(always)]
pub(super) fn wide_index(bits: &Bits) -> usize {
    bits.peek(WIDE)
}

/// Enters a code of `length` bits under every index that begins with it.
fn fill(table: &mut [u16], width: u32, code: i32, length: u32, entry: u16) {
    if length > width {
        return;
    }
    let first = (code as usize) << (width - length);
    if let Some(slots) = table.get_mut(first..first + (1 << (width - length))) {
        slots.fill(entry);
    }
}

/// Puts as many symbols as twelve bits can name into each entry. A magnitude may reach past the twelve bits, a code
/// may not; at most 27 bits in all.
fn widen(single: &[u16; 1 << WIDE]) -> Box<[Step; 1 << WIDE]> {
    let mut wide = Box::new([Step(Step::LONG); 1 << WIDE]);
    for (index, slot) in wide.iter_mut().enumerate() {
        let (mut taken, mut coefficients, mut entry) = (0u32, 0u32, 0u32);
        while taken < WIDE {
            let rest = index << taken & ((1 << WIDE) - 1);
            let symbol = single.get(rest).copied().unwrap_or(0);
            let length = u32::from(symbol >> 8);
            if length == 0 || length > WIDE - taken {
                break;
            }
            let (run, size) = (u32::from(symbol >> 4 & 15), u32::from(symbol & 15));
            // Size 0 ends the block, but for the run of sixteen zeros (T.81, F.1.2.2).
            let ends = size == 0 && run != 15;
            if ends && run != 0 {
                break; // EOBn, which a sequential scan cannot have: left to the slow path to complain of.
            }
            let step = if ends { 0 } else { run + 1 };
            if taken == 0 {
                entry = (length + size) << 16 | step << 24;
            }
            taken += length + size;
            coefficients += step;
            if ends {
                entry |= Step::ENDS;
                break;
            }
        }
        if taken > 0 {
            *slot = Step(entry | coefficients << 8 | taken);
        }
    }
    wide
}
