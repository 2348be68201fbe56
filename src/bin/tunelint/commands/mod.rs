//! One file a command.

pub(crate) mod check;
pub(crate) mod generate;
pub(crate) mod report;
pub(crate) mod rule;
pub(crate) mod show;
pub(crate) mod target;
