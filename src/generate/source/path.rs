//! Paths: those of a recipe, which may lead anywhere, and those that stand in data, which may not leave the folder of their
//! source. No pipe, device or socket is ever opened.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::GlobBuilder;
use ignore::WalkBuilder;
use sha2::{Digest as _, Sha256};

use super::{Digest, Error, Kind};
use crate::diagnostic::{bytes, nearest, reason, sanitised};
use crate::engine::unpacked;

/// The largest image file that is read.
const MAX_IMAGE_BYTES: u64 = 100_000_000;

/// The file that `path`, a path out of the data of a source, names: a regular file within `folder`.
///
/// # Errors
///
/// When `path` is absolute, climbs with `..`, is a URL, or leads out of `folder` by a symbolic link; when no regular file
/// is there.
pub fn resolve(folder: &Path, path: &str) -> Result<PathBuf, String> {
    let shown = sanitised(path);
    let drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if path.is_empty() || path.contains('\0') {
        return Err("an empty path, or one with a NUL in it".to_owned());
    } else if path.contains("://") {
        return Err(format!("`{shown}` is a URL; only files in the folder of the source are read"));
    } else if path.starts_with(['/', '\\']) || drive || Path::new(path).is_absolute() {
        return Err(format!("`{shown}` is an absolute path; a path relative to the folder of the source is wanted"));
    } else if path.split(['/', '\\']).any(|part| part == "..") {
        return Err(format!("`{shown}` climbs out with `..`; a path within the folder of the source is wanted"));
    }
    let problem = |error: &io::Error| format!("`{shown}`: {}", reason(error));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let root = folder.canonicalize().map_err(|error| problem(&error))?;
    let file = root.join(path).canonicalize().map_err(|error| problem(&error))?;
    if !file.starts_with(&root) {
        return Err(format!("`{shown}` leads out of the folder of the source through a symbolic link"));
    }
    match fs::metadata(&file) {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err(format!("`{shown}` is no regular file")),
        Err(error) => Err(problem(&error)),
    }
}

/// The bytes of the image file that `path`, a path out of the data of a source, names.
///
/// # Errors
///
/// As for [`resolve`]; when the file cannot be read or has more than 100 MB.
pub fn read_image(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    let file = resolve(folder, path)?;
    let mut content = Vec::new();
    let opened = fs::File::open(file).and_then(|file| file.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut content));
    opened.map_err(|error| format!("`{}`: {}", sanitised(path), reason(&error)))?;
    if content.len() as u64 > MAX_IMAGE_BYTES {
        return Err(format!("`{}` has more than {}", sanitised(path), bytes(MAX_IMAGE_BYTES)));
    }
    Ok(content)
}

/// A file or folder that a recipe names.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// As it is seen from the recipe.
    pub(super) shown: Arc<str>,
}

impl File {
    pub(super) fn new(path: PathBuf, base: &Path) -> Self {
        let shown = path.strip_prefix(base).unwrap_or(&path);
        let shown = shown.strip_prefix("./").unwrap_or(shown);
        Self { shown: Arc::from(sanitised(&shown.to_string_lossy())), path }
    }

    /// The folder it stands in.
    pub(super) fn folder(&self) -> Arc<Path> {
        Arc::from(self.path.parent().unwrap_or(Path::new("")))
    }

    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::new(&*self.shown, message)
    }

    pub(super) fn io_error(&self, error: &io::Error) -> Error {
        self.error(reason(error))
    }

    pub(super) fn open(&self) -> Result<fs::File, Error> {
        let metadata = fs::metadata(&self.path).map_err(|error| self.io_error(&error))?;
        if !metadata.is_file() {
            return Err(self.error("no regular file"));
        }
        fs::File::open(&self.path).map_err(|error| self.io_error(&error))
    }

    /// Its bytes, unpacked when they are gzip or zstd.
    pub(super) fn unpacked(&self) -> Result<Box<dyn Read + Send>, Error> {
        unpacked(self.open()?).map(|(_, reader)| reader).map_err(|error| self.io_error(&error))
    }

    /// Its text without a byte order mark, unpacked. What cannot be UTF-8 is refused here by its first bytes.
    pub(super) fn text(&self) -> Result<Box<dyn Read + Send>, Error> {
        let mut reader = self.unpacked()?;
        let mut head = Vec::with_capacity(512);
        reader.by_ref().take(512).read_to_end(&mut head).map_err(|error| self.io_error(&error))?;
        if let Some(fault) = no_text(&head) {
            return Err(self.error(fault));
        }
        if head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        Ok(Box::new(Cursor::new(head).chain(reader)))
    }
}

