//! `tunelint check`: settings for each file, the engine over all of them, and the exit code.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use indicatif::{ProgressBar, ProgressStyle};
use tunelint::diagnostic::Diagnostic;
use tunelint::engine::{Engine, Error, Input};
use tunelint::format::Format;
use tunelint::output::{OutputFormat, Style, reporter};
use tunelint::rule::Severity;
use tunelint::rules;
use tunelint::settings::{ImageChecks, Levels, Origin, Settings};
use tunelint::summary::Summary;
use tunelint::target::Date;

use super::{fix, target};
use crate::cli::{CheckArguments, Method, When};
use crate::config::{self, Judging, Loaded};
use crate::files::{self, Selection};
use crate::{Exit, complain};

pub(crate) fn run(arguments: &CheckArguments) -> Result<Exit, String> {
    let mut plan = Plan::new(arguments)?;
    let here = plan.config_for(Path::new("."))?;
    let stdin_name = arguments.stdin_filename.clone().unwrap_or_else(|| PathBuf::from("-"));
    let found = find(arguments, &here)?;
    let mut exit = Exit::Clean;
    for problem in &found.problems {
        exit = exit.max(complain(problem));
    }
    if found.files.is_empty() {
        if exit == Exit::Clean && !arguments.no_error_on_unmatched {
            return Err("no file to check: name files or folders, or - for standard input".to_owned());
        }
        return Ok(exit);
    }

    if arguments.fix_output.is_some() && found.files.len() > 1 {
        return Err("--fix-output names one file, and several are to be fixed".to_owned());
    }
    let threads = arguments.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let engine = Engine::new(threads)?;
    if arguments.diff || arguments.fix_only {
        return mend_only(&mut plan, &found.files, &stdin_name, &engine, exit);
    }

    // The first file is the one that is trained on: its settings speak for the run.
    let main =
        plan.settings_for(found.files.first().map_or(Path::new("-"), |path| if path == Path::new("-") { &stdin_name } else { path }))?;
    let (out, style) = output(arguments, &here, fix::takes_stdout(arguments, &found.files))?;
    let format = output_format(arguments, &here)?;
    let bar = progress(arguments, &found.files);
    let mut reporter = reporter(format, style, &main, out);
    let mut summary = Summary::default();
    // Formats for programs leave nothing out.
    let sums_only = arguments.statistics && matches!(format, OutputFormat::Full | OutputFormat::Concise);
    let mut sink = |diagnostic: &Diagnostic| if sums_only { Ok(()) } else { bar.suspend(|| reporter.report(diagnostic)) };

    let mut was_fixed = false;
    let interruption = arguments.fixes().then(fix::Interruption::watch);
    for path in &found.files {
        let is_stdin = path == Path::new("-");
        let shown = if is_stdin { &stdin_name } else { path };
        let result = plan.settings_for(shown).and_then(|settings| {
            let mended = match &interruption {
                Some(interruption) => Some(fix::file(path, shown, arguments, &engine, &settings, None, interruption)?),
                None => None,
            };
            was_fixed |= mended.as_ref().is_some_and(|mended| mended.fixed.lines > 0);
            let input = if let Some(mended) = &mended {
                Input::new(&mended.name.to_string_lossy(), mended.is_regular, bar.wrap_read(mended.open(shown)?))
            } else if is_stdin {
                Input::new(&shown.to_string_lossy(), false, bar.wrap_read(io::stdin()))
            } else {
                let opened = files::open(path)?;
                Input::new(&shown.to_string_lossy(), opened.size.is_some(), bar.wrap_read(opened.file))
            };
            let checked = input.map_err(Error::Read).and_then(|input| engine.check(input, &settings, &mut summary, &mut sink));
            match checked {
                Err(Error::Write(error)) => Ok(Some(error)),
                Err(Error::Read(error)) => Err(format!("{}: {}", shown.display(), files::reason(&error))),
                Ok(()) => Ok(None),
            }
        });
        match result {
            Ok(None) => {}
            Ok(Some(error)) => return stopped(&error, &summary, exit, arguments, &here),
            Err(problem) => exit = exit.max(bar.suspend(|| complain(&problem))),
        }
        for line in summary.files.last().map(|file| file.internal_errors.as_slice()).unwrap_or_default() {
            let problem = format!("{}:{line}: tunelint failed on this line; the others were checked. Please report it", shown.display());
            exit = exit.max(bar.suspend(|| complain(&problem)));
        }
    }
    let finished = match engine.finish(&main, &mut summary, &mut sink) {
        Err(Error::Write(error) | Error::Read(error)) => Err(error),
        Ok(()) => {
            bar.finish_and_clear();
            reporter.finish(&summary, &main)
        }
    };
    drop(reporter);
    match finished {
        Err(error) => stopped(&error, &summary, exit, arguments, &here),
        Ok(()) if was_fixed && arguments.exit_non_zero_on_fix => Ok(exit.max(Exit::Findings)),
        Ok(()) => Ok(exit.max(judge(&summary, arguments, &here))),
    }
}

