//! What the first block of a file tells about all of it: mistakes that are told once instead of once per line, and the
//! format most of its lines have.

use super::input::Input;
use super::line::BYTE_ORDER_MARK;
use crate::context::{Head, HeadFault};
use crate::format::Shape;
use crate::json::{FaultKind, Value, parse};

/// Lines that vote on the format.
const VOTERS: usize = 100;

/// Looks at `block`, the first bytes of `input` up to a line break; `whole` says that nothing follows.
pub(super) fn inspect<'a>(input: &'a Input, block: &[u8], whole: bool, max_depth: usize) -> Head<'a> {
    let byte_order_mark = block.starts_with(BYTE_ORDER_MARK);
    let text = block.strip_prefix(BYTE_ORDER_MARK).unwrap_or(block);
    let fault = fault(text, whole, max_depth);
    let mut first_keys = Vec::new();
    let shape = match fault {
        Some(_) => None,
        None => {
            let voters: Vec<&[u8]> = lines(text).take(VOTERS).collect();
            let shapes = voters.iter().filter_map(|line| {
                let value = parse(line, max_depth).value?;
                if first_keys.is_empty() {
                    first_keys =
                        value.as_object().unwrap_or_default().iter().take(8).map(|member| member.key.clone().into_owned()).collect();
                }
                Some(Shape::of(&value))
            });
            Shape::vote(shapes, voters.len())
        }
    };
    Head { path: &input.path, regular: input.regular, compression: input.compression, byte_order_mark, fault, shape, first_keys }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    let split = std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, next) = rest.split_at(end);
        rest = next;
        (end > 0).then_some(line)
    });
    split.map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

fn fault(text: &[u8], whole: bool, max_depth: usize) -> Option<HeadFault> {
    if let Some(encoding) = wide_encoding(text) {
        return Some(HeadFault::WideEncoding(encoding));
    }
    if let Some(kind) = binary(text) {
        return Some(HeadFault::Binary(kind));
    }
    let start = text.trim_ascii_start();
    let lower = start.get(..64.min(start.len())).unwrap_or_default().to_ascii_lowercase();
    if let Some((_, tool)) = POINTERS.iter().find(|(sign, _)| start.starts_with(sign)) {
        return Some(HeadFault::Pointer(tool));
    }
    if [&b"<!doctype"[..], b"<!--", b"<html", b"<?xml", b"<head", b"<body"].iter().any(|tag| lower.starts_with(tag)) {
        return Some(HeadFault::Html);
    }
    let mut several = lines(text);
    let first = several.next()?;
    let second = several.next();
    if is_python_repr(text) {
        return Some(HeadFault::PythonRepr);
    }
    let alone = parse(first, max_depth);
    match (&alone.value, second) {
        (Some(value), None) if whole && holds_examples(value) => Some(HeadFault::JsonArray),
        (None, None) if first.windows(2).any(|pair| pair == b"\r{") => Some(HeadFault::LoneCarriageReturn),
        (None, Some(second)) => {
            let is_cut = alone.faults.iter().all(|fault| fault.kind == FaultKind::UnexpectedEnd);
            if is_cut && goes_on(start, second, several.next().is_some(), whole, max_depth) {
                return Some(if start.starts_with(b"[") { HeadFault::JsonArray } else { HeadFault::PrettyPrinted });
            }
            is_csv(text).then_some(HeadFault::Csv)
        }
        _ => None,
    }
}

const POINTERS: &[(&[u8], &str)] = &[(b"version https://git-lfs", "Git LFS"), (b"outs:", "DVC"), (b"/annex/objects/", "git-annex")];

/// Whether `value`, all there is in a file, is an array of examples; an array of messages is a line without its object.
fn holds_examples(value: &Value<'_>) -> bool {
    let items = value.as_array().unwrap_or_default();
    items.iter().any(|item| item.as_object().is_some() && item.get("role").is_none())
}

/// Whether the value that begins `text`, and does not end with its first line, goes on over the line break. A first line
/// that is cut is followed by whole ones; a value that does go on may well hold mistakes further down.
fn goes_on(text: &[u8], second: &[u8], has_third: bool, whole: bool, max_depth: usize) -> bool {
    let is_whole = parse(second, max_depth).value.is_some();
    let is_further_down = |offset: usize| lines(text.get(..offset).unwrap_or_default()).take(3).count() == 3;
    parse(text, max_depth).faults.iter().all(|fault| match fault.kind {
        FaultKind::TrailingContent | FaultKind::TrailingComma | FaultKind::DuplicateKey(..) => true,
        FaultKind::UnexpectedEnd => !whole || (has_third && !is_whole),
        _ => !is_whole && is_further_down(fault.span.range().start),
    })
}

