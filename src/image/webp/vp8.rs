//! The walk over one VP8 key frame (RFC 6386): every decision in its data is read, no pixel is computed.
//!
//! Prediction, inverse transforms and the loop filter cannot fail, so this finds whatever a full decode would: sizes
//! that do not fit, and data that end before the last macroblock. VP8 has no redundancy beside these. The edge: the
//! chunk around the frame, its start code and its size are `webp`'s.

use super::bools::Bools;
use super::tables::{DEFAULTS, MODES, Token, UPDATES};
use crate::image::{Damage, DamageKind};

/// Reads a frame of this size. Places in the damage count from the first byte of `data`, which is that of the frame.
///
/// Memory is a few bytes for each macroblock of one row; time goes with the data and the number of macroblocks.
pub(super) fn walk(data: &[u8], width: u32, height: u32) -> Result<(), Damage> {
    let mut frame = Frame::read(data)?;
    let columns = width.div_ceil(16) as usize;
    let mut above = vec![Around::default(); columns];
    let lanes = frame.partitions.len().max(1);
    for row in 0..height.div_ceil(16) as usize {
        let mut left = Around::default();
        let Some(tokens) = frame.partitions.get_mut(row % lanes) else { break };
        for above in &mut above {
            let macroblock = frame.modes.read(&mut frame.first, above, &mut left);
            if macroblock.skipped {
                above.skip(macroblock.whole);
                left.skip(macroblock.whole);
            } else {
                residue(tokens, &frame.probabilities, macroblock.whole, above, &mut left);
            }
        }
        // Once a row is enough to bound the time.
        if frame.first.is_past_end() || tokens.is_past_end() {
            return Err(truncated(data.len(), format!("ends after {} of {height} rows", row * 16)));
        }
    }
    Ok(())
}

fn truncated(at: usize, detail: impl Into<String>) -> Damage {
    Damage::new(DamageKind::Truncated, at, detail)
}

/// The frame header and the data behind it.
struct Frame<'a> {
    /// The first partition, behind its header: the modes of all macroblocks.
    first: Bools<'a>,
    modes: Modes,
    probabilities: Box<Probabilities>,
    /// The tokens: row after row of macroblocks from one partition after the other.
    partitions: Vec<Bools<'a>>,
}

/// Start code and size stand between the tag and the first partition (9.1).
const HEADER: usize = 10;

impl<'a> Frame<'a> {
    fn read(data: &'a [u8]) -> Result<Self, Damage> {
        let short = || truncated(data.len(), "has a picture that ends in its first partition");
        let tag = data.first_chunk().map(|tag: &[u8; 3]| u32::from_le_bytes([tag[0], tag[1], tag[2], 0])).ok_or_else(short)?;
        let behind = data.get(HEADER..).ok_or_else(short)?;
        let (partition, rest) = behind.split_at_checked((tag >> 5) as usize).ok_or_else(short)?;
        let impossible = |at| Damage::new(DamageKind::BadData, at, "has data that no encoder writes");
        let mut first = Bools::new(partition).ok_or_else(|| impossible(HEADER))?;
        // 9.2. libwebp lets any colour space pass, image-webp refuses.
        if first.flag() {
            return Err(Damage::new(DamageKind::BadHeader, HEADER, "has a picture in an unknown colour space"));
        }
        first.flag();
        let segments = segments(&mut first);
        // 9.6: kind, level and sharpness of the loop filter, then its adjustments.
        first.literal(1 + 6);
        first.literal(3);
        if first.flag() && first.flag() {
            (0..8).for_each(|_| first.skip_optional_signed(6));
        }
        let at = data.len() - rest.len();
        let partitions = partitions(rest, 1 << first.literal(2))
            .ok_or_else(|| truncated(at, "has a picture with less data than its partitions should have"))?;
        let partitions = partitions.into_iter().map(Bools::new).collect::<Option<_>>().ok_or_else(|| impossible(at))?;
        // 9.6 again: the quantizer's index and five differences, which change coefficients only.
        first.literal(7);
        (0..5).for_each(|_| first.skip_optional_signed(4));
        // 9.7: whether probabilities outlive the frame.
        first.flag();
        let probabilities = probabilities(&mut first);
        let skip = first.flag().then(|| first.literal(8));
        if first.is_past_end() {
            return Err(short());
        }
        Ok(Frame { first, modes: Modes { segments, skip }, probabilities, partitions })
    }
}