/// `--diff` and `--fix-only`: nothing is reported but what goes wrong.
fn mend_only(plan: &mut Plan<'_>, paths: &[PathBuf], stdin_name: &Path, engine: &Engine, mut exit: Exit) -> Result<Exit, String> {
    let arguments = plan.arguments;
    let mut out = BufWriter::new(io::stdout());
    let interruption = fix::Interruption::watch();
    for path in paths {
        let shown = if path == Path::new("-") { stdin_name } else { path };
        let result = plan.settings_for(shown).and_then(|settings| {
            let diff = arguments.diff.then_some(&mut out as &mut dyn Write);
            fix::file(path, shown, arguments, engine, &settings, diff, &interruption)
        });
        match result {
            Ok(mended) if mended.fixed.lines > 0 && (arguments.diff && !arguments.exit_zero || arguments.exit_non_zero_on_fix) => {
                exit = exit.max(Exit::Findings);
            }
            Ok(_) => {}
            Err(problem) => exit = exit.max(complain(&problem)),
        }
    }
    match out.flush() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the diff: {}", files::reason(&error))),
        _ => Ok(exit),
    }
}

/// Writing has failed. A reader that has seen enough is no failure; a full disk is.
fn stopped(error: &io::Error, summary: &Summary, exit: Exit, arguments: &CheckArguments, here: &Loaded) -> Result<Exit, String> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(exit.max(judge(summary, arguments, here))),
        _ => Err(format!("cannot write the findings: {}", files::reason(error))),
    }
}

fn judge(summary: &Summary, arguments: &CheckArguments, here: &Loaded) -> Exit {
    let least = arguments.fail_on.map(Severity::from).or(here.config.fail_on).unwrap_or(Severity::Error);
    let found = summary.rules.values().any(|rule| rule.severity >= least);
    if found && !arguments.exit_zero { Exit::Findings } else { Exit::Clean }
}

fn find(arguments: &CheckArguments, here: &Loaded) -> Result<files::Found, String> {
    let mut paths = arguments.paths.clone();
    if let Some(list) = &arguments.file_list {
        paths.extend(files::listed(list)?);
    }
    if paths.is_empty() && arguments.file_list.is_none() {
        paths.extend(here.config.include.iter().map(|path| here.root.join(path)));
    }
    let mut exclude = here.config.exclude.clone();
    exclude.extend(arguments.exclude.iter().cloned());
    let exclude = config::globs(&exclude)?;
    let selection =
        Selection { exclude: &exclude, force_exclude: arguments.force_exclude, respect_gitignore: !arguments.no_respect_gitignore };
    Ok(files::find(&paths, &selection))
}

/// What makes up the settings of a file: its configuration, and which overrides and ignores of it fit.
type Fitting = (Option<PathBuf>, Vec<usize>, Vec<usize>);

/// Settings by file, made once for each set of options that fits.
struct Plan<'a> {
    arguments: &'a CheckArguments,
    inline: toml::Table,
    explicit: Option<PathBuf>,
    flags: Levels,
    configs: HashMap<PathBuf, Rc<Loaded>>,
    settings: HashMap<Fitting, Rc<Settings>>,
    today: Date,
}

