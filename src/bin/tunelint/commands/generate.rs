//! `tunelint generate`: datasets from a recipe. What is done lives in the library; here are signals, progress and words.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use tunelint::diagnostic::{bytes, count, number, sanitised};
use tunelint::generate::recipe::{self, Loaded};
use tunelint::generate::{self, Error, Host, Options, Outcome, Refusal, Step};
use tunelint::output::{ChatStyle, OutputFormat, Style, chat, reporter};
use tunelint::summary::Summary;

use super::check::{colored, today, width};
use crate::Exit;
use crate::cli::{GenerateArguments, TextOrJson};

pub(crate) fn run(arguments: &GenerateArguments) -> Result<Exit, String> {
    if arguments.schema {
        let _ = writeln!(io::stdout(), "{:#}", recipe::schema());
        return Ok(Exit::Clean);
    }
    let Some(path) = &arguments.recipe else { return Err("name a recipe".to_owned()) };
    let loaded = Loaded::read(path, &arguments.set)?;
    let options = Options {
        threads: arguments.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from),
        folder: arguments.output_dir.clone(),
        overwrite: arguments.overwrite,
        dry_run: arguments.dry_run,
        preview: arguments.preview,
        today: today(),
    };
    let (stop, signal) = signals().map_err(|error| format!("cannot listen to signals: {error}"))?;
    let mut screen = Screen::new(arguments);
    let result = generate::run(&loaded, &options, &stop, &mut screen);
    screen.bar.finish_and_clear();
    // Whatever the run came to when the signal came: nothing is put in place any more, and the caller asked for the end.
    if matches!(result, Err(Error::Interrupted)) {
        crate::complain("interrupted; nothing was written");
        let _ = signal_hook::low_level::emulate_default_handler(signal.load(Ordering::Relaxed) as i32);
        return Ok(Exit::Failure);
    }
    let (out, style) = output(arguments);
    match result {
        Ok(outcome) => {
            let shown = match arguments.output_format {
                TextOrJson::Json => in_json(out, &outcome, arguments),
                TextOrJson::Text => in_text(out, style, &outcome, arguments),
            };
            match shown {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write what was done: {error}")),
                _ => Ok(Exit::Clean),
            }
        }
        Err(Error::Refused(refusal)) => refused(out, style, &refusal, &loaded, arguments),
        Err(Error::Row(problem)) => {
            crate::complain(&format!(
                "{}: {}\nnothing was written; on_error = \"skip\" leaves such rows out and counts them",
                problem.place, problem.message
            ));
            Ok(Exit::Findings)
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A flag that SIGINT, SIGTERM and SIGHUP set, and which of them it was. A full quota (SIGXFSZ) is an error of the write
/// that hits it, not the end of the process.
fn signals() -> io::Result<(Arc<AtomicBool>, Arc<AtomicUsize>)> {
    let (stop, signal) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    for which in [SIGINT, SIGTERM, SIGHUP] {
        // The second one ends the process at once.
        signal_hook::flag::register_conditional_default(which, Arc::clone(&stop))?;
        signal_hook::flag::register_usize(which, Arc::clone(&signal), which as usize)?;
        signal_hook::flag::register(which, Arc::clone(&stop))?;
    }
    signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    Ok((stop, signal))
}

/// What is seen while the run goes on: a bar on standard error, when that is a terminal.
struct Screen {
    bar: ProgressBar,
    step: Option<Step>,
    says_sizes: bool,
}

impl Screen {
    fn new(arguments: &GenerateArguments) -> Self {
        let is_dull = arguments.quiet
            || arguments.no_progress
            || std::env::var_os("CI").is_some()
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
            || !io::stderr().is_terminal();
        let bar = if is_dull { ProgressBar::hidden() } else { ProgressBar::new(0) };
        Self { bar, step: None, says_sizes: !arguments.quiet && arguments.output_format == TextOrJson::Text }
    }
}

impl Host for Screen {
    fn progress(&mut self, step: Step, done: u64, total: Option<u64>) {
        if self.bar.is_hidden() {
            return;
        }
        if self.step != Some(step) {
            self.step = Some(step);
            let template = match total {
                Some(_) => "{msg:9} {bar:24} {human_pos}/{human_len} rows  {speed}  eta {eta}",
                None => "{msg:9} {spinner} {human_pos} rows  {speed}",
            };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let speed = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{} rows/s", number(state.per_sec() as u64));
            };
            self.bar.set_style(style.with_key("speed", speed));
            self.bar.reset();
            self.bar.set_message(step.name());
        }
        self.bar.set_length(total.unwrap_or(0));
        self.bar.set_position(done);
    }

    fn size(&mut self, split: &str, size: u64) {
        if self.says_sizes {
            self.bar.suspend(|| {
                let _ = writeln!(io::stderr(), "{}: {} to write", sanitised(split), bytes(size));
            });
        }
    }
}

fn output(arguments: &GenerateArguments) -> (Box<dyn Write>, Style) {
    let is_terminal = io::stdout().is_terminal();
    (
        Box::new(io::stdout()),
        Style {
            color: colored(arguments.color, is_terminal),
            width: width(is_terminal),
            max_findings: 2,
            summary: !arguments.quiet,
            statistics: false,
            unsafe_fixes: false,
        },
    )
}

fn in_text(mut out: Box<dyn Write>, style: Style, outcome: &Outcome, arguments: &GenerateArguments) -> io::Result<()> {
    if arguments.preview.is_some() {
        for (index, line) in outcome.preview.iter().enumerate() {
            writeln!(out, "{}example {} of {}", if index > 0 { "\n" } else { "" }, index + 1, outcome.preview.len())?;
            write!(out, "{}", chat(line, &outcome.settings, &ChatStyle { color: style.color, width: style.width, all: false }))?;
        }
        return Ok(());
    }
    if !arguments.quiet {
        let mut reporter = reporter(OutputFormat::Full, style, &outcome.settings, Box::new(&mut out));
        for finding in &outcome.findings {
            reporter.report(finding)?;
        }
        reporter.finish(&outcome.summary, &outcome.settings)?;
        drop(reporter);
        writeln!(out)?;
    }
    let verb = if arguments.dry_run { "would write" } else { "wrote" };
    for split in &outcome.splits {
        let note = if split.prompt_only { ", without the answers" } else { "" };
        writeln!(
            out,
            "{verb} {}: {}, {}{note}",
            sanitised(&split.path.to_string_lossy()),
            count(split.examples, "example"),
            bytes(split.bytes)
        )?;
    }
    if outcome.images > 0 && !arguments.quiet {
        let changes: Vec<String> = outcome.changes.iter().map(|(change, images)| format!("{} {change}", number(*images))).collect();
        let changes = if changes.is_empty() { "all passed through untouched".to_owned() } else { changes.join(", ") };
        writeln!(out, "{} distinct: {changes}", count(outcome.images, "image"))?;
    }
    if let Some(fitted) = &outcome.fitted {
        writeln!(out, "images were made smaller to fit: {fitted}")?;
    }
    if outcome.skipped.count() > 0 {
        writeln!(out, "left out, as on_error = \"skip\" says:")?;
        for (reason, rows) in &outcome.skipped.reasons {
            writeln!(out, "  {:>8}  {}", number(*rows), sanitised(reason))?;
        }
        for row in outcome.skipped.rows.iter().take(3) {
            writeln!(out, "            such as {}", sanitised(&row.place))?;
        }
    }
    Ok(())
}

fn in_json(mut out: Box<dyn Write>, outcome: &Outcome, arguments: &GenerateArguments) -> io::Result<()> {
    let sums = |summary: &Summary| -> Vec<serde_json::Value> {
        let files = summary.files.iter();
        files
            .map(|file| json!({ "path": &*file.path, "examples": file.examples, "tokens": file.tokens.all(), "trained_tokens": file.tokens.trained, "images": file.images.count, "cost": file.cost(&outcome.settings) }))
            .collect()
    };
    let value = json!({
        "schema": "tunelint/generate@1",
        "dry_run": arguments.dry_run,
        "splits": outcome.splits.iter().map(|split| json!({
            "name": split.name, "path": split.path, "examples": split.examples, "bytes": split.bytes, "sha256": split.sha256, "prompt_only": split.prompt_only,
        })).collect::<Vec<_>>(),
        "files": sums(&outcome.summary),
        "preview": outcome.preview.iter().filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok()).collect::<Vec<_>>(),
        "images": { "distinct": outcome.images, "changes": outcome.changes, "fitted": outcome.fitted },
        "skipped": { "count": outcome.skipped.count(), "reasons": outcome.skipped.reasons },
        "rules": outcome.summary.rules.iter().map(|(code, rule)| json!({ "code": code, "name": rule.name, "severity": rule.severity, "count": rule.count })).collect::<Vec<_>>(),
        "verdict": outcome.summary.verdict().name(),
    });
    writeln!(out, "{value:#}")
}

fn refused(out: Box<dyn Write>, style: Style, refusal: &Refusal, loaded: &Loaded, arguments: &GenerateArguments) -> Result<Exit, String> {
    if arguments.output_format == TextOrJson::Text {
        show(out, style, refusal).map_err(|error| format!("cannot write the findings: {error}"))?;
    }
    let rows: Vec<String> = refusal.findings.iter().filter_map(|(_, row)| row.clone()).take(3).collect();
    let rows = if rows.is_empty() { String::new() } else { format!(", such as in what {} makes", rows.join(", ")) };
    let split = if refusal.split.is_empty() { String::new() } else { format!(" of the split `{}`", refusal.split) };
    crate::complain(&format!(
        "{}: {} in the result{split} would be refused{rows}\nnothing was written; mend the recipe or the rows, or leave such rows out with on_error = \"skip\"",
        loaded.path.display(),
        count(refusal.count, "finding"),
    ));
    Ok(Exit::Findings)
}

fn show(out: Box<dyn Write>, style: Style, refusal: &Refusal) -> io::Result<()> {
    let mut reporter = reporter(OutputFormat::Full, style, &refusal.settings, out);
    for (finding, _) in &refusal.findings {
        match reporter.report(finding) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}
