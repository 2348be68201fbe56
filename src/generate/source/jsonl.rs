//! JSON: one object per line, or one array of objects, taken element by element. Read as strictly as a dataset is checked.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use super::path::File;
use super::stream::{Cells, Chain, MAX_RECORD_BYTES, Picker, Records};
use super::{Column, Error, Rows, Value, Wanted, kind_of};
use crate::diagnostic::{bytes, quoted};
use crate::json::{self, Data, Fault, FaultKind};

/// Rows whose keys become the columns.
const FIRST_ROWS: usize = 100;

/// Deepest nesting that is read.
pub(super) const MAX_DEPTH: usize = 128;

/// JSON files.
#[derive(Debug)]
pub(super) struct Reader {
    files: Vec<File>,
    names: Vec<Arc<str>>,
}

impl Reader {
    pub(super) fn open(files: &[File]) -> Result<(Self, Vec<Column>), Error> {
        let all = Chain::new(files.to_vec(), Picker::new(None), |file| JsonRecords::open(file, None));
        let rows = all.take(FIRST_ROWS).map(|row| row.map(|row| row.cells)).collect::<Result<Vec<_>, _>>()?;
        let columns = columns_of(&rows);
        let names = columns.iter().map(|column| Arc::from(column.name.as_str())).collect();
        Ok((Self { files: files.to_vec(), names }, columns))
    }

    pub(super) fn rows(&self, wanted: &Wanted) -> Rows {
        let is_wanted = |name: &&Arc<str>| wanted.columns.as_ref().is_none_or(|columns| columns.contains(&***name));
        let names: Arc<[Arc<str>]> = self.names.iter().filter(is_wanted).cloned().collect();
        let shape = Shape { names, with_others: wanted.columns.is_none() };
        Box::new(Chain::new(self.files.clone(), Picker::new(wanted.rows.as_ref()), move |file| {
            JsonRecords::open(file, Some(shape.clone()))
        }))
    }
}

/// Columns by the keys of rows, in the order in which they are met; each with the kinds of its values.
pub(super) fn columns_of(rows: &[Cells]) -> Vec<Column> {
    let mut kinds: Vec<(Arc<str>, Vec<String>)> = Vec::new();
    let mut seen = HashSet::new();
    for (name, value) in rows.iter().flatten() {
        if seen.insert(Arc::clone(name)) {
            kinds.push((Arc::clone(name), Vec::new()));
        }
        let kind = kind_of(value);
        if let Some((_, kinds)) = kinds.iter_mut().find(|(known, _)| known == name).filter(|(_, kinds)| !kinds.contains(&kind)) {
            kinds.push(kind);
        }
    }
    kinds
        .into_iter()
        .map(|(name, mut kinds)| {
            if kinds.len() > 1 {
                kinds.retain(|kind| kind != "null");
            }
            Column { name: name.to_string(), kind: kinds.join(" or ") }
        })
        .collect()
}

/// The value of parsed JSON. Whole numbers beyond 64 bits become floating point.
pub(super) fn value_of(value: &json::Value<'_>) -> Value {
    match &value.data {
        Data::Null => Value::Null,
        Data::Bool(value) => Value::Bool(*value),
        Data::Number(text) => number(text),
        Data::String(text) => Value::String(Arc::from(text.as_ref())),
        Data::Array(items) => Value::List(items.iter().map(value_of).collect()),
        Data::Object(members) => Value::Object(cells(members)),
    }
}

/// The value of a JSON text, or what is wrong with it and at which byte.
pub(super) fn parse_value(text: &[u8]) -> Result<Value, (String, usize)> {
    let text = std::str::from_utf8(text).map_err(|error| ("not UTF-8".to_owned(), error.valid_up_to()))?;
    let parsed = json::parse(text.as_bytes(), MAX_DEPTH);
    match (parsed.faults.iter().find(|fault| fault.kind.is_syntax()), &parsed.value) {
        (None, Some(value)) => Ok(value_of(value)),
        (Some(Fault { kind, span }), _) => Err((words(kind), span.start as usize)),
        (None, None) => Err(("no JSON".to_owned(), 0)),
    }
}