/// UTF-16 and UTF-32, by their mark or by the zeros between the ASCII characters that JSON and its keys begin with.
fn wide_encoding(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, 0, 0, ..] => return Some("UTF-32LE"),
        [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32BE"),
        [0xff, 0xfe, ..] => return Some("UTF-16LE"),
        [0xfe, 0xff, ..] => return Some("UTF-16BE"),
        _ => {}
    }
    let sample = text.get(..text.len().min(16)).unwrap_or_default();
    let zeros: Vec<bool> = sample.iter().map(|&byte| byte == 0).collect();
    let repeats = |pattern: &[bool]| zeros.len() >= 4 && zeros.chunks(pattern.len()).all(|chunk| pattern.starts_with(chunk));
    [
        ("UTF-32LE", &[false, true, true, true][..]),
        ("UTF-32BE", &[true, true, true, false]),
        ("UTF-16LE", &[false, true]),
        ("UTF-16BE", &[true, false]),
    ]
    .into_iter()
    .find(|(_, pattern)| repeats(pattern))
    .map(|(encoding, _)| encoding)
}

/// What a file is that holds no text, as a noun.
fn binary(text: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a ZIP archive (XLSX and DOCX are such)"),
        (b"PAR1", "a Parquet file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"RIFF", "a RIFF file (WEBP, WAV or AVI)"),
        (b"%PDF", "a PDF document"),
        (b"{\\rtf", "an RTF document"),
        (b"\xd0\xcf\x11\xe0", "an old Office document (XLS or DOC)"),
        (b"\x1f\x8b", "gzip data, packed twice"),
        (b"\x28\xb5\x2f\xfd", "zstd data, packed twice"),
        (b"BZh", "bzip2 data"),
        (b"\xfd7zXZ", "xz data"),
        (b"\x04\x22\x4d\x18", "lz4 data"),
        (b"7z\xbc\xaf", "a 7-Zip archive"),
        (b"Rar!", "a RAR archive"),
        (b"SQLite format 3", "an SQLite database"),
        (b"ARROW1", "an Arrow file"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"\x80\x05\x95", "a Python pickle"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x7fELF", "a program"),
    ];
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| text.starts_with(magic)) {
        return Some(kind);
    }
    if text.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    let sample = text.get(..text.len().min(4096)).unwrap_or_default();
    if sample.is_empty() || lines(sample).next().is_some_and(|line| line.first() == Some(&b'{')) {
        return None;
    }
    let odd = sample.iter().filter(|&&byte| byte < 0x20 && !b"\t\n\r\x0b\x0c\x1b".contains(&byte)).count();
    let broken: usize = sample.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    // Text in an old encoding may hold much that is no UTF-8, but no control characters.
    let is_binary = odd * 10 > sample.len() || (odd * 50 > sample.len() && broken * 4 > sample.len());
    is_binary.then_some("binary data")
}

fn is_python_repr(text: &[u8]) -> bool {
    let (mut total, mut python) = (0, 0);
    for line in lines(text).take(20) {
        total += 1;
        python += usize::from(line.starts_with(b"{'") || line.starts_with(b"[{'"));
    }
    python > 0 && python * 10 >= total * 9
}

