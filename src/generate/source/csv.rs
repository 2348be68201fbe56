//! CSV and TSV: UTF-8, a header, cells that are text. What is ragged, badly encoded or named twice is refused, not mended.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use ::csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::path::{File, extension};
use super::stream::{Cells, Chain, MAX_RECORD_BYTES, Picker, Records, too_long};
use super::{Column, Error, Rows, Spec, Value, Wanted};
use crate::diagnostic::{bytes, count, quoted};

/// Bytes of the first line that are looked at for a delimiter.
const FIRST_LINE: u64 = 1 << 16;

/// CSV files with the same columns.
#[derive(Debug)]
pub(super) struct Reader {
    files: Vec<File>,
    names: Vec<Arc<str>>,
    options: Options,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    delimiter: Option<u8>,
    header: bool,
}

impl Reader {
    pub(super) fn open(files: &[File], spec: &Spec) -> Result<(Self, Vec<Column>), Error> {
        let delimiter = match spec.delimiter.map(u8::try_from) {
            None => None,
            Some(Ok(byte)) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Some(byte),
            Some(_) => return Err(Error::new("delimiter", "one ASCII character is wanted, such as `,`, `;` or a tab")),
        };
        let options = Options { delimiter, header: spec.header };
        let mut names: Option<Vec<Arc<str>>> = None;
        for file in files {
            let own = CsvRecords::open(file, options)?.names(options)?;
            match &names {
                None => names = Some(own),
                Some(names) if *names == own => {}
                Some(names) => {
                    return Err(file.error(format!("its columns are {}, those of the first file {}", list(&own), list(names))));
                }
            }
        }
        let names = names.unwrap_or_default();
        let columns = names.iter().map(|name| Column { name: name.to_string(), kind: "text".to_owned() }).collect();
        Ok((Self { files: files.to_vec(), names, options }, columns))
    }

    pub(super) fn rows(&self, wanted: &Wanted) -> Rows {
        let (options, width) = (self.options, self.names.len());
        let is_wanted = |name: &Arc<str>| wanted.columns.as_ref().is_none_or(|columns| columns.contains(&**name));
        let chosen: Vec<(usize, Arc<str>)> = self.names.iter().cloned().enumerate().filter(|(_, name)| is_wanted(name)).collect();
        Box::new(Chain::new(self.files.clone(), Picker::new(wanted.rows.as_ref()), move |file| {
            let mut records = CsvRecords::open(file, options)?;
            if options.header {
                records.read()?;
            }
            records.width = Some(width);
            records.chosen.clone_from(&chosen);
            Ok(records)
        }))
    }
}

