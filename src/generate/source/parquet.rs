//! Parquet, by way of the crate's column readers: rows are put together here, since its own row reader knows neither images
//! nor features and its Arrow reader costs three times the build. Row groups and pages without a wanted row are passed over.
//!
//! The crate may panic on files that are broken on purpose: every call into it stands in [`guarded`].

mod leaf;
mod page;
mod schema;

use std::collections::BTreeSet;
use std::fs;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use ::parquet::column::reader::get_column_reader;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use ::parquet::file::reader::{ChunkReader, Length};
use ::parquet::file::serialized_reader::SerializedPageReader;
use bytes::Bytes;
use serde_json::Value as Json;

use self::leaf::{Values, values};
use self::page::Pages;
use self::schema::{Node, Shape};
use super::path::File;
use super::stream::{Cells, Picker};
use super::{ClassLabels, Column, Error, Row, Rows, Spec, Value, Wanted};
use crate::diagnostic::quoted;

/// Bytes of wanted columns that are taken into memory at once, beside the pages they stand in.
const BATCH_BYTES: u64 = 4 << 20;

/// The most rows that are taken at once.
const BATCH_ROWS: u64 = 512;

/// Parquet files with the same columns.
#[derive(Debug)]
pub(super) struct Reader {
    files: Vec<Shard>,
    labels: ClassLabels,
}

/// A file and its number of rows.
#[derive(Clone, Debug)]
struct Shard {
    file: File,
    rows: u64,
}

impl Reader {
    pub(super) fn open(files: &[File], spec: &Spec) -> Result<(Self, Vec<Column>), Error> {
        let mut first: Option<Vec<Column>> = None;
        let mut shards = Vec::new();
        for file in files {
            let opened = Opened::new(file, spec.class_labels, PageIndexPolicy::Skip)?;
            let own: Vec<Column> = opened.columns.iter().map(|node| Column { name: node.name.to_string(), kind: node.kind() }).collect();
            match &first {
                None => first = Some(own),
                Some(first) => same_columns(file, first, &own)?,
            }
            shards.push(Shard { file: file.clone(), rows: opened.rows });
        }
        Ok((Self { files: shards, labels: spec.class_labels }, first.unwrap_or_default()))
    }

    pub(super) fn count(&self) -> u64 {
        self.files.iter().map(|shard| shard.rows).sum()
    }

    pub(super) fn rows(&self, wanted: &Wanted) -> Result<Rows, Error> {
        let mut rows = ParquetRows {
            shards: self.files.clone().into_iter(),
            labels: self.labels,
            columns: wanted.columns.clone(),
            has_gaps: wanted.rows.is_some(),
            picker: Picker::new(wanted.rows.as_ref()),
            number: 0,
            current: None,
            ready: Vec::new().into_iter(),
        };
        // What cannot be read at all is told at once.
        rows.advance()?;
        Ok(Box::new(rows))
    }
}

fn same_columns(file: &File, first: &[Column], own: &[Column]) -> Result<(), Error> {
    for column in first {
        match own.iter().find(|other| other.name == column.name) {
            None => return Err(file.error(format!("it has no column {}, which the first file has", quoted(&column.name)))),
            Some(other) if other.kind != column.kind && other.kind != "null" && column.kind != "null" => {
                let message = format!("its column {} is {}, that of the first file {}", quoted(&column.name), other.kind, column.kind);
                return Err(file.error(message));
            }
            Some(_) => {}
        }
    }
    match own.iter().find(|column| first.iter().all(|other| other.name != column.name)) {
        Some(column) => Err(file.error(format!("it has a column {}, which the first file has not", quoted(&column.name)))),
        None => Ok(()),
    }
}

/// Calls into the parquet crate. Its panics are errors of the file.
fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("not a whole Parquet file: {}", reason(&error))),
        Err(_) => Err("not a whole Parquet file: its parts contradict one another".to_owned()),
    }
}