/// Segmentation (9.3): the probabilities of the segment of each macroblock, if it is said.
fn segments(first: &mut Bools) -> Option<[u8; 3]> {
    if !first.flag() {
        return None;
    }
    let map = first.flag();
    if first.flag() {
        first.flag();
        (0..4).for_each(|_| first.skip_optional_signed(7));
        (0..4).for_each(|_| first.skip_optional_signed(6));
    }
    map.then(|| [(); 3].map(|()| if first.flag() { first.literal(8) } else { 255 }))
}

/// Cuts the token partitions (9.5): all sizes but the last, three bytes each, then the partitions. `None` if the data
/// are too few; libwebp refuses an empty last partition, too (vp8_dec.c, `ParsePartitions`).
fn partitions(rest: &[u8], count: usize) -> Option<Vec<&[u8]>> {
    let (sizes, mut rest) = rest.split_at_checked(3 * (count - 1))?;
    let mut partitions = Vec::with_capacity(count);
    for size in sizes.chunks_exact(3) {
        let size = size.iter().rev().fold(0, |size, &byte| size << 8 | usize::from(byte));
        let (partition, behind) = rest.split_at_checked(size)?;
        partitions.push(partition);
        rest = behind;
    }
    partitions.push(rest);
    (!rest.is_empty()).then_some(partitions)
}

/// Coefficient probabilities by kind of block, place of the coefficient (not its band: saves a look-up for each
/// token; one place more than there are, for the end) and context.
type Probabilities = [[[Token; 3]; 17]; 4];

/// The place's band (13.3); the last is never used.
const BANDS: [usize; 17] = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7];

/// The probabilities with this frame's changes (13.4).
fn probabilities(first: &mut Bools) -> Box<Probabilities> {
    let mut now = DEFAULTS;
    let now_flat = now.as_flattened_mut().as_flattened_mut().as_flattened_mut();
    for (probability, &update) in now_flat.iter_mut().zip(UPDATES.as_flattened().as_flattened().as_flattened()) {
        if first.read(update) {
            *probability = first.literal(8);
        }
    }
    #[expect(clippy::indexing_slicing, reason = "bands are below 8")]
    Box::new(now.map(|kind| BANDS.map(|band| kind[band])))
}

/// What the blocks at one edge of a macroblock tell the next one.
#[derive(Clone, Copy, Default)]
struct Around {
    /// The modes of its four blocks of luma; 0, `B_DC_PRED`, outside of the frame (11.3).
    modes: [u8; 4],
    /// Which of its blocks had tokens (13.3): luma, then two blocks each of both chromas, 0 or 1.
    tokens: [u8; 8],
    /// The same of the last block of luma DCs (Y2).
    dc: u8,
}

impl Around {
    /// A macroblock without tokens. One without a block of luma DCs leaves that context as it was.
    fn skip(&mut self, whole: bool) {
        self.tokens = [0; 8];
        if whole {
            self.dc = 0;
        }
    }
}

struct Macroblock {
    /// Luma is predicted as a whole, and its DCs have a block of their own (`Y2`).
    whole: bool,
    skipped: bool,
}

/// What macroblock headers depend on.
struct Modes {
    segments: Option<[u8; 3]>,
    /// The probability that a macroblock has tokens, if some have not.
    skip: Option<u8>,
}

/// `B_VE_PRED`, `B_HE_PRED` and `B_TM_PRED`, with `B_DC_PRED` 0 (11.2).
const VERTICAL: u8 = 2;
const HORIZONTAL: u8 = 3;
const TRUE_MOTION: u8 = 1;

