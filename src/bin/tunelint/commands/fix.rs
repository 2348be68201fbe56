//! `tunelint check --fix`: files mended in place, written elsewhere, or shown as they would be. A file is replaced in one
//! step by a finished one beside it: whatever interrupts, one of the two is whole.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register_conditional_default, register_usize};
use signal_hook::low_level::emulate_default_handler;
use tempfile::NamedTempFile;
use tunelint::diagnostic::{count, number, sanitised};
use tunelint::edit::Applicability;
use tunelint::engine::{Change, Engine, Error, FixOptions, Fixed, Input, Rewrite};
use tunelint::settings::Settings;

use crate::cli::CheckArguments;
use crate::files::{self, Opened, reason};

/// A file that has been mended.
pub(crate) struct Mended {
    store: Store,
    pub(crate) fixed: Fixed,
    /// The name to show for what is mended.
    pub(crate) name: PathBuf,
    /// Whether it is that of a file.
    is_regular: bool,
}

impl Mended {
    /// What is to be checked now.
    pub(crate) fn open(&self, shown: &Path) -> Result<Opened, String> {
        let opened = File::open(&self.store.newest).and_then(|file| {
            let size = if self.is_regular { Some(file.metadata()?.len()) } else { None };
            Ok(Opened { file, size })
        });
        opened.map_err(|error| format!("{}: {}", shown.display(), reason(&error)))
    }
}

/// Whether the data itself goes to standard output.
pub(crate) fn takes_stdout(arguments: &CheckArguments, paths: &[PathBuf]) -> bool {
    let is_stdin = paths.iter().any(|path| path == Path::new("-"));
    match &arguments.fixing.fix_output {
        Some(output) => output == Path::new("-"),
        None => arguments.fixes() && !arguments.fixing.diff && is_stdin,
    }
}

/// Mends the file at `path` (`-` is standard input), which is shown as `shown`, and puts it where it belongs.
pub(crate) fn file(
    path: &Path,
    shown: &Path,
    arguments: &CheckArguments,
    engine: &Engine,
    settings: &Settings,
    diff: Option<&mut dyn Write>,
    interruption: &Interruption,
) -> Result<Mended, String> {
    let problem = |error: &io::Error| format!("{}: {}", shown.display(), reason(error));
    let target = Target::of(path, shown, arguments)?;
    let mut store = Store::new(path, shown, &target)?;
    interruption.is_idle.store(false, Ordering::Relaxed);
    store.signal = Arc::clone(&interruption.signal);
    let is_diff = diff.is_some();
    store.hunks = is_diff.then(Hunks::default);
    let applicability = if arguments.fixing.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe };
    let fixed = match engine.fix(&mut store, settings, FixOptions { applicability, hunks: is_diff }) {
        Ok(fixed) => fixed,
        Err(error) => {
            // What is half written goes before the signal has its way.
            drop(store);
            interruption.heed();
            return Err(match error {
                Error::Read(error) => problem(&error),
                Error::Write(error) => format!("{}: cannot write what is mended: {}", shown.display(), reason(&error)),
            });
        }
    };
    if let (Some(out), Some(hunks)) = (diff, store.hunks.take()) {
        interruption.heed();
        hunks.print(out, shown, arguments).map_err(|error| format!("cannot write the diff: {}", reason(&error)))?;
    } else {
        if let Err(error) = store.publish(&target) {
            drop(store);
            interruption.heed();
            return Err(format!("{}: not written: {}", target.name(shown), reason(&error)));
        }
        tell(&fixed, shown, &store);
    }
    interruption.heed();
    let (name, is_regular) = match target {
        Target::InPlace { .. } => (shown.to_owned(), true),
        Target::File(path) => (path, true),
        Target::Stdout | Target::Nowhere => (shown.to_owned(), false),
    };
    Ok(Mended { store, fixed, name, is_regular })
}

