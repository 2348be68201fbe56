//! WebDataset: tar files whose members `key.jpg`, `key.json`, … follow one another and make one row. Links, devices and
//! sparse members hold no data of their own: skipped when nothing wants them, refused when a column does.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::jsonl::{columns_of, parse_value};
use super::path::File;
use super::stream::{Capped, Cells, Chain, Picker, Records};
use super::{Column, Error, Rows, Value, Wanted};
use crate::diagnostic::{self, quoted, reason, sanitised};

/// The largest member that is read.
const MAX_MEMBER_BYTES: u64 = 256 << 20;

/// The most that the headers of one member may take, long names included.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Samples whose fields become the columns.
const FIRST_SAMPLES: usize = 10;

const TAR_BLOCK: u64 = 512;

/// The column that holds the key of a sample, as Hugging Face `datasets` name it.
const KEY: &str = "__key__";

/// Tar files.
#[derive(Debug)]
pub(super) struct Reader {
    files: Vec<File>,
    names: Vec<Arc<str>>,
}

impl Reader {
    pub(super) fn open(files: &[File]) -> Result<(Self, Vec<Column>), Error> {
        let all = Chain::new(files.to_vec(), Picker::new(None), |file| TarRecords::open(file, None));
        let rows = all.take(FIRST_SAMPLES).map(|row| row.map(|row| row.cells)).collect::<Result<Vec<_>, _>>()?;
        let columns = columns_of(&rows);
        if columns.is_empty() {
            return Err(Error::new(files.first().map_or("source", |file| &*file.shown), "no sample is in this tar file"));
        }
        let names = columns.iter().map(|column| Arc::from(column.name.as_str())).collect();
        Ok((Self { files: files.to_vec(), names }, columns))
    }

    pub(super) fn rows(&self, wanted: &Wanted) -> Rows {
        let names: Vec<Arc<str>> =
            self.names.iter().filter(|name| wanted.columns.as_ref().is_none_or(|columns| columns.contains(&***name))).cloned().collect();
        let shape = Shape { names: names.into(), columns: wanted.columns.clone() };
        Box::new(Chain::new(self.files.clone(), Picker::new(wanted.rows.as_ref()), move |file| TarRecords::open(file, Some(shape.clone()))))
    }
}

#[derive(Clone, Debug)]
struct Shape {
    names: Arc<[Arc<str>]>,
    columns: Option<BTreeSet<String>>,
}

/// The samples of one tar file.
struct TarRecords {
    file: File,
    reader: Capped<Box<dyn Read + Send>>,
    shape: Option<Shape>,
    /// The member whose header is read and whose data comes next.
    ahead: Option<Member>,
}

/// One member that belongs to a sample.
struct Member {
    key: String,
    field: String,
    bytes: u64,
    /// Why its data cannot be read.
    fault: Option<&'static str>,
}

impl TarRecords {
    fn open(file: &File, shape: Option<Shape>) -> Result<Self, Error> {
        let reader = Capped { reader: file.unpacked()?, left: 0 };
        let mut records = Self { file: file.clone(), reader, shape, ahead: None };
        records.advance()?;
        Ok(records)
    }

    fn broken(&self, error: &io::Error) -> Error {
        self.file.error(format!("not a whole tar file: {}", reason(error)))
    }

    /// Reads headers up to the next member that belongs to a sample.
    fn advance(&mut self) -> Result<(), Error> {
        self.ahead = None;
        loop {
            let Some(member) = self.header()? else { return Ok(()) };
            match member {
                (Some(member), _) => {
                    self.ahead = Some(member);
                    return Ok(());
                }
                (None, bytes) => self.skip(bytes)?,
            }
        }
    }

