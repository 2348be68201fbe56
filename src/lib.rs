//! tunelint lints, prices and builds fine-tuning datasets (JSONL) before anyone pays to train on them.
//!
//! This library is the engine: bytes in, diagnostics and a summary out. It never prints, exits or reads arguments;
//! the program around it lives under `src/bin/tunelint/`. The order of the modules is a law: each uses only those above it.

pub mod edit;

pub mod rule;

pub mod json;

pub mod diagnostic;

pub mod baseline;

pub mod tool_schema;

pub mod format;

pub mod target;

pub mod tokens;

pub mod image;

pub mod fetch;

pub mod schema;

pub mod settings;

pub mod exhibit;

mod pile;

pub mod summary;

pub mod context;

pub mod rules;

pub mod engine;

pub mod output;

pub mod generate;
