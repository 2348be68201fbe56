//! Where rows come from. Each kind of source is one file; all of them stream, may be read several times, and hold no more
//! than a batch of rows at once. What a source's data may name on disk is decided in `path.rs`.

mod csv;
mod image_folder;
mod jsonl;
mod parquet;
mod path;
mod stream;
mod webdataset;

pub use path::{read_image, resolve};

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use self::path::{File, Found};
use super::row::{Row, Value};
use crate::diagnostic::{nearest, quoted};

/// A column of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds, for people: `text`, `integer`, `image`, `list of text`, `class label (cat, dog)`, `object (role, content)`.
    pub kind: String,
}

/// Why a source cannot be opened or read on.
#[derive(Debug)]
pub struct Error {
    /// The file, with the row or line where one is known: `train.csv:14`.
    pub place: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Error {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for Error {}

/// Rows, one after the other. Nothing follows an error.
pub type Rows = Box<dyn Iterator<Item = Result<Row, Error>> + Send>;

/// What of a source is wanted: what is left out need not be read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only these columns; all when `None`.
    pub columns: Option<BTreeSet<String>>,
    /// Only these rows, ascending; all when `None`.
    pub rows: Option<std::sync::Arc<[u64]>>,
}

/// The kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Parquet, as Hugging Face `datasets` and others write it.
    Parquet,
    /// CSV or TSV, plain, `.gz` or `.zst`.
    Csv,
    /// One JSON object per line, or one JSON array of objects; plain, `.gz` or `.zst`.
    Jsonl,
    /// A folder of images, with `metadata.csv`, `.jsonl` or `.parquet` or a folder for each class.
    ImageFolder,
    /// WebDataset tar files.
    Webdataset,
}

impl Kind {
    /// Its name in recipes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::ImageFolder => "image-folder",
            Self::Webdataset => "webdataset",
        }
    }
}

/// What stands for a class label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassLabels {
    /// Its name.
    #[default]
    Names,
    /// Its number.
    Numbers,
}

/// A source as a recipe writes it down.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Files, folders, or globs such as `data/train-*.parquet`, seen from the recipe's folder; read in the order of their paths.
    #[serde(alias = "paths", deserialize_with = "one_or_many")]
    #[schemars(with = "OneOrMany")]
    pub path: Vec<String>,
    /// What they are; told by their content and their names when left out.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// What stands between two cells of a CSV file; told by its first line when left out.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// Whether the first line of a CSV file names the columns; if not, they are `column_1`, `column_2` and so on.
    #[serde(default = "yes")]
    pub header: bool,
    /// What stands for a class label: its name or its number.
    #[serde(default)]
    pub class_labels: ClassLabels,
}

impl Spec {
    /// The source at `path`, all else as it is when left out.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: vec![path.into()], kind: None, delimiter: None, header: true, class_labels: ClassLabels::Names }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(path) => vec![path],
        OneOrMany::Many(paths) => paths,
    })
}

fn yes() -> bool {
    true
}

/// A file that was read, for the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Its path, seen from the recipe's folder.
    pub path: String,
    /// Its size as it lies on disk.
    pub bytes: u64,
    /// SHA-256 of its bytes in hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

/// An open source.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    files: Vec<File>,
    columns: Vec<Column>,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Parquet(parquet::Reader),
    Csv(csv::Reader),
    Jsonl(jsonl::Reader),
    ImageFolder(image_folder::Reader),
    Webdataset(webdataset::Reader),
}

impl Source {
    /// Opens the source that `spec` names, its paths seen from `base`. Reads headers, footers and first rows.
    ///
    /// # Errors
    ///
    /// When nothing is there, its kind cannot be told, or it is not what it is said to be.
    pub fn open(spec: &Spec, base: &Path) -> Result<Self, Error> {
        let found = path::find(&spec.path, base)?;
        let kind = spec.kind.map_or_else(|| path::guess(&found), Ok)?;
        let files = if kind == Kind::ImageFolder { only_folders(found)? } else { path::data_files(found, kind)? };
        Self::of_files(kind, files, spec)
    }

    fn of_files(kind: Kind, files: Vec<File>, spec: &Spec) -> Result<Self, Error> {
        let (reader, columns) = match kind {
            Kind::Parquet => parquet::Reader::open(&files, spec).map(|(reader, columns)| (Reader::Parquet(reader), columns)),
            Kind::Csv => csv::Reader::open(&files, spec).map(|(reader, columns)| (Reader::Csv(reader), columns)),
            Kind::Jsonl => jsonl::Reader::open(&files).map(|(reader, columns)| (Reader::Jsonl(reader), columns)),
            Kind::ImageFolder => image_folder::Reader::open(&files, spec).map(|(reader, columns)| (Reader::ImageFolder(reader), columns)),
            Kind::Webdataset => webdataset::Reader::open(&files).map(|(reader, columns)| (Reader::Webdataset(reader), columns)),
        }?;
        Ok(Self { kind, files, columns, reader })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its columns. Of JSON and tar files, those of the first rows.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are, where that is known without reading them.
    pub fn count(&self) -> Option<u64> {
        match &self.reader {
            Reader::Parquet(reader) => Some(reader.count()),
            Reader::ImageFolder(reader) => reader.count(),
            Reader::Csv(_) | Reader::Jsonl(_) | Reader::Webdataset(_) => None,
        }
    }

    /// Reads it from its beginning.
    ///
    /// # Errors
    ///
    /// When a wanted column is not there, with the columns that are; when a file cannot be opened.
    pub fn rows(&self, wanted: &Wanted) -> Result<Rows, Error> {
        for name in wanted.columns.iter().flatten() {
            self.column(name)?;
        }
        match &self.reader {
            Reader::Parquet(reader) => reader.rows(wanted),
            Reader::Csv(reader) => Ok(reader.rows(wanted)),
            Reader::Jsonl(reader) => Ok(reader.rows(wanted)),
            Reader::ImageFolder(reader) => reader.rows(wanted),
            Reader::Webdataset(reader) => Ok(reader.rows(wanted)),
        }
    }

    /// The files that rows are read from, images in folders aside, each read once through.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub fn digests(&self) -> Result<Vec<Digest>, Error> {
        match &self.reader {
            Reader::ImageFolder(reader) => reader.metadata_files().iter().map(path::digest).collect(),
            _ => self.files.iter().map(path::digest).collect(),
        }
    }