fn reason(error: &ParquetError) -> String {
    let text = match error {
        ParquetError::General(text) | ParquetError::EOF(text) => text.clone(),
        ParquetError::NYI(text) => format!("not supported: {text}"),
        other => other.to_string(),
    };
    crate::diagnostic::sanitised(text.trim()).into_owned()
}

/// A file from which no more is asked for than it holds: a page may claim to have gigabytes.
struct Chunks {
    file: fs::File,
    length: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<fs::File>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes are wanted at {start}, the file has {}", self.length)));
        }
        self.file.get_bytes(start, length)
    }
}

/// A file whose footer is read.
struct Opened {
    file: File,
    chunks: Arc<Chunks>,
    metadata: ParquetMetaData,
    columns: Vec<Node>,
    rows: u64,
}

impl Opened {
    fn new(file: &File, labels: ClassLabels, index: PageIndexPolicy) -> Result<Self, Error> {
        let opened = file.open()?;
        let length = opened.metadata().map_err(|error| file.io_error(&error))?.len();
        let chunks = Arc::new(Chunks { file: opened, length });
        let read = || ParquetMetaDataReader::new().with_offset_index_policy(index).parse_and_finish(&*chunks);
        let metadata = guarded(read).map_err(|message| file.error(message))?;
        let features = features(&metadata);
        let columns = schema::columns(metadata.file_metadata().schema_descr(), features.as_ref(), labels)
            .map_err(|message| file.error(format!("not a whole Parquet file: {message}")))?;
        let mut names = BTreeSet::new();
        if let Some(twice) = columns.iter().find(|node| !names.insert(&node.name)) {
            return Err(file.error(format!("two columns are named {}", quoted(&twice.name))));
        }
        let count = |rows: i64| u64::try_from(rows).map_err(|_| file.error("not a whole Parquet file: a negative number of rows"));
        let mut rows = 0;
        for group in metadata.row_groups() {
            rows += count(group.num_rows())?;
        }
        Ok(Self { file: file.clone(), chunks, metadata, columns, rows })
    }

    /// The columns that are wanted.
    fn nodes(&self, columns: Option<&BTreeSet<String>>) -> Result<Arc<[Node]>, Error> {
        let wanted = |node: &&Node| columns.is_none_or(|columns| columns.contains(&*node.name));
        let nodes: Vec<Node> = self.columns.iter().filter(wanted).cloned().collect();
        match nodes.iter().find_map(|node| node.media().map(|media| (node, media))) {
            Some((node, media)) => {
                Err(self.file.error(format!("the column {} holds {media}, which no dataset takes; leave it out", quoted(&node.name))))
            }
            None => Ok(nodes.into()),
        }
    }

    /// The readers of the leaves of `nodes` in a row group, by the number of the leaf.
    fn leaves(&self, group: usize, nodes: &[Node]) -> Result<Vec<Option<LeafReader>>, String> {
        let metadata = self.metadata.row_group(group);
        let index = self.metadata.page_index_for_row_group(group);
        let mut leaves: Vec<Option<LeafReader>> = Vec::new();
        leaves.resize_with(metadata.num_columns(), || None);
        for leaf in nodes.iter().flat_map(|node| node.leaves.clone()) {
            let open = || {
                let column = metadata.columns().get(leaf).ok_or_else(|| ParquetError::General("a column chunk is missing".to_owned()))?;
                let pages = index.page_locations(leaf).cloned();
                let rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
                let chunk = Arc::new(Pages { chunks: Arc::clone(&self.chunks), indexed: pages.is_some() });
                let pages = SerializedPageReader::new(chunk, column, rows, pages)?;
                let descriptor = column.column_descr_ptr();
                let (most_defined, most_repeated) = (descriptor.max_def_level(), descriptor.max_rep_level());
                let values = values(get_column_reader(descriptor, Box::new(pages)));
                let (defined, repeated) = (Vec::new(), Vec::new());
                Ok(LeafReader { values, most_defined, most_repeated, defined, repeated, records: 0, level: 0, value: 0 })
            };
            let opened = guarded(open)?;
            // One that is not there has failed to open.
            if let Some(slot) = leaves.get_mut(leaf) {
                *slot = Some(opened);
            }
        }
        Ok(leaves)
    }

