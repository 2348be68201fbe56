//! Folders of images, as Hugging Face `datasets` read them: rows are those of `metadata.csv`, `.jsonl` or `.parquet` where there
//! is such a file, and otherwise the images themselves, with the folder of each as its class.
//!
//! A column `file_name`, `x_file_name`, `file_names` or `x_file_names` of the metadata becomes the image or list of images
//! `image`, `x`, `images` or `x`. Symbolic links to folders are not followed, those to files outside of the folder refused.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::path::{File, is_image, is_metadata, kind_by_name, resolve, walk};
use super::stream::{Cells, Chain, Picker, Records};
use super::{ClassLabels, Column, Error, Rows, Source, Spec, Value, Wanted};
use crate::diagnostic::{quoted, sanitised};

/// Image folders.
#[derive(Debug)]
pub(super) enum Reader {
    /// With metadata: its files, and their columns by what they are called here.
    Metadata { files: Vec<File>, columns: BTreeMap<String, String>, spec: Spec, count: Option<u64> },
    /// Without.
    Images { folders: Vec<File>, labels: Option<Labels>, count: u64 },
}

/// The classes, sorted, and what stands for them.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    names: Arc<[Arc<str>]>,
    shown: ClassLabels,
}

impl Reader {
    pub(super) fn open(folders: &[File], spec: &Spec) -> Result<(Self, Vec<Column>), Error> {
        let mut metadata = Vec::new();
        let (mut count, mut labels, mut depths) = (0, BTreeSet::new(), BTreeSet::new());
        for folder in folders {
            for path in Walk::new(folder) {
                let path = path?;
                if is_metadata(&path) {
                    metadata.push(within(folder, path));
                } else {
                    count += 1;
                    depths.insert(path.strip_prefix(&folder.path).unwrap_or(&path).components().count());
                    labels.extend(class_of(&path));
                }
            }
        }
        if !metadata.is_empty() {
            return Self::with_metadata(metadata, spec);
        } else if count == 0 {
            let place = folders.first().map_or("source", |folder| &*folder.shown);
            return Err(Error::new(place, "no image is in this folder, and no metadata.csv, metadata.jsonl or metadata.parquet"));
        }
        let mut columns = vec![Column { name: "image".to_owned(), kind: "image".to_owned() }];
        let is_labelled = labels.len() > 1 && depths.len() == 1 && !depths.contains(&1);
        let labels = is_labelled.then(|| Labels { names: labels.into_iter().collect(), shown: spec.class_labels });
        columns.extend(labels.as_ref().map(|labels| {
            let names: Vec<&str> = labels.names.iter().map(|name| &**name).collect();
            Column { name: "label".to_owned(), kind: format!("class label ({})", names.join(", ")) }
        }));
        Ok((Self::Images { folders: folders.to_vec(), labels, count }, columns))
    }