/// How a file begins that no row can be read from.
fn no_text(head: &[u8]) -> Option<&'static str> {
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count();
    let is_wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) || {
        let (even, odd) = (zeros(0), zeros(1));
        even.max(odd) > head.len() / 4 && even.min(odd) == 0
    };
    if is_wide {
        Some("UTF-16; UTF-8 is wanted: `iconv -f UTF-16 -t UTF-8 OLD > NEW` converts it")
    } else if head.starts_with(b"version https://git-lfs") {
        Some("a Git LFS pointer, not the data; `git lfs pull` fetches it")
    } else if head.contains(&0) {
        Some("binary data, not text")
    } else {
        None
    }
}

/// What a path of a recipe leads to.
#[derive(Clone, Debug)]
pub(super) enum Found {
    File(File),
    Folder(File),
}

/// The files and folders behind `paths`, seen from `base`: each path's in their order, none twice.
pub(super) fn find(paths: &[String], base: &Path) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for path in paths {
        let full = base.join(path);
        match fs::metadata(&full) {
            Ok(metadata) if metadata.is_dir() => found.push(Found::Folder(File::new(full, base))),
            Ok(metadata) if metadata.is_file() => found.push(Found::File(File::new(full, base))),
            Ok(_) => return Err(Error::new(sanitised(path), "a pipe, a device or a socket; a file that can be read twice is wanted")),
            Err(_) if path.contains(['*', '?', '[', '{']) => found.extend(glob(path, base)?.into_iter().map(Found::File)),
            Err(error) => return Err(Error::new(sanitised(path), missing(&full, &error))),
        }
    }
    if found.is_empty() {
        return Err(Error::new("source", "no path is given"));
    }
    let mut seen = HashSet::new();
    found.retain(|(Found::File(file) | Found::Folder(file))| seen.insert(file.path.clone()));
    Ok(found)
}