    /// How many rows of a group are read at once.
    fn batch_rows(&self, group: usize, nodes: &[Node]) -> u64 {
        let metadata = self.metadata.row_group(group);
        let size = |leaf: usize| metadata.columns().get(leaf).map_or(0, |column| column.uncompressed_size().max(0).cast_unsigned());
        let bytes: u64 = nodes.iter().flat_map(|node| node.leaves.clone()).map(size).fold(0, u64::saturating_add);
        let rows = metadata.num_rows().max(1).cast_unsigned();
        (BATCH_BYTES / (bytes / rows).max(1)).clamp(1, BATCH_ROWS)
    }
}

/// The features that Hugging Face `datasets` write beside the schema.
fn features(metadata: &ParquetMetaData) -> Option<Json> {
    let pairs = metadata.file_metadata().key_value_metadata()?;
    let text = pairs.iter().find(|pair| pair.key == "huggingface")?.value.as_deref()?;
    serde_json::from_str::<Json>(text).ok()?.get_mut("info")?.get_mut("features").map(Json::take)
}

/// One leaf of a row group, with the levels and values of one batch.
struct LeafReader {
    values: Box<dyn Values>,
    most_defined: i16,
    most_repeated: i16,
    defined: Vec<i16>,
    repeated: Vec<i16>,
    records: usize,
    level: usize,
    value: usize,
}

/// What a cell that cannot be put together says.
const UNEVEN: &str = "not a whole Parquet file: the parts of this row do not fit together";

impl LeafReader {
    fn read(&mut self, records: usize) -> Result<(), String> {
        self.values.clear();
        self.defined.clear();
        self.repeated.clear();
        (self.level, self.value, self.records) = (0, 0, records);
        let read = guarded(|| self.values.read(records, &mut self.defined, &mut self.repeated))?;
        if read == records { Ok(()) } else { Err("not a whole Parquet file: a column has fewer rows than the others".to_owned()) }
    }

    fn skip(&mut self, records: usize) -> Result<(), String> {
        let skipped = guarded(|| self.values.skip(records))?;
        if skipped == records { Ok(()) } else { Err("not a whole Parquet file: a column has fewer rows than the others".to_owned()) }
    }

    /// The definition level of what comes next.
    fn defined(&self) -> Result<i16, String> {
        match self.most_defined {
            0 if self.level < self.records => Ok(0),
            0 => Err(UNEVEN.to_owned()),
            _ => self.defined.get(self.level).copied().ok_or_else(|| UNEVEN.to_owned()),
        }
    }

    /// The repetition level of what comes next: 0 where a row begins, and at the end of the batch.
    fn repeated(&self) -> i16 {
        if self.most_repeated == 0 { 0 } else { self.repeated.get(self.level).copied().unwrap_or(0) }
    }

    /// Passes over a level; over its value too, where it has one.
    fn pass(&mut self) -> Result<(), String> {
        self.value += usize::from(self.defined()? == self.most_defined);
        self.level += 1;
        Ok(())
    }
}

