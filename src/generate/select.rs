//! Which rows go where: filter, shuffle, sample and splits, decided from as few columns as will do and before anything is
//! made of them. What is remembered of a row is its number, 24 bytes, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use twox_hash::XxHash3_64;

use super::recipe::{Amount, Rows, Split};
use super::row::{Row, Value};
use super::template::{Formula, Scope};
use super::{Error, Problems, RowProblem};

/// A row that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    /// Its number in the source.
    pub(super) row: u64,
    /// How many examples it makes.
    pub(super) examples: u32,
    /// The number of its first example in the split.
    pub(super) first: u64,
}

/// A row that meets the filter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) row: u64,
    pub(super) examples: u32,
    /// Hash of its group.
    pub(super) group: u64,
}

/// What a source offers.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) candidates: Vec<Candidate>,
    /// Rows there are.
    pub(super) rows: u64,
    /// Rows that the filter leaves out.
    pub(super) filtered: u64,
    /// Rows of which `explode` or `filter_exploded` leaves nothing.
    pub(super) empty: u64,
}

impl Survey {
    /// All of `count` rows, each of them one example.
    pub(super) fn of_all(count: u64) -> Self {
        Self { candidates: (0..count).map(|row| Candidate { row, examples: 1, group: 0 }).collect(), rows: count, ..Self::default() }
    }
}

/// How rows are cut into examples.
pub(super) struct Cutter<'r> {
    pub(super) filter: Option<Formula<'r>>,
    pub(super) filter_exploded: Option<Formula<'r>>,
    pub(super) rows: &'r Rows,
}

impl Cutter<'_> {
    /// The examples of a row: each exploded column holds one element at a time, and columns have their new names.
    ///
    /// `Err` says what is wrong with the row.
    pub(super) fn examples(&self, row: &Row) -> Result<Vec<Row>, RowProblem> {
        let mut pieces = self.exploded(row)?;
        if let Some(filter) = &self.filter_exploded {
            let mut kept = Vec::with_capacity(pieces.len());
            for piece in pieces {
                if filter.is_true(&minijinja::Value::from_object(Scope::of(&piece, 0, 1))).map_err(|fault| RowProblem::of(row, fault))? {
                    kept.push(piece);
                }
            }
            pieces = kept;
        }
        Ok(pieces)
    }

    fn exploded(&self, row: &Row) -> Result<Vec<Row>, RowProblem> {
        let renamed = |name: &Arc<str>| self.rows.rename.get(&**name).map_or_else(|| Arc::clone(name), |new| Arc::from(new.as_str()));
        let count = self.count(row)?;
        let piece = |index: usize| {
            let cells = row.cells.iter().map(|(name, value)| {
                let value = match value {
                    Value::List(items) if self.rows.explode.iter().any(|column| **column == **name) => {
                        items.get(index).cloned().unwrap_or(Value::Null)
                    }
                    value => value.clone(),
                };
                (renamed(name), value)
            });
            Row { number: row.number, place: row.place.clone(), folder: Arc::clone(&row.folder), cells: cells.collect() }
        };
        Ok((0..count).map(piece).collect())
    }

    /// How many elements the exploded columns have.
    fn count(&self, row: &Row) -> Result<usize, RowProblem> {
        let mut count = None;
        for column in &self.rows.explode {
            let problem = |message: String| RowProblem::new(row, &["rows", "explode"], message);
            let own = match row.get(column) {
                Some(Value::List(items)) => items.len(),
                Some(Value::Null) | None => 0,
                Some(other) => return Err(problem(format!("`{column}` holds {}, no list", other.kind()))),
            };
            match count {
                None => count = Some((own, column)),
                Some((first, _)) if first == own => {}
                Some((first, other)) => {
                    return Err(problem(format!(
                        "`{other}` has {first} elements and `{column}` has {own}; lists exploded together are of the same length"
                    )));
                }
            }
        }
        Ok(count.map_or(1, |(count, _)| count))
    }

    /// Looks at each row: is it taken, and how many examples does it make?
    pub(super) fn survey(
        &self,
        rows: impl Iterator<Item = Result<Row, super::source::Error>>,
        seed: u64,
        problems: &mut Problems,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Survey, Error> {
        let mut survey = Survey::default();
        for row in rows {
            let row = row.map_err(Error::source)?;
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            survey.rows += 1;
            progress(survey.rows);
            match self.judge(&row, seed) {
                Ok(None) => survey.filtered += 1,
                Ok(Some(candidate)) if candidate.examples == 0 => survey.empty += 1,
                Ok(Some(candidate)) => survey.candidates.push(candidate),
                Err(problem) => problems.add(problem)?,
            }
        }
        Ok(survey)
    }

    fn judge(&self, row: &Row, seed: u64) -> Result<Option<Candidate>, RowProblem> {
        if let Some(filter) = &self.filter
            && !filter
                .is_true(&minijinja::Value::from_object(Scope::of(row, row.number, row.number + 1)))
                .map_err(|fault| RowProblem::of(row, fault))?
        {
            return Ok(None);
        }
        let count = if self.filter_exploded.is_some() { self.examples(row)?.len() } else { self.count(row)? };
        let group = match &self.rows.group_by {
            Some(column) => XxHash3_64::oneshot_with_seed(seed, &super::json::bytes(row.get(column).unwrap_or(&Value::Null))),
            None => 0,
        };
        let examples = u32::try_from(count).map_err(|_| RowProblem::new(row, &["rows", "explode"], "the lists are too long".to_owned()))?;
        Ok(Some(Candidate { row: row.number, examples, group }))
    }
}