impl Modes {
    /// Reads a macroblock header (19.3).
    #[inline]
    fn read(&self, first: &mut Bools, above: &mut Around, left: &mut Around) -> Macroblock {
        let mut bools = *first;
        if let Some([root, low, high]) = self.segments {
            let half = if bools.read(root) { high } else { low };
            bools.read(half);
        }
        let skipped = self.skip.is_some_and(|probability| bools.read(probability));
        // 11.2: the tree of luma modes.
        let whole = bools.read(145);
        if whole {
            let mode = if !bools.read(156) {
                u8::from(bools.read(163)) * VERTICAL
            } else if bools.flag() {
                TRUE_MOTION
            } else {
                HORIZONTAL
            };
            // 11.3: to the blocks around, a mode of the whole looks like its kin among the modes of blocks.
            above.modes = [mode; 4];
            left.modes = [mode; 4];
        } else {
            for left in &mut left.modes {
                for above in &mut above.modes {
                    *left = block_mode(&mut bools, *above, *left);
                    *above = *left;
                }
            }
        }
        // 11.4: the tree of chroma modes.
        let _ = bools.read(142) && bools.read(114) && bools.read(183);
        *first = bools;
        Macroblock { whole, skipped }
    }
}

/// Reads the mode of one block of luma (11.3).
#[inline]
fn block_mode(bools: &mut Bools, above: u8, left: u8) -> u8 {
    #[expect(clippy::indexing_slicing, reason = "modes are 0 to 9")]
    let p = &MODES[usize::from(above)][usize::from(left)];
    if !bools.read(p[0]) {
        return 0;
    }
    if !bools.read(p[1]) {
        return 1;
    }
    if !bools.read(p[2]) {
        return 2;
    }
    if !bools.read(p[3]) {
        return match bools.read(p[4]) {
            false => 3,
            true => 5 + u8::from(bools.read(p[5])),
        };
    }
    if !bools.read(p[6]) {
        return 4;
    }
    if !bools.read(p[7]) {
        return 7;
    }
    8 + u8::from(bools.read(p[8]))
}

/// The kinds of block (13.3).
const LUMA_WITHOUT_DC: usize = 0;
const LUMA_DC: usize = 1;
const CHROMA: usize = 2;
const LUMA: usize = 3;

/// Reads the tokens of a macroblock (13).
#[inline]
fn residue(tokens: &mut Bools, probabilities: &Probabilities, whole: bool, above: &mut Around, left: &mut Around) {
    let mut bools = *tokens;
    let (luma, from) = if whole {
        let found = block(&mut bools, &probabilities[LUMA_DC], 0, above.dc + left.dc);
        (above.dc, left.dc) = (found, found);
        (&probabilities[LUMA_WITHOUT_DC], 1)
    } else {
        (&probabilities[LUMA], 0)
    };
    let [a0, a1, a2, a3, a4, a5, a6, a7] = &mut above.tokens;
    let [l0, l1, l2, l3, l4, l5, l6, l7] = &mut left.tokens;
    let mut area = |above: &mut [&mut u8], left: &mut [&mut u8], probabilities: &[[Token; 3]; 17], from: usize| {
        for left in left {
            for above in above.iter_mut() {
                **left = block(&mut bools, probabilities, from, **above + **left);
                **above = **left;
            }
        }
    };
    area(&mut [a0, a1, a2, a3], &mut [l0, l1, l2, l3], luma, from);
    area(&mut [a4, a5], &mut [l4, l5], &probabilities[CHROMA], 0);
    area(&mut [a6, a7], &mut [l6, l7], &probabilities[CHROMA], 0);
    *tokens = bools;
}

/// The extra bits of the largest categories of numbers, three to six (13.2).
const EXTRA: [&[u8]; 4] =
    [&[173, 148, 140], &[176, 155, 140, 135], &[180, 157, 141, 134, 130], &[254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129]];

/// Reads the tokens of one block from a place on. Returns 1 if there was any before the end of the block: also a
/// block of zeros all through counts.
#[expect(clippy::indexing_slicing, reason = "places are 0 to 16, contexts 0 to 2")]
#[inline]
fn block(tokens: &mut Bools, probabilities: &[[Token; 3]; 17], from: usize, context: u8) -> u8 {
    let mut bools = *tokens;
    let mut p = &probabilities[from][usize::from(context)];
    if !bools.read(p[0]) {
        *tokens = bools;
        return 0;
    }
    let mut next = from;
    while next < 16 {
        next += 1;
        // No block ends behind a zero: there the tree is entered one branch further in.
        if !bools.read(p[1]) {
            p = &probabilities[next][0];
            continue;
        }
        let large = bools.read(p[2]);
        if large {
            magnitude(&mut bools, p);
        }
        // The sign.
        bools.flag();
        p = &probabilities[next][1 + usize::from(large)];
        if next == 16 || !bools.read(p[0]) {
            break;
        }
    }
    *tokens = bools;
    1
}