/// Puts the cell of a node together.
fn cell(node: &Node, leaves: &mut [Option<LeafReader>]) -> Result<Value, String> {
    let first = node.leaves.start;
    if node.nullable && leaf(leaves, first)?.defined()? < node.defined {
        pass(node, leaves)?;
        return Ok(Value::Null);
    }
    Ok(match &node.shape {
        Shape::Leaf(kind) => {
            let leaf = leaf(leaves, first)?;
            let value = leaf.values.value(leaf.value, kind).ok_or(UNEVEN)??;
            leaf.pass()?;
            value
        }
        Shape::Object(fields) => {
            let members = fields.iter().map(|field| Ok((Arc::clone(&field.name), cell(field, leaves)?)));
            Value::Object(members.collect::<Result<_, String>>()?)
        }
        Shape::List { item, defined, repeated } => {
            let mut items = Vec::new();
            each(node, *defined, *repeated, leaves, |leaves| {
                items.push(cell(item, leaves)?);
                Ok(())
            })?;
            Value::List(items)
        }
        Shape::Map { key, value, defined, repeated } => {
            let mut entries = Vec::new();
            each(node, *defined, *repeated, leaves, |leaves| {
                let name = cell(key, leaves)?;
                entries.push((name, value.as_ref().map_or(Ok(Value::Null), |value| cell(value, leaves))?));
                Ok(())
            })?;
            map(entries, key)
        }
        Shape::Image { bytes, path } => image(*bytes, *path, node, leaves)?,
        Shape::Media(kind) => return Err(format!("{kind}, which no dataset takes")),
    })
}

fn leaf(leaves: &mut [Option<LeafReader>], index: usize) -> Result<&mut LeafReader, String> {
    leaves.get_mut(index).and_then(Option::as_mut).ok_or_else(|| UNEVEN.to_owned())
}

fn pass(node: &Node, leaves: &mut [Option<LeafReader>]) -> Result<(), String> {
    node.leaves.clone().try_for_each(|index| leaf(leaves, index)?.pass())
}

/// Calls `item` for each item of a list or map.
fn each(
    node: &Node,
    defined: i16,
    repeated: i16,
    leaves: &mut [Option<LeafReader>],
    mut item: impl FnMut(&mut [Option<LeafReader>]) -> Result<(), String>,
) -> Result<(), String> {
    let first = node.leaves.start;
    if leaf(leaves, first)?.defined()? < defined {
        return pass(node, leaves);
    }
    loop {
        item(leaves)?;
        if leaf(leaves, first)?.repeated() < repeated {
            return Ok(());
        }
    }
}

/// An object when keys are text, and a list of objects otherwise.
fn map(entries: Vec<(Value, Value)>, key: &Node) -> Value {
    if matches!(key.shape, Shape::Leaf(schema::Leaf::Text)) {
        let members = entries.into_iter().filter_map(|(key, value)| match key {
            Value::String(key) => Some((key, value)),
            _ => None,
        });
        return Value::Object(members.collect());
    }
    let pair = |(key, value)| Value::Object(vec![(Arc::from("key"), key), (Arc::from("value"), value)]);
    Value::List(entries.into_iter().map(pair).collect())
}

fn image(bytes: usize, path: usize, node: &Node, leaves: &mut [Option<LeafReader>]) -> Result<Value, String> {
    let mut part = |index: usize, kind: &schema::Leaf| {
        let leaf = leaf(leaves, index)?;
        let is_null = leaf.most_defined > node.defined && leaf.defined()? < leaf.most_defined;
        let value = if is_null { Ok(Value::Null) } else { leaf.values.value(leaf.value, kind).ok_or(UNEVEN)? };
        leaf.pass()?;
        value
    };
    let bytes = match part(bytes, &schema::Leaf::Bytes)? {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    };
    let path = match part(path, &schema::Leaf::Text)? {
        Value::String(path) => Some(path),
        _ => None,
    };
    // An image without both is what `datasets` make of a missing one.
    Ok(if bytes.is_none() && path.is_none() { Value::Null } else { Value::Image { bytes, path } })
}

/// The rows of several files.
struct ParquetRows {
    shards: std::vec::IntoIter<Shard>,
    labels: ClassLabels,
    columns: Option<BTreeSet<String>>,
    has_gaps: bool,
    picker: Picker,
    /// The row that the reader stands at, counted over all files.
    number: u64,
    current: Option<Current>,
    ready: std::vec::IntoIter<Row>,
}