    fn with_metadata(files: Vec<File>, spec: &Spec) -> Result<(Self, Vec<Column>), Error> {
        let mut first: Option<Vec<Column>> = None;
        let mut count = Some(0);
        for file in &files {
            let source = open_metadata(file, spec)?;
            count = count.zip(source.count()).map(|(sum, own)| sum + own);
            let own: Vec<Column> = source.columns.clone();
            let names = |columns: &[Column]| columns.iter().map(|column| column.name.clone()).collect::<BTreeSet<_>>();
            match &first {
                None => first = Some(own),
                Some(first) if names(first) == names(&own) => {}
                Some(first) => {
                    let list = |columns: &[Column]| columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
                    return Err(file.error(format!("its columns are {}, those of the first one {}", list(&own), list(first))));
                }
            }
        }
        let inner = first.unwrap_or_default();
        let renamed = |column: &Column| match image_name(&column.name) {
            Some((name, false)) if column.kind == "null" || column.kind.split(" or ").any(|kind| kind == "text") => {
                Column { name, kind: "image".to_owned() }
            }
            Some((name, true)) if column.kind == "null" || column.kind.starts_with("list") => {
                Column { name, kind: "list of image".to_owned() }
            }
            _ => column.clone(),
        };
        let columns: Vec<Column> = inner.iter().map(renamed).collect();
        let place = files.first().map_or("source", |file| &*file.shown);
        if !columns.iter().any(|column| column.kind.ends_with("image") || column.kind.contains("file_name")) {
            let message = "no column names an image: `file_name`, `x_file_name`, `file_names` or `x_file_names` is wanted";
            return Err(Error::new(place, message));
        }
        let names: BTreeMap<String, String> =
            columns.iter().zip(&inner).map(|(column, inner)| (column.name.clone(), inner.name.clone())).collect();
        if names.len() < columns.len() {
            return Err(Error::new(place, "two columns have one name once `file_name` is taken off"));
        }
        Ok((Self::Metadata { files, columns: names, spec: spec.clone(), count }, columns))
    }

    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Self::Metadata { count, .. } => *count,
            Self::Images { count, .. } => Some(*count),
        }
    }

    pub(super) fn metadata_files(&self) -> &[File] {
        match self {
            Self::Metadata { files, .. } => files,
            Self::Images { .. } => &[],
        }
    }

    pub(super) fn rows(&self, wanted: &Wanted) -> Result<Rows, Error> {
        let picker = Picker::new(wanted.rows.as_ref());
        Ok(match self {
            Self::Metadata { files, columns, spec, .. } => {
                let names = wanted.columns.as_ref().map(|names| names.iter().filter_map(|name| columns.get(name)).cloned().collect());
                let (wanted, spec) = (Wanted { columns: names, rows: None }, spec.clone());
                Box::new(Chain::new(files.clone(), picker, move |file| {
                    let rows = open_metadata(file, &spec)?.rows(&wanted)?;
                    Ok(Metadata { folder: file.folder(), rows })
                }))
            }
            Self::Images { folders, labels, .. } => {
                let is_wanted = |name: &str| wanted.columns.as_ref().is_none_or(|columns| columns.contains(name));
                let (image, labels) = (is_wanted("image"), labels.clone().filter(|_| is_wanted("label")));
                Box::new(Chain::new(folders.clone(), picker, move |folder| {
                    Ok(Images { walk: Walk::new(folder), folder: folder.clone(), image, labels: labels.clone() })
                }))
            }
        })
    }
}

fn within(folder: &File, path: PathBuf) -> File {
    let inner = path.strip_prefix(&folder.path).unwrap_or(&path);
    let shown = Path::new(&*folder.shown).join(inner);
    File { shown: Arc::from(sanitised(&shown.to_string_lossy())), path }
}

fn open_metadata(file: &File, spec: &Spec) -> Result<Source, Error> {
    let kind = kind_by_name(&file.path).ok_or_else(|| file.error("no metadata"))?;
    Source::of_files(kind, vec![file.clone()], spec)
}

/// The name of the column that holds the images which a column of file names leads to, and whether it is a list.
fn image_name(column: &str) -> Option<(String, bool)> {
    let named = |suffix: &str, bare: &str| {
        let prefix = column.strip_suffix(suffix)?;
        if prefix.is_empty() { Some(bare.to_owned()) } else { prefix.strip_suffix('_').filter(|name| !name.is_empty()).map(str::to_owned) }
    };
    named("file_name", "image").map(|name| (name, false)).or_else(|| named("file_names", "images").map(|name| (name, true)))
}

/// The folder an image stands in: its class.
fn class_of(path: &Path) -> Option<Arc<str>> {
    path.parent().and_then(Path::file_name).map(|name| Arc::from(name.to_string_lossy()))
}

/// The images and metadata files of a folder, in the order of their paths; all else is passed over.
struct Walk {
    walk: ignore::Walk,
    folder: File,
}

impl Walk {
    fn new(folder: &File) -> Self {
        Self { walk: walk(&folder.path).follow_links(false).build(), folder: folder.clone() }
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = match self.walk.next()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(self.folder.error(error.to_string()))),
            };
            let path = entry.path();
            let Some(kind) = entry.file_type().filter(|_| is_image(path) || is_metadata(path)) else { continue };
            if kind.is_symlink() {
                let inner = path.strip_prefix(&self.folder.path).unwrap_or(path);
                if let Err(message) = resolve(&self.folder.path, &inner.to_string_lossy()) {
                    return Some(Err(self.folder.error(message)));
                }
            } else if !kind.is_file() {
                continue;
            }
            return Some(Ok(entry.into_path()));
        }
    }
}

/// The images of one folder without metadata.
struct Images {
    walk: Walk,
    folder: File,
    image: bool,
    labels: Option<Labels>,
}

impl Records for Images {
    fn folder(&self) -> Arc<Path> {
        Arc::from(self.folder.path.as_path())
    }