fn list(names: &[Arc<str>]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

struct CsvRecords {
    file: File,
    reader: ::csv::Reader<Lines>,
    record: ByteRecord,
    width: Option<usize>,
    chosen: Vec<(usize, Arc<str>)>,
}

impl CsvRecords {
    fn open(file: &File, options: Options) -> Result<Self, Error> {
        let mut text = BufReader::with_capacity(1 << 16, file.text()?);
        let mut first = Vec::new();
        text.by_ref().take(FIRST_LINE).read_until(b'\n', &mut first).map_err(|error| file.io_error(&error))?;
        let delimiter = options.delimiter.unwrap_or_else(|| guess_delimiter(&first, &file.path));
        let reader: Box<dyn BufRead + Send> = Box::new(Cursor::new(first).chain(text));
        let lines = Lines { reader, left: 0, line: 0, at_start: true, quotes: 0, ended: false };
        // Ragged rows are looked for here: the crate's own check does not know the header of another file.
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(lines);
        Ok(Self { file: file.clone(), reader, record: ByteRecord::new(), width: None, chosen: Vec::new() })
    }

    /// Reads the next record; false behind the last one.
    fn read(&mut self) -> Result<bool, Error> {
        let lines = self.reader.get_mut();
        (lines.left, lines.quotes) = (MAX_RECORD_BYTES, 0);
        let from = lines.line + 1;
        let place = || format!("{}:{from}", self.file.shown);
        let is_there = self.reader.read_byte_record(&mut self.record).map_err(|error| match error.kind() {
            ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                let limit = bytes(MAX_RECORD_BYTES);
                Error::new(place(), format!("this row has more than {limit}; is a quote opened and never closed?"))
            }
            ErrorKind::Io(error) => self.file.io_error(error),
            _ => Error::new(place(), error.to_string()),
        })?;
        let lines = self.reader.get_ref();
        if is_there && lines.ended && lines.quotes % 2 == 1 && self.breaks() > 0 {
            return Err(Error::new(place(), "a quote is opened in this row and never closed"));
        }
        Ok(is_there)
    }

    /// Line breaks within the cells of the record.
    fn breaks(&self) -> u64 {
        self.record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64
    }

    /// The line on which the record begins. The crate's own number is that of a blank line before it.
    fn line(&self) -> u64 {
        self.reader.get_ref().line.saturating_sub(self.breaks()).max(1)
    }

    fn place(&self) -> String {
        format!("{}:{}", self.file.shown, self.line())
    }

    fn names(&mut self, options: Options) -> Result<Vec<Arc<str>>, Error> {
        if !self.read()? {
            return Err(self.file.error("this file is empty; a line with the names of the columns is wanted"));
        }
        if !options.header {
            return Ok((1..=self.record.len()).map(|number| Arc::from(format!("column_{number}"))).collect());
        }
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for index in 0..self.record.len() {
            let name = self.cell(index, "the header")?;
            if name.trim().is_empty() {
                return Err(Error::new(self.place(), format!("column {} has no name", index + 1)));
            } else if !seen.insert(name.clone()) {
                return Err(Error::new(self.place(), format!("two columns are named {}", quoted(&name))));
            }
            names.push(name);
        }
        Ok(names)
    }

    fn cell(&self, index: usize, column: &str) -> Result<Arc<str>, Error> {
        let cell = self.record.get(index).unwrap_or_default();
        std::str::from_utf8(cell).map(Arc::from).map_err(|error| {
            let byte = cell.get(error.valid_up_to()).copied().unwrap_or_default();
            let message = format!(
                "not UTF-8 (byte 0x{byte:02x} in {column}); if it is Windows-1252, `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW` converts it"
            );
            Error::new(self.place(), message)
        })
    }
}

impl Records for CsvRecords {
    fn folder(&self) -> Arc<Path> {
        self.file.folder()
    }

    fn next(&mut self, is_wanted: bool) -> Result<Option<(String, Cells)>, Error> {
        if !self.read()? {
            return Ok(None);
        }
        let (found, width) = (self.record.len(), self.width.unwrap_or(self.record.len()));
        if found != width {
            let message = format!("this row has {}; the header has {}", count(found as u64, "cell"), count(width as u64, "column"));
            return Err(Error::new(self.place(), message));
        }
        if !is_wanted {
            return Ok(Some(Default::default()));
        }
        let cells = self.chosen.iter().map(|(index, name)| {
            let text = self.cell(*index, &quoted(name))?;
            Ok((Arc::clone(name), Value::String(text)))
        });
        Ok(Some((self.place(), cells.collect::<Result<_, _>>()?)))
    }
}

/// A reader that hands out no more than one line at a time, so that what was handed out last is where a record ends.
struct Lines {
    reader: Box<dyn BufRead + Send>,
    /// Bytes that may still be read.
    left: u64,
    /// The number of the line that was handed out last, from 1.
    line: u64,
    at_start: bool,
    quotes: u64,
    ended: bool,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.reader.fill_buf()?;
        let end = memchr::memchr(b'\n', available).map_or(available.len(), |at| at + 1).min(buffer.len());
        let Some(line) = available.get(..end).filter(|line| !line.is_empty()) else {
            self.ended = true;
            return Ok(0);
        };
        if let Some(to) = buffer.get_mut(..end) {
            to.copy_from_slice(line);
        }
        self.left = self.left.checked_sub(end as u64).ok_or_else(too_long)?;
        self.line += u64::from(self.at_start);
        self.quotes += memchr::memchr_iter(b'"', line).count() as u64;
        self.at_start = line.ends_with(b"\n");
        self.reader.consume(end);
        Ok(end)
    }
}

