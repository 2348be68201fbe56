//! `tunelint check`: settings for each file, the engine over all of them, and the exit code.

use std::collections::HashMap;
use std::fs::{File, Permissions};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tunelint::diagnostic::Diagnostic;
use tunelint::engine::{Engine, Error, Input, ReadAt};
use tunelint::exhibit::Wanted;
use tunelint::fetch::{Limits, Web};
use tunelint::format::Format;
use tunelint::output::{OutputFormat, Provenance, Report, Reporter as _, Style, reporter};
use tunelint::rule::Severity;
use tunelint::rules;
use tunelint::settings::{ImageChecks, Levels, Origin, Settings};
use tunelint::summary::Summary;
use tunelint::target::Date;

use super::{fix, target};
use crate::baseline;
use crate::cli::{CheckArguments, ConfigArguments, JudgingArguments, Method, PageArguments, When};
use crate::config::{self, Judging, Loaded};
use crate::files::{self, Opened, Selection};
use crate::{Exit, complain};

pub(crate) fn run(arguments: &CheckArguments) -> Result<Exit, String> {
    let mut plan = Plan::new(&arguments.judging, &arguments.config)?;
    let here = plan.config_for(Path::new("."))?;
    let stdin_name = arguments.selection.stdin_filename.clone().unwrap_or_else(|| PathBuf::from("-"));
    let found = find(arguments, &here)?;
    let mut exit = Exit::Clean;
    for problem in &found.problems {
        exit = exit.max(complain(problem));
    }
    if found.files.is_empty() {
        if exit == Exit::Clean && !arguments.selection.no_error_on_unmatched {
            return Err("no file to check: name files or folders, or - for standard input".to_owned());
        }
        return Ok(exit);
    }

    if arguments.fixing.fix_output.is_some() && found.files.len() > 1 {
        return Err("--fix-output names one file, and several are to be fixed".to_owned());
    }
    let threads = arguments.config.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let engine = engine(threads, &arguments.judging)?;
    if arguments.fixing.diff || arguments.fixing.fix_only {
        return mend_only(arguments, &mut plan, &found.files, &stdin_name, &engine, exit);
    }

    // The first file is the one that is trained on: its settings speak for the run.
    let main =
        plan.settings_for(found.files.first().map_or(Path::new("-"), |path| if path == Path::new("-") { &stdin_name } else { path }))?;
    let (kept, known) = baseline::open(arguments, &here)?.unzip();
    let engine = engine.with_baseline(known);
    let mut page = arguments.report.as_deref().map(|path| Page::create(path, &arguments.page)).transpose()?;
    let engine = match &page {
        Some(_) => engine.with_exhibits(wanted(&arguments.page)),
        None => engine,
    };
    let (out, style) = output(arguments, &here, fix::takes_stdout(arguments, &found.files))?;
    let format = output_format(arguments, &here)?;
    let bar = progress(arguments, &found.files);
    // Formats for programs leave nothing out.
    let for_people = matches!(format, OutputFormat::Full | OutputFormat::Concise | OutputFormat::Grouped);
    let sums_only = arguments.output.statistics && for_people;
    let mut reporter = reporter(if sums_only { OutputFormat::Full } else { format }, style, &main, out);
    let mut summary = Summary::default();
    let mut sink = |diagnostic: &Diagnostic| {
        if let Some(page) = &mut page {
            page.report.report(diagnostic)?;
        }
        if sums_only { Ok(()) } else { bar.suspend(|| reporter.report(diagnostic)) }
    };
    let mut hashes = Vec::new();

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
            // What is left is left in the mended file.
            let named = mended.as_ref().map_or(shown, |mended| &mended.name).to_string_lossy();
            let mut stream = |source: Box<dyn Read + Send>, is_regular| match arguments.report {
                Some(_) => Input::new(&named, is_regular, hashed(source, &shown.to_string_lossy(), &mut hashes)),
                None => Input::new(&named, is_regular, source),
            };
            let opened = match &mended {
                Some(mended) => Some(mended.open(shown)?),
                None if is_stdin => None,
                None => Some(files::open(path)?),
            };
            let input = match opened {
                Some(Opened { file, size: Some(size) }) if arguments.report.is_none() => {
                    Input::from_file(&named, Watched(file, bar.clone()), size)
                }
                Some(Opened { file, size }) => stream(Box::new(bar.wrap_read(file)), size.is_some()),
                None => stream(Box::new(bar.wrap_read(io::stdin())), false),
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
    if let Some(page) = page.filter(|_| !summary.files.is_empty()) {
        page.finish(hashes, &summary, &main)?;
    }
    match finished {
        Err(error) => stopped(&error, &summary, exit, arguments, &here),
        Ok(()) => {
            if let (Some(kept), Some(baseline)) = (kept, engine.into_baseline()) {
                kept.save(baseline, &main, exit)?;
            }
            let mended = if was_fixed && arguments.fixing.exit_non_zero_on_fix { Exit::Findings } else { Exit::Clean };
            Ok(exit.max(mended).max(judge(&summary, arguments, &here)))
        }
    }
}

/// An engine that asks the web for images where the command line, and nothing else, says so.
pub(super) fn engine(threads: usize, judging: &JudgingArguments) -> Result<Engine, String> {
    let engine = Engine::new(threads)?;
    Ok(if judging.fetch_images { engine.with_fetch(Box::new(Web::new(Limits::default()))) } else { engine })
}

/// A file whose reading moves the progress bar, wherever in it that is.
struct Watched(File, ProgressBar);

impl ReadAt for Watched {
    fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = ReadAt::read_at(&self.0, to, offset)?;
        self.1.inc(count as u64);
        Ok(count)
    }

    fn behind_hole(&self, offset: u64) -> u64 {
        self.0.behind_hole(offset)
    }
}

