//! `tunelint report`: a check that prints the sums alone and writes a page. Findings are what the page is for, so they do
//! not make it fail.

use std::io::Write as _;

use super::check;
use crate::Exit;
use crate::cli::{CheckArguments, FixingArguments, OutputArguments, ReportArguments};

pub(crate) fn run(arguments: &ReportArguments) -> Result<Exit, String> {
    let output = OutputArguments {
        output_format: Some("full".to_owned()),
        output_file: None,
        max_findings: None,
        statistics: true,
        quiet: arguments.quiet,
        color: arguments.color,
        no_progress: arguments.no_progress,
    };
    let exit = check::run(&CheckArguments {
        baseline: None,
        add_baseline: None,
        update_baseline: false,
        fixing: FixingArguments::default(),
        paths: arguments.paths.clone(),
        judging: arguments.judging.clone(),
        selection: arguments.selection.clone(),
        output,
        report: Some(arguments.output_file.clone()),
        page: arguments.page.clone(),
        config: arguments.config.clone(),
        fail_on: None,
        exit_zero: true,
    })?;
    if exit == Exit::Clean && !arguments.quiet {
        let path = arguments.output_file.display().to_string();
        let _ = writeln!(anstream::stderr(), "written: {}", tunelint::diagnostic::sanitised(&path));
    }
    Ok(exit)
}