/// A tab for `.tsv`; otherwise the separator that stands most often in the first line, outside of quotes.
fn guess_delimiter(first: &[u8], path: &Path) -> u8 {
    if extension(path) == "tsv" {
        return b'\t';
    }
    let mut is_quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for &byte in first {
        is_quoted ^= byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!is_quoted && byte == *delimiter);
        }
    }
    // The first of the best, so that a header of one column reads as CSV.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn read(name: &str, content: &[u8], spec: Spec) -> Result<Vec<(String, Vec<String>)>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(name), content).expect("written");
        let source = Source::open(&Spec { path: vec![name.to_owned()], ..spec }, folder.path()).map_err(|error| error.to_string())?;
        let rows = source.rows(&Wanted::default()).map_err(|error| error.to_string())?;
        rows.map(|row| {
            let row = row.map_err(|error| error.to_string())?;
            let cells = row.cells.into_iter().map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => panic!("{other:?}"),
            });
            Ok((row.place, cells.collect()))
        })
        .collect()
    }

    fn rows(name: &str, content: &str) -> Vec<(String, Vec<String>)> {
        read(name, content.as_bytes(), Spec::new("")).expect("valid")
    }

    fn fault(content: &[u8]) -> String {
        read("a.csv", content, Spec::new("")).expect_err("a fault")
    }

    #[test]
    fn cells_are_text_at_their_true_line() {
        let content = "\u{feff}q,a\r\n\"two\r\nlines, \"\"quoted\"\"\",\r\n\r\n1,é\r\n";
        let expected = [
            ("a.csv:2".to_owned(), vec!["q=two\r\nlines, \"quoted\"".to_owned(), "a=".to_owned()]),
            ("a.csv:5".to_owned(), vec!["q=1".to_owned(), "a=é".to_owned()]),
        ];
        assert_eq!(rows("a.csv", content), expected);
    }

    #[test]
    fn delimiters_are_guessed_by_name_and_header() {
        for (name, content) in
            [("a.csv", "q;a\n1,5;2\n"), ("a.csv", "q\ta\n1,5\t2\n"), ("a.tsv", "q\ta\n1,5\t2\n"), ("a.csv", "\"q\"|a\n1,5|2\n")]
        {
            assert_eq!(rows(name, content), [(format!("{name}:2"), vec!["q=1,5".to_owned(), "a=2".to_owned()])], "{content}");
        }
        assert_eq!(rows("a.csv", "q\nx\n"), [("a.csv:2".to_owned(), vec!["q=x".to_owned()])]);
        let spec = Spec { delimiter: Some(':'), header: false, kind: Some(super::super::Kind::Csv), ..Spec::new("") };
        let bare = read("a", b"1,5:2\n", spec).expect("valid");
        assert_eq!(bare, [("a:1".to_owned(), vec!["column_1=1,5".to_owned(), "column_2=2".to_owned()])]);
    }

    #[test]
    fn faults_say_where_and_what_would_be_right() {
        assert_eq!(fault(b"a,b\n1,2\n\"x\ny\",2\n1\n"), "a.csv:5: this row has 1 cell; the header has 2 columns");
        assert_eq!(fault(b"a,b\n1,2,3\n"), "a.csv:2: this row has 3 cells; the header has 2 columns");
        assert_eq!(fault(b"a,b,a\n"), "a.csv:1: two columns are named `a`");
        assert_eq!(fault(b"a,,b\n"), "a.csv:1: column 2 has no name");
        assert!(fault(b"").contains("empty"));
        assert_eq!(fault(b"a,b\n1,\"x\n2,y\n3,z\n"), "a.csv:2: a quote is opened in this row and never closed");
        assert!(fault(b"a,b\n1,caf\xe9\n").starts_with("a.csv:2: not UTF-8 (byte 0xe9 in `b`); if it is Windows-1252"));
        assert!(fault(b"\xff\xfea\0,\0b\0").contains("UTF-16"));
        assert!(fault(b"a\0,\0b\0\n\0").contains("UTF-16"));
        assert!(fault(b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull"));
    }

    #[test]
    fn packed_files_are_unpacked() {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"q,a\n1,2\n").expect("packed");
        let packed = packer.finish().expect("packed");
        assert_eq!(read("a.csv.gz", &packed, Spec::new("")).expect("valid").len(), 1);
        assert!(read("a.csv.gz", &packed[..packed.len() - 9], Spec::new("")).is_err());
    }

    #[test]
    fn files_of_one_source_have_the_same_columns() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.csv"), "q,a\n").expect("written");
        std::fs::write(folder.path().join("b.csv"), "q,b\n").expect("written");
        let error = Source::open(&Spec::new("*.csv"), folder.path()).expect_err("differ").to_string();
        assert_eq!(error, "b.csv: its columns are `q`, `b`, those of the first file `q`, `a`");
    }
}
