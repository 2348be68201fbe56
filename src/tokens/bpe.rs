//! Byte-pair encoding of one piece: the vocabulary tables, as they stand in a committed file, and the merge loops.
//! tiktoken merges whatever neighbours join to a known byte string; here a merge is a pair of token numbers, which is
//! the same thing (see [`Vocabulary`]) and needs no byte strings in memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;

/// "These two do not merge." Larger than any rank, so that it loses every comparison for the lowest.
const NONE: u32 = u32::MAX;

/// Ranks below this are the single bytes, in all encodings.
const BYTES: u32 = 256;

/// Bits of a token number among the halves of the vocabulary file.
const ID_BITS: u32 = 20;
const ID_MASK: u64 = (1 << ID_BITS) - 1;

/// Pieces up to this length take the loop without a heap; the set of live parts is one `u64`.
const SHORT: usize = 64;

/// Longer pieces are merged in windows of this many bytes, so that memory does not grow with the piece and the heap
/// stays in the processor's cache.
const WINDOW: usize = 8192;

/// A window is left this part of it before its end (512 bytes; tokens have 128 at most), where the text behind the
/// window can hardly matter any more.
const MARGIN: usize = 16;

/// Cuts to try in a window before giving up on windows.
const TRIES: usize = 4;

/// The merges of one encoding.
///
/// A token of two or more bytes is produced by exactly one pair of tokens. Take any text in which neighbours x, y
/// are about to become token t. No merge has crossed the ends of their span so far, so what happened inside is what
/// happens when the bytes of t are encoded alone, and that has one last step. So the pair alone decides, a table from
/// pairs to tokens replaces the one from byte strings, and a piece that is a token needs no lookup of its own: its
/// merges end in that token. (Tokens out of reach of merges would need one. The published files have none, which
/// the generator of the vocabulary files checks.)
pub(crate) struct Vocabulary {
    /// Token of each single byte.
    of_byte: [u32; 256],
    /// Result for two single bytes, at `first << 8 | second`: half of all lookups, and always in the cache.
    of_two_bytes: &'static [[u8; 4]],
    /// Open addressing by the hash of the pair; a slot is further bits of the hash and the token, 0 when free. Whether the token is that
    /// of the pair, its halves say.
    pairs: &'static [[u8; 4]],
    pairs_shift: u32,
    /// The two halves of each token.
    halves: &'static [[u8; 5]],
    byte_order: &'static [u8; 256],
    joints: Option<Joints>,
}

impl Vocabulary {
    /// Takes the tables out of the content of a file of `vocab/` (its README gives the format), tokens below `limit` only. `None` if
    /// the file has not the length that it should have. Hardly anything is built: what is never looked up is not even read.
    pub(crate) fn load(file: &'static [u8], limit: usize) -> Option<Self> {
        let (count, rest) = take_u32(file)?;
        let (joint_count, rest) = take_u32(rest)?;
        let (byte_order, rest) = rest.split_first_chunk::<256>()?;
        let halves = (count as usize).checked_sub(BYTES as usize)?;
        let (of_two_bytes, rest) = take_table(rest, 1 << 16)?;
        let slots = slots(halves);
        let (pairs, rest) = take_table(rest, slots)?;
        let (halves, rest) = rest.split_at_checked(halves.checked_mul(5)?)?;
        let (halves, _) = halves.as_chunks::<5>();
        let halves = halves.get(..limit.min(count as usize).checked_sub(BYTES as usize)?)?;
        let mut of_byte = [0; 256];
        for (rank, &byte) in (0..).zip(byte_order) {
            *of_byte.get_mut(usize::from(byte))? = rank;
        }
        let joints = Joints::load(rest, joint_count as usize)?;
        Some(Self { of_byte, of_two_bytes, pairs, pairs_shift: u64::BITS - slots.trailing_zeros(), halves, byte_order, joints })
    }

    /// What is left when there is no file: every byte is a token.
    pub(crate) fn without_merges() -> Self {
        static BYTE_ORDER: [u8; 256] = [0; 256];
        Self {
            of_byte: [0; 256],
            of_two_bytes: &[],
            pairs: &[],
            pairs_shift: u64::BITS - 1,
            halves: &[],
            byte_order: &BYTE_ORDER,
            joints: None,
        }
    }

