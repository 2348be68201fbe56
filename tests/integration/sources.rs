//! Parquet files that `datasets` and pyarrow wrote, value for value as pyarrow reads them, and the same files cut and
//! garbled: an error that names the file, never a panic.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use tunelint::generate::row::{Row, Value};
use tunelint::generate::source::{ClassLabels, Error, Source, Spec, Wanted};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/generate/parquet")
}

fn open(path: &str) -> Source {
    Source::open(&Spec::new(path), &fixtures()).expect(path)
}

fn read(source: &Source, columns: Option<&[&str]>, rows: Option<&[u64]>) -> Result<Vec<Row>, Error> {
    let columns = columns.map(|names| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>());
    source.rows(&Wanted { columns, rows: rows.map(Into::into) })?.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value in the words of `fixtures/generate/make_parquet.py`.
fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::UInt(value) => json!(value),
        Value::Float(value) if value.is_finite() => json!(value),
        Value::Float(value) => json!({ "$float": value.to_string().to_lowercase() }),
        Value::String(text) => json!(&**text),
        Value::Bytes(bytes) => json!({ "$bytes": hex(bytes) }),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.to_string(), plain(value))).collect::<Map<_, _>>().into(),
        Value::Image { bytes, path } => json!({ "$image": { "bytes": bytes.as_ref().map(|bytes| hex(bytes)), "path": path.as_deref() } }),
    }
}

fn lines(rows: &[Row]) -> Vec<Json> {
    let object = |row: &Row| row.cells.iter().map(|(name, value)| (name.to_string(), plain(value))).collect::<Map<_, _>>();
    rows.iter().map(|row| object(row).into()).collect()
}

#[test]
fn every_value_is_that_of_pyarrow() {
    let mut files = 0;
    for entry in std::fs::read_dir(fixtures()).expect("fixtures").flatten() {
        let file = entry.file_name().into_string().expect("a name");
        let Some(name) = file.strip_suffix(".expected.jsonl") else { continue };
        files += 1;
        let text = std::fs::read_to_string(entry.path()).expect("readable");
        let expected: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).expect("valid")).collect();
        let source = open(&if name == "shard" { "shard-*.parquet".to_owned() } else { format!("{name}.parquet") });
        let found = lines(&read(&source, None, None).expect(name));
        assert_eq!(source.count(), Some(expected.len() as u64), "{name}");
        assert_eq!(found, expected, "{name}");
        for column in source.columns() {
            let alone = lines(&read(&source, Some(&[column.name.as_str()]), None).expect(name));
            let of_all: Vec<Json> = expected.iter().map(|row| json!({ &column.name: row[&column.name] })).collect();
            assert_eq!(alone, of_all, "{name}: {}", column.name);
        }
        for number in 0..expected.len() {
            let one = lines(&read(&source, None, Some(&[number as u64])).expect(name));
            assert_eq!(one, expected[number..=number], "{name}: row {number}");
        }
    }
    assert!(files >= 10, "the fixtures are there");
}

#[test]
fn columns_say_what_they_hold() {
    let kinds =
        |path: &str| -> Vec<String> { open(path).columns().iter().map(|column| format!("{}: {}", column.name, column.kind)).collect() };
    assert_eq!(kinds("images.parquet"), ["image: image", "pages: list of image", "turns: list of object (image, text)"]);
    assert_eq!(kinds("labels.parquet"), ["label: class label (cat, dog)", "tags: list of class label (cat, dog)", "text: text"]);
    assert_eq!(kinds("mixed.parquet"), ["messages: list of object (role, content)"]);
}

#[test]
fn labels_are_numbers_where_numbers_are_asked_for() {
    let spec = Spec { class_labels: ClassLabels::Numbers, ..Spec::new("labels.parquet") };
    let rows = read(&Source::open(&spec, &fixtures()).expect("opens"), None, None).expect("rows");
    assert_eq!(lines(&rows)[0], json!({ "label": 1, "tags": [0, 1], "text": "é" }));
}

#[test]
fn sound_is_an_error_only_where_it_is_wanted() {
    let source = open("sound.parquet");
    assert_eq!(source.columns()[0].kind, "audio");
    assert_eq!(lines(&read(&source, Some(&["text"]), None).expect("rows")), [json!({ "text": "a" })]);
    let error = read(&source, None, None).expect_err("sound").to_string();
    assert_eq!(error, "sound.parquet: the column `clip` holds audio, which no dataset takes; leave it out");
}

#[test]
fn all_codecs_are_read_and_rows_are_picked_by_their_pages() {
    for codec in ["none", "snappy", "gzip", "brotli", "lz4", "zstd"] {
        let source = open(&format!("codec_{codec}.parquet"));
        let all: Vec<Json> = (0..1_500).map(|number| json!({ "number": number, "text": format!("text {}", number % 7) })).collect();
        assert_eq!(lines(&read(&source, None, None).expect(codec)), all, "{codec}");
        let wanted = [0, 1, 2, 99, 599, 600, 777, 1_198, 1_499];
        let picked = read(&source, None, Some(&wanted)).expect(codec);
        assert_eq!(picked.iter().map(|row| row.number).collect::<Vec<_>>(), wanted, "{codec}");
        assert_eq!(lines(&picked), wanted.map(|number| all[number as usize].clone()), "{codec}");
    }
}

#[test]
fn rows_know_their_place() {
    let rows = read(&open("shard-*.parquet"), None, Some(&[4, 5, 9])).expect("rows");
    let places: Vec<_> = rows.iter().map(|row| (row.number, row.place.as_str())).collect();
    assert_eq!(
        places,
        [
            (4, "shard-00000-of-00002.parquet: row 4"),
            (5, "shard-00001-of-00002.parquet: row 0"),
            (9, "shard-00001-of-00002.parquet: row 4")
        ]
    );
}

/// What becomes of `content` as a file.
fn outcome(folder: &Path, content: &[u8]) -> Result<Vec<Row>, Error> {
    std::fs::write(folder.join("x.parquet"), content).expect("written");
    let source = Source::open(&Spec::new("x.parquet"), folder)?;
    let rows = read(&source, None, None)?;
    read(&source, None, Some(&[0, 2]))?;
    Ok(rows)
}

#[test]
fn cut_files_are_errors_that_name_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = std::fs::read(fixtures().join("nested.parquet")).expect("a fixture");
    for length in (0..whole.len()).step_by(97) {
        let error = outcome(folder.path(), &whole[..length]).expect_err("cut").to_string();
        assert!(error.starts_with("x.parquet: "), "{error}");
    }
    // The end, and with it the footer, is there; what stood before is not.
    for kept in (0..whole.len() / 2).step_by(97) {
        assert!(outcome(folder.path(), &whole[whole.len() - 4 - kept..]).is_err());
    }
}

#[test]
fn garbled_files_never_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut failed = 0;
    for name in ["nested", "images", "numbers", "mixed", "list_forms"] {
        let whole = std::fs::read(fixtures().join(format!("{name}.parquet"))).expect("a fixture");
        for at in (0..whole.len()).step_by(41) {
            let mut garbled = whole.clone();
            garbled[at] ^= 1 << (at % 8);
            failed += usize::from(outcome(folder.path(), &garbled).is_err());
        }
    }
    assert!(failed > 40, "{failed} were found out");
}
