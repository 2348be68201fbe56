//! One test binary: the corpora when they are there, the program as a user runs it, and the README.

#![allow(clippy::indexing_slicing, reason = "a test that reads too far fails where it should")]

mod corpora;
mod everyday;
mod fetch;
mod fix;
mod fuzz;
mod generate;
mod house;
mod images;
mod json;
mod program;
mod properties;
mod report;
mod sources;
mod together;
mod tokens;
mod tool_schema;
mod transcripts;