    /// The next header: a member that belongs to a sample, or else how many bytes to pass over. `None` at the end.
    ///
    /// The tar crate's iterator borrows its archive, so each member gets an archive of its own, begun at its header.
    fn header(&mut self) -> Result<Option<(Option<Member>, u64)>, Error> {
        self.reader.left = MAX_HEADER_BYTES;
        let mut archive = tar::Archive::new(&mut self.reader);
        let entry = archive.entries().and_then(|mut entries| entries.next().transpose());
        let entry = match entry {
            Ok(None) => return Ok(None),
            Ok(Some(entry)) => entry,
            Err(error) => return Err(self.broken(&error)),
        };
        let kind = entry.header().entry_type();
        let size = entry.size();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let fault = if kind.is_gnu_sparse() {
            // Its data is shorter than its size says.
            return Err(self.file.error(format!("`{}` is a sparse member; repack the tar file without `--sparse`", sanitised(&path))));
        } else if kind.is_file() || kind.is_contiguous() {
            None
        } else if kind.is_hard_link() || kind.is_symlink() {
            Some("a link; repack the tar file with `--dereference --hard-dereference`")
        } else if kind.is_dir() {
            return Ok(Some((None, size)));
        } else {
            Some("a device or a pipe, not a file")
        };
        let member = split(&path).map(|(key, field)| Member { key, field, bytes: size, fault });
        Ok(Some((member, size)))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Error> {
        let padded = bytes.next_multiple_of(TAR_BLOCK);
        self.reader.left = padded;
        let skipped = io::copy(&mut self.reader.by_ref().take(padded), &mut io::sink());
        match skipped {
            Ok(skipped) if skipped >= bytes => Ok(()),
            Ok(_) => Err(self.broken(&io::Error::other("it ends inside of a member"))),
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn read(&mut self, member: &Member) -> Result<Vec<u8>, Error> {
        let place = self.place(member);
        if let Some(fault) = member.fault {
            return Err(Error::new(place, fault));
        } else if member.bytes > MAX_MEMBER_BYTES {
            let size = (diagnostic::bytes(member.bytes), diagnostic::bytes(MAX_MEMBER_BYTES));
            return Err(Error::new(place, format!("it has {}; the limit is {}", size.0, size.1)));
        }
        self.reader.left = member.bytes;
        let mut data = Vec::new();
        let read = self.reader.by_ref().take(member.bytes).read_to_end(&mut data);
        match read {
            Ok(count) if count as u64 == member.bytes => {}
            Ok(_) => return Err(self.broken(&io::Error::other("it ends inside of a member"))),
            Err(error) => return Err(self.broken(&error)),
        }
        let padding = member.bytes.next_multiple_of(TAR_BLOCK) - member.bytes;
        self.reader.left = padding;
        io::copy(&mut self.reader.by_ref().take(padding), &mut io::sink()).map_err(|error| self.broken(&error))?;
        Ok(data)
    }

    fn place(&self, member: &Member) -> String {
        format!("{}: {}.{}", self.file.shown, sanitised(&member.key), sanitised(&member.field))
    }

    fn is_wanted(&self, column: &str) -> bool {
        self.shape.as_ref().and_then(|shape| shape.columns.as_ref()).is_none_or(|columns| columns.contains(column))
    }

    fn lay_out(&self, mut found: Cells) -> Cells {
        let Some(shape) = &self.shape else { return found };
        let mut row: Cells = Vec::with_capacity(shape.names.len());
        for name in shape.names.iter() {
            let cell = found.iter_mut().find(|(known, _)| known == name);
            row.push((Arc::clone(name), cell.map_or(Value::Null, |(_, value)| std::mem::replace(value, Value::Null))));
        }
        row.extend(found.into_iter().filter(|(name, _)| !shape.names.contains(name)));
        row
    }
}

impl Records for TarRecords {
    fn folder(&self) -> Arc<Path> {
        self.file.folder()
    }

    fn next(&mut self, is_wanted: bool) -> Result<Option<(String, Cells)>, Error> {
        let Some(first) = &self.ahead else { return Ok(None) };
        let key = first.key.clone();
        let place = format!("{}: {}", self.file.shown, sanitised(&key));
        let mut fields = BTreeSet::new();
        let mut cells = Vec::new();
        if is_wanted && self.is_wanted(KEY) {
            cells.push((Arc::from(KEY), Value::String(Arc::from(key.as_str()))));
        }
        while let Some(member) = self.ahead.take_if(|member| member.key == key) {
            if !fields.insert(member.field.clone()) {
                return Err(Error::new(place, format!("the field {} stands twice in this sample", quoted(&member.field))));
            }
            if is_wanted && self.is_wanted(&member.field) {
                let data = self.read(&member)?;
                let value = value_of(&member.field, data).map_err(|message| Error::new(self.place(&member), message))?;
                cells.push((Arc::from(member.field.as_str()), value));
            } else {
                self.skip(member.bytes)?;
            }
            self.advance()?;
        }
        Ok(Some((place, self.lay_out(cells))))
    }
}

/// Key and field of a member: the base name is cut at its first dot. `None` for what belongs to no sample.
fn split(path: &str) -> Option<(String, String)> {
    let base = path.rfind('/').map_or(0, |at| at + 1);
    let dot = base + path.get(base..)?.find('.')?;
    let (key, field) = (path.get(..dot)?, path.get(dot + 1..)?);
    (dot > base && !field.is_empty()).then(|| (key.strip_prefix("./").unwrap_or(key).to_owned(), field.to_lowercase()))
}

/// The value of a member by the last extension of its field, as Hugging Face `datasets` decode them; bytes when it is none of these.
fn value_of(field: &str, data: Vec<u8>) -> Result<Value, String> {
    let text = |data: Vec<u8>| String::from_utf8(data).map_err(|_| "not UTF-8".to_owned());
    Ok(match field.rsplit('.').next().unwrap_or(field) {
        "jpg" | "jpeg" | "png" | "webp" | "gif" | "bmp" | "tif" | "tiff" | "ppm" | "pgm" | "pbm" | "pnm" => {
            Value::Image { bytes: Some(Bytes::from(data)), path: None }
        }
        "json" => parse_value(&data).map_err(|(message, offset)| format!("byte {offset}: {message}"))?,
        "txt" | "text" | "caption" | "transcript" => Value::String(Arc::from(text(data)?)),
        "cls" | "cls2" | "class" | "count" | "index" | "inx" | "id" => {
            let text = text(data)?;
            let number = text.trim().parse();
            Value::Int(number.map_err(|_| format!("{} is no whole number", quoted(text.trim())))?)
        }
        _ => Value::Bytes(Bytes::from(data)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Source, Spec};
    use super::*;

    fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, data) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, path, *data).expect("appended");
        }
        builder.into_inner().expect("finished")
    }

    fn open(content: &[u8]) -> Result<(tempfile::TempDir, Source), String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.tar"), content).expect("written");
        let source = Source::open(&Spec::new("a.tar"), folder.path()).map_err(|error| error.to_string())?;
        Ok((folder, source))
    }

