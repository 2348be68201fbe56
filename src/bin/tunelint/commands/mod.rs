//! One file a command.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod init;
pub(crate) mod rule;
pub(crate) mod target;
