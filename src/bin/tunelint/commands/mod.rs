//! One file a command.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod fix;
pub(crate) mod generate;
pub(crate) mod init;
pub(crate) mod man;
pub(crate) mod report;
pub(crate) mod rule;
pub(crate) mod show;
pub(crate) mod target;
