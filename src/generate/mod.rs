//! A dataset out of sources: a recipe and rows in, lines that their target takes out.

pub mod row;
pub mod source;