    fn next(&mut self, is_wanted: bool) -> Result<Option<(String, Cells)>, Error> {
        let Some(path) = self.walk.next().transpose()? else { return Ok(None) };
        if !is_wanted {
            return Ok(Some(Default::default()));
        }
        let file = within(&self.folder, path);
        let mut cells = Vec::new();
        if self.image {
            let inner = file.path.strip_prefix(&self.folder.path).unwrap_or(&file.path);
            let inner = inner.to_str().ok_or_else(|| file.error("the name of this file is not UTF-8"))?;
            cells.push((Arc::from("image"), Value::Image { bytes: None, path: Some(Arc::from(inner)) }));
        }
        if let Some(labels) = &self.labels {
            let class = class_of(&file.path).and_then(|name| labels.names.iter().enumerate().find(|(_, known)| ***known == *name));
            let value = match class {
                None => Value::Null,
                Some((number, _)) if labels.shown == ClassLabels::Numbers => Value::Int(number as i64),
                Some((_, name)) => Value::String(Arc::clone(name)),
            };
            cells.push((Arc::from("label"), value));
        }
        Ok(Some((file.shown.to_string(), cells)))
    }
}

/// The rows of one metadata file.
struct Metadata {
    folder: Arc<Path>,
    rows: Rows,
}

impl Metadata {
    fn image(&self, path: Arc<str>) -> Result<Value, String> {
        resolve(&self.folder, &path)?;
        Ok(Value::Image { bytes: None, path: Some(path) })
    }

    /// Names of files turned into images, at any depth.
    fn with_images(&self, cells: Cells) -> Result<Cells, String> {
        let cells = cells.into_iter().map(|(name, value)| {
            Ok(match (image_name(&name), value) {
                (Some((name, false)), Value::String(path)) => (Arc::from(name), self.image(path)?),
                (Some((name, _)), Value::Null) => (Arc::from(name), Value::Null),
                (Some((_, false)), other) => {
                    return Err(format!("{} in {}, where the name of a file is wanted", other.kind(), quoted(&name)));
                }
                (Some((images, true)), Value::List(paths)) => {
                    let paths = paths.into_iter().map(|path| match path {
                        Value::String(path) => self.image(path),
                        Value::Null => Ok(Value::Null),
                        other => Err(format!("{} in {}, where the name of a file is wanted", other.kind(), quoted(&name))),
                    });
                    (Arc::from(images), Value::List(paths.collect::<Result<_, _>>()?))
                }
                (_, value) => (name, self.nested(value)?),
            })
        });
        cells.collect()
    }

    fn nested(&self, value: Value) -> Result<Value, String> {
        Ok(match value {
            Value::Object(members) => Value::Object(self.with_images(members)?),
            Value::List(items) => Value::List(items.into_iter().map(|item| self.nested(item)).collect::<Result<_, _>>()?),
            other => other,
        })
    }
}

impl Records for Metadata {
    fn folder(&self) -> Arc<Path> {
        Arc::clone(&self.folder)
    }