fn cells(members: &[json::Member<'_>]) -> Cells {
    members.iter().map(|member| (Arc::from(member.key.as_ref()), value_of(&member.value))).collect()
}

fn number(text: &str) -> Value {
    if let Ok(value) = text.parse::<i64>() {
        Value::Int(value)
    } else if let Ok(value) = text.parse::<u64>() {
        Value::UInt(value)
    } else {
        Value::Float(text.parse().unwrap_or(f64::NAN))
    }
}

fn words(kind: &FaultKind) -> String {
    match kind {
        FaultKind::UnexpectedEnd => "the JSON ends inside of a value".to_owned(),
        FaultKind::Expected(what) => format!("not JSON: {what} is wanted here"),
        FaultKind::TrailingContent => "something follows the JSON value".to_owned(),
        FaultKind::TrailingComma => "a comma that nothing follows".to_owned(),
        FaultKind::SingleQuotes => "single quotes; JSON wants double ones".to_owned(),
        FaultKind::TypographicQuotes => "curly quotes; JSON wants straight ones".to_owned(),
        FaultKind::UnquotedKey => "a key without quotes".to_owned(),
        FaultKind::Comment => "a comment; JSON has none".to_owned(),
        FaultKind::NonFinite => "`NaN` or `Infinity`; JSON has neither".to_owned(),
        FaultKind::PythonLiteral => "`True`, `False` or `None`; JSON wants `true`, `false` or `null`".to_owned(),
        FaultKind::InvalidNumber => "a number that JSON does not have".to_owned(),
        FaultKind::NumberOutOfRange => "a number beyond the range of a double".to_owned(),
        FaultKind::ControlCharacter(code) => format!("a raw control character (0x{code:02x}) in a string"),
        FaultKind::InvalidEscape => "a backslash before a character that has no escape".to_owned(),
        FaultKind::LoneSurrogate => "half of a surrogate pair".to_owned(),
        FaultKind::TooDeep => format!("nested deeper than {MAX_DEPTH} levels"),
        FaultKind::DuplicateKey(key, times) => format!("the key {} stands {times} times in one object", quoted(key)),
    }
}

/// Which keys a row has.
#[derive(Clone, Debug)]
struct Shape {
    /// These, in this order, null where a row lacks one.
    names: Arc<[Arc<str>]>,
    /// Then those that the first rows did not have.
    with_others: bool,
}

impl Shape {
    fn lay_out(&self, mut members: Cells) -> Cells {
        let mut row: Cells = Vec::with_capacity(self.names.len());
        for name in self.names.iter() {
            let found = members.iter_mut().find(|(key, _)| key == name);
            row.push((Arc::clone(name), found.map_or(Value::Null, |(_, value)| std::mem::replace(value, Value::Null))));
        }
        if self.with_others {
            row.extend(members.into_iter().filter(|(key, _)| !self.names.contains(key)));
        }
        row
    }
}

/// The objects of one file.
struct JsonRecords {
    file: File,
    reader: BufReader<Box<dyn Read + Send>>,
    shape: Option<Shape>,
    /// Where the reader stands.
    line: u64,
    column: u64,
    is_array: bool,
    /// Whether a comma announces another element.
    goes_on: bool,
    /// The bytes of one object, and where they begin.
    text: Vec<u8>,
    start: (u64, u64),
}

impl JsonRecords {
    fn open(file: &File, shape: Option<Shape>) -> Result<Self, Error> {
        let reader = BufReader::with_capacity(1 << 16, file.text()?);
        let mut records = Self {
            file: file.clone(),
            reader,
            shape,
            line: 1,
            column: 1,
            is_array: false,
            goes_on: false,
            text: Vec::new(),
            start: (1, 1),
        };
        records.skip_space()?;
        if records.peek()? == Some(b'[') {
            records.is_array = true;
            records.bump(b'[');
            records.skip_space()?;
        }
        Ok(records)
    }

    fn peek(&mut self) -> Result<Option<u8>, Error> {
        self.reader.fill_buf().map(|buffer| buffer.first().copied()).map_err(|error| self.file.io_error(&error))
    }

    fn bump(&mut self, byte: u8) {
        self.reader.consume(1);
        if byte == b'\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += u64::from(byte & 0xc0 != 0x80);
        }
    }

    fn skip_space(&mut self) -> Result<(), Error> {
        while let Some(byte) = self.peek()?.filter(u8::is_ascii_whitespace) {
            self.bump(byte);
        }
        Ok(())
    }

    fn fault(&self, (line, column): (u64, u64), message: impl Into<String>) -> Error {
        Error::new(format!("{}:{line}:{column}", self.file.shown), message)
    }

    fn too_long(&self) -> Error {
        self.fault(self.start, format!("this row has more than {}", bytes(MAX_RECORD_BYTES)))
    }

    /// Takes the rest of the line into `text`.
    fn line(&mut self) -> Result<(), Error> {
        let mut line = self.reader.by_ref().take(MAX_RECORD_BYTES + 1);
        line.read_until(b'\n', &mut self.text).map_err(|error| self.file.io_error(&error))?;
        if self.text.len() as u64 > MAX_RECORD_BYTES {
            return Err(self.too_long());
        }
        if self.text.ends_with(b"\n") {
            self.text.pop();
            (self.line, self.column) = (self.line + 1, 1);
        }
        Ok(())
    }

    /// Takes one element of the array into `text`, up to the comma or bracket behind it, which it takes too.
    fn element(&mut self) -> Result<(), Error> {
        let (mut depth, mut in_string, mut is_escaped) = (0_u32, false, false);
        while let Some(byte) = self.peek()? {
            self.bump(byte);
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = in_string,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b',' if !in_string && depth == 0 => {
                    self.goes_on = true;
                    return Ok(());
                }
                b']' if !in_string && depth == 0 => {
                    self.is_array = false;
                    return self.end();
                }
                b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
                _ => {}
            }
            if self.text.len() as u64 >= MAX_RECORD_BYTES {
                return Err(self.too_long());
            }
            self.text.push(byte);
        }
        Err(self.fault((self.line, self.column), "the file ends inside of the array"))
    }

    /// Sees that nothing follows the array.
    fn end(&mut self) -> Result<(), Error> {
        self.skip_space()?;
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.fault((self.line, self.column), "something follows the array")),
        }
    }

    /// Where byte `offset` of `text` stands.
    fn at(&self, offset: usize) -> (u64, u64) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let breaks = before.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let last = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let characters = last.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64;
        let column = if breaks == 0 { self.start.1 } else { 1 };
        (self.start.0 + breaks, column + characters)
    }

    fn object(&self) -> Result<Cells, Error> {
        let value = parse_value(&self.text).map_err(|(message, offset)| {
            let is_cut = offset >= self.text.len() && self.text.trim_ascii_end().ends_with(b"{");
            let hint = if is_cut { "; one object per line, or one array of objects, is wanted" } else { "" };
            self.fault(self.at(offset), format!("{message}{hint}"))
        })?;
        match value {
            Value::Object(members) => Ok(members),
            other => Err(self.fault(self.start, format!("{}, where each row is an object", other.kind()))),
        }
    }
}