/// Puts candidates in order and deals them out to the splits of one source. Gives the rows of each split, and how many
/// rows went to none.
pub(super) fn deal(mut candidates: Vec<Candidate>, rows: &Rows, splits: &[&Split], seed: u64, source: &str) -> (Vec<Vec<Pick>>, u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Sources differ though they share the seed.
    rng.set_stream(XxHash3_64::oneshot(source.as_bytes()));
    if rows.shuffle {
        shuffle(&mut candidates, &mut rng);
    }
    let before = candidates.len() as u64;
    if let Some(amount) = rows.sample {
        sample(&mut candidates, amount.of(before), rows.shuffle, &mut rng);
    }
    let mut dealt: Vec<Vec<Pick>> = vec![Vec::new(); splits.len()];
    let mut left = 0;
    let mut give = |split: Option<usize>, candidate: Candidate| match split.and_then(|split| dealt.get_mut(split)) {
        Some(picks) => {
            let first = picks.last().map_or(0, |last: &Pick| last.first + u64::from(last.examples));
            picks.push(Pick { row: candidate.row, examples: candidate.examples, first });
        }
        None => left += 1,
    };
    if rows.group_by.is_some() {
        for candidate in candidates {
            give(by_hash(candidate.group, splits), candidate);
        }
    } else {
        let ends = ends(candidates.len() as u64, splits);
        for (index, candidate) in candidates.into_iter().enumerate() {
            give(ends.iter().position(|&end| (index as u64) < end), candidate);
        }
    }
    (dealt, left)
}

/// Where each split ends in a list of `all` rows. Shares add up without a row lost to rounding; a split that names no
/// number gets what is left.
fn ends(all: u64, splits: &[&Split]) -> Vec<u64> {
    let fixed: u64 =
        splits.iter().filter_map(|split| split.rows).map(|amount| if let Amount::Count(count) = amount { count } else { 0 }).sum();
    let shares: f64 =
        splits.iter().filter_map(|split| split.rows).map(|amount| if let Amount::Share(share) = amount { share } else { 0.0 }).sum();
    let shared = Amount::Share(shares.min(1.0)).of(all);
    let (mut end, mut share_so_far, mut given) = (0_u64, 0.0, 0_u64);
    splits
        .iter()
        .map(|split| {
            let own = match split.rows {
                Some(Amount::Count(count)) => count,
                Some(Amount::Share(share)) => {
                    share_so_far += share;
                    let upto = Amount::Share(share_so_far).of(all);
                    let own = upto.saturating_sub(given);
                    given = upto;
                    own
                }
                None => all.saturating_sub(fixed + shared),
            };
            end = (end + own).min(all);
            end
        })
        .collect()
}

/// The split of a group: where its hash stands on a line as long as all shares.
fn by_hash(group: u64, splits: &[&Split]) -> Option<usize> {
    let place = (group >> 11) as f64 / (1_u64 << 53) as f64;
    let mut end = 0.0;
    let found = splits.iter().position(|split| match split.rows {
        Some(Amount::Share(share)) => {
            end += share;
            place < end
        }
        _ => false,
    });
    found.or_else(|| splits.iter().position(|split| split.rows.is_none()))
}

