//! The walk over the entropy-coded data of one JPEG scan: every code is read, no coefficient is computed.
//!
//! The inverse transform and the colour conversion cannot fail, so this finds whatever a full decode would, at a
//! fraction of its cost. Wrong data are treated as libjpeg treats them (jdhuff.c, jdphuff.c, `jpeg_resync_to_restart`),
//! so that what follows is judged as Pillow would. The edge: headers are `frame`'s, what lies between scans `jpeg`'s.

use super::bits::{Bits, Segment, Stop, is_padding};
use super::frame::{Frame, Scan};
use super::huffman::{BadCode, Step, Table, wide_index};
use crate::image::{Damage, DamageKind};
use std::rc::Rc;

/// The data of one scan, cut at its restart markers.
pub(super) struct Feed<'a> {
    pub(super) file: &'a [u8],
    pub(super) segment: &'a mut Segment,
    /// MCUs between restart markers; 0 is none.
    pub(super) restart_interval: u64,
    /// The first thing found that decoders paper over.
    pub(super) oddity: &'a mut Option<Damage>,
}

/// The tables that a scan needs, by place in [`Scan::selected`].
pub(super) struct Tables {
    pub(super) dc: Vec<Option<Rc<Table>>>,
    pub(super) ac: Vec<Option<Rc<Table>>>,
}

impl Feed<'_> {
    fn odd(&mut self, offset: usize, detail: impl FnOnce() -> String) {
        if self.oddity.is_none() {
            *self.oddity = Some(Damage::new(DamageKind::Suspicious, offset, detail()));
        }
    }

    fn truncated(&self, frame: &Frame, scan: &Scan, mcus: u64) -> Damage {
        let rows = frame.rows(scan, mcus);
        Damage::new(DamageKind::Truncated, self.file.len(), format!("ends after {rows} of {} rows", frame.height))
    }

    /// Walks the whole scan, one call of `walk` for each interval between restart markers. `walk` gets the bits, the
    /// first MCU and their number, and says where it stopped; it is not called for intervals known to be empty.
    fn intervals(&mut self, frame: &Frame, scan: &Scan, mut walk: impl FnMut(Bits, usize, u64, u64) -> Walked) -> Result<(), Damage> {
        let total = scan.mcus(frame);
        let interval = if self.restart_interval == 0 { total } else { self.restart_interval };
        let mut first = 0;
        let mut expected = 0u8;
        // libjpeg's "insufficient data": nothing is read up to the next restart marker.
        let mut dry = false;
        loop {
            let count = interval.min(total - first);
            if !dry {
                let walked = walk(self.segment.bits(), self.segment.bit_len(), first, count);
                if let Some(bit) = walked.bad_at {
                    let at = self.segment.file_offset(self.file, bit);
                    let row = frame.rows(scan, walked.bad_mcu);
                    self.odd(at, || format!("has a broken code at about row {row} of {}", frame.height));
                }
                if walked.mcus < count {
                    if self.segment.stop == Stop::EndOfFile {
                        return Err(self.truncated(frame, scan, first + walked.mcus));
                    }
                    dry = true;
                    let row = frame.rows(scan, first + walked.mcus);
                    self.odd(self.segment.end, || format!("has a marker where data should be, after {row} of {} rows", frame.height));
                } else if walked.bits.saturating_add(8) <= self.segment.bit_len() {
                    let at = self.segment.file_offset(self.file, walked.bits.div_ceil(8) * 8);
                    let extra = self.file.get(at..self.segment.end).unwrap_or_default();
                    if !is_padding(extra) {
                        self.odd(at, || format!("has {} more bytes of data than its scan needs", extra.len()));
                    }
                }
            }
            first += count;
            if first >= total {
                return Ok(());
            }
            match self.restart(expected) {
                Next::Data => {}
                Next::Nothing => return Ok(()),
                Next::EndOfFile => return Err(self.truncated(frame, scan, first)),
            }
            dry &= self.segment.start == self.segment.end;
            expected = (expected + 1) & 7;
        }
    }

    /// Goes past restart marker `expected` to the next segment; past a wrong marker as `jpeg_resync_to_restart`
    /// does.
    fn restart(&mut self, expected: u8) -> Next {
        let Stop::Marker(mut marker) = self.segment.stop else { return Next::EndOfFile };
        if marker != 0xD0 + expected {
            self.odd(self.segment.end, || format!("has marker {marker:02X} in place of restart marker {expected}"));
        }
        loop {
            let ahead = marker.wrapping_sub(0xD0).wrapping_sub(expected) & 7;
            match marker {
                // One that is due next: what stood before it is missing.
                0xD0..=0xD7 if ahead == 1 || ahead == 2 => {
                    self.segment.empty();
                    return Next::Data;
                }
                0xD0..=0xD7 if ahead < 6 => {
                    self.segment.read(self.file, self.segment.after);
                    return Next::Data;
                }
                // A restart marker that is past, or no marker at all: what follows it is skipped.
                0xD0..=0xD7 | 0..=0xBF => {
                    self.segment.read(self.file, self.segment.after);
                    let Stop::Marker(next) = self.segment.stop else { return Next::EndOfFile };
                    marker = next;
                }
                // The rest of the scan is not there. Said at once, or a scan of one-MCU intervals without data would
                // cost time for every MCU that it declares.
                _ => return Next::Nothing,
            }
        }
    }
}

