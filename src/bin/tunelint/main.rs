//! The program: arguments in, exit code out. What it does lives in `commands/`, what it knows in the library.

mod baseline;
mod cli;
mod commands;
mod config;
mod files;
mod schema;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// 0: nothing at or above `--fail-on`. 1: findings. 2: the job could not be done; outweighs 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Clean = 0,
    Findings = 1,
    Failure = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failure; a closed pipe is no reason to complain.
            let exit = if error.use_stderr() { Exit::Failure } else { Exit::Clean };
            let _ = error.print();
            return exit.into();
        }
    };
    // A panic on one line is caught in the library and told as an internal error: its own message would only tear the
    // output, and may quote the data.
    std::panic::set_hook(Box::new(|_| {}));
    let result = std::panic::catch_unwind(|| match &cli.command {
        Command::Check(arguments) => commands::check::run(arguments),
        Command::Generate(arguments) => commands::generate::run(arguments),
        Command::Report(arguments) => commands::report::run(arguments),
        Command::Show(arguments) => commands::show::run(arguments),
        Command::Rule(arguments) => commands::rule::run(arguments),
        Command::Target(arguments) => commands::target::run(arguments),
        Command::Init(arguments) => commands::init::run(arguments),
        Command::Config(arguments) => commands::config::run(arguments),
        Command::Completions(arguments) => commands::completions::run(arguments),
        Command::Man(arguments) => commands::man::run(arguments),
    });
    match result {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(message)) => complain(&message).into(),
        Err(_) => complain("tunelint itself failed; please report it").into(),
    }
}

/// Says on standard error why the job could not be done.
pub(crate) fn complain(message: &str) -> Exit {
    use std::io::Write as _;
    let mut stderr = anstream::stderr();
    let red = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
    for line in message.lines().take(1) {
        let _ = writeln!(stderr, "{red}error{red:#}: {}", tunelint::diagnostic::sanitised(line));
    }
    for line in message.lines().skip(1) {
        let _ = writeln!(stderr, "{}", tunelint::diagnostic::sanitised(line));
    }
    Exit::Failure
}
