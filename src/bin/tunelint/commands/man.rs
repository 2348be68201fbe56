//! `tunelint man`: the manual page, or one for each command.

use std::io::Write as _;
use std::path::Path;

use clap::CommandFactory as _;

use crate::Exit;
use crate::cli::{Cli, ManArguments};
use crate::files::reason;

pub(crate) fn run(arguments: &ManArguments) -> Result<Exit, String> {
    match &arguments.out_dir {
        Some(folder) => write(folder)?,
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(|error| reason(&error))?;
            // A reader that has seen enough is no failure.
            let _ = std::io::stdout().write_all(&page);
        }
    }
    Ok(Exit::Clean)
}

fn write(folder: &Path) -> Result<(), String> {
    // `help` repeats the other commands: no page for it.
    let command = Cli::command().disable_help_subcommand(true);
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|error| format!("{}: {}", folder.display(), reason(&error)))
}