/// The file that is read.
struct Current {
    opened: Opened,
    nodes: Arc<[Node]>,
    folder: Arc<Path>,
    /// The number of its first row.
    first: u64,
    group: usize,
    /// The number of the first row of the group, and of the one behind its last.
    rows: (u64, u64),
    leaves: Option<Vec<Option<LeafReader>>>,
}

impl ParquetRows {
    /// Moves on to the row group of the next wanted row; false when there is none.
    fn advance(&mut self) -> Result<bool, Error> {
        loop {
            let Some(wanted) = self.picker.seek(self.number) else { return Ok(false) };
            let Some(current) = &mut self.current else {
                let Some(shard) = self.shards.next() else { return Ok(false) };
                if wanted >= self.number + shard.rows {
                    self.number += shard.rows;
                } else {
                    self.current = Some(self.enter(&shard)?);
                }
                continue;
            };
            if wanted < current.rows.1 {
                return Ok(true);
            }
            self.number = current.rows.1;
            current.leaves = None;
            current.group += 1;
            if current.group < current.opened.metadata.num_row_groups() {
                let rows = current.opened.metadata.row_group(current.group).num_rows().max(0).cast_unsigned();
                current.rows = (current.rows.1, current.rows.1 + rows);
            } else {
                self.current = None;
            }
        }
    }

    fn enter(&self, shard: &Shard) -> Result<Current, Error> {
        // Pages are passed over by their index; where all are read, a broken index does no harm.
        let index = if self.has_gaps { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
        let opened = Opened::new(&shard.file, self.labels, index)?;
        if opened.rows != shard.rows {
            return Err(shard.file.error("this file has changed since it was opened"));
        }
        let nodes = opened.nodes(self.columns.as_ref())?;
        let rows = opened.metadata.row_groups().first().map_or(0, |group| group.num_rows().max(0).cast_unsigned());
        let folder = shard.file.folder();
        Ok(Current { opened, nodes, folder, first: self.number, group: 0, rows: (self.number, self.number + rows), leaves: None })
    }

    /// Reads the next batch of wanted rows.
    fn batch(&mut self) -> Result<bool, Error> {
        if !self.advance()? {
            return Ok(false);
        }
        let (Some(wanted), Some(current)) = (self.picker.seek(self.number), &mut self.current) else { return Ok(false) };
        let most = current.opened.batch_rows(current.group, &current.nodes).min(current.rows.1 - wanted);
        let count = self.picker.run(wanted, most);
        let rows = current.read(self.number.max(current.rows.0), wanted, count)?;
        self.number = wanted + count;
        self.ready = rows.into_iter();
        Ok(true)
    }
}

impl Current {
    fn error(&self, number: u64, message: &str) -> Error {
        Error::new(self.place(number), message)
    }

    /// Rows count from 0 in their file, as they do in pandas and `datasets`.
    fn place(&self, number: u64) -> String {
        format!("{}: row {}", self.opened.file.shown, number - self.first)
    }

    /// Reads `count` rows from number `from` on; the readers stand at number `at`.
    fn read(&mut self, at: u64, from: u64, count: u64) -> Result<Vec<Row>, Error> {
        let (skipped, records) = (usize::try_from(from - at).unwrap_or(usize::MAX), usize::try_from(count).unwrap_or(usize::MAX));
        let mut leaves = match self.leaves.take() {
            Some(leaves) => leaves,
            None => self.opened.leaves(self.group, &self.nodes).map_err(|message| self.opened.file.error(message))?,
        };
        for leaf in leaves.iter_mut().flatten() {
            let ready = if skipped > 0 { leaf.skip(skipped) } else { Ok(()) };
            ready.and_then(|()| leaf.read(records)).map_err(|message| self.error(from, &message))?;
        }
        let mut rows = Vec::with_capacity(records);
        for number in from..from + count {
            rows.push(self.row(number, &mut leaves)?);
        }
        for leaf in leaves.iter_mut().flatten() {
            leaf.values.clear();
        }
        self.leaves = Some(leaves);
        Ok(rows)
    }