/// Says on standard error what was done.
fn tell(fixed: &Fixed, shown: &Path, store: &Store) {
    let mut stderr = io::stderr();
    let shown = shown.display().to_string();
    let shown = sanitised(&shown);
    if fixed.count() > 0 {
        let _ = writeln!(
            stderr,
            "{shown}: fixed {} in {}",
            count(fixed.count(), "finding"),
            count(fixed.lines - fixed.rejected_count(), "line")
        );
    }
    if fixed.rejected_count() > 0 {
        let reasons: Vec<_> = fixed.rejected.iter().map(|(code, lines)| format!("{code} {}", number(*lines))).collect();
        let place = store.rejected_path.display().to_string();
        let lines = count(fixed.rejected_count(), "line");
        let _ = writeln!(stderr, "{shown}: set aside {lines} in {} ({})", sanitised(&place), reasons.join(", "));
    }
    if fixed.would_empty {
        let _ = writeln!(stderr, "{shown}: no line can be saved, so none was set aside: look at `--target` and `--method`");
    }
}

/// Where the mended data belongs.
enum Target {
    /// Back where it came from.
    InPlace {
        path: PathBuf,
        before: Metadata,
    },
    /// Into another file.
    File(PathBuf),
    Stdout,
    /// Nowhere: it is only looked at.
    Nowhere,
}

impl Target {
    fn of(path: &Path, shown: &Path, arguments: &CheckArguments) -> Result<Self, String> {
        if arguments.fixing.diff {
            return Ok(Self::Nowhere);
        }
        match &arguments.fixing.fix_output {
            Some(output) if output == Path::new("-") => Ok(Self::Stdout),
            Some(output) => Ok(Self::File(output.clone())),
            None if path == Path::new("-") => Ok(Self::Stdout),
            None => {
                let problem = |error: io::Error| format!("{}: {}", shown.display(), reason(&error));
                // A link stays a link: what it leads to is replaced.
                let path = std::fs::canonicalize(path).map_err(problem)?;
                let before = std::fs::metadata(&path).map_err(problem)?;
                if !before.is_file() {
                    return Err(format!("{}: only a regular file can be fixed in place; use --fix-output", shown.display()));
                }
                Ok(Self::InPlace { path, before })
            }
        }
    }

    fn name(&self, shown: &Path) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            _ => shown.display().to_string(),
        }
    }

    /// The folder for what is not finished: that of the file to be replaced, so that a rename is enough.
    fn folder(&self) -> PathBuf {
        let beside = |path: &Path| path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        match self {
            Self::InPlace { path, .. } => beside(path),
            Self::File(path) if path.exists() => std::fs::canonicalize(path).map_or_else(|_| beside(path), |path| beside(&path)),
            Self::File(path) => beside(path),
            Self::Stdout | Self::Nowhere => std::env::temp_dir(),
        }
    }
}

/// The versions of one file: what was read last, and what is written now. Nothing is written before something changes.
struct Store {
    /// The name to show.
    shown: String,
    is_regular: bool,
    /// Where the newest version stands.
    newest: PathBuf,
    /// What the last pass wrote.
    version: Option<NamedTempFile>,
    /// What is written now, and the bytes of the newest version that stay as they are before that.
    writing: Option<BufWriter<NamedTempFile>>,
    kept: u64,
    folder: PathBuf,
    /// Whether what is written becomes a file that was not there before.
    is_new: bool,
    /// Lines set aside, and how many bytes of them earlier passes wrote.
    rejected_path: PathBuf,
    rejected: Option<NamedTempFile>,
    rejected_bytes: u64,
    hunks: Option<Hunks>,
    /// The signal that asks to stop; 0 while there is none.
    signal: Arc<AtomicUsize>,
    /// Standard input and what was packed, as a plain file.
    _spooled: Option<NamedTempFile>,
}