/// Reads the rest of a token above one, and its extra bits.
#[expect(clippy::indexing_slicing, reason = "categories are 0 to 3")]
#[inline]
fn magnitude(bools: &mut Bools, p: &Token) {
    if !bools.read(p[3]) {
        // Two, three, four.
        let _ = bools.read(p[4]) && bools.read(p[5]);
    } else if !bools.read(p[6]) {
        if bools.read(p[7]) {
            bools.read(165);
            bools.read(145);
        } else {
            bools.read(159);
        }
    } else {
        let upper = bools.read(p[8]);
        let category = 2 * usize::from(upper) + usize::from(bools.read(if upper { p[10] } else { p[9] }));
        for &probability in EXTRA[category] {
            bools.read(probability);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::super::bools::writer::Writer;
    use super::*;
    use image_webp::WebPDecoder;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// A frame of partitions that are laid out as they should be.
    fn frame(width: u16, height: u16, first: &[u8], partitions: &[Vec<u8>]) -> Vec<u8> {
        let mut data = (0x10 | (first.len() as u32) << 5).to_le_bytes()[..3].to_vec();
        data.extend([0x9D, 0x01, 0x2A]);
        data.extend(width.to_le_bytes());
        data.extend(height.to_le_bytes());
        data.extend(first);
        for partition in &partitions[..partitions.len() - 1] {
            data.extend(&(partition.len() as u32).to_le_bytes()[..3]);
        }
        data.extend(partitions.iter().flatten());
        data
    }

    /// A frame header that says as little as it can, with this many (as a power of two) token partitions.
    fn plain(lanes: u32) -> Writer {
        let mut first = Writer::new();
        first.literal(0, 1 + 1 + 1 + 1 + 6 + 3 + 1);
        first.literal(lanes, 2);
        first.literal(0, 7 + 5 + 1);
        for &update in UPDATES.as_flattened().as_flattened().as_flattened() {
            first.put(false, update);
        }
        first.literal(0, 1);
        first
    }

    /// Modes of a macroblock: luma as a whole, all predicted from DC.
    fn whole(first: &mut Writer) {
        for (bit, probability) in [(true, 145), (false, 156), (false, 163), (false, 142)] {
            first.put(bit, probability);
        }
    }

    fn column(lanes: u32, rows: u16, partitions: &[Vec<u8>]) -> Result<(), Damage> {
        let mut first = plain(lanes);
        (0..rows).for_each(|_| whole(&mut first));
        walk(&frame(1, rows * 16, &first.finish(), partitions), 1, u32::from(rows) * 16)
    }

    #[test]
    fn rows_take_their_tokens_from_one_partition_after_the_other() {
        // Nearly ones all through: big numbers, of eleven bits and more each.
        let (good, bad) = (vec![0xFE; 12_000], vec![0xFE; 3]);
        let lanes = |at: usize| [0, 1, 2, 3].map(|lane| if lane == at { bad.clone() } else { good.clone() });
        assert_eq!(column(2, 5, &lanes(4)), Ok(()));
        for at in 0..4 {
            assert_eq!(column(2, 5, &lanes(at)).unwrap_err().detail, format!("ends after {} of 80 rows", at * 16));
        }
        assert_eq!(column(2, 3, &lanes(3)), Ok(()), "the fourth is not needed");
        let impossible = [vec![0xFF; 12_000]];
        assert_eq!(column(0, 1, &impossible).unwrap_err().kind, DamageKind::BadData);
    }

    #[test]
    fn sizes_that_do_not_fit_are_told() {
        let mut first = plain(1);
        whole(&mut first);
        let first = first.finish();
        let data = frame(9, 9, &first, &[vec![0; 9], vec![0; 9]]);
        assert_eq!(walk(&data, 9, 9), Ok(()));
        for end in 0..data.len() - 8 {
            let damage = walk(&data[..end], 9, 9).unwrap_err();
            assert!(damage.kind == DamageKind::Truncated && damage.offset <= end, "{damage:?}");
        }
        assert_eq!(walk(&data[..data.len() - 8], 9, 9), Ok(()), "the second is not needed, but must be there");
        for end in 0..first.len() - 5 {
            let damage = walk(&frame(9, 9, &first[..end], &[vec![0; 99], vec![0; 99]]), 9, 9).unwrap_err();
            assert_eq!(damage.kind, DamageKind::Truncated, "first partition of {end} bytes");
        }
        let mut odd = data;
        odd[HEADER] |= 0x80;
        assert_eq!(walk(&odd, 9, 9).unwrap_err().kind, DamageKind::BadHeader);
    }

    /// What `image-webp` says of a frame.
    fn decodes(data: &[u8]) -> bool {
        let size = (data.len() as u32).to_le_bytes();
        let file = [&b"RIFF"[..], &(data.len() as u32 + 12).to_le_bytes(), b"WEBPVP8 ", &size, data].concat();
        let mut decoder = WebPDecoder::new(Cursor::new(file)).unwrap();
        let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
        decoder.read_image(&mut pixels).is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_frame_is_judged_as_by_a_decoder(
            (width, height) in (1..90u16, 1..90u16),
            // A bit for each thing that a header may or may not say, then bits without end for what it says.
            says in prop::collection::vec(any::<bool>(), 64),
            bits in prop::collection::vec(any::<bool>(), 0..3000),
            updates in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
            mut partitions in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 8),
            (lanes, cut) in (0..4u32, 0..12usize),
        ) {
            let (mut says, mut more) = (says.into_iter().cycle(), bits.iter().copied().chain([true, false]).cycle());
            let mut first = Writer::new();
            let mut optional = |first: &mut Writer, more: &mut dyn Iterator<Item = bool>, count: usize, bits: usize| {
                for _ in 0..count {
                    let said = says.next().unwrap();
                    first.put(said, 128);
                    more.take(if said { bits } else { 0 }).for_each(|bit| first.put(bit, 128));
                }
                says.next().unwrap()
            };
            first.literal(0, 2);
            let segments = optional(&mut first, &mut more, 0, 0);
            first.put(segments, 128);
            if segments {
                let map = optional(&mut first, &mut more, 0, 0);
                let values = optional(&mut first, &mut more, 0, 0);
                first.put(map, 128);
                first.put(values, 128);
                if values {
                    first.put(true, 128);
                    optional(&mut first, &mut more, 4, 8);
                    optional(&mut first, &mut more, 4, 7);
                }
                optional(&mut first, &mut more, if map { 3 } else { 0 }, 8);
            }
            (0..10).for_each(|_| first.put(more.next().unwrap(), 128));
            let adjusts = optional(&mut first, &mut more, 0, 0);
            first.literal(if adjusts { 3 } else { 0 }, if adjusts { 2 } else { 1 });
            optional(&mut first, &mut more, if adjusts { 8 } else { 0 }, 7);
            first.literal(lanes, 2);
            (0..7).for_each(|_| first.put(more.next().unwrap(), 128));
            optional(&mut first, &mut more, 5, 5);
            first.put(false, 128);
            let flat = UPDATES.as_flattened().as_flattened().as_flattened();
            for (at, &update) in flat.iter().enumerate() {
                let updated = updates.iter().any(|index| index.index(flat.len()) == at);
                first.put(updated, update);
                (0..if updated { 8 } else { 0 }).for_each(|_| first.put(more.next().unwrap(), 128));
            }
            optional(&mut first, &mut more, 1, 8);
            // Whatever follows means something.
            bits.iter().for_each(|&bit| first.put(bit, 128));
            let mut first = first.finish();
            first.truncate(first.len().saturating_sub(cut));
            partitions.truncate(1 << lanes);
            // What no encoder can write is refused, and by `image-webp` not always.
            for byte in partitions.iter_mut().chain([&mut first]).filter_map(|partition| partition.first_mut()) {
                *byte = (*byte).min(0xFE);
            }
            let expected = decodes(&frame(width, height, &first, &partitions));
            // `image-webp` goes on for one byte of zeros behind each partition.
            partitions.iter_mut().for_each(|partition| partition.push(0));
            first.push(0);
            let walked = walk(&frame(width, height, &first, &partitions), u32::from(width), u32::from(height));
            prop_assert_eq!(walked.is_ok(), expected, "{:?}", walked);
        }
    }
}