    /// The token that `left` and `right` merge to, or [`NONE`].
    #[inline]
    fn merged(&self, left: u32, right: u32) -> u32 {
        let (mut slot, tag) = home(left, right, self.pairs_shift);
        loop {
            let entry = self.pairs.get(slot).map_or(0, |&entry| u32::from_le_bytes(entry));
            if entry == 0 {
                return NONE;
            }
            let id = entry & (u32::MAX >> TAG_BITS);
            if entry >> (u32::BITS - TAG_BITS) == tag && self.half(id) == Some((left, right)) {
                return id;
            }
            slot = (slot + 1) & (self.pairs.len() - 1);
        }
    }

    /// The two tokens that `id` is merged from.
    #[inline]
    fn half(&self, id: u32) -> Option<(u32, u32)> {
        self.halves.get(id.wrapping_sub(BYTES) as usize).map(|&half| unpack(half))
    }

    #[inline]
    fn merged_bytes(&self, first: u8, second: u8) -> u32 {
        let id = self.of_two_bytes.get(usize::from(first) << 8 | usize::from(second)).map_or(NONE, |&id| u32::from_le_bytes(id));
        if (id.wrapping_sub(BYTES) as usize) < self.halves.len() { id } else { NONE }
    }

    fn byte_token(&self, byte: u8) -> u32 {
        self.of_byte.get(usize::from(byte)).copied().unwrap_or(0)
    }

    /// Calls `visit(start, end, count)` for the parts of `piece` that no token can bridge, in order: they can be
    /// encoded each on its own. A Chinese sentence, one long piece for the splitter, falls into words and single
    /// characters that come again and again. `count` is the number of tokens of the part where that is known here,
    /// which is for those single characters, and 0 elsewhere.
    #[inline]
    pub(crate) fn for_each_part(&self, piece: &[u8], mut visit: impl FnMut(usize, usize, usize)) {
        let mut start = 0;
        let mut before: Option<Side> = None;
        let alone = |side: Option<Side>, start, end| side.filter(|_| start + 3 == end).map_or(0, |side| usize::from(side.bits >> SOLO));
        if let Some(joints) = &self.joints {
            let mut at = 0;
            while let Some(&lead) = piece.get(at) {
                let here = joints.side_at(piece, at);
                if let (Some(left), Some(right)) = (before, here)
                    && !joints.may_join(left, right)
                {
                    visit(start, at, alone(before, start, at));
                    start = at;
                }
                before = here;
                at += match lead {
                    ..0x80 => 1,
                    0x80..0xE0 => 2,
                    0xE0..0xF0 => 3,
                    _ => 4,
                };
            }
        }
        visit(start, piece.len(), alone(before, start, piece.len()));
    }

    /// Number of tokens of `piece`.
    pub(crate) fn count(&self, piece: &[u8], scratch: &mut Scratch) -> usize {
        match piece.len() {
            ..=16 => self.merge_short::<16>(piece).live.count_ones() as usize,
            17..=SHORT => self.merge_short::<SHORT>(piece).live.count_ones() as usize,
            _ => {
                let mut count = 0;
                if !self.merge_in_windows(piece, WINDOW, scratch, |_| count += 1) {
                    count = self.merge_whole(piece, scratch).len();
                }
                count
            }
        }
    }

    /// Appends the tokens of `piece` to `ids`.
    pub(crate) fn encode(&self, piece: &[u8], scratch: &mut Scratch, ids: &mut Vec<u32>) {
        if piece.len() <= SHORT {
            let Short { live, tokens } = self.merge_short::<SHORT>(piece);
            ids.extend((0..).zip(tokens).filter(|(at, _)| (live >> at) & 1 == 1).map(|(_, id)| id));
            return;
        }
        let before = ids.len();
        if !self.merge_in_windows(piece, WINDOW, scratch, |id| ids.push(id)) {
            ids.truncate(before);
            ids.extend(self.merge_whole(piece, scratch).iter().map(|part| part.id));
        }
    }