impl Store {
    fn new(path: &Path, shown: &Path, target: &Target) -> Result<Self, String> {
        let problem = |error: io::Error| format!("{}: {}", shown.display(), reason(&error));
        let name = shown.to_string_lossy();
        let (input, is_regular) = if path == Path::new("-") {
            (Input::new(&name, false, io::stdin()), false)
        } else {
            let opened = files::open(path)?;
            let is_regular = opened.size.is_some();
            (Input::new(&name, is_regular, opened.file), is_regular)
        };
        let input = input.map_err(problem)?;
        let (mut newest, mut spooled) = (path.to_owned(), None);
        if let Target::InPlace { path, .. } = target {
            if input.is_packed() {
                return Err(format!("{}: packed files are not fixed in place: unpack it, or use --fix-output", shown.display()));
            }
            // Renaming asks for leave of the folder only; a file that may not be written stays as it is.
            File::options().append(true).open(path).map_err(problem)?;
            newest.clone_from(path);
        } else if !is_regular || input.is_packed() {
            let mut plain = NamedTempFile::new().map_err(problem)?;
            io::copy(&mut input.into_reader(), &mut plain).map_err(problem)?;
            newest = plain.path().to_owned();
            spooled = Some(plain);
        }
        let beside = match target {
            Target::File(path) => path.clone(),
            Target::InPlace { path, .. } => path.clone(),
            _ if shown == Path::new("-") => PathBuf::from("stdin"),
            _ => shown.to_owned(),
        };
        Ok(Self {
            shown: name.into_owned(),
            is_regular,
            newest,
            version: None,
            writing: None,
            kept: 0,
            folder: target.folder(),
            is_new: matches!(target, Target::File(path) if !path.exists()),
            rejected_path: beside.with_extension("rejected.jsonl"),
            rejected: None,
            rejected_bytes: 0,
            hunks: None,
            signal: Arc::default(),
            _spooled: spooled,
        })
    }

    /// The file that is written now, begun with all that stays as it is before the first change.
    fn writer(&mut self) -> io::Result<&mut BufWriter<NamedTempFile>> {
        if self.writing.is_none() {
            let mut file = unfinished(&self.folder, self.is_new)?;
            io::copy(&mut File::open(&self.newest)?.take(self.kept), &mut file)?;
            self.writing = Some(BufWriter::with_capacity(1 << 16, file));
        }
        self.writing.as_mut().ok_or_else(|| io::Error::other("nothing is written"))
    }