    fn column(&self, name: &str) -> Result<&Column, Error> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let names = || self.columns.iter().map(|column| column.name.as_str());
            let hint = nearest(name, names()).map(|near| format!("; did you mean {}?", quoted(near))).unwrap_or_default();
            let all: Vec<String> = names().map(quoted).collect();
            let place = self.files.first().map(|file| file.shown.to_string()).unwrap_or_default();
            Error::new(place, format!("there is no column {}{hint} (columns: {})", quoted(name), all.join(", ")))
        })
    }
}

fn only_folders(found: Vec<Found>) -> Result<Vec<File>, Error> {
    found
        .into_iter()
        .map(|found| match found {
            Found::Folder(folder) => Ok(folder),
            Found::File(file) => Err(Error::new(&*file.shown, "a file; an image folder is a folder")),
        })
        .collect()
}

/// What a value is, in the words of [`Column::kind`].
fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Int(_) | Value::UInt(_) => "integer".to_owned(),
        Value::Float(_) => "number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Bytes(_) => "bytes".to_owned(),
        Value::List(items) => match items.iter().find(|item| **item != Value::Null) {
            Some(item) => format!("list of {}", kind_of(item)),
            None => "list".to_owned(),
        },
        Value::Object(members) => {
            let keys: Vec<&str> = members.iter().map(|(key, _)| &**key).collect();
            format!("object ({})", keys.join(", "))
        }
        Value::Image { .. } => "image".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        folder
    }

    #[test]
    fn an_unknown_column_is_named_with_those_there_are() {
        let folder = folder(&[("a.csv", "question,answer\nq,a\n")]);
        let source = Source::open(&Spec::new("a.csv"), folder.path()).expect("opens");
        let wanted = Wanted { columns: Some(BTreeSet::from(["questoin".to_owned()])), rows: None };
        let error = source.rows(&wanted).err().expect("no such column").to_string();
        assert_eq!(error, "a.csv: there is no column `questoin`; did you mean `question`? (columns: `question`, `answer`)");
    }

    #[test]
    fn a_spec_is_read_from_toml() {
        let spec: Spec =
            toml::from_str("path = \"a/*.csv\"\nkind = \"csv\"\ndelimiter = \";\"\nclass_labels = \"numbers\"").expect("valid");
        assert_eq!((spec.path, spec.kind, spec.header), (vec!["a/*.csv".to_owned()], Some(Kind::Csv), true));
        let spec: Spec = toml::from_str("paths = [\"a\", \"b\"]\nkind = \"image-folder\"").expect("valid");
        assert_eq!((spec.path.len(), spec.kind), (2, Some(Kind::ImageFolder)));
        assert!(toml::from_str::<Spec>("path = \"a\"\nkinds = \"csv\"").is_err());
    }

    #[test]
    fn shards_are_read_in_order_and_picked_by_their_number() {
        let folder = folder(&[("d/part-1.jsonl", "{\"a\": 2}\n"), ("d/part-0.jsonl", "{\"a\": 0}\n\n{\"a\": 1}\n"), ("d/other.txt", "x")]);
        for path in ["d/part-*.jsonl", "d"] {
            let source = Source::open(&Spec::new(path), folder.path()).expect("opens");
            let places = |wanted: &Wanted| -> Vec<(u64, String)> {
                source.rows(wanted).expect("rows").map(|row| row.expect("a row")).map(|row| (row.number, row.place)).collect()
            };
            let at = |number, place: &str| (number, place.to_owned());
            assert_eq!(places(&Wanted::default()), [at(0, "d/part-0.jsonl:1"), at(1, "d/part-0.jsonl:3"), at(2, "d/part-1.jsonl:1")]);
            let some = Wanted { columns: None, rows: Some([0, 2].into()) };
            assert_eq!(places(&some), [at(0, "d/part-0.jsonl:1"), at(2, "d/part-1.jsonl:1")]);
        }
    }

    #[test]
    fn files_have_the_digest_that_sha256sum_prints() {
        let folder = folder(&[("a.csv", "abc")]);
        let source = Source::open(&Spec::new("a.csv"), folder.path()).expect("opens");
        let digest = source.digests().expect("read").remove(0);
        assert_eq!((digest.path.as_str(), digest.bytes), ("a.csv", 3));
        assert_eq!(digest.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
