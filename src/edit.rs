//! What would mend a finding: pieces of a line and what is to stand in their place. Bytes that no edit names stay as they
//! are. Pure data and one function that applies it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How far a fix can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// The line says the same as before, or what it can only have meant.
    Safe,
    /// Something is left out or guessed: to be looked at.
    Unsafe,
}

impl Applicability {
    /// `safe` or `unsafe`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
        }
    }
}

/// Bytes of a line, and the text that takes their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// First byte.
    pub start: usize,
    /// One past the last byte; an insertion has none.
    pub end: usize,
    /// What stands there instead.
    pub replacement: String,
}

impl Edit {
    /// Puts `text` in the place of `range`.
    pub fn replace(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { start: range.start, end: range.end, replacement: text.into() }
    }

    /// Puts `text` before the byte `at`.
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self { start: at, end: at, replacement: text.into() }
    }

    /// Takes `range` out.
    pub fn delete(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end, replacement: String::new() }
    }
}

/// All edits that mend one finding: they are made together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What is done, as an order: "remove the comma".
    pub title: Cow<'static, str>,
    /// How far it can be trusted.
    pub applicability: Applicability,
    /// The edits of the line; none where the file as a whole is written otherwise, or where they cost too much to be worked out
    /// before they are made.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// A fix that leaves no doubt.
    pub fn safe(title: impl Into<Cow<'static, str>>, edits: impl Into<Vec<Edit>>) -> Self {
        Self { title: title.into(), applicability: Applicability::Safe, edits: edits.into() }
    }

    /// A fix that guesses, or leaves something out.
    pub fn risky(title: impl Into<Cow<'static, str>>, edits: impl Into<Vec<Edit>>) -> Self {
        Self { title: title.into(), applicability: Applicability::Unsafe, edits: edits.into() }
    }
}

/// What [`apply`] made of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The line.
    pub bytes: Vec<u8>,
    /// Which of the fixes were made, as indices; the others overlap one of them.
    pub made: Vec<usize>,
    /// The places that changed: where they were, and where they are now.
    pub changes: Vec<(Range<usize>, Range<usize>)>,
}

/// Makes the fixes in the order of their places. Of two that overlap the later one is left for the next pass; so is one
/// that does not fit the line.
pub fn apply<'a>(line: &[u8], fixes: impl IntoIterator<Item = &'a Fix>) -> Applied {
    let mut fixes: Vec<(usize, &Fix)> = fixes.into_iter().enumerate().filter(|(_, fix)| !fix.edits.is_empty()).collect();
    fixes.sort_by_key(|(index, fix)| (fix.edits.iter().map(|edit| edit.start).min(), *index));
    let mut taken: BTreeMap<usize, &Edit> = BTreeMap::new();
    let mut made = Vec::new();
    for (index, fix) in fixes {
        let fitting = fix.edits.iter().take_while(|edit| {
            let fits = edit.start <= edit.end && edit.end <= line.len() && !overlaps(&taken, edit);
            if fits {
                taken.insert(edit.start, edit);
            }
            fits
        });
        let fitting = fitting.count();
        if fitting == fix.edits.len() {
            made.push(index);
        } else {
            for edit in fix.edits.iter().take(fitting) {
                taken.remove(&edit.start);
            }
        }
    }
    let mut applied = Applied { bytes: Vec::with_capacity(line.len()), made, changes: Vec::with_capacity(taken.len()) };
    let mut at = 0;
    for edit in taken.into_values() {
        applied.bytes.extend_from_slice(line.get(at..edit.start).unwrap_or_default());
        let start = applied.bytes.len();
        applied.bytes.extend_from_slice(edit.replacement.as_bytes());
        applied.changes.push((edit.start..edit.end, start..applied.bytes.len()));
        at = edit.end;
    }
    applied.bytes.extend_from_slice(line.get(at..).unwrap_or_default());
    applied
}

/// Two edits that begin at the same byte overlap too: which comes first would be chance.
fn overlaps(taken: &BTreeMap<usize, &Edit>, edit: &Edit) -> bool {
    let reaches_in = taken.range(..edit.start).next_back().is_some_and(|(_, before)| before.end > edit.start);
    let is_reached = taken.range(edit.start..).next().is_some_and(|(&start, _)| start == edit.start || start < edit.end);
    reaches_in || is_reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str, fixes: &[Fix]) -> (String, Vec<usize>) {
        let applied = apply(line.as_bytes(), fixes);
        (String::from_utf8(applied.bytes).expect("UTF-8"), applied.made)
    }

    #[test]
    fn edits_are_made_in_the_order_of_their_places() {
        let fixes = [
            Fix::safe("b", [Edit::replace(2..3, "XX"), Edit::insert(5, "!")]),
            Fix::safe("a", [Edit::delete(0..1)]),
            Fix::safe("whole file", []),
        ];
        assert_eq!(text("abcde", &fixes), ("bXXde!".to_owned(), vec![1, 0]));
        assert_eq!(apply(b"abcde", &fixes).changes, [(0..1, 0..0), (2..3, 1..3), (5..5, 5..6)]);
    }

    #[test]
    fn a_fix_is_made_whole_or_not_at_all() {
        let fixes = [
            Fix::safe("first", [Edit::replace(1..3, "-")]),
            Fix::safe("overlaps", [Edit::insert(0, "x"), Edit::replace(2..4, "y")]),
            Fix::safe("touches", [Edit::replace(3..4, "z")]),
            Fix::safe("same place", [Edit::insert(3, "w")]),
            Fix::safe("beyond the line", [Edit::insert(9, "v")]),
        ];
        // The one that begins first has the right of way, whatever the order they come in.
        assert_eq!(text("abcde", &fixes), ("xaby".to_owned() + "e", vec![1]));
        assert_eq!(text("abcde", &fixes[2..]), ("abcze".to_owned(), vec![0]));
        assert_eq!(text("abcde", &[fixes[0].clone(), fixes[2].clone()]), ("a-ze".to_owned(), vec![0, 1]));
    }
}