    /// Takes a line that is set aside. Those of earlier runs stay before it.
    fn reject(&mut self, line: &[u8]) -> io::Result<()> {
        if self.hunks.is_some() {
            return Ok(());
        }
        if self.rejected.is_none() {
            let folder = self.rejected_path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut file = unfinished(folder, true)?;
            match File::open(&self.rejected_path) {
                Ok(mut earlier) => self.rejected_bytes = io::copy(&mut earlier, &mut file)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            self.rejected = Some(file);
        }
        let Some(file) = &mut self.rejected else { return Ok(()) };
        file.write_all(line)?;
        if line.ends_with(b"\n") { Ok(()) } else { file.write_all(b"\n") }
    }

    /// Puts the newest version where it belongs; a file in which nothing has changed is not touched.
    fn publish(&mut self, target: &Target) -> io::Result<()> {
        if let Some(rejected) = self.rejected.take_if(|_| self.version.is_some()) {
            rejected.as_file().sync_all()?;
            rejected.persist(&self.rejected_path).map_err(|error| error.error)?;
        }
        match target {
            Target::InPlace { path, before } => {
                let Some(version) = self.version.take() else { return Ok(()) };
                let now = std::fs::metadata(path)?;
                if (now.len(), now.mtime(), now.mtime_nsec()) != (before.len(), before.mtime(), before.mtime_nsec()) {
                    return Err(io::Error::other("it was changed by someone else in the meantime"));
                }
                if (now.uid(), now.gid()) != owner(&version)? {
                    // Only the superuser may give files away: where that fails it is ours from now on.
                    let _ = std::os::unix::fs::chown(version.path(), Some(now.uid()), Some(now.gid()));
                }
                version.as_file().set_permissions(now.permissions())?;
                replace(version, path)?;
                self.newest.clone_from(path);
            }
            Target::File(path) => self.write_to(path)?,
            Target::Stdout => {
                let mut stdout = io::stdout().lock();
                io::copy(&mut File::open(&self.newest)?, &mut stdout)?;
                stdout.flush()?;
            }
            Target::Nowhere => {}
        }
        Ok(())
    }

    /// Writes the newest version to another file, new or old.
    fn write_to(&mut self, path: &Path) -> io::Result<()> {
        let old = match std::fs::metadata(path) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if old.as_ref().is_some_and(|old| !old.is_file()) {
            // A pipe or a device is written to, not replaced.
            io::copy(&mut File::open(&self.newest)?, &mut File::options().write(true).open(path)?)?;
            return Ok(());
        }
        let version = match self.version.take() {
            Some(version) => version,
            None => {
                let mut version = unfinished(&self.folder, self.is_new)?;
                io::copy(&mut File::open(&self.newest)?, &mut version)?;
                version
            }
        };
        if let Some(old) = &old {
            version.as_file().set_permissions(old.permissions())?;
        }
        let path = if old.is_some() { std::fs::canonicalize(path)? } else { path.to_owned() };
        replace(version, &path)?;
        self.newest = path;
        Ok(())
    }
}

impl Rewrite for Store {
    fn open(&mut self) -> io::Result<Input> {
        let file = File::open(&self.newest)?;
        match file.metadata()? {
            old if self.is_regular && old.is_file() => Input::from_file(&self.shown, file, old.len()),
            _ => Input::new(&self.shown, self.is_regular, file),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.signal.load(Ordering::Relaxed) != 0 {
            return Err(io::Error::other("interrupted"));
        }
        match &mut self.writing {
            Some(writer) => writer.write_all(bytes),
            None => {
                self.kept += bytes.len() as u64;
                Ok(())
            }
        }
    }

    fn change(&mut self, change: &Change<'_>) -> io::Result<()> {
        if let Some(hunks) = &mut self.hunks {
            hunks.add(change);
        }
        if change.rejected.is_some() {
            self.reject(change.old)?;
        }
        self.writer()?.write_all(change.new)
    }

    fn end_pass(&mut self, is_kept: bool) -> io::Result<()> {
        self.kept = 0;
        if let Some(hunks) = &mut self.hunks {
            hunks.end_pass(is_kept);
        }
        if let Some(rejected) = &mut self.rejected {
            if is_kept {
                self.rejected_bytes = rejected.as_file().metadata()?.len();
            } else {
                rejected.as_file().set_len(self.rejected_bytes)?;
                rejected.seek(SeekFrom::End(0))?;
            }
        }
        if let Some(writer) = self.writing.take().filter(|_| is_kept) {
            let version = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            self.newest = version.path().to_owned();
            self.version = Some(version);
        }
        Ok(())
    }
}

/// Ctrl-C and `kill`: while something is half written it is taken away first; at any other time they work as ever.
pub(crate) struct Interruption {
    signal: Arc<AtomicUsize>,
    is_idle: Arc<AtomicBool>,
}

impl Interruption {
    pub(crate) fn watch() -> Self {
        let own = Self { signal: Arc::default(), is_idle: Arc::new(AtomicBool::new(true)) };
        for number in [SIGINT, SIGTERM] {
            // Without these the signal ends the program at once, and a temporary file may stay: no reason to give up.
            let _ = register_conditional_default(number, Arc::clone(&own.is_idle));
            let _ = register_usize(number, Arc::clone(&own.signal), number.unsigned_abs() as usize);
        }
        own
    }

