//! One row of a source and what stands in its cells: JSON's values, and two that JSON lacks, bytes and images.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

/// A row, with its columns in the order of the source.
#[derive(Clone, Debug)]
pub struct Row {
    /// Place among all rows of the source, from 0, counted over all of its files before anything is left out.
    pub number: u64,
    /// Where it stands, for messages: `train-00001.parquet: row 12` or `data.csv:14`.
    pub place: String,
    /// The folder that relative paths of images start from, and may not leave.
    pub folder: Arc<Path>,
    /// The cells that were asked for, by column.
    pub cells: Vec<(Arc<str>, Value)>,
}

impl Row {
    /// The cell of a column.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.cells.iter().find(|(name, _)| &**name == column).map(|(_, value)| value)
    }
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: JSON's or Arrow's null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number beyond [`i64::MAX`].
    UInt(u64),
    /// Another number. May be no number at all (NaN) or infinite, which JSON has no words for.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// Bytes that are not said to be text.
    Bytes(Bytes),
    /// A list.
    List(Vec<Value>),
    /// Named values, in order.
    Object(Vec<(Arc<str>, Value)>),
    /// An image as Hugging Face `datasets` store it: its bytes, or the path of its file, or both.
    Image {
        /// The encoded file (JPEG, PNG, …).
        bytes: Option<Bytes>,
        /// Relative to [`Row::folder`].
        path: Option<Arc<str>>,
    },
}

impl Value {
    /// What it is, for messages: `text`, `a list`, ….
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::UInt(_) | Self::Float(_) => "a number",
            Self::String(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Image { .. } => "an image",
        }
    }
}