/// What comes after a restart marker, or where one should be.
enum Next {
    Data,
    Nothing,
    EndOfFile,
}

/// How far the walk of one interval came.
struct Walked {
    /// Whole MCUs.
    mcus: u64,
    /// Bits of them.
    bits: usize,
    /// The bit after the first broken code.
    bad_at: Option<usize>,
    /// The MCU it stands in, counted from the start of the scan.
    bad_mcu: u64,
}

/// Walks MCUs one by one until the bits run out. `mcu` takes the number of an MCU in the scan and says whether it
/// was sound; what it says of an MCU that runs over the end does not count.
#[inline(always)]
fn each_mcu(mut bits: Bits, end: usize, first: u64, count: u64, mut mcu: impl FnMut(&mut Bits, u64) -> bool) -> Walked {
    let mut walked = Walked { mcus: 0, bits: 0, bad_at: None, bad_mcu: 0 };
    while walked.mcus < count {
        let number = first + walked.mcus;
        let sound = mcu(&mut bits, number);
        let taken = bits.taken();
        if taken > end {
            break;
        }
        if !sound && walked.bad_at.is_none() {
            walked.bad_at = Some(taken);
            walked.bad_mcu = number;
        }
        walked.mcus += 1;
        walked.bits = taken;
    }
    walked
}

/// Walks a sequential scan.
pub(super) fn sequential(feed: &mut Feed, frame: &Frame, scan: &Scan, tables: &Tables) -> Result<(), Damage> {
    let mut blocks: Vec<(&Table, &Table, &[Step; 4096])> = Vec::with_capacity(10);
    for ((selected, dc), ac) in scan.selected.iter().zip(&tables.dc).zip(&tables.ac) {
        let (Some(dc), Some(ac)) = (dc.as_deref(), ac.as_deref()) else { continue };
        let Some(steps) = ac.steps() else { continue };
        for _ in 0..scan.blocks_of(selected, frame) {
            blocks.push((dc, ac, steps));
        }
    }
    feed.intervals(frame, scan, |bits, end, first, count| {
        each_mcu(bits, end, first, count, |bits, _| {
            let mut sound = true;
            for &(dc, ac, steps) in &blocks {
                sound &= block(bits, dc, ac, steps);
            }
            sound
        })
    })
}

/// Steps over one block of a sequential scan. False if a code was not in the table or led past the 64th coefficient.
#[inline(always)]
fn block(bits: &mut Bits, dc: &Table, ac: &Table, steps: &[Step; 4096]) -> bool {
    bits.refill();
    let mut sound = true;
    match dc.symbol(bits) {
        Ok(size) => bits.skip(u32::from(size & 15)),
        Err(BadCode) => sound = false,
    }
    // A refill holds 56 bits: enough for DC (9 + 15 by the short way) and one step, or for two steps, of at most 27.
    let mut at = 1;
    match step(bits, ac, steps, &mut at) {
        Flow::On => {}
        Flow::End => return sound,
        Flow::Bad => return false,
    }
    loop {
        bits.refill();
        for _ in 0..2 {
            match step(bits, ac, steps, &mut at) {
                Flow::On => {}
                Flow::End => return sound,
                Flow::Bad => return false,
            }
        }
    }
}

enum Flow {
    On,
    End,
    Bad,
}

/// One wide look-up: as many symbols as it knows, if they all surely lie in this block, else the first.
#[inline(always)]
fn step(bits: &mut Bits, ac: &Table, steps: &[Step; 4096], at: &mut u32) -> Flow {
    #[expect(clippy::indexing_slicing, reason = "the index is a 12-bit number")]
    let step = steps[wide_index(bits)];
    if step.is_long() {
        return long_step(bits, ac, at);
    }
    let all = *at + step.coefficients();
    if all < 64 {
        bits.skip(step.bits());
        *at = all;
        return if step.ends() { Flow::End } else { Flow::On };
    }
    bits.skip(step.first_bits());
    if step.first_coefficients() == 0 {
        return Flow::End;
    }
    *at += step.first_coefficients();
    match *at {
        ..64 => Flow::On,
        64 => Flow::End,
        _ => Flow::Bad,
    }
}