fn missing(path: &Path, error: &io::Error) -> String {
    let siblings: Vec<String> = path
        .parent()
        .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        .and_then(|folder| fs::read_dir(folder).ok())
        .map(|entries| entries.flatten().take(1_000).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    match nearest(&name, siblings.iter().map(String::as_str)) {
        Some(near) => format!("{}; did you mean `{}`?", reason(error), sanitised(near)),
        None => reason(error),
    }
}

fn glob(pattern: &str, base: &Path) -> Result<Vec<File>, Error> {
    let problem = |message: String| Error::new(sanitised(pattern), message);
    let relative = pattern.strip_prefix("./").unwrap_or(pattern);
    let glob =
        GlobBuilder::new(relative).literal_separator(true).build().map_err(|error| problem(format!("not a glob: {}", error.kind())))?;
    let matcher = glob.compile_matcher();
    let fixed: PathBuf = Path::new(relative).components().take_while(|part| !is_glob(part)).collect();
    let mut files = Vec::new();
    // Symbolic links are followed: the cache of the Hugging Face hub is made of them.
    let depth = (!relative.contains("**")).then(|| Path::new(relative).components().count() - fixed.components().count());
    for entry in walk(&base.join(&fixed)).follow_links(true).max_depth(depth).build().flatten() {
        let path = entry.path();
        let inner = path.strip_prefix(base).unwrap_or(path);
        let is_match = matcher.is_match(inner.strip_prefix("./").unwrap_or(inner)) || matcher.is_match(path);
        if is_match && entry.file_type().is_some_and(|kind| kind.is_file()) {
            files.push(File::new(path.to_path_buf(), base));
        }
    }
    if files.is_empty() {
        return Err(problem(format!("no file matches in `{}`", sanitised(&base.join(&fixed).to_string_lossy()))));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn is_glob(part: &Component<'_>) -> bool {
    part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{'])
}

/// A walk in the order of paths that passes over hidden files, and knows nothing of `.gitignore`.
pub(super) fn walk(folder: &Path) -> WalkBuilder {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut builder = WalkBuilder::new(folder);
    builder.standard_filters(false).hidden(true).sort_by_file_path(Ord::cmp);
    builder
}

/// The extension in lower case, that of the content where the file is packed: `csv` of `a.CSV.gz`.
pub(super) fn extension(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    if extension == "tgz" { "tar".to_owned() } else { extension.to_owned() }
}

/// Whether a file is named like an image.
pub(super) fn is_image(path: &Path) -> bool {
    const IMAGES: &[&str] = &["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"];
    path.extension().is_some_and(|extension| IMAGES.contains(&extension.to_string_lossy().to_ascii_lowercase().as_str()))
}

/// The kind of file that a name stands for.
pub(super) fn kind_by_name(path: &Path) -> Option<Kind> {
    match extension(path).as_str() {
        "parquet" => Some(Kind::Parquet),
        "csv" | "tsv" => Some(Kind::Csv),
        "jsonl" | "ndjson" | "json" => Some(Kind::Jsonl),
        "tar" => Some(Kind::Webdataset),
        _ => None,
    }
}

/// The kind of what was found: by magic bytes and names, of a folder by what is in it.
pub(super) fn guess(found: &[Found]) -> Result<Kind, Error> {
    let mut kinds: Vec<(Kind, &File)> = Vec::new();
    for found in found {
        let (kind, file) = match found {
            Found::File(file) => (guess_file(file)?, file),
            Found::Folder(folder) => (guess_folder(folder)?, folder),
        };
        if kinds.iter().all(|(known, _)| *known != kind) {
            kinds.push((kind, file));
        }
    }
    match kinds.as_slice() {
        [(kind, _)] => Ok(*kind),
        [(first, _), (second, file), ..] => {
            Err(file.error(format!("{}, where the files before it are {}; a source is of one kind", second.name(), first.name())))
        }
        [] => Err(Error::new("source", "no path is given")),
    }
}

fn guess_file(file: &File) -> Result<Kind, Error> {
    let mut head = Vec::new();
    file.unpacked()?.take(512).read_to_end(&mut head).map_err(|error| file.io_error(&error))?;
    if head.starts_with(b"PAR1") {
        return Ok(Kind::Parquet);
    } else if head.get(257..262) == Some(b"ustar") {
        return Ok(Kind::Webdataset);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii_start();
    kind_by_name(&file.path)
        .or_else(|| matches!(text.first(), Some(b'{' | b'[')).then_some(Kind::Jsonl))
        .ok_or_else(|| file.error("its kind cannot be told; say `kind = \"csv\"` (or parquet, jsonl, image-folder, webdataset)"))
}

fn guess_folder(folder: &File) -> Result<Kind, Error> {
    let mut kinds: Vec<Kind> = Vec::new();
    for entry in walk(&folder.path).build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir())) {
        if is_metadata(entry.path()) {
            return Ok(Kind::ImageFolder);
        }
        let kind = if is_image(entry.path()) { Some(Kind::ImageFolder) } else { kind_by_name(entry.path()) };
        kinds.extend(kind.filter(|kind| !kinds.contains(kind)));
    }
    match kinds.as_slice() {
        [kind] => Ok(*kind),
        [] => Err(folder.error("neither images nor .parquet, .csv, .jsonl or .tar files are in this folder")),
        several => {
            let names: Vec<&str> = several.iter().map(|kind| kind.name()).collect();
            Err(folder.error(format!("this folder holds several kinds of files ({}); say which with `kind`", names.join(", "))))
        }
    }
}

/// Whether a file is what Hugging Face's image folders keep their columns in.
pub(super) fn is_metadata(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "metadata.csv" || name == "metadata.jsonl" || name == "metadata.parquet")
}

/// The files to read: folders stand for the files of `kind` in them.
pub(super) fn data_files(found: Vec<Found>, kind: Kind) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    for found in found {
        match found {
            Found::File(file) => files.push(file),
            Found::Folder(folder) => {
                let before = files.len();
                let named = |path: &Path| kind_by_name(path) == Some(kind);
                for entry in walk(&folder.path).follow_links(true).build().flatten().filter(|entry| named(entry.path())) {
                    if entry.file_type().is_some_and(|kind| kind.is_file()) {
                        let inner = entry.path().strip_prefix(&folder.path).unwrap_or(entry.path());
                        let shown = Path::new(&*folder.shown).join(inner);
                        files.push(File { shown: Arc::from(sanitised(&shown.to_string_lossy())), path: entry.path().to_path_buf() });
                    }
                }
                if files.len() == before {
                    return Err(folder.error(format!("no {} file is in this folder", kind.name())));
                }
            }
        }
    }
    Ok(files)
}

/// Size and SHA-256 of a file.
pub(super) fn digest(file: &File) -> Result<Digest, Error> {
    let mut hasher = Sha256::new();
    let mut reader = file.open()?;
    let mut buffer = vec![0; 1 << 17];
    let mut total = 0;
    loop {
        let count = reader.read(&mut buffer).map_err(|error| file.io_error(&error))?;
        if count == 0 {
            break;
        }
        total += count as u64;
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
    let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Digest { path: file.shown.to_string(), bytes: total, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_out_of_data_stay_in_their_folder() {
        let outer = tempfile::tempdir().expect("a folder");
        let folder = outer.path().join("data");
        fs::create_dir_all(folder.join("a")).expect("made");
        fs::write(folder.join("a/x.png"), b"image").expect("written");
        fs::write(outer.path().join("secret"), b"secret").expect("written");
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("out.png")).expect("linked");
        std::os::unix::fs::symlink("a/x.png", folder.join("in.png")).expect("linked");
        std::os::unix::fs::symlink(outer.path(), folder.join("up")).expect("linked");
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).expect("bound");
        for path in ["a/x.png", "./a/x.png", "in.png"] {
            assert_eq!(read_image(&folder, path).as_deref(), Ok(&b"image"[..]), "{path}");
        }
        for (path, word) in [
            ("../secret", "`..`"),
            ("a/../../secret", "`..`"),
            ("a\\..\\..\\secret", "`..`"),
            ("/etc/passwd", "absolute"),
            ("C:\\x.png", "absolute"),
            ("c:x.png", "absolute"),
            ("\\\\server\\x", "absolute"),
            ("file:///etc/passwd", "URL"),
            ("https://example.com/x.png", "URL"),
            ("a/x.png\0", "NUL"),
            ("", "empty"),
            ("out.png", "symbolic link"),
            ("up/secret", "symbolic link"),
            ("socket", "regular file"),
            ("a", "regular file"),
            ("none.png", "no such file"),
        ] {
            let message = resolve(&folder, path).expect_err(path);
            assert!(message.contains(word), "{path}: {message}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told_with_what_was_looked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("train.csv"), "a\n").expect("written");
        let message = |path: &str| find(&[path.to_owned()], folder.path()).expect_err(path).to_string();
        assert_eq!(message("trian.csv"), "trian.csv: no such file or directory; did you mean `train.csv`?");
        assert!(message("x-*.csv").starts_with("x-*.csv: no file matches in `"), "{}", message("x-*.csv"));
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).expect("bound");
        assert!(message("socket").contains("a pipe, a device or a socket"));
    }

    #[test]
    fn globs_match_from_any_base() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("d/e")).expect("made");
        fs::write(folder.path().join("d/e/b.csv"), "a\n").expect("written");
        fs::write(folder.path().join("d/a.csv"), "a\n").expect("written");
        let absolute = folder.path().join("d/*.csv").to_string_lossy().into_owned();
        let shown = |pattern: &str, base: &Path| -> Vec<String> {
            let files = find(&[pattern.to_owned()], base).expect(pattern);
            files.into_iter().map(|(Found::File(file) | Found::Folder(file))| file.shown.to_string()).collect()
        };
        for (pattern, base, expected) in [
            ("d/*.csv", folder.path(), &["d/a.csv"][..]),
            ("./d/**/*.csv", folder.path(), &["d/a.csv", "d/e/b.csv"]),
            (&absolute, folder.path(), &["d/a.csv"]),
            ("../e/*.csv", &folder.path().join("d/e"), &["../e/b.csv"]),
            ("Cargo.t*", Path::new(""), &["Cargo.toml"]),
            ("Cargo.t*", Path::new("."), &["Cargo.toml"]),
        ] {
            assert_eq!(shown(pattern, base), expected, "{pattern}");
        }
    }

    #[test]
    fn kinds_are_told_by_content_and_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let kind = |name: &str, content: &[u8]| {
            fs::write(folder.path().join(name), content).expect("written");
            guess(&find(&[name.to_owned()], folder.path()).expect("there")).map_err(|error| error.message)
        };
        assert_eq!(kind("a.tsv", b"a\tb"), Ok(Kind::Csv));
        assert_eq!(kind("a.bin", b"PAR1 and so on"), Ok(Kind::Parquet));
        assert_eq!(kind("a", b"\xef\xbb\xbf {\"a\": 1}"), Ok(Kind::Jsonl));
        assert!(kind("b", b"a,b\n").expect_err("no name").starts_with("its kind cannot be told"));
    }
}