    fn next(&mut self, is_wanted: bool) -> Result<Option<(String, Cells)>, Error> {
        let Some(row) = self.rows.next().transpose()? else { return Ok(None) };
        if !is_wanted {
            return Ok(Some(Default::default()));
        }
        let cells = self.with_images(row.cells).map_err(|message| Error::new(row.place.clone(), message))?;
        Ok(Some((row.place, cells)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join("photos").join(name);
            std::fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        folder
    }

    fn open(folder: &tempfile::TempDir) -> Result<Source, String> {
        Source::open(&Spec::new("photos"), folder.path()).map_err(|error| error.to_string())
    }

    fn rows(source: &Source) -> Result<Vec<(String, Cells)>, String> {
        let rows = source.rows(&Wanted::default()).map_err(|error| error.to_string())?;
        rows.map(|row| row.map(|row| (row.place, row.cells)).map_err(|error| error.to_string())).collect()
    }

    fn image(path: &str) -> Value {
        Value::Image { bytes: None, path: Some(path.into()) }
    }

    fn kinds(source: &Source) -> Vec<String> {
        source.columns().iter().map(|column| format!("{}: {}", column.name, column.kind)).collect()
    }

    #[test]
    fn the_folder_of_an_image_is_its_class() {
        let folder = folder(&[("dog/b.PNG", ""), ("cat/a.jpg", ""), ("cat/.hidden.jpg", ""), ("cat/notes.txt", ""), (".git/x.png", "")]);
        let source = open(&folder).expect("opens");
        assert_eq!(kinds(&source), ["image: image", "label: class label (cat, dog)"]);
        assert_eq!(source.count(), Some(2));
        let row = |place: &str, path: &str, label: &str| {
            (place.to_owned(), vec![("image".into(), image(path)), ("label".into(), Value::String(label.into()))])
        };
        let expected = [row("photos/cat/a.jpg", "cat/a.jpg", "cat"), row("photos/dog/b.PNG", "dog/b.PNG", "dog")];
        assert_eq!(rows(&source).expect("rows"), expected);
        let first = source.rows(&Wanted::default()).expect("rows").next().expect("one").expect("a row");
        assert!(resolve(&first.folder, "cat/a.jpg").is_ok());
        let spec = Spec { class_labels: ClassLabels::Numbers, ..Spec::new("photos") };
        let source = Source::open(&spec, folder.path()).expect("opens");
        assert_eq!(rows(&source).expect("rows")[1].1[1].1, Value::Int(1));
    }

    #[test]
    fn images_without_classes_have_no_label() {
        for files in [&[("a.jpg", ""), ("b.jpg", "")][..], &[("x/a.jpg", ""), ("x/b.jpg", "")], &[("x/a.jpg", ""), ("b.jpg", "")]] {
            assert_eq!(kinds(&open(&folder(files)).expect("opens")), ["image: image"]);
        }
    }

    #[test]
    fn metadata_gives_the_rows_and_names_the_images() {
        let csv = "file_name,mask_file_name,caption\nimg/1.png,m.png,one\nimg/0.png,m.png,two\n";
        let lines = "{\"mask_file_name\": null, \"file_name\": \"1.png\", \"caption\": \"three\"}\n";
        let folder = folder(&[
            ("test/metadata.csv", csv),
            ("test/img/0.png", ""),
            ("test/img/1.png", ""),
            ("test/m.png", ""),
            ("train/metadata.jsonl", lines),
            ("train/1.png", ""),
        ]);
        let source = open(&folder).expect("opens");
        assert_eq!(kinds(&source), ["image: image", "mask: image", "caption: text"]);
        let rows = rows(&source).expect("rows");
        assert_eq!(
            rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(),
            ["photos/test/metadata.csv:2", "photos/test/metadata.csv:3", "photos/train/metadata.jsonl:1"]
        );
        assert_eq!(rows[0].1[..2], [("image".into(), image("img/1.png")), ("mask".into(), image("m.png"))]);
        let wanted = Wanted { columns: Some(BTreeSet::from(["image".to_owned()])), rows: Some([2].into()) };
        let last = source.rows(&wanted).expect("rows").next().expect("one").expect("a row");
        assert_eq!((last.number, last.cells.as_slice()), (2, &[("image".into(), image("1.png"))][..]));
        assert!(resolve(&last.folder, "1.png").is_ok());
        assert_eq!(source.digests().expect("read").len(), 2);
    }

    #[test]
    fn lists_and_nested_names_are_images_too() {
        let line = "{\"frames_file_names\": [\"0.png\"], \"turns\": [{\"file_name\": \"0.png\", \"text\": \"x\"}]}\n";
        let source = open(&folder(&[("metadata.jsonl", line), ("0.png", "")])).expect("opens");
        assert_eq!(kinds(&source)[0], "frames: list of image");
    }

    #[test]
    fn faults_say_which_row_names_what() {
        let with = |csv: &str| {
            let folder = folder(&[("metadata.csv", csv), ("0.png", "")]);
            open(&folder).and_then(|source| rows(&source)).expect_err("a fault")
        };
        assert_eq!(with("file_name\n0.png\n1.png\n"), "photos/metadata.csv:3: `1.png`: no such file or directory");
        assert!(with("file_name\n../metadata.csv\n").starts_with("photos/metadata.csv:2: `../metadata.csv` climbs out"));
        assert!(with("name\n0.png\n").starts_with("photos/metadata.csv: no column names an image"));
        assert_eq!(with("file_name,file_name\n"), "photos/metadata.csv:1: two columns are named `file_name`");
    }

    #[test]
    fn links_and_pipes_are_not_followed() {
        let folder = folder(&[("a.jpg", "")]);
        let photos = folder.path().join("photos");
        std::os::unix::fs::symlink(&photos, photos.join("loop")).expect("linked");
        let _socket = std::os::unix::net::UnixListener::bind(photos.join("socket.png")).expect("bound");
        assert_eq!(rows(&open(&folder).expect("opens")).expect("rows").len(), 1);
        std::fs::write(folder.path().join("secret.jpg"), "").expect("written");
        std::os::unix::fs::symlink(folder.path().join("secret.jpg"), photos.join("out.jpg")).expect("linked");
        assert!(open(&folder).expect_err("leads out").contains("symbolic link"));
    }
}
