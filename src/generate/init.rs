//! A first recipe for a source: what is in it, as comments, and what its columns look like they are for.

use std::fmt::Write as _;
use std::path::Path;

use super::row::{Row, Value};
use super::source::{Column, Source, Spec, Wanted};
use super::{Error, source};
use crate::diagnostic::sanitised;

/// Rows that are shown.
const ROWS: usize = 5;
/// Characters of a cell that are shown.
const CELL: usize = 60;

/// A recipe for the source at `path`, seen from `base`: commented, and one that runs.
///
/// # Errors
///
/// When there is no source at `path`, or its first rows cannot be read.
pub fn init(path: &str, base: &Path) -> Result<String, Error> {
    let opened = Source::open(&Spec::new(path), base).map_err(Error::source)?;
    let rows: Result<Vec<Row>, source::Error> = opened.rows(&Wanted::default()).map_err(Error::source)?.take(ROWS).collect();
    let rows = rows.map_err(Error::source)?;
    let shape = Shape::of(opened.columns(), &rows);
    let mut out = String::new();
    let _ = writeln!(out, "# A recipe for `tunelint generate`. `tunelint generate --schema` prints all keys there are.\n#");
    let count = opened.count().map(|count| format!(", {} rows", crate::diagnostic::number(count))).unwrap_or_default();
    let _ = writeln!(out, "# The source is of the kind {}{count}. Its columns:", opened.kind().name());
    let width = opened.columns().iter().map(|column| column.name.chars().count()).max().unwrap_or_default();
    for column in opened.columns() {
        let _ = writeln!(out, "#   {:<width$}  {}", sanitised(&column.name), sanitised(&column.kind));
    }
    for row in &rows {
        let _ = writeln!(out, "#\n# {}", sanitised(&row.place));
        for (name, value) in &row.cells {
            let _ = writeln!(out, "#   {:<width$}  {}", sanitised(name), shown(value));
        }
    }
    let _ = write!(
        out,
        r#"
# Where it is bound for: `tunelint target` lists the providers.
target = "openai"
# The same recipe, seed and sources give the same bytes.
seed = 42
# "skip" leaves out rows that cannot be made into what the target takes, and counts them.
on_error = "stop"

[source]
path = {}

[rows]
shuffle = true
# sample = 500                      # or a share: "5%"
# filter = "an expression"          # such as: score > 0.5 and language == "en"
"#,
        quoted(path)
    );
    if !shape.explode.is_empty() {
        let names: Vec<String> = shape.explode.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(out, "# Lists of the same length: one example for each of their elements.\nexplode = [{}]", names.join(", "));
    }
    if !shape.rename.is_empty() {
        let names: Vec<String> = shape.rename.iter().map(|(old, new)| format!("{} = {}", key(old), quoted(new))).collect();
        let _ = writeln!(out, "rename = {{ {} }}", names.join(", "));
    }
    out.push_str(
        "# group_by = \"a column\"             # rows with the same value never go to two splits\n\n[splits.train]\nrows = \"90%\"\n\n[splits.validation]\n\n",
    );
    let _ = write!(out, "# {}\n[example]\n{}", shape.why, shape.example);
    if shape.has_images {
        out.push_str(
            "\n# Images that the target takes pass through untouched; others are encoded anew.\n[images]\n# max_side = 1024\n# quality = 80\n# detail = \"low\"                    # cheaper, for pictures without small print\n",
        );
    }
    out.push_str("\n[output]\n# max_file_size = \"512MB\"           # with fit = true, images are made smaller until the file fits\n");
    Ok(out)
}

/// What the columns look like they are for.
struct Shape {
    explode: Vec<String>,
    rename: Vec<(String, String)>,
    /// One line on what was recognised.
    why: String,
    /// The keys of `[example]`.
    example: String,
    has_images: bool,
}