impl<'a> Plan<'a> {
    fn new(arguments: &'a CheckArguments) -> Result<Self, String> {
        let (mut inline, mut explicit) = (toml::Table::new(), None);
        for text in &arguments.config {
            if text.contains('=') && !Path::new(text).exists() {
                config::inline(text, &mut inline)?;
            } else if explicit.replace(PathBuf::from(text)).is_some() {
                return Err("--config names two files; one is read".to_owned());
            }
        }
        let flags = Levels {
            select: arguments.select.as_deref().map(|texts| config::selectors(texts, "--select")).transpose()?,
            extend_select: config::selectors(&arguments.extend_select, "--extend-select")?,
            ignore: config::selectors(&arguments.ignore, "--ignore")?,
            severity: Vec::new(),
        };
        Ok(Self { arguments, inline, explicit, flags, configs: HashMap::new(), settings: HashMap::new(), today: today() })
    }

    fn config_for(&mut self, folder: &Path) -> Result<Rc<Loaded>, String> {
        if let Some(known) = self.configs.get(folder) {
            return Ok(Rc::clone(known));
        }
        let loaded = Rc::new(match &self.explicit {
            _ if self.arguments.isolated => config::isolated(&self.inline)?,
            Some(path) => config::load(path, &self.inline)?,
            None => config::nearest(folder, &self.inline)?,
        });
        if self.arguments.verbose
            && let Some(path) = &loaded.path
        {
            let _ = writeln!(io::stderr(), "configuration: {}", tunelint::diagnostic::sanitised(&path.display().to_string()));
        }
        self.configs.insert(folder.to_owned(), Rc::clone(&loaded));
        Ok(loaded)
    }

    fn settings_for(&mut self, path: &Path) -> Result<Rc<Settings>, String> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let loaded = self.config_for(folder)?;
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let relative = absolute.strip_prefix(&loaded.root).unwrap_or(&absolute);
        let config = &loaded.config;
        let fits = |patterns: &[String]| Ok::<_, String>(config::globs(patterns)?.is_match(relative));
        let mut overrides = Vec::new();
        for (index, own) in config.overrides.iter().enumerate() {
            if fits(&own.files)? {
                overrides.push(index);
            }
        }
        let mut ignores = Vec::new();
        for (index, pattern) in config.per_file_ignores.keys().enumerate() {
            if fits(std::slice::from_ref(pattern))? {
                ignores.push(index);
            }
        }
        let key = (loaded.path.clone(), overrides, ignores);
        if let Some(known) = self.settings.get(&key) {
            return Ok(Rc::clone(known));
        }
        let settings = Rc::new(self.make(&loaded, &key.1, &key.2)?);
        self.settings.insert(key, Rc::clone(&settings));
        Ok(settings)
    }

    fn make(&self, loaded: &Loaded, overrides: &[usize], ignores: &[usize]) -> Result<Settings, String> {
        let config = &loaded.config;
        let origin = loaded.path.as_ref().map_or("--config".to_owned(), |path| path.display().to_string());
        let layers: Vec<&Judging> = std::iter::once(&config.judging)
            .chain(overrides.iter().filter_map(|&index| config.overrides.get(index)).map(|own| &own.judging))
            .collect();
        fn last<'b, T: 'b>(layers: &[&'b Judging], get: impl Fn(&'b Judging) -> Option<T>) -> Option<T> {
            layers.iter().rev().find_map(|layer| get(layer))
        }
        let arguments = self.arguments;
        let target = arguments.target.as_deref().or(last(&layers, |layer| layer.target.as_deref())).unwrap_or("openai");
        let target_path = loaded.root.join(target);
        let from_config = arguments.target.is_none() && target.ends_with(".toml");
        let target = target::load(&if from_config { target_path.to_string_lossy() } else { target.into() })?;
        let mut settings = Settings::new(target, &rules::all(), self.today);
        settings.set_model(arguments.model.as_deref().or(last(&layers, |layer| layer.model.as_deref())));
        settings.format = match arguments.method {
            Some(method) => by_method(method),
            None => last(&layers, |layer| layer.method.as_deref()).map(|name| method_named(name, &origin)).transpose()?.flatten(),
        };
        settings.epochs = arguments.epochs.or(last(&layers, |layer| layer.epochs));
        settings.images = match arguments.images {
            Some(images) => images.into(),
            None => match last(&layers, |layer| layer.images.as_deref()) {
                None | Some("full") => ImageChecks::Full,
                Some("header") => ImageChecks::Header,
                Some("none") => ImageChecks::None,
                Some(other) => return Err(format!("{origin}: images = {other:?}: use \"none\", \"header\" or \"full\"")),
            },
        };
        settings.count_tokens = !arguments.no_tokens && last(&layers, |layer| layer.tokens).unwrap_or(true);
        if let Some(cap) = last(&layers, |layer| layer.max_line_bytes) {
            settings.max_line_bytes = cap.clamp(1 << 10, 1 << 31);
        }
        for layer in &layers {
            settings.apply(&layer.levels(&origin)?, Origin::Config);
        }
        let per_file: Vec<String> =
            ignores.iter().filter_map(|&index| config.per_file_ignores.values().nth(index)).flatten().cloned().collect();
        settings.apply(&Levels { ignore: config::selectors(&per_file, &origin)?, ..Levels::default() }, Origin::Config);
        settings.apply(&self.flags, Origin::Flag);
        Ok(settings)
    }
}

