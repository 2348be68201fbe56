//! Which files are checked: paths as they are named, folders searched, pipes taken as they come.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, Read, Write as _};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use globset::GlobSet;
use ignore::WalkBuilder;
pub(crate) use tunelint::diagnostic::reason;

/// What the search for files goes by.
pub(crate) struct Selection<'a> {
    pub(crate) exclude: &'a GlobSet,
    pub(crate) force_exclude: bool,
    pub(crate) respect_gitignore: bool,
}

/// Files to check, and what went wrong while they were looked for.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) problems: Vec<String>,
}

/// Finds the files behind `paths`: files are taken as they are named, folders are searched.
pub(crate) fn find(paths: &[PathBuf], selection: &Selection<'_>) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str().is_empty() {
            found.problems.push("a path is empty".to_owned());
        } else if path.is_dir() {
            search(path, selection, &mut found);
        } else if !(selection.force_exclude && selection.exclude.is_match(path.strip_prefix("./").unwrap_or(path))) {
            found.files.push(path.clone());
        }
    }
    // A file named twice is checked once: it is no copy of itself.
    let mut seen = HashSet::new();
    found.files.retain(|path| seen.insert(path.clone()));
    found
}

fn search(folder: &Path, selection: &Selection<'_>, found: &mut Found) {
    let before = found.files.len();
    let mut entries = walk(folder, selection.respect_gitignore, selection.exclude, Some(&mut found.problems));
    if entries.is_empty() && selection.respect_gitignore {
        let hidden = walk(folder, false, selection.exclude, None);
        if !hidden.is_empty() {
            found.problems.push(format!(
                "{}: .gitignore hides all {} datasets in it; name the files, or use --no-respect-gitignore",
                folder.display(),
                hidden.len()
            ));
        }
    }
    found.files.append(&mut entries);
    if found.files.len() == before && found.problems.is_empty() {
        found.problems.push(format!("{}: no .jsonl or .ndjson file in it", folder.display()));
    }
}

fn walk(folder: &Path, respect_gitignore: bool, exclude: &GlobSet, mut problems: Option<&mut Vec<String>>) -> Vec<PathBuf> {
    let mut builder = WalkBuilder::new(folder);
    builder.standard_filters(respect_gitignore).require_git(false).sort_by_file_path(Ord::cmp);
    let mut files = Vec::new();
    for entry in builder.build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) && is_dataset(entry.path()) => {
                let path = entry.into_path();
                if !exclude.is_match(path.strip_prefix("./").unwrap_or(&path)) {
                    files.push(path);
                }
            }
            Ok(_) => {}
            Err(error) => {
                if let Some(problems) = problems.as_deref_mut() {
                    problems.push(error.to_string());
                }
            }
        }
    }
    files
}

fn is_dataset(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.ends_with(".jsonl") || name.ends_with(".ndjson")
}

/// The paths listed in `list`, one a line; blank lines are passed over.
pub(crate) fn listed(list: &Path) -> Result<Vec<PathBuf>, String> {
    let problem = |error: io::Error| format!("{}: {}", list.display(), reason(&error));
    let reader: Box<dyn Read> = if list == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(list).map_err(problem)?) };
    let lines: io::Result<Vec<String>> = io::BufReader::new(reader).lines().collect();
    Ok(lines.map_err(problem)?.into_iter().filter(|line| !line.trim().is_empty()).map(PathBuf::from).collect())
}

/// An open file: its size when it is a regular one.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) size: Option<u64>,
}

/// Opens a file to be checked. Pipes are read like files; devices and sockets are refused, `/dev/zero` has no end.
pub(crate) fn open(path: &Path) -> Result<Opened, String> {
    let problem = |error: &io::Error| format!("{}: {}", path.display(), reason(error));
    let kind = std::fs::metadata(path).map_err(|error| problem(&error))?.file_type();
    if (kind.is_char_device() && path != Path::new("/dev/null")) || kind.is_block_device() || kind.is_socket() {
        return Err(format!("{}: a device or a socket, not a file", path.display()));
    }
    let file = File::open(path).map_err(|error| problem(&error))?;
    let size = kind.is_file().then(|| file.metadata().map(|metadata| metadata.len()).unwrap_or_default());
    Ok(Opened { file, size })
}

/// Puts `bytes` in the place of the file at `path`, whole or not at all: a reader never sees half of it, and neither does
/// anyone after a crash. Its permissions stay; a new file gets those that the system gives to new files.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // A link stays a link to the new text.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let usual = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().prefix(".tunelint-").permissions(usual).tempfile_in(folder)?;
    if let Ok(old) = std::fs::metadata(&path) {
        file.as_file().set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