    fn fault(content: &[u8]) -> String {
        match open(content) {
            Err(message) => message,
            Ok((_folder, source)) => {
                let mut rows = source.rows(&Wanted::default()).expect("rows");
                rows.find_map(Result::err).map(|error| error.to_string()).unwrap_or_default()
            }
        }
    }

    const SAMPLES: &[(&str, &[u8])] = &[
        ("./d/0.JPG", b"jpeg"),
        ("./d/0.json", b"{\"a\": [1]}"),
        ("./d/0.cls", b"3\n"),
        (".DS_Store", b"junk"),
        ("README", b"no sample"),
        ("./d/1.cam.png", b"png"),
        ("./d/1.txt", "é".as_bytes()),
        ("./d/1.npy", b"\x93NUMPY"),
    ];

    #[test]
    fn members_of_one_key_are_one_row() {
        let (_folder, source) = open(&tar(SAMPLES)).expect("opens");
        let kinds: Vec<_> = source.columns().iter().map(|column| format!("{}: {}", column.name, column.kind)).collect();
        assert_eq!(kinds, ["__key__: text", "jpg: image", "json: object (a)", "cls: integer", "cam.png: image", "txt: text", "npy: bytes"]);
        let rows: Vec<_> = source.rows(&Wanted::default()).expect("rows").map(|row| row.expect("a row")).collect();
        assert_eq!((rows.len(), rows[0].place.as_str()), (2, "a.tar: d/0"));
        assert_eq!(rows[0].get("jpg"), Some(&Value::Image { bytes: Some(Bytes::from_static(b"jpeg")), path: None }));
        assert_eq!(rows[0].get("json"), Some(&Value::Object(vec![("a".into(), Value::List(vec![Value::Int(1)]))])));
        assert_eq!((rows[0].get("cls"), rows[0].get("txt")), (Some(&Value::Int(3)), Some(&Value::Null)));
        assert_eq!((rows[1].get("__key__"), rows[1].get("txt")), (Some(&Value::String("d/1".into())), Some(&Value::String("é".into()))));
        let wanted = Wanted { columns: Some(BTreeSet::from(["npy".to_owned()])), rows: Some([1].into()) };
        let rows: Vec<_> = source.rows(&wanted).expect("rows").map(|row| row.expect("a row")).collect();
        assert_eq!((rows.len(), rows[0].number), (1, 1));
        assert_eq!(rows[0].cells, [("npy".into(), Value::Bytes(Bytes::from_static(b"\x93NUMPY")))]);
    }

    #[test]
    fn long_names_are_read() {
        let long = format!("{}/0.txt", "x".repeat(300));
        let (_folder, source) = open(&tar(&[(&long, b"text")])).expect("opens");
        let row = source.rows(&Wanted::default()).expect("rows").next().expect("one").expect("valid");
        assert_eq!(row.get("txt"), Some(&Value::String("text".into())));
    }

    #[test]
    fn faults_name_the_member() {
        assert_eq!(fault(&tar(&[("0.txt", b"a"), ("0.TXT", b"b")])), "a.tar: 0: the field `txt` stands twice in this sample");
        assert_eq!(fault(&tar(&[("0.cls", b"cat")])), "a.tar: 0.cls: `cat` is no whole number");
        assert!(fault(&tar(&[("0.json", b"{'a': 1}")])).starts_with("a.tar: 0.json: byte 1: single quotes"));
        assert!(fault(&tar(SAMPLES)[..1_300]).contains("not a whole tar file"));
        assert!(fault(&[b'x'; 2_000]).contains("not a whole tar file"));
        assert!(fault(&tar(&[])).contains("no sample"));
    }

    #[test]
    fn links_are_refused_only_where_they_are_wanted() {
        let mut builder = tar::Builder::new(tar(&[("0.txt", b"a")])[..1_024].to_vec());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "0.jpg", "/etc/passwd").expect("appended");
        let content = builder.into_inner().expect("finished");
        assert!(fault(&content).starts_with("a.tar: 0.jpg: a link; repack"), "{}", fault(&content));
    }

    #[test]
    fn gzipped_tar_files_are_unpacked() {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&tar(SAMPLES)).expect("packed");
        let (_folder, source) = open(&packer.finish().expect("packed")).expect("opens");
        assert_eq!(source.rows(&Wanted::default()).expect("rows").count(), 2);
    }
}
