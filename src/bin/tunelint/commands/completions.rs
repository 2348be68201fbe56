//! `tunelint completions`: what a shell reads to complete the flags.

use std::io::Write as _;

use clap::CommandFactory as _;

use crate::Exit;
use crate::cli::{Cli, CompletionsArguments};

pub(crate) fn run(arguments: &CompletionsArguments) -> Result<Exit, String> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "tunelint", &mut script);
    // A reader that has seen enough is no failure.
    let _ = std::io::stdout().write_all(&script);
    Ok(Exit::Clean)
}