    /// Appends the bytes of token `id`; unknown tokens have none.
    pub(crate) fn decode(&self, id: u32, bytes: &mut Vec<u8>) {
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if let Some(&byte) = self.byte_order.get(id as usize) {
                bytes.push(byte);
            } else if let Some((left, right)) = self.half(id)
                && left < id
                && right < id
            {
                pending.extend([right, left]);
            }
        }
    }

    /// Merges up to `N` bytes, 64 at most. Looks at all parts for each merge, which at this length beats a heap.
    #[expect(
        clippy::indexing_slicing,
        reason = "`at`, `right` and `after` are below `len`, which is at most `N`, the length of the arrays"
    )]
    fn merge_short<const N: usize>(&self, piece: &[u8]) -> Short<N> {
        let piece = piece.get(..N).unwrap_or(piece);
        let len = piece.len();
        let mut tokens = [0; N];
        // For the part that starts at each offset: rank of its merge with the next part, then the offset, so that
        // the least key is the merge of lowest rank and, among equals, the leftmost. The order of tiktoken.
        let mut keys = [NONE; N];
        let key = |rank: u32, at: usize| if rank == NONE { NONE } else { rank << 6 | at as u32 };
        for (token, &byte) in tokens.iter_mut().zip(piece) {
            *token = self.byte_token(byte);
        }
        for (at, (&first, &second)) in piece.iter().zip(piece.iter().skip(1)).enumerate() {
            keys[at] = key(self.merged_bytes(first, second), at);
        }
        let mut live = if len == 64 { u64::MAX } else { (1 << len) - 1 };
        let scanned = len.next_multiple_of(8);
        loop {
            let least = keys[..scanned].iter().copied().min().unwrap_or(NONE);
            if least == NONE {
                return Short { live, tokens };
            }
            let (rank, at) = (least >> 6, (least & 63) as usize);
            let right = next_bit(live, at);
            live &= !(1 << right);
            tokens[at] = rank;
            keys[right] = NONE;
            let after = next_bit(live, at);
            keys[at] = if after < len { key(self.merged(rank, tokens[after]), at) } else { NONE };
            let before = live & ((1 << at) - 1);
            if before != 0 {
                let before = before.ilog2() as usize;
                keys[before] = key(self.merged(tokens[before], rank), before);
            }
        }
    }

    /// Merges a piece of any length, in windows of `size` bytes, in O(n log size). Gives up and returns false where no
    /// cut between two windows is safe, which takes a text made for it.
    ///
    /// A row of tokens is the encoding of its bytes if each two neighbours encode to themselves: the first merge to
    /// cross a boundary would be made in those two alone as well. So a window's tokens stand up to a cut if the last
    /// one before it and the first of the window that starts there stay apart.
    fn merge_in_windows(&self, piece: &[u8], size: usize, scratch: &mut Scratch, mut emit: impl FnMut(u32)) -> bool {
        let mut rest = piece;
        let [mut here, mut next] = [mem::take(&mut scratch.here), mem::take(&mut scratch.next)];
        self.merge_window(rest, size, scratch, &mut here);
        while rest.len() > size {
            let Some(kept) = self.safe_cut(rest, size, &here, scratch, &mut next) else { return false };
            for part in here.iter().take(kept) {
                emit(part.id);
                rest = rest.get(part.end - part.start..).unwrap_or_default();
            }
            mem::swap(&mut here, &mut next);
        }
        here.iter().for_each(|part| emit(part.id));
        (scratch.here, scratch.next) = (here, next);
        true
    }

    /// How many of the tokens `here`, of the first window of `rest`, surely stand; `next` becomes the window that
    /// starts behind them.
    fn safe_cut(&self, rest: &[u8], size: usize, here: &[Part], scratch: &mut Scratch, next: &mut Vec<Part>) -> Option<usize> {
        let inner = here.partition_point(|part| part.end + size / MARGIN <= size);
        (1..=inner).rev().take(TRIES).find(|&kept| {
            let Some(last) = here.get(kept - 1) else { return false };
            self.merge_window(rest.get(last.end..).unwrap_or_default(), size, scratch, next);
            let Some(first) = next.first() else { return false };
            let both = rest.get(last.start..last.end + first.end).unwrap_or_default();
            let tokens = self.merge_whole(both, scratch);
            matches!(tokens, [left, right] if left.id == last.id && right.id == first.id)
        })
    }

    fn merge_whole<'a>(&self, piece: &[u8], scratch: &'a mut Scratch) -> &'a [Part] {
        let mut whole = mem::take(&mut scratch.whole);
        self.merge_window(piece, piece.len(), scratch, &mut whole);
        scratch.whole = whole;
        &scratch.whole
    }

    /// Encodes the first `window` bytes of `text` into `parts`, with a heap of the possible merges.
    #[expect(clippy::indexing_slicing, reason = "all offsets are those of nodes, one for each byte; `after` is compared with the length")]
    fn merge_window(&self, text: &[u8], window: usize, scratch: &mut Scratch, parts: &mut Vec<Part>) {
        let text = text.get(..window).unwrap_or(text);
        let len = text.len();
        let Scratch { nodes, heap, .. } = scratch;
        nodes.clear();
        let mut entries = mem::take(heap).into_vec();
        entries.clear();
        for (at, &byte) in text.iter().enumerate() {
            let rank = text.get(at + 1).map_or(NONE, |&next| self.merged_bytes(byte, next));
            nodes.push(Node { id: self.byte_token(byte), rank, before: at.wrapping_sub(1), after: at + 1 });
            if rank != NONE {
                entries.push(Reverse(heap_entry(rank, at)));
            }
        }
        *heap = BinaryHeap::from(entries);
        while let Some(Reverse(entry)) = heap.pop() {
            let (rank, at) = ((entry >> HEAP_OFFSET_BITS) as u32, (entry & HEAP_OFFSET_MASK) as usize);
            if nodes[at].rank != rank {
                continue; // one of the two has been merged with something else since
            }
            let right = nodes[at].after;
            let after = nodes[right].after;
            nodes[right].rank = NONE;
            let rank_after = if after < len {
                nodes[after].before = at;
                self.merged(rank, nodes[after].id)
            } else {
                NONE
            };
            let before = nodes[at].before;
            nodes[at] = Node { id: rank, rank: rank_after, before, after };
            if rank_after != NONE {
                heap.push(Reverse(heap_entry(rank_after, at)));
            }
            if before < len {
                let rank_before = self.merged(nodes[before].id, rank);
                nodes[before].rank = rank_before;
                if rank_before != NONE {
                    heap.push(Reverse(heap_entry(rank_before, before)));
                }
            }
        }
        parts.clear();
        let mut start = 0;
        while let Some(node) = nodes.get(start) {
            parts.push(Part { id: node.id, start, end: node.after });
            start = node.after;
        }
    }
}

