//! One file a command.

pub(crate) mod check;
pub(crate) mod fix;
pub(crate) mod rule;
pub(crate) mod target;