/// `--diff` and `--fix-only`: nothing is reported but what goes wrong.
fn mend_only(
    arguments: &CheckArguments,
    plan: &mut Plan<'_>,
    paths: &[PathBuf],
    stdin_name: &Path,
    engine: &Engine,
    mut exit: Exit,
) -> Result<Exit, String> {
    let mut out = BufWriter::new(io::stdout());
    let interruption = fix::Interruption::watch();
    for path in paths {
        let shown = if path == Path::new("-") { stdin_name } else { path };
        let result = plan.settings_for(shown).and_then(|settings| {
            let diff = arguments.fixing.diff.then_some(&mut out as &mut dyn Write);
            fix::file(path, shown, arguments, engine, &settings, diff, &interruption)
        });
        match result {
            Ok(mended)
                if mended.fixed.lines > 0 && (arguments.fixing.diff && !arguments.exit_zero || arguments.fixing.exit_non_zero_on_fix) =>
            {
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

/// A report on its way to a file, which takes the place of an older one when it is done.
struct Page<'a> {
    path: &'a Path,
    report: Report<'static>,
    file: NamedTempFile,
}

impl<'a> Page<'a> {
    /// The file is made at once: that it cannot be written is said before the work, not after it.
    fn create(path: &'a Path, arguments: &PageArguments) -> Result<Self, String> {
        let problem = |error: io::Error| format!("{}: {}", path.display(), files::reason(&error));
        if path.is_dir() {
            return Err(format!("{}: a folder, not a file", path.display()));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder).map_err(problem)?;
        let out = BufWriter::new(file.reopen().map_err(problem)?);
        Ok(Self { path, report: Report::new(Box::new(out), arguments.redact), file })
    }

    fn finish(mut self, hashes: Vec<(String, Hash)>, summary: &Summary, settings: &Settings) -> Result<(), String> {
        let command: Vec<String> = std::env::args().map(|word| if word.contains(' ') { format!("'{word}'") } else { word }).collect();
        let hex = |hash: Hash| {
            let hash = std::mem::take(&mut *hash.lock().unwrap_or_else(PoisonError::into_inner)).finalize();
            hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let safe = |text: &str| tunelint::diagnostic::sanitised(text).into_owned();
        self.report.set_provenance(Provenance {
            command: safe(&command.join(" ")),
            files: hashes.into_iter().map(|(path, hash)| (safe(&path), hex(hash))).collect(),
        });
        let problem = |error: io::Error| format!("{}: {}", self.path.display(), files::reason(&error));
        self.report.finish(summary, settings).map_err(problem)?;
        self.file.persist(self.path).map_err(|error| problem(error.error))?;
        Ok(())
    }
}

/// How much of the data a page shows.
fn wanted(arguments: &PageArguments) -> Wanted {
    const PICTURES: usize = 50;
    match arguments.redact {
        true => Wanted { samples: 0, seed: 0, pictures: 0 },
        false => Wanted { samples: arguments.samples.into(), seed: arguments.seed, pictures: PICTURES },
    }
}

type Hash = Arc<Mutex<Sha256>>;

/// Reads `source`, and adds to `hashes` what will be its SHA-256.
fn hashed(source: Box<dyn Read + Send>, path: &str, hashes: &mut Vec<(String, Hash)>) -> Box<dyn Read + Send> {
    struct Hashed(Box<dyn Read + Send>, Hash);
    impl Read for Hashed {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            self.1.lock().unwrap_or_else(PoisonError::into_inner).update(buffer.get(..count).unwrap_or_default());
            Ok(count)
        }
    }
    let hash = Hash::default();
    hashes.push((path.to_owned(), Arc::clone(&hash)));
    Box::new(Hashed(source, hash))
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
    if let Some(list) = &arguments.selection.file_list {
        paths.extend(files::listed(list)?);
    }
    if paths.is_empty() && arguments.selection.file_list.is_none() {
        paths.extend(here.config.include.iter().map(|path| here.root.join(path)));
    }
    let mut exclude = here.config.exclude.clone();
    exclude.extend(arguments.selection.exclude.iter().cloned());
    let exclude = config::globs(&exclude)?;
    let selection = Selection {
        exclude: &exclude,
        force_exclude: arguments.selection.force_exclude,
        respect_gitignore: !arguments.selection.no_respect_gitignore,
    };
    Ok(files::find(&paths, &selection))
}

/// What makes up the settings of a file: its configuration, and which overrides and ignores of it fit.
type Fitting = (Option<PathBuf>, Vec<usize>, Vec<usize>);

/// The configuration of a file, and which overrides and ignores of it fit.
pub(super) struct Fit {
    pub(super) loaded: Rc<Loaded>,
    pub(super) overrides: Vec<usize>,
    ignores: Vec<usize>,
}

/// Settings by file, made once for each set of options that fits.
pub(crate) struct Plan<'a> {
    judging: &'a JudgingArguments,
    config: &'a ConfigArguments,
    inline: toml::Table,
    explicit: Option<PathBuf>,
    flags: Levels,
    configs: HashMap<PathBuf, Rc<Loaded>>,
    settings: HashMap<Fitting, Rc<Settings>>,
    today: Date,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(judging: &'a JudgingArguments, config: &'a ConfigArguments) -> Result<Self, String> {
        let (mut inline, mut explicit) = (toml::Table::new(), None);
        for text in &config.config {
            if text.contains('=') && !Path::new(text).exists() {
                config::inline(text, &mut inline)?;
            } else if explicit.replace(PathBuf::from(text)).is_some() {
                return Err("--config names two files; one is read".to_owned());
            }
        }
        let flags = Levels {
            select: judging.select.as_deref().map(|texts| config::selectors(texts, "--select")).transpose()?,
            extend_select: config::selectors(&judging.extend_select, "--extend-select")?,
            ignore: config::selectors(&judging.ignore, "--ignore")?,
            severity: Vec::new(),
        };
        Ok(Self { judging, config, inline, explicit, flags, configs: HashMap::new(), settings: HashMap::new(), today: today() })
    }

    pub(crate) fn config_for(&mut self, folder: &Path) -> Result<Rc<Loaded>, String> {
        if let Some(known) = self.configs.get(folder) {
            return Ok(Rc::clone(known));
        }
        let loaded = Rc::new(match &self.explicit {
            _ if self.config.isolated => config::isolated(&self.inline)?,
            Some(path) => config::load(path, &self.inline)?,
            None => config::nearest(folder, &self.inline)?,
        });
        if self.config.verbose
            && let Some(path) = &loaded.path
        {
            let _ = writeln!(io::stderr(), "configuration: {}", tunelint::diagnostic::sanitised(&path.display().to_string()));
        }
        self.configs.insert(folder.to_owned(), Rc::clone(&loaded));
        Ok(loaded)
    }

    pub(super) fn fit(&mut self, path: &Path) -> Result<Fit, String> {
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
        Ok(Fit { loaded, overrides, ignores })
    }

    pub(super) fn settings_for(&mut self, path: &Path) -> Result<Rc<Settings>, String> {
        let Fit { loaded, overrides, ignores } = self.fit(path)?;
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
        let arguments = self.judging;
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
pub(crate) fn today() -> Date {
    let fixed = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Date::from_unix(fixed.unwrap_or_else(now))
}

fn output_format(arguments: &CheckArguments, here: &Loaded) -> Result<OutputFormat, String> {
    let Some(name) = arguments.output.output_format.as_deref().or(here.config.output_format.as_deref()) else {
        return Ok(OutputFormat::Full);
    };
    let found = OutputFormat::ALL.into_iter().find(|(own, _)| *own == name);
    found
        .map(|(_, format)| format)
        .ok_or_else(|| format!("there is no output format `{name}`; there are {}", OutputFormat::ALL.map(|(name, _)| name).join(", ")))
}

/// Where findings go, and how. Where the data itself takes standard output, they go to standard error.
fn output(arguments: &CheckArguments, here: &Loaded, is_taken: bool) -> Result<(Box<dyn Write>, Style), String> {
    let (out, is_terminal): (Box<dyn Write>, bool) = match &arguments.output.output_file {
        Some(path) => {
            let file = File::create(path).map_err(|error| format!("{}: {}", path.display(), files::reason(&error)))?;
            (Box::new(BufWriter::new(file)), false)
        }
        None if is_taken => (Box::new(BufWriter::new(io::stderr())), false),
        // Locked line by line on a terminal, in blocks into a pipe.
        None if io::stdout().is_terminal() => (Box::new(io::stdout()), true),
        None => (Box::new(BufWriter::with_capacity(1 << 16, io::stdout())), false),
    };
    let (color, width) = (colored(arguments.output.color, is_terminal), width(is_terminal));
    let style = Style {
        color,
        width,
        max_findings: arguments.output.max_findings.or(here.config.max_findings).unwrap_or(5),
        summary: !arguments.output.quiet,
        statistics: arguments.output.statistics,
        unsafe_fixes: arguments.fixing.unsafe_fixes,
    };
    Ok((out, style))
}

/// Whether to colour standard output.
pub(crate) fn colored(when: When, is_terminal: bool) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => is_terminal && anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    }
}

/// Columns to write for.
pub(crate) fn width(is_terminal: bool) -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|&columns: &usize| columns > 0);
    let columns = columns.or_else(|| is_terminal.then(|| usize::from(console::Term::stdout().size().1)));
    columns.unwrap_or(120).clamp(40, 160)
}

/// A bar on standard error: bytes read, speed, time left. It hides itself when standard error is no terminal.
fn progress(arguments: &CheckArguments, files: &[PathBuf]) -> ProgressBar {
    let is_dull = arguments.output.quiet
        || arguments.output.no_progress
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