/// Buffers of the merge loops, kept from piece to piece.
#[derive(Default)]
pub(crate) struct Scratch {
    nodes: Vec<Node>,
    heap: BinaryHeap<Reverse<u64>>,
    here: Vec<Part>,
    next: Vec<Part>,
    whole: Vec<Part>,
}

/// A piece after its merges: bit `n` of `live` says that a token starts at byte `n`, `tokens` at `n` says which.
struct Short<const N: usize> {
    live: u64,
    tokens: [u32; N],
}

/// A token of a window, with its place there.
#[derive(Clone, Copy)]
struct Part {
    id: u32,
    start: usize,
    end: usize,
}

/// A part of a window while it is merged, found at the offset of its first byte.
struct Node {
    id: u32,
    /// Rank of the merge with the part behind it.
    rank: u32,
    /// Offset of the part before; out of range for the first.
    before: usize,
    /// Offset of the part behind, which is also where this one ends.
    after: usize,
}

/// Heap entries order by rank, then by offset: `u64` holds both, as a piece is shorter than 2^44 bytes.
const HEAP_OFFSET_BITS: u32 = 44;
const HEAP_OFFSET_MASK: u64 = (1 << HEAP_OFFSET_BITS) - 1;

fn heap_entry(rank: u32, at: usize) -> u64 {
    u64::from(rank) << HEAP_OFFSET_BITS | at as u64
}