    /// Ends the program as the signal would have, if there was one meanwhile.
    fn heed(&self) {
        self.is_idle.store(true, Ordering::Relaxed);
        if let Some(number) = i32::try_from(self.signal.load(Ordering::Relaxed)).ok().filter(|number| *number != 0) {
            let _ = emulate_default_handler(number);
        }
    }
}

fn owner(file: &NamedTempFile) -> io::Result<(u32, u32)> {
    let metadata = file.as_file().metadata()?;
    Ok((metadata.uid(), metadata.gid()))
}

/// A file that is not finished. It is for its owner alone, unless it becomes a new file: then it is as readable as any.
fn unfinished(folder: &Path, is_new: bool) -> io::Result<NamedTempFile> {
    let mode = if is_new { 0o666 } else { 0o600 };
    tempfile::Builder::new().prefix(".tunelint-").permissions(Permissions::from_mode(mode)).tempfile_in(folder)
}

/// Renames a finished file to where it belongs, once its bytes are on the disk.
fn replace(version: NamedTempFile, path: &Path) -> io::Result<()> {
    version.as_file().sync_all()?;
    version.persist(path).map_err(|error| error.error)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The rename itself is on the disk when the folder is; not every file system can say so.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Hunks of a diff that are kept, unless all are asked for: a file of a million lines may change in each.
const MOST_HUNKS: usize = 1_000;
/// Lines of a file written anew that are shown.
const FIRST_LINES: usize = 3;

/// What `--diff` shows of a file.
#[derive(Default)]
struct Hunks {
    kept: Vec<String>,
    /// Those of the pass under way.
    pass: Vec<String>,
    more: u64,
    /// Lines of which only the break changes, and lines written anew.
    breaks: u64,
    anew: u64,
}

impl Hunks {
    fn add(&mut self, change: &Change<'_>) {
        let shown = |line: &[u8]| {
            let line = line.trim_ascii_end();
            tunelint::diagnostic::Excerpt::new(line, tunelint::json::Span::new(0, line.len())).text
        };
        if change.line == 0 {
            self.anew += 1;
            if self.anew <= FIRST_LINES as u64 {
                self.pass.push(format!("+{}", shown(change.new)));
            }
            return;
        }
        if self.kept.len() + self.pass.len() >= MOST_HUNKS {
            self.more += 1;
            return;
        }
        let line = number(change.line);
        if let Some(code) = change.rejected {
            self.pass.push(format!("@@ line {line}, set aside for {code} @@\n-{}", shown(change.old)));
        } else if change.new.is_empty() {
            self.pass.push(format!("@@ line {line}, taken out @@\n-{}", shown(change.old)));
        } else if change.hunks.is_empty() && change.new.trim_ascii_end() == change.old.trim_ascii_end() {
            self.breaks += 1;
        } else if change.hunks.is_empty() {
            self.pass.push(format!("@@ line {line} @@\n-{}\n+{}", shown(change.old), shown(change.new)));
        }
        for hunk in change.hunks {
            let place = format!("@@ line {line}, byte {}, {} @@", number(hunk.byte), hunk.rule);
            self.pass.push(format!("{place}\n-{}\n+{}", hunk.before.text, hunk.after.text));
        }
        if change.more_hunks > 0 {
            self.pass.push(format!("@@ line {line}, {} @@", count(change.more_hunks, "more place")));
        }
    }

    fn end_pass(&mut self, is_kept: bool) {
        if is_kept {
            if self.anew > 0 {
                self.kept.push(format!("@@ the whole file, written anew as {} @@", count(self.anew, "line")));
            }
            if self.breaks > 0 {
                self.kept.push(format!("@@ the line break of {} @@", count(self.breaks, "line")));
            }
            self.kept.append(&mut self.pass);
        }
        self.pass.clear();
        (self.breaks, self.anew) = (0, 0);
    }

    fn print(&self, out: &mut dyn Write, shown: &Path, arguments: &CheckArguments) -> io::Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let path = shown.display().to_string();
        let path = sanitised(&path);
        let (red, green, cyan) = colors(arguments);
        writeln!(out, "--- {path}\n+++ {path}")?;
        for line in self.kept.iter().flat_map(|hunk| hunk.split('\n')) {
            let style = match line.as_bytes().first() {
                Some(b'-') => red,
                Some(b'+') => green,
                _ => cyan,
            };
            writeln!(out, "{style}{line}{style:#}")?;
        }
        if self.more > 0 {
            writeln!(out, "@@ {} @@", count(self.more, "more line"))?;
        }
        Ok(())
    }
}

fn colors(arguments: &CheckArguments) -> (anstyle::Style, anstyle::Style, anstyle::Style) {
    let is_colored = match arguments.output.color {
        crate::cli::When::Always => true,
        crate::cli::When::Never => false,
        crate::cli::When::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    };
    let color = |color: anstyle::AnsiColor| match is_colored {
        true => anstyle::Style::new().fg_color(Some(color.into())),
        false => anstyle::Style::new(),
    };
    (color(anstyle::AnsiColor::Red), color(anstyle::AnsiColor::Green), color(anstyle::AnsiColor::Cyan))
}
