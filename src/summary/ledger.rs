//! Records in order, however many: they are sorted a run at a time, and once there are many runs, these wait in a file without a
//! name. What tells copies apart in a file of any size, in memory that does not follow it.
//!
//! Sorting costs less than looking each record up in a table that has outgrown the processor's cache.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::{Arc, OnceLock};

use crate::pile::{Pile, Stored};

/// Records of a run: two megabytes or so, which are sorted within the cache.
const RUN: usize = 1 << 16;
/// Runs that stay in memory.
const IN_MEMORY: usize = 1;
/// Records of a run in the file that are read at a time.
const READ: usize = 1 << 10;

/// Records of `N` words, which are compared word by word.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger<const N: usize> {
    fresh: Vec<[u64; N]>,
    runs: Vec<Run<N>>,
    /// Where runs wait, shared by clones; `None` inside when there is no such place: they stay in memory then.
    pile: OnceLock<Option<Arc<Pile>>>,
}

#[derive(Clone, Debug)]
enum Run<const N: usize> {
    Memory(Arc<Vec<[u64; N]>>),
    Kept(Stored),
}

impl<const N: usize> Ledger<N> {
    /// Takes one more.
    pub(super) fn push(&mut self, record: [u64; N]) {
        self.fresh.push(record);
        if self.fresh.len() == RUN {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        let mut run = std::mem::take(&mut self.fresh);
        run.sort_unstable();
        self.runs.push(Run::Memory(Arc::new(run)));
        if self.runs.iter().filter(|run| matches!(run, Run::Memory(_))).count() > IN_MEMORY {
            let pile = self.pile.get_or_init(|| Pile::new(&std::env::temp_dir()).ok().map(Arc::new));
            // A run that cannot be put there stays.
            let Some(pile) = pile else { return };
            self.runs.iter_mut().for_each(|run| run.put(pile));
        }
    }

    /// Hands all records to `take`, in order.
    ///
    /// # Errors
    ///
    /// When the temporary file cannot be read.
    pub(super) fn each(&mut self, mut take: impl FnMut([u64; N])) -> io::Result<()> {
        self.fresh.sort_unstable();
        if self.runs.is_empty() {
            self.fresh.iter().for_each(|&record| take(record));
            return Ok(());
        }
        let pile = self.pile.get().and_then(Option::as_deref);
        let mut cursors = vec![Cursor::Memory(self.fresh.iter())];
        cursors.extend(self.runs.iter().map(|run| match run {
            Run::Memory(records) => Cursor::Memory(records.iter()),
            Run::Kept(left) => Cursor::Kept { pile, left: *left, read: Vec::new() },
        }));
        let mut heads = BinaryHeap::with_capacity(cursors.len());
        for (index, cursor) in cursors.iter_mut().enumerate() {
            heads.extend(cursor.next()?.map(|record| Reverse((record, index))));
        }
        while let Some(mut head) = heads.peek_mut() {
            let Reverse((record, index)) = *head;
            take(record);
            match cursors.get_mut(index).map(Cursor::next).transpose()?.flatten() {
                Some(next) => *head = Reverse((next, index)),
                None => drop(std::collections::binary_heap::PeekMut::pop(head)),
            }
        }
        Ok(())
    }
}

impl<const N: usize> Run<N> {
    /// Puts a run that is in memory into the file, if it will go there.
    fn put(&mut self, pile: &Pile) {
        let Self::Memory(run) = self else { return };
        let bytes: Vec<u8> = run.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
        if let Ok(kept) = pile.put(&bytes) {
            *self = Self::Kept(kept);
        }
    }
}

/// The records of one run that are still to come.
enum Cursor<'a, const N: usize> {
    Memory(std::slice::Iter<'a, [u64; N]>),
    Kept {
        pile: Option<&'a Pile>,
        left: Stored,
        /// Those read, last one first.
        read: Vec<[u64; N]>,
    },
}

impl<const N: usize> Cursor<'_, N> {
    fn next(&mut self) -> io::Result<Option<[u64; N]>> {
        let (pile, left, read) = match self {
            Self::Memory(records) => return Ok(records.next().copied()),
            Self::Kept { pile, left, read } => (pile, left, read),
        };
        if let (true, Some(pile)) = (read.is_empty(), pile) {
            let length = left.length.min((READ * N * 8) as u32);
            let mut bytes = Vec::new();
            pile.read(Stored { length, ..*left }, &mut bytes)?;
            *left = Stored { offset: left.offset + u64::from(length), length: left.length - length };
            let (words, _) = bytes.as_chunks::<8>();
            let records = words.chunks_exact(N).filter_map(|words| {
                let words: &[[u8; 8]; N] = words.try_into().ok()?;
                Some(words.map(u64::from_le_bytes))
            });
            read.extend(records.rev());
        }
        Ok(read.pop())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers that look drawn, and are the same each time.
    fn drawn(count: u64, seed: u64) -> impl Iterator<Item = [u64; 2]> {
        (0..count).map(move |n| [(n ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50, n])
    }

    fn sorted(ledger: &mut Ledger<2>) -> Vec<[u64; 2]> {
        let mut found = Vec::new();
        ledger.each(|record| found.push(record)).expect("read back");
        found
    }

    #[test]
    fn many_runs_come_back_in_order() {
        let mut ledger = Ledger::default();
        let mut expected: Vec<[u64; 2]> = drawn(RUN as u64 * 7 + 5, 3).collect();
        expected.iter().for_each(|&record| ledger.push(record));
        assert!(ledger.runs.iter().filter(|run| matches!(run, Run::Kept(_))).count() >= IN_MEMORY);
        expected.sort_unstable();
        assert_eq!(sorted(&mut ledger), expected);
        // And again; and clones go their own ways.
        let mut twin = ledger.clone();
        drawn(RUN as u64 * 6, 4).for_each(|record| twin.push(record));
        assert_eq!(sorted(&mut ledger), expected);
        assert_eq!(sorted(&mut twin).len(), expected.len() + RUN * 6);
    }

    proptest! {
        #[test]
        fn few_come_back_in_order(records in prop::collection::vec(prop::array::uniform2(0_u64..9), 0..99)) {
            let mut ledger = Ledger::default();
            records.iter().for_each(|&record| ledger.push(record));
            let mut expected = records;
            expected.sort_unstable();
            prop_assert_eq!(sorted(&mut ledger), expected);
        }
    }
}