/// Two lines or more, none of which is or begins like JSON, and either a header of column names, or as many separators in
/// every line. Prose has commas too, but with a space behind them.
fn is_csv(text: &[u8]) -> bool {
    const COLUMNS: &str =
        "answer assistant completion content context input instruction label messages output prompt question response role text user";
    let rows: Vec<&[u8]> = lines(text).take(5).collect();
    let Some((header, rest)) = rows.split_first().filter(|(_, rest)| !rest.is_empty()) else { return false };
    let is_json = |row: &&&[u8]| matches!(row.first(), Some(b'{' | b'[' | b'<' | b'/' | b'#')) || parse(row, 1).value.is_some();
    if rows.iter().any(|row| is_json(&row)) || header.windows(2).any(|pair| pair == b", " || pair == b"; ") {
        return false;
    }
    b",\t;".iter().any(|separator| {
        let count = |row: &[u8]| row.iter().filter(|byte| *byte == separator).count();
        let is_column = |name: &[u8]| {
            let name = String::from_utf8_lossy(name.trim_ascii()).trim_matches('"').to_lowercase();
            COLUMNS.split(' ').any(|column| column == name)
        };
        let columns = count(header);
        columns > 0 && (header.split(|byte| byte == separator).any(is_column) || rest.iter().all(|row| count(row) >= columns))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &[u8]) -> Option<HeadFault> {
        fault(text, true, 128)
    }

    #[test]
    fn whole_file_mistakes_have_names() {
        use HeadFault::*;
        for (text, expected) in [
            (&b"[{\"messages\": []}]"[..], Some(JsonArray)),
            (b"[\n {\"messages\": []},\n {\"messages\": []}\n]\n", Some(JsonArray)),
            (b"{\n \"messages\": []\n}\n{\n \"messages\": []\n}\n", Some(PrettyPrinted)),
            (b"{'messages': []}\n{'messages': []}\n", Some(PythonRepr)),
            (b"\xff\xfe{\0\"\0", Some(WideEncoding("UTF-16LE"))),
            (b"{\0\"\0a\0", Some(WideEncoding("UTF-16LE"))),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", Some(Pointer("Git LFS"))),
            (b"<!DOCTYPE html>\n<html></html>\n", Some(Html)),
            (b"PK\x03\x04aaaa", Some(Binary("a ZIP archive (XLSX and DOCX are such)"))),
            (b"\0\0\0\0\0\0\0\0", Some(Binary("binary data"))),
            (b"prompt,completion\nhello,world\n", Some(Csv)),
            (b"{\"a\": 1}\r{\"a\": 2}\r", Some(LoneCarriageReturn)),
            (b"{\"messages\": []}\n{\"messages\": []}\n", None),
            (b"{\"messages\": [\n{\"messages\": []}\n{\"messages\": []}\n", None),
            (b"[{\"role\": \"user\", \"content\": \"a\"}]\n", None),
            (b"[]\n[]\n", None),
            (b"\n\0{\0\"\0a\0", Some(WideEncoding("UTF-16LE"))),
            (b"\0{\0\"\0a\0\"", Some(WideEncoding("UTF-16BE"))),
            (b"{\0\0\0\"\0\0\0", Some(WideEncoding("UTF-32LE"))),
            (b"/annex/objects/SHA256E-s1--0.jsonl\n", Some(Pointer("git-annex"))),
            (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", Some(Html)),
            (b"{\\rtf1\\ansi\n{\"messages\": []}\n}", Some(Binary("an RTF document"))),
            // A mistake deep in a pretty-printed file, or its end cut off, does not make it a file of lines.
            (b"{\n \"messages\": [\n  {\"role\": \"user\", \"content\": \"say \"hi\"\"}\n ]\n}\n", Some(PrettyPrinted)),
            (b"{\n \"messages\": [\n  {\"role\":", Some(PrettyPrinted)),
            (b"[\n {\n  \"role\": 'x'\n }\n]\n", Some(JsonArray)),
            (b"[{\"messages\": []},\n{\"messages\": []}]\n", Some(JsonArray)),
            // The first line is cut, in a string or outside of one; the others are whole.
            (b"{\"messages\": [{\"role\": \"us\n{\"messages\": []}\n{\"messages\": []}\n", None),
            (b"{\"messages\": [\n{\"messages\": []}\nx\n", None),
            // One line after all: white space may be a carriage return.
            (b"{\r{\"a\": 1}\r{\"a\": 2}\r\n", Some(LoneCarriageReturn)),
            (b"{\"a\": [\r{\"b\": 1}]}\n", None),
            (b"prompt;completion\nhello;world\n", Some(Csv)),
            (b"\"prompt\",\"completion\"\n\"a poem\nof two lines\",\"roses\"\n", Some(Csv)),
            (b"id\tq\ta\n1\tb\tc\n2\td\te\n", Some(Csv)),
            (b"Hello, world\nHow are you, then?\nFine, thanks\n", None),
            (b"\"a,b\"\n\"c,d\"\n", None),
            (b"caf\xe9,th\xe9\nx,y\n", Some(Csv)),
            (b"", None),
        ] {
            assert_eq!(of(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn noise_is_binary_and_old_encodings_are_not() {
        let mut state = 7_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(1 << 16)
        .collect();
        for block in noise.chunks(4096) {
            assert_eq!(of(&[b"x", block].concat()), Some(HeadFault::Binary("binary data")));
        }
        assert_eq!(of(&b"\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\n".repeat(400)), None);
    }
}