/// Offset of the first set bit above `at`, 64 if there is none.
#[inline]
fn next_bit(bits: u64, at: usize) -> usize {
    (bits & (u64::MAX << at << 1)).trailing_zeros() as usize
}

/// Bits of the hash of a pair that stand in its slot, before the token.
const TAG_BITS: u32 = 14;

/// Slots of the table for so many pairs. Half of them stay free, so there is always one.
fn slots(pairs: usize) -> usize {
    (pairs * 2).next_power_of_two()
}

/// The slot at which a pair is looked for first, in a table whose number of slots is `1 << (64 - shift)`, and its tag.
#[inline]
fn home(left: u32, right: u32, shift: u32) -> (usize, u32) {
    let hash = (u64::from(left) << ID_BITS | u64::from(right)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((hash >> shift) as usize, (hash >> (shift - TAG_BITS)) as u32 & ((1 << TAG_BITS) - 1))
}

fn unpack([a, b, c, d, e]: [u8; 5]) -> (u32, u32) {
    let both = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]);
    ((both & ID_MASK) as u32, (both >> ID_BITS) as u32)
}

fn take_u32(file: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = file.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

/// `count` entries of four bytes.
fn take_table(file: &'static [u8], count: usize) -> Option<(&'static [[u8; 4]], &'static [u8])> {
    let (table, rest) = file.split_at_checked(count.checked_mul(4)?)?;
    Some((table.as_chunks::<4>().0, rest))
}

/// Where tokens of this vocabulary may bridge two neighbouring East Asian characters (U+3000 to U+9FFF, and the
/// full-width forms U+FF00 to U+FF3F). They seldom do: o200k_base has 4,000 such pairs of characters.
struct Joints {
    /// For each of the characters: the bits below.
    sides: &'static [u8],
    /// Bit set of hashed pairs. A false yes only keeps together what could have been cut.
    pairs: Box<[u64]>,
}

/// A character looked after by [`Joints`], by its place in the table, and its bits there.
#[derive(Clone, Copy)]
struct Side {
    place: u32,
    bits: u8,
}

const JOINS_NEXT: u8 = 1;
const JOINS_PREVIOUS: u8 = 2;
/// A token holds this character and a part of the next (previous) one: be content with any.
const JOINS_ANY_NEXT: u8 = 4;
const JOINS_ANY_PREVIOUS: u8 = 8;
/// From this bit on: number of tokens of the character alone.
const SOLO: u32 = 4;

const JOINT_BITS: u32 = 16;

/// Ideographs and kana first, then the full-width forms.
const IDEOGRAPHS: usize = 0x7000;
const SIDES: usize = IDEOGRAPHS + 0x40;

impl Joints {
    /// `Some(None)` for a vocabulary whose file says that no place is safe.
    fn load(file: &'static [u8], pairs: usize) -> Option<Option<Self>> {
        if pairs == 0 {
            return Some(None);
        }
        let (sides, rest) = file.split_at_checked(SIDES)?;
        let (places, _) = rest.get(..pairs.checked_mul(4)?)?.as_chunks::<4>();
        let mut pairs = vec![0; 1 << (JOINT_BITS - 6)].into_boxed_slice();
        for &[a, b, c, d] in places {
            let bit = Self::bit(u16::from_le_bytes([a, b]).into(), u16::from_le_bytes([c, d]).into());
            *pairs.get_mut(bit / 64)? |= 1 << (bit % 64);
        }
        Some(Some(Self { sides, pairs }))
    }

    fn bit(left: u32, right: u32) -> usize {
        ((left << 16 | right).wrapping_mul(0x9E37_79B1) >> (32 - JOINT_BITS)) as usize
    }

    /// The character at `at` if it is one of those looked after here.
    #[inline]
    fn side_at(&self, piece: &[u8], at: usize) -> Option<Side> {
        let place = match piece.get(at..) {
            Some(&[a @ 0xE3..=0xE9, b, c, ..]) => u32::from(a - 0xE3) << 12 | u32::from(b & 0x3F) << 6 | u32::from(c & 0x3F),
            Some(&[0xEF, 0xBC, c, ..]) => IDEOGRAPHS as u32 | u32::from(c & 0x3F),
            _ => return None,
        };
        Some(Side { place, bits: *self.sides.get(place as usize)? })
    }

    #[inline]
    fn may_join(&self, left: Side, right: Side) -> bool {
        if left.bits & JOINS_ANY_NEXT != 0 || right.bits & JOINS_ANY_PREVIOUS != 0 {
            return true;
        }
        if left.bits & JOINS_NEXT == 0 || right.bits & JOINS_PREVIOUS == 0 {
            return false;
        }
        let bit = Self::bit(left.place, right.place);
        self.pairs.get(bit / 64).is_none_or(|word| word >> (bit % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashMap};
    use std::fs;

    /// A vocabulary file, its content in this program, tiktoken-rs's encoding, and how many ranks that has.
    fn files() -> [(&'static str, &'static [u8], &'static tiktoken_rs::CoreBPE, u32); 3] {
        [
            ("o200k.bin", include_bytes!("vocab/o200k.bin"), tiktoken_rs::o200k_base_singleton(), 199_998),
            ("cl100k.bin", include_bytes!("vocab/cl100k.bin"), tiktoken_rs::cl100k_base_singleton(), 100_256),
            ("p50k.bin", include_bytes!("vocab/p50k.bin"), tiktoken_rs::p50k_base_singleton(), 50_281),
        ]
    }

    /// p50k_base has its end-of-text token among the ranks.
    const SPECIAL: &[u8] = b"<|endoftext|>";

    /// The bytes of each rank; none for a special token.
    fn tokens(encoding: &tiktoken_rs::CoreBPE, count: u32) -> Vec<Vec<u8>> {
        let bytes = |rank| encoding.decode_bytes(&[rank]).unwrap();
        (0..count).map(|rank| Some(bytes(rank)).filter(|bytes| bytes != SPECIAL).unwrap_or_default()).collect()
    }

    /// Content of a vocabulary file, from the tokens alone.
    fn file_of(tokens: &[Vec<u8>]) -> Vec<u8> {
        let ranks: HashMap<&[u8], u32> = tokens.iter().map(Vec::as_slice).zip(0..).collect();
        let mut file = Vec::new();
        let (joints, tail) = tail_of(tokens, |char| merge(char, 1, &ranks).len() - 1);
        for count in [tokens.len(), joints] {
            file.extend((count as u32).to_le_bytes());
        }
        let (bytes, longer) = tokens.split_at(256);
        for byte in bytes {
            assert_eq!(byte.len(), 1);
            file.extend(byte);
        }
        let slots = slots(longer.len());
        let (mut of_two_bytes, mut pairs, mut halves) = (vec![NONE; 1 << 16], vec![0; slots], Vec::new());
        for (token, id) in longer.iter().zip(256..) {
            let (left, right) = if token.is_empty() { (ID_MASK as u32, ID_MASK as u32) } else { last_merge(token, &ranks) };
            halves.extend_from_slice(&(u64::from(right) << ID_BITS | u64::from(left)).to_le_bytes()[..5]);
            if token.is_empty() {
                continue;
            }
            assert!(left < id && right < id && id >> (u32::BITS - TAG_BITS) == 0, "{id}");
            if let &[first, second] = token.as_slice() {
                of_two_bytes[usize::from(first) << 8 | usize::from(second)] = id;
            }
            let (mut slot, tag) = home(left, right, u64::BITS - slots.trailing_zeros());
            while pairs[slot] != 0 {
                slot = (slot + 1) & (slots - 1);
            }
            pairs[slot] = tag << (u32::BITS - TAG_BITS) | id;
        }
        file.extend(of_two_bytes.iter().chain(&pairs).flat_map(|entry| entry.to_le_bytes()));
        file.extend(halves);
        file.extend(tail);
        file
    }

    /// Ends of the parts left when `bytes` are merged by tiktoken's rule until `parts` are left or no merge is.
    fn merge(bytes: &[u8], parts: usize, ranks: &HashMap<&[u8], u32>) -> Vec<usize> {
        let mut ends: Vec<usize> = (0..=bytes.len()).collect();
        while ends.len() - 1 > parts {
            let rank = |at: usize| ranks.get(&bytes[ends[at]..ends[at + 2]]);
            let Some((_, at)) = (0..ends.len() - 2).filter_map(|at| Some((rank(at)?, at))).min() else { break };
            ends.remove(at + 1);
        }
        ends
    }

    /// The pair that makes `token`. Panics if merges do not make it.
    fn last_merge(token: &[u8], ranks: &HashMap<&[u8], u32>) -> (u32, u32) {
        let ends = merge(token, 2, ranks);
        assert_eq!(ends.len(), 3);
        (ranks[&token[..ends[1]]], ranks[&token[ends[1]..]])
    }

    /// The tables of [`Joints`], and how many pairs they have. None at all if a token holds parts of two of the
    /// characters and so could be anywhere. `solo`: number of tokens of a character's bytes.
    fn tail_of(tokens: &[Vec<u8>], solo: impl Fn(&[u8]) -> usize) -> (usize, Vec<u8>) {
        let looked_after: Vec<char> = ('\u{3000}'..='\u{9FFF}').chain('\u{FF00}'..='\u{FF3F}').collect();
        let places: HashMap<char, usize> = looked_after.iter().copied().zip(0..).collect();
        let mut sides: Vec<u8> = looked_after.iter().map(|char| (solo(char.to_string().as_bytes()) as u8) << SOLO).collect();
        let mut pairs = BTreeSet::new();
        let may_start_one = |bytes: &[u8]| matches!(bytes, [0xE3..=0xE9, ..] | [0xEF] | [0xEF, 0xBC, ..]);
        for token in tokens {
            let fragments: Vec<&[u8]> = token.chunk_by(|_, next| next & 0xC0 == 0x80).collect();
            for two in fragments.windows(2) {
                let chars = [two[0], two[1]].map(|bytes| str::from_utf8(bytes).ok().and_then(|text| text.chars().next()));
                let [left, right] = chars.map(|char| char.and_then(|char| places.get(&char).copied()));
                match (left, right) {
                    (Some(left), Some(right)) => {
                        sides[left] |= JOINS_NEXT;
                        sides[right] |= JOINS_PREVIOUS;
                        pairs.insert([left as u16, right as u16]);
                    }
                    (Some(left), None) if chars[1].is_none() && may_start_one(two[1]) => sides[left] |= JOINS_ANY_NEXT,
                    (None, Some(right)) if chars[0].is_none() => sides[right] |= JOINS_ANY_PREVIOUS,
                    (None, None) if chars == [None, None] && may_start_one(two[1]) => return (0, Vec::new()),
                    _ => {}
                }
            }
        }
        let pairs_at = pairs.iter().flatten().flat_map(|place| place.to_le_bytes());
        (pairs.len(), sides.into_iter().chain(pairs_at).collect())
    }

    /// `cargo test --release regenerate_vocabularies -- --ignored`
    #[test]
    #[ignore = "writes vocab/*.bin"]
    fn regenerate_vocabularies() {
        for (name, _, encoding, count) in files() {
            let path = format!("{}/src/tokens/vocab/{name}", env!("CARGO_MANIFEST_DIR"));
            fs::write(path, file_of(&tokens(encoding, count))).unwrap();
        }
    }

    /// That each token has tiktoken's bytes and is what its bytes merge to proves the pairs: at the shortest token
    /// with a wrong pair the merges would stop short of it.
    #[test]
    fn the_files_hold_the_ranks_of_tiktoken() {
        for (name, file, encoding, count) in files() {
            let tokens = tokens(encoding, count);
            let vocabulary = Vocabulary::load(file, usize::MAX).unwrap();
            let mut scratch = Scratch::default();
            for (token, id) in tokens.iter().zip(0..) {
                let (mut bytes, mut ids) = (Vec::new(), Vec::new());
                vocabulary.decode(id, &mut bytes);
                assert_eq!(&bytes, token, "{name} {id}");
                if !token.is_empty() {
                    vocabulary.encode(token, &mut scratch, &mut ids);
                    assert_eq!(ids, [id], "{name}");
                }
            }
            for unknown in [count, u32::MAX] {
                let mut bytes = Vec::new();
                vocabulary.decode(unknown, &mut bytes);
                assert!(bytes.is_empty());
            }
            let (joints, tail) = tail_of(&tokens, |char| vocabulary.count(char, &mut Scratch::default()));
            assert_eq!(file[4..8], (joints as u32).to_le_bytes(), "{name}");
            let longer = tokens.len() - 256;
            assert_eq!(file.len(), 8 + 256 + 4 * (1 << 16) + 4 * slots(longer) + 5 * longer + tail.len(), "{name}");
            assert!(file.ends_with(&tail), "{name}");
        }
    }

    #[test]
    fn r50k_is_p50k_up_to_its_end_of_text() {
        let [_, _, (_, file, p50k, _)] = files();
        let r50k = tokens(tiktoken_rs::r50k_base_singleton(), 50_256);
        assert!(r50k == tokens(p50k, 50_256));
        let vocabulary = Vocabulary::load(file, 50_256).unwrap();
        assert_eq!(vocabulary.count(b"     ", &mut Scratch::default()), 5);
    }

    #[test]
    fn damaged_files_are_refused() {
        let file = include_bytes!("vocab/cl100k.bin");
        assert!(Vocabulary::load(&[], usize::MAX).is_none());
        for cut in [3, 15, 100, 280, file.len() - 1] {
            assert!(Vocabulary::load(&file[..cut], usize::MAX).is_none(), "{cut}");
        }
        assert_eq!(Vocabulary::without_merges().count("any piece".as_bytes(), &mut Scratch::default()), 9);
    }

    /// The loops for short and for long pieces agree on every length.
    #[test]
    fn all_merge_loops_agree() {
        let vocabulary = o200k();
        let mut scratch = Scratch::default();
        let mut random = random();
        for len in 1..=SHORT {
            for letters in [1, 2, 26] {
                let piece: Vec<u8> = (0..len).map(|_| b'a' + random(letters) as u8).collect();
                let mut ids = Vec::new();
                vocabulary.encode(&piece, &mut scratch, &mut ids);
                assert_eq!(ids, whole(&vocabulary, &piece), "{piece:?}");
                assert_eq!(vocabulary.count(&piece, &mut scratch), ids.len(), "{piece:?}");
            }
        }
    }

    /// Windows lead to the same tokens or are given up; both must happen when they are made very small.
    #[test]
    fn windows_change_nothing() {
        let vocabulary = o200k();
        let mut scratch = Scratch::default();
        let mut random = random();
        let mut in_windows = |piece: &[u8], size| {
            let mut ids = Vec::new();
            let done = vocabulary.merge_in_windows(piece, size, &mut scratch, |id| ids.push(id));
            assert!(!done || ids == whole(&vocabulary, piece), "{size} {piece:?}");
            done
        };
        for (letters, len) in [(1, WINDOW + 1), (2, WINDOW * 3), (3, WINDOW * 2 - 1), (26, WINDOW * 4 + 7)] {
            let piece: Vec<u8> = (0..len).map(|_| b'a' + random(letters) as u8).collect();
            assert!(in_windows(&piece, WINDOW));
        }
        let mut outcomes = [0; 2];
        for size in 2..=64 {
            for letters in [b"aaaa", b"etao", b"=-=-", b"    "] {
                let piece: Vec<u8> = (0..200).map(|_| letters[random(4) as usize]).collect();
                outcomes[usize::from(in_windows(&piece, size))] += 1;
            }
            let words = ["ing", "tion", "the", "un", "able", "str", "anti", "ate"].map(|word| word.repeat(random(4) as usize)).concat();
            outcomes[usize::from(in_windows(words.repeat(9).as_bytes(), size))] += 1;
        }
        assert!(outcomes.iter().all(|&times| times > 20), "{outcomes:?}");
    }

    fn o200k() -> Vocabulary {
        Vocabulary::load(include_bytes!("vocab/o200k.bin"), usize::MAX).unwrap()
    }

    fn whole(vocabulary: &Vocabulary, piece: &[u8]) -> Vec<u32> {
        vocabulary.merge_whole(piece, &mut Scratch::default()).iter().map(|part| part.id).collect()
    }

    /// Numbers below the argument, the same in every run.
    fn random() -> impl FnMut(u64) -> u64 {
        let mut state = 1u64;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }
}