fn by_method(method: Method) -> Option<Format> {
    match method {
        Method::Sft => Some(Format::Chat),
        Method::Dpo => Some(Format::Preference),
        Method::Rft => Some(Format::Reinforcement),
        Method::Completions => Some(Format::Completion),
        Method::Text => Some(Format::Text),
        Method::Auto => None,
    }
}

fn method_named(name: &str, origin: &str) -> Result<Option<Format>, String> {
    let method = <Method as clap::ValueEnum>::from_str(name, true);
    method.map(by_method).map_err(|_| format!("{origin}: method = {name:?}: use sft, dpo, rft, completions, text or auto"))
}

/// The day, or that of SOURCE_DATE_EPOCH where output must be reproducible.
fn today() -> Date {
    let fixed = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Date::from_unix(fixed.unwrap_or_else(now))
}

fn output_format(arguments: &CheckArguments, here: &Loaded) -> Result<OutputFormat, String> {
    let Some(name) = arguments.output_format.as_deref().or(here.config.output_format.as_deref()) else { return Ok(OutputFormat::Full) };
    let found = OutputFormat::ALL.into_iter().find(|(own, _)| *own == name);
    found
        .map(|(_, format)| format)
        .ok_or_else(|| format!("there is no output format `{name}`; there are {}", OutputFormat::ALL.map(|(name, _)| name).join(", ")))
}

/// Where findings go, and how. Where the data itself takes standard output, they go to standard error.
fn output(arguments: &CheckArguments, here: &Loaded, is_taken: bool) -> Result<(Box<dyn Write>, Style), String> {
    let (out, is_terminal): (Box<dyn Write>, bool) = match &arguments.output_file {
        Some(path) => {
            let file = File::create(path).map_err(|error| format!("{}: {}", path.display(), files::reason(&error)))?;
            (Box::new(BufWriter::new(file)), false)
        }
        None if is_taken => (Box::new(BufWriter::new(io::stderr())), false),
        // Locked line by line on a terminal, in blocks into a pipe.
        None if io::stdout().is_terminal() => (Box::new(io::stdout()), true),
        None => (Box::new(BufWriter::with_capacity(1 << 16, io::stdout())), false),
    };
    let color = match arguments.color {
        When::Always => true,
        When::Never => false,
        When::Auto => is_terminal && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    };
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|&columns: &usize| columns > 0);
    let width = columns.or_else(|| indicatif_width(is_terminal)).unwrap_or(120).clamp(40, 160);
    let max_findings = arguments.max_findings.or(here.config.max_findings).unwrap_or(5);
    let style = Style { color, width, max_findings, summary: !arguments.quiet, unsafe_fixes: arguments.unsafe_fixes };
    Ok((out, style))
}

fn indicatif_width(is_terminal: bool) -> Option<usize> {
    is_terminal.then(|| usize::from(console::Term::stdout().size().1))
}

/// A bar on standard error: bytes read, speed, time left. It hides itself when standard error is no terminal.
fn progress(arguments: &CheckArguments, files: &[PathBuf]) -> ProgressBar {
    let is_dull = arguments.quiet
        || arguments.no_progress
        || std::env::var_os("CI").is_some()
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if is_dull || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let total: u64 = files.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len()).sum();
    // A bar that flashes up for a small file is noise.
    if total < 20_000_000 {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:24} {bytes}/{total_bytes}  {binary_bytes_per_sec}  eta {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}
