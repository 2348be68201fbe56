//! One file a command.

pub(crate) mod check;
pub(crate) mod generate;
pub(crate) mod rule;
pub(crate) mod target;