/// One symbol by the slow way: a long code, a code that is not in the table, or an end-of-band run, which a
/// sequential scan cannot have (libjpeg takes it for the end of the block). Leaves a full refill.
#[cold]
fn long_step(bits: &mut Bits, ac: &Table, at: &mut u32) -> Flow {
    bits.refill();
    let Ok(symbol) = ac.symbol(bits) else { return Flow::Bad };
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    bits.skip(size);
    bits.refill();
    match (size, run) {
        (0, 0) => return Flow::End,
        (0, ..15) => return Flow::Bad,
        _ => *at += run + 1,
    }
    match *at {
        ..64 => Flow::On,
        64 => Flow::End,
        _ => Flow::Bad,
    }
}

/// Walks a progressive scan. `budget` is what is left of the blocks that may be visited in all scans.
pub(super) fn progressive(feed: &mut Feed, frame: &mut Frame, scan: &Scan, tables: &Tables, budget: &mut u64) -> Result<(), Damage> {
    if scan.from == 0 {
        return dc_scan(feed, frame, scan, tables, budget);
    }
    let [only] = scan.selected.as_slice() else { return Ok(()) };
    let Some(component) = frame.components.get_mut(only.component) else { return Ok(()) };
    let Some(table) = tables.ac.first().and_then(Option::as_deref) else { return Ok(()) };
    let mut nonzero = std::mem::take(&mut component.nonzero);
    if nonzero.is_empty() {
        // One u64 for 64 pixels: an eighth of a byte a pixel, below 23 MB at the pixel cap.
        nonzero.resize(component.blocks_across as usize * component.blocks_down as usize, 0);
    }
    let band = Band { table, from: u32::from(scan.from), to: u32::from(scan.to) };
    let result = feed.intervals(frame, scan, |bits, end, first, count| {
        let mut left = 0u32;
        if scan.high == 0 {
            band.first(bits, end, first, count, &mut nonzero, &mut left, budget)
        } else {
            band.refine(bits, end, first, count, &mut nonzero, &mut left, budget)
        }
    });
    if let Some(component) = frame.components.get_mut(only.component) {
        component.nonzero = nonzero;
    }
    result
}

fn dc_scan(feed: &mut Feed, frame: &Frame, scan: &Scan, tables: &Tables, budget: &mut u64) -> Result<(), Damage> {
    if scan.high != 0 {
        let bits_per_mcu: u32 = scan.selected.iter().map(|s| scan.blocks_of(s, frame)).sum();
        return feed.intervals(frame, scan, |_, end, _, count| {
            *budget = budget.saturating_sub(count);
            let whole = (end as u64 / u64::from(bits_per_mcu.max(1))).min(count);
            Walked { mcus: whole, bits: (whole * u64::from(bits_per_mcu)) as usize, bad_at: None, bad_mcu: 0 }
        });
    }
    let mut blocks: Vec<&Table> = Vec::with_capacity(10);
    for (selected, dc) in scan.selected.iter().zip(&tables.dc) {
        let Some(dc) = dc.as_deref() else { continue };
        for _ in 0..scan.blocks_of(selected, frame) {
            blocks.push(dc);
        }
    }
    feed.intervals(frame, scan, |bits, end, first, count| {
        let walked = each_mcu(bits, end, first, count, |bits, _| {
            let mut sound = true;
            for dc in &blocks {
                bits.refill();
                match dc.symbol(bits) {
                    Ok(size) => bits.skip(u32::from(size & 15)),
                    Err(BadCode) => sound = false,
                }
            }
            sound
        });
        *budget = budget.saturating_sub(walked.mcus);
        walked
    })
}

/// The band of coefficients of a progressive AC scan.
struct Band<'a> {
    table: &'a Table,
    from: u32,
    to: u32,
}