    fn row(&self, number: u64, leaves: &mut [Option<LeafReader>]) -> Result<Row, Error> {
        let mut cells: Cells = Vec::with_capacity(self.nodes.len());
        for node in self.nodes.iter() {
            let value = cell(node, leaves).map_err(|message| self.error(number, &format!("column {}: {message}", quoted(&node.name))))?;
            cells.push((Arc::clone(&node.name), value));
        }
        if leaves.iter().flatten().any(|leaf| leaf.repeated() != 0) {
            return Err(self.error(number, UNEVEN));
        }
        Ok(Row { number, place: self.place(number), folder: Arc::clone(&self.folder), cells })
    }
}

impl Iterator for ParquetRows {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.ready.next() {
                return Some(Ok(row));
            }
            match self.batch() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    // Nothing follows an error.
                    self.picker = Picker::new(Some(&Arc::from([])));
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ::parquet::data_type::{DataType, Int32Type};
    use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use ::parquet::schema::parser::parse_message_type;

    use super::super::Source;
    use super::*;

    fn write<T: DataType>(group: &mut SerializedRowGroupWriter<'_, fs::File>, values: &[T::T], defined: &[i16], repeated: &[i16]) {
        let mut column = group.next_column().expect("writes").expect("a column");
        column.typed::<T>().write_batch(values, Some(defined), Some(repeated)).expect("writes");
        column.close().expect("writes");
    }

    /// pyarrow cannot write these: lists without a group in between, whose items are the repeated group itself.
    #[test]
    fn old_forms_of_lists_are_read() {
        let schema = "message m {
            repeated int32 bare;
            optional group two (LIST) { repeated int32 element; }
            required group pairs (LIST) { repeated group array { required int32 x; } }
            optional group tuples (LIST) { repeated group tuples_tuple { optional int32 x; } }
        }";
        let folder = tempfile::tempdir().expect("a folder");
        let file = fs::File::create(folder.path().join("old.parquet")).expect("made");
        let schema = Arc::new(parse_message_type(schema).expect("valid"));
        let mut writer = SerializedFileWriter::new(file, schema, Default::default()).expect("writes");
        let mut group = writer.next_row_group().expect("writes");
        write::<Int32Type>(&mut group, &[1, 2], &[1, 1, 0], &[0, 1, 0]);
        write::<Int32Type>(&mut group, &[3], &[2, 0], &[0, 0]);
        write::<Int32Type>(&mut group, &[4, 5], &[0, 1, 1], &[0, 0, 1]);
        write::<Int32Type>(&mut group, &[6], &[3, 2, 1], &[0, 1, 0]);
        group.close().expect("writes");
        writer.close().expect("writes");

        let source = Source::open(&Spec::new("old.parquet"), folder.path()).expect("opens");
        let rows: Vec<Cells> = source.rows(&Wanted::default()).expect("rows").map(|row| row.expect("a row").cells).collect();
        let list = |items: &[i64]| Value::List(items.iter().map(|&item| Value::Int(item)).collect());
        let object = |value: Value| Value::Object(vec![("x".into(), value)]);
        let cells = |cells: [Value; 4]| -> Cells { ["bare", "two", "pairs", "tuples"].map(Arc::from).into_iter().zip(cells).collect() };
        let tuples = Value::List(vec![object(Value::Int(6)), object(Value::Null)]);
        let pairs = Value::List(vec![object(Value::Int(4)), object(Value::Int(5))]);
        assert_eq!(rows[0], cells([list(&[1, 2]), list(&[3]), list(&[]), tuples]));
        assert_eq!(rows[1], cells([list(&[]), Value::Null, pairs, list(&[])]));
    }
}