/// Fisher and Yates's shuffle, from the end. Part of what a recipe promises: another order of draws is another dataset.
fn shuffle<T>(items: &mut [T], rng: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last as u64 + 1, rng) as usize);
    }
}

/// `count` of `items` by chance. Shuffled items are taken from the front; others keep their order.
fn sample<T>(items: &mut Vec<T>, count: u64, is_shuffled: bool, rng: &mut ChaCha8Rng) {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if !is_shuffled && count < items.len() {
        // Selection sampling (Knuth, volume 2, algorithm S): one draw an item.
        let (mut left, mut wanted) = (items.len() as u64, count as u64);
        items.retain(|_| {
            let taken = below(left, rng) < wanted;
            left -= 1;
            wanted -= u64::from(taken);
            taken
        });
    }
    items.truncate(count);
}

/// A number below `bound`, each as likely as the other (Lemire's multiplication with rejection).
fn below(bound: u64, rng: &mut ChaCha8Rng) -> u64 {
    let threshold = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(rng.next_u64()) * u128::from(bound);
        if (product as u64) >= threshold {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(count: u64) -> Vec<Candidate> {
        (0..count)
            .map(|row| Candidate { row, examples: 1 + (row % 3) as u32, group: XxHash3_64::oneshot(&(row / 4).to_le_bytes()) })
            .collect()
    }

    fn split(rows: Option<Amount>) -> Split {
        Split { rows, ..Split::default() }
    }

    #[test]
    fn counts_shares_and_the_rest_are_dealt_in_order() {
        let splits = [split(Some(Amount::Share(0.8))), split(Some(Amount::Count(5))), split(None)];
        let (dealt, left) = deal(candidates(101), &Rows::default(), &splits.iter().collect::<Vec<_>>(), 1, "");
        assert_eq!(dealt.iter().map(Vec::len).collect::<Vec<_>>(), [81, 5, 15]);
        assert_eq!((left, dealt[0][0].row, dealt[1][0].row), (0, 0, 81));
        assert_eq!(dealt[1][1].first, u64::from(dealt[1][0].examples));
    }

    #[test]
    fn a_shuffle_is_what_it_always_was() {
        let rows = Rows { shuffle: true, sample: Some(Amount::Count(8)), ..Rows::default() };
        let all = split(None);
        let order =
            |seed, source: &str| deal(candidates(20), &rows, &[&all], seed, source).0[0].iter().map(|pick| pick.row).collect::<Vec<_>>();
        assert_eq!(order(42, "train"), order(42, "train"));
        assert_ne!(order(42, "train"), order(43, "train"));
        assert_ne!(order(42, "train"), order(42, "test"));
        // A recipe's bytes depend on it: never change this line.
        assert_eq!(order(42, ""), SHUFFLED);
    }

    const SHUFFLED: [u64; 8] = [5, 4, 10, 12, 2, 1, 13, 14];

    proptest! {
        #[test]
        fn every_row_is_dealt_once(count in 0_u64..300, a in 0.0..0.5, b in 0.0..0.5, seed: u64, by_group: bool, shuffle: bool) {
            let rows = Rows { shuffle, group_by: by_group.then(|| "key".to_owned()), ..Rows::default() };
            let splits = [split(Some(Amount::Share(a))), split(Some(Amount::Share(b))), split(None)];
            let (dealt, left) = deal(candidates(count), &rows, &splits.iter().collect::<Vec<_>>(), seed, "s");
            let mut seen: Vec<u64> = dealt.iter().flatten().map(|pick| pick.row).collect();
            seen.sort_unstable();
            prop_assert_eq!(left, 0);
            prop_assert_eq!(seen, (0..count).collect::<Vec<_>>());
            if by_group {
                for group in 0..count.div_ceil(4) {
                    let homes = dealt.iter().filter(|picks| picks.iter().any(|pick| pick.row / 4 == group)).count();
                    prop_assert_eq!(homes, 1);
                }
            }
        }

        #[test]
        fn a_sample_is_of_the_size_asked_for_and_in_order(count in 0_u64..200, wanted in 0_u64..250, seed: u64) {
            let rows = Rows { sample: Some(Amount::Count(wanted)), ..Rows::default() };
            let all = split(None);
            let (dealt, _) = deal(candidates(count), &rows, &[&all], seed, "s");
            prop_assert_eq!(dealt[0].len() as u64, wanted.min(count));
            prop_assert!(dealt[0].windows(2).all(|pair| pair[0].row < pair[1].row));
        }
    }
}