impl Records for JsonRecords {
    fn folder(&self) -> Arc<Path> {
        self.file.folder()
    }

    fn next(&mut self, is_wanted: bool) -> Result<Option<(String, Cells)>, Error> {
        self.skip_space()?;
        self.text.clear();
        self.start = (self.line, self.column);
        match (self.is_array, self.peek()?) {
            (false, None) => return Ok(None),
            (true, Some(b']')) if self.goes_on => return Err(self.fault(self.start, "a comma that nothing follows")),
            (true, Some(b']')) => {
                self.bump(b']');
                self.is_array = false;
                self.end()?;
                return Ok(None);
            }
            (true, _) => self.element()?,
            (false, Some(_)) => self.line()?,
        }
        if !is_wanted {
            return Ok(Some(Default::default()));
        }
        let members = self.object()?;
        let cells = match &self.shape {
            Some(shape) => shape.lay_out(members),
            None => members,
        };
        Ok(Some((format!("{}:{}", self.file.shown, self.start.0), cells)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, Spec};
    use super::*;

    fn open(content: &str) -> Result<(tempfile::TempDir, Source), String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.json"), content).expect("written");
        let source = Source::open(&Spec::new("a.json"), folder.path()).map_err(|error| error.to_string())?;
        Ok((folder, source))
    }

    fn rows(content: &str, columns: &[&str]) -> Vec<(String, Cells)> {
        let (_folder, source) = open(content).expect("opens");
        let columns = (!columns.is_empty()).then(|| columns.iter().map(|&name| name.to_owned()).collect());
        let rows = source.rows(&Wanted { columns, rows: None }).expect("rows");
        rows.map(|row| row.expect("valid")).map(|row| (row.place, row.cells)).collect()
    }

    fn cell(name: &str, value: Value) -> (Arc<str>, Value) {
        (Arc::from(name), value)
    }

    #[test]
    fn lines_and_arrays_give_the_same_rows() {
        let lines = "\u{feff}{\"a\": 1, \"b\": [\"x\", null]}\r\n\n{\"b\": {\"c\": 1.5}, \"a\": 18446744073709551615}";
        let array = "[\n{\"a\": 1, \"b\": [\"x\", null]},\n\n{\"b\": {\"c\": 1.5},\n \"a\": 18446744073709551615}\n]\n";
        let first = vec![cell("a", Value::Int(1)), cell("b", Value::List(vec![Value::String("x".into()), Value::Null]))];
        let second = vec![cell("a", Value::UInt(u64::MAX)), cell("b", Value::Object(vec![cell("c", Value::Float(1.5))]))];
        assert_eq!(rows(lines, &[]), [("a.json:1".to_owned(), first.clone()), ("a.json:3".to_owned(), second.clone())]);
        assert_eq!(rows(array, &[]), [("a.json:2".to_owned(), first), ("a.json:4".to_owned(), second)]);
        assert_eq!(rows("[]", &[]), []);
        assert_eq!(rows("[{\"a\": \"],\\\"[{\"}]", &[])[0].1, [cell("a", Value::String("],\"[{".into()))]);
    }

    #[test]
    fn keys_that_a_row_lacks_are_null() {
        let content = "{\"a\": 1}\n{\"b\": true}\n";
        assert_eq!(rows(content, &[])[1].1, [cell("a", Value::Null), cell("b", Value::Bool(true))]);
        assert_eq!(rows(content, &["b"])[0].1, [cell("b", Value::Null)]);
    }

    #[test]
    fn columns_have_the_kinds_of_the_first_rows() {
        let content = "{\"a\": 1, \"m\": [{\"role\": \"user\"}]}\n{\"a\": null, \"m\": \"x\"}\n";
        let (_folder, source) = open(content).expect("opens");
        let kinds: Vec<_> = source.columns().iter().map(|column| (column.name.as_str(), column.kind.as_str())).collect();
        assert_eq!(kinds, [("a", "integer"), ("m", "list of object (role) or text")]);
    }

    #[test]
    fn faults_say_where() {
        for (content, expected) in [
            ("{\"a\": 1}\n{\"é\": tru}\n", "a.json:2:7: not JSON"),
            ("{\"a\": 1,}\n", "a.json:1:8: a comma that nothing follows"),
            ("{\"a\": NaN}\n", "a.json:1:7: `NaN`"),
            ("[{\"a\": 1},\n {\"a\":\n  'x'}]", "a.json:3:3: single quotes"),
            ("[{\"a\": 1}", "a.json:1:10: the file ends inside of the array"),
            ("[{\"a\": 1}]\n{}", "a.json:2:1: something follows the array"),
            ("[{\"a\": 1},]", "a.json:1:11: a comma that nothing follows"),
            ("{\n \"a\": 1\n}\n", "a.json:1:2: the JSON ends inside of a value; one object per line, or one array"),
            ("{\"a\": 1}\n[1]\n", "a.json:2:1: a list, where each row is an object"),
        ] {
            let message = match open(content) {
                Err(message) => message,
                Ok((_, source)) => {
                    source.rows(&Wanted::default()).expect("rows").find_map(Result::err).map(|error| error.to_string()).unwrap_or_default()
                }
            };
            assert!(message.starts_with(expected), "{content}: {message}");
        }
    }
}