impl Shape {
    fn of(columns: &[Column], rows: &[Row]) -> Self {
        let named = |names: &[&str]| -> Option<String> {
            names
                .iter()
                .find_map(|name| columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
                .map(|column| column.name.clone())
        };
        let is_list = |name: &str| rows.iter().any(|row| matches!(row.get(name), Some(Value::List(_))));
        let image =
            columns.iter().find(|column| column.kind == "image" || column.kind == "list of image").map(|column| column.name.clone());
        let image = image.or_else(|| named(&["image", "images", "image_path"]));
        let mut shape =
            Self { explode: Vec::new(), rename: Vec::new(), why: String::new(), example: String::new(), has_images: image.is_some() };
        let preset = |shape: &mut Self, name: &str, why: &str, columns: &[(&str, &str)]| {
            shape.why = why.to_owned();
            shape.example = format!("preset = {}\n", quoted(name));
            shape.rename.extend(columns.iter().filter(|(old, new)| old != new).map(|(old, new)| ((*old).to_owned(), (*new).to_owned())));
        };
        if let Some(messages) = named(&["messages"]).filter(|name| is_list(name)) {
            shape.why = "Chats, passed through.".to_owned();
            shape.example = match &image {
                Some(image) => format!(
                    "messages = {{ expr = {} }}\n",
                    quoted(&format!("{} | with_images({})", reference(&messages), reference(image)))
                ),
                None if messages == "messages" => "preset = \"messages\"\n".to_owned(),
                None => format!("messages = {{ expr = {} }}\n", quoted(&reference(&messages))),
            };
            if let Some(tools) = named(&["tools"]) {
                let _ = writeln!(shape.example, "tools = {{ expr = {} }}", quoted(&reference(&tools)));
            }
        } else if let Some(turns) = named(&["conversations", "conversation"]).filter(|name| is_list(name)) {
            shape.why = "ShareGPT.".to_owned();
            let images = image.as_ref().map(|image| format!(" | with_images({})", reference(image))).unwrap_or_default();
            shape.example = format!("messages = {{ expr = {} }}\n", quoted(&format!("{} | from_sharegpt{images}", reference(&turns))));
        } else if let (Some(chosen), Some(rejected), Some(prompt)) =
            (named(&["chosen"]), named(&["rejected"]), named(&["prompt", "question", "instruction"]))
        {
            preset(&mut shape, "chosen-rejected", "Preferences.", &[(&prompt, "prompt"), (&chosen, "chosen"), (&rejected, "rejected")]);
        } else if let (Some(instruction), Some(output), Some(input)) =
            (named(&["instruction"]), named(&["output", "response"]), named(&["input", "context"]))
        {
            preset(&mut shape, "alpaca", "Alpaca.", &[(&instruction, "instruction"), (&input, "input"), (&output, "output")]);
        } else if let (Some(question), Some(answer)) = (
            named(&["question", "questions", "prompt", "instruction", "query"]),
            named(&["answer", "answers", "completion", "response", "output"]),
        ) {
            if is_list(&question) && is_list(&answer) {
                shape.explode = vec![question.clone(), answer.clone()];
            }
            let mut columns = vec![(question.as_str(), "question"), (answer.as_str(), "answer")];
            match &image {
                Some(image) => {
                    columns.push((image, "image"));
                    preset(&mut shape, "image-question-answer", "Questions about an image, and their answers.", &columns);
                }
                None => preset(&mut shape, "question-answer", "Questions and answers.", &columns),
            }
        } else {
            shape.guess(columns, image.as_deref());
        }
        shape
    }

    /// Templates to start from, where nothing is recognised.
    fn guess(&mut self, columns: &[Column], image: Option<&str>) {
        let plain = |column: &&Column| {
            image != Some(&*column.name) && !column.kind.starts_with("list") && !column.kind.starts_with("object") && column.kind != "bytes"
        };
        let texts: Vec<&str> = columns.iter().filter(plain).map(|column| column.name.as_str()).collect();
        let answer = ["label", "labels", "class", "caption", "text", "txt", "cls", "target"];
        let answer = answer.iter().find(|name| texts.contains(name)).copied().or(texts.last().copied()).unwrap_or("columns");
        let question = texts.iter().find(|name| **name != answer).copied();
        self.why = "Nothing was recognised: these templates are a start. Columns stand in {{ braces }}.".to_owned();
        let user = match (image, question) {
            (Some(image), _) => format!("[{{ text = \"What is shown here?\" }}, {{ image = {} }}]", quoted(&reference(image))),
            (None, Some(question)) => quoted(&format!("{{{{ {} }}}}", reference(question))),
            (None, None) => quoted("…"),
        };
        self.example = format!(
            "messages = [\n  {{ role = \"user\", content = {user} }},\n  {{ role = \"assistant\", content = {} }},\n]\n",
            quoted(&format!("{{{{ {} }}}}", reference(answer)))
        );
    }
}

/// A column in an expression: by its name, or through `columns` when that is no identifier.
fn reference(name: &str) -> String {
    let is_identifier =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_identifier { name.to_owned() } else { format!("columns[{}]", quoted(name)) }
}

/// A TOML text.
fn quoted(text: &str) -> String {
    // Every JSON text is a TOML text, DEL aside.
    serde_json::to_string(text).unwrap_or_default().replace('\u{7f}', "\\u007f")
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { name.to_owned() } else { quoted(name) }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.to_string(),
        Value::Image { bytes: Some(bytes), .. } => format!("<image of {}>", crate::diagnostic::bytes(bytes.len() as u64)),
        Value::Image { path: Some(path), .. } => format!("<image {path}>"),
        Value::Bytes(bytes) => format!("<{}>", crate::diagnostic::count(bytes.len() as u64, "byte")),
        other => {
            let mut out = Vec::new();
            let mut image = |_: &Value, out: &mut Vec<u8>| {
                out.extend_from_slice("<image>".as_bytes());
                Ok(())
            };
            match super::json::write(other, super::recipe::JsonStyle::Compact, &mut out, &mut image) {
                Ok(()) => String::from_utf8_lossy(&out).into_owned(),
                Err(_) => other.kind().to_owned(),
            }
        }
    };
    let mut short: String = text.chars().take(CELL).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    if text.chars().nth(CELL).is_some() {
        short.push('…');
    }
    sanitised(&short).into_owned()
}