impl Band<'_> {
    /// The coefficients of the band as bits of a mask.
    fn mask(&self) -> u64 {
        (u64::MAX >> (63 - self.to.min(63))) & (u64::MAX << self.from.min(63))
    }

    /// The first pass over a band. `run` counts the blocks that an end-of-band run still covers.
    #[expect(clippy::too_many_arguments, reason = "one call; a struct would only rename them")]
    fn first(&self, mut bits: Bits, end: usize, first: u64, count: u64, nonzero: &mut [u64], run: &mut u32, budget: &mut u64) -> Walked {
        let mut walked = Walked { mcus: 0, bits: 0, bad_at: None, bad_mcu: 0 };
        while walked.mcus < count && *budget > 0 {
            if *run > 0 {
                let skipped = u64::from(*run).min(count - walked.mcus);
                *run -= skipped as u32;
                walked.mcus += skipped;
                *budget = budget.saturating_sub(skipped);
                continue;
            }
            let number = first + walked.mcus;
            let (sound, mask) = self.first_block(&mut bits, run);
            if let Some(slot) = nonzero.get_mut(number as usize) {
                *slot |= mask;
            }
            let taken = bits.taken();
            if taken > end {
                return walked;
            }
            if !sound && walked.bad_at.is_none() {
                walked.bad_at = Some(taken);
                walked.bad_mcu = number;
            }
            walked.mcus += 1;
            walked.bits = taken;
            *budget -= 1;
        }
        if *budget == 0 {
            // Given up, which `jpeg` reports: not the same as having run out of data.
            walked.mcus = count;
            walked.bits = end;
        }
        walked
    }

    /// One block of a first pass: soundness and the coefficients that became non-zero.
    #[inline(always)]
    fn first_block(&self, bits: &mut Bits, run: &mut u32) -> (bool, u64) {
        let (mut sound, mut mask) = (true, 0u64);
        let mut at = self.from;
        while at <= self.to {
            bits.refill();
            let symbol = self.table.symbol(bits).unwrap_or_else(|BadCode| {
                sound = false;
                0
            });
            let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size != 0 {
                at += zeros;
                bits.skip(size);
                // jdphuff.c writes what lies beyond the 64th coefficient to the 64th.
                mask |= 1 << at.min(63);
                sound &= at <= self.to;
                at += 1;
            } else if zeros == 15 {
                at += 16;
            } else {
                *run = (1 << zeros) + bits.take(zeros) - 1;
                break;
            }
        }
        (sound, mask)
    }

    /// A pass that refines a band by one bit: the bits to read depend on which coefficients are non-zero.
    #[expect(clippy::too_many_arguments, reason = "one call; a struct would only rename them")]
    fn refine(&self, mut bits: Bits, end: usize, first: u64, count: u64, nonzero: &mut [u64], run: &mut u32, budget: &mut u64) -> Walked {
        let mut walked = Walked { mcus: 0, bits: 0, bad_at: None, bad_mcu: 0 };
        let band = self.mask();
        while walked.mcus < count && *budget > 0 {
            let number = first + walked.mcus;
            let Some(mask) = nonzero.get_mut(number as usize) else { break };
            let sound = if *run > 0 {
                *run -= 1;
                bits.skip_many((*mask & band).count_ones());
                true
            } else {
                self.refine_block(&mut bits, mask, run)
            };
            let taken = bits.taken();
            if taken > end {
                return walked;
            }
            if !sound && walked.bad_at.is_none() {
                walked.bad_at = Some(taken);
                walked.bad_mcu = number;
            }
            walked.mcus += 1;
            walked.bits = taken;
            *budget -= 1;
        }
        if *budget == 0 {
            walked.mcus = count;
            walked.bits = end;
        }
        walked
    }

    /// One block of a refining pass (T.81, G.1.2.3).
    fn refine_block(&self, bits: &mut Bits, mask: &mut u64, run: &mut u32) -> bool {
        let mut sound = true;
        let band = self.mask();
        let mut at = self.from;
        while at <= self.to {
            bits.refill();
            let symbol = self.table.symbol(bits).unwrap_or_else(|BadCode| {
                sound = false;
                0
            });
            let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size != 0 {
                // Only a sign can follow; libjpeg warns of other sizes and goes on as with 1.
                sound &= size == 1;
                bits.skip(1);
            } else if zeros != 15 {
                *run = (1 << zeros) + bits.take(zeros) - 1;
                let rest = *mask & band & (u64::MAX << at.min(63));
                bits.skip_many(rest.count_ones());
                return sound;
            }
            // Past `zeros` coefficients that are still zero; each non-zero one on the way has a bit.
            let ahead = band & (u64::MAX << at.min(63));
            let mut vacant = !*mask & ahead;
            for _ in 0..zeros {
                vacant &= vacant.wrapping_sub(1);
            }
            let next = if vacant == 0 { self.to + 1 } else { vacant.trailing_zeros() };
            let corrections = (*mask & ahead & !u64::MAX.checked_shl(next).unwrap_or(0)).count_ones();
            at = next;
            bits.skip_many(corrections);
            if size != 0 {
                sound &= at <= self.to;
                *mask |= 1 << at.min(63);
            }
            at += 1;
        }
        sound
    }
}
