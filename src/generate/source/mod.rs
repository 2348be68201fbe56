//! Where rows come from. Each kind of source is one file; all of them stream.

use std::collections::BTreeSet;
use std::fmt;

use super::row::Row;

/// A column of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds, for people: `text`, `integer`, `image`, `list of text`, `class label (cat, dog)`, `object (role, content)`.
    pub kind: String,
}

/// Why a source cannot be opened or read on.
#[derive(Debug)]
pub struct Error {
    /// The file, with the row or line where one is known: `train.csv:14`.
    pub place: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for Error {}

/// Rows, one after the other.
pub type Rows = Box<dyn Iterator<Item = Result<Row, Error>> + Send>;

/// What of a source is wanted: what is left out need not be read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only these columns; all when `None`.
    pub columns: Option<BTreeSet<String>>,
    /// Only these rows, ascending; all when `None`.
    pub rows: Option<std::sync::Arc<[u64]>>,
}
