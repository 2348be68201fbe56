//! Lines put together by choices, each a byte: what a fuzzer finds by luck alone, or never, is one choice away here.

/// Choices still to be made; when there are none left, the first of everything is taken.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first)
    }

    fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() % from.len()]
    }

    /// One in so many; no when there are no choices left.
    fn rarely(&mut self, odds: usize) -> bool {
        self.next() % odds == odds - 1
    }

    fn some_bytes(&mut self, most: usize) -> &'a [u8] {
        let (own, rest) = self.0.split_at((self.next() % (most + 1)).min(self.0.len()));
        self.0 = rest;
        own
    }
}

/// A file of up to a dozen lines.
pub(super) fn file(choices: &[u8]) -> Vec<u8> {
    let choices = &mut Choices(choices);
    let mut out = Vec::new();
    if choices.rarely(8) {
        out.extend_from_slice("\u{feff}".as_bytes());
    }
    for _ in 0..=choices.next() % 12 {
        let mut line = String::new();
        put_line(choices, &mut line);
        let line = marred(choices, line);
        out.extend_from_slice(&line);
        out.extend_from_slice(choices.of(&[&b"\n"[..], b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b" ", b"", b",\n", b"\r"]));
        if choices.0.is_empty() {
            break;
        }
        // The same line again is a duplicate.
        if choices.rarely(16) {
            out.extend_from_slice(&[&line, &b"\n"[..]].concat());
        }
    }
    if choices.rarely(16) {
        let breaks = out.iter().filter(|&&byte| byte == b'\n').count();
        out = String::from_utf8_lossy(&out).replacen('\n', ",\n", breaks.saturating_sub(1)).into_bytes();
        out = [b"[", &out[..], b"]"].concat();
    }
    out
}

/// What people and their scripts do to a line.
fn marred(choices: &mut Choices<'_>, line: String) -> Vec<u8> {
    let cut = |choices: &mut Choices<'_>, length: usize| (choices.next() << 8 | choices.next()) % (length + 1);
    match choices.next() % 32 {
        20 => line.replace('"', "'").into_bytes(),
        21 => line.replace("true", "True").replace("null", "None").into_bytes(),
        22 => line.replace("\\n", "\n").into_bytes(),
        23 => line.replace("{\"role\"", "{\n  \"role\"").into_bytes(),
        24 => serde_json::Value::from(line).to_string().into_bytes(),
        25 => (line + ",").into_bytes(),
        26 => line.replace("\": ", "\":").replace(", ", ",").into_bytes(),
        27 => line.replace('"', "”").into_bytes(),
        28 => line.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        29 => line.into_bytes().into_iter().take(cut(choices, 600)).collect(),
        30 => {
            let mut bytes = line.into_bytes();
            let at = cut(choices, bytes.len());
            let odd = choices.some_bytes(4);
            bytes.splice(at..at, odd.iter().copied());
            bytes
        }
        31 => {
            let mut bytes = line.into_bytes();
            let (from, to) = (cut(choices, bytes.len()), cut(choices, 12));
            bytes.drain(from..(from + to).min(bytes.len()));
            bytes
        }
        _ => line.into_bytes(),
    }
}

fn put_line(choices: &mut Choices<'_>, out: &mut String) {
    out.push('{');
    match choices.next() % 14 {
        0..=5 => {
            put_messages(choices, out, "messages");
            if choices.rarely(3) {
                put_tools(choices, out);
            }
        }
        6 | 7 => {
            out.push_str("\"input\": {");
            put_messages(choices, out, "messages");
            if choices.rarely(3) {
                put_tools(choices, out);
            }
            out.push('}');
            for key in ["preferred_output", "non_preferred_output"] {
                out.push_str(", ");
                put_messages(choices, out, key);
            }
        }
        8 => {
            let (prompt, completion) = (text(choices), text(choices));
            out.push_str(&format!("\"prompt\": {prompt}, \"completion\": {completion}"));
        }
        9 => {
            put_messages(choices, out, "messages");
            out.push_str(", \"reference_answer\": ");
            put_value(choices, out, 2);
        }
        10 => {
            out.push_str("\"conversations\": [");
            for index in 0..choices.next() % 4 {
                let (from, value) = (choices.of(&["human", "gpt", "system", "tool", "x"]), text(choices));
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(&format!("{{\"from\": \"{from}\", \"value\": {value}}}"));
            }
            out.push(']');
        }
        11 => {
            let (instruction, input, output) = (text(choices), text(choices), text(choices));
            out.push_str(&format!("\"instruction\": {instruction}, \"input\": {input}, \"output\": {output}"));
        }
        12 => out.push_str(&format!("\"text\": {}", text(choices))),
        _ => {
            let (key, other) = (choices.of(&KEYS), choices.of(&KEYS));
            out.push_str(&format!("\"{key}\": "));
            put_value(choices, out, 3);
            out.push_str(&format!(", \"{other}\": "));
            put_value(choices, out, 3);
        }
    }
    if choices.rarely(4) {
        let key = choices.of(&KEYS);
        out.push_str(&format!(", \"{key}\": "));
        put_value(choices, out, 2);
    }
    out.push('}');
}

/// Names that lines of all kinds have for their values.
const KEYS: [&str; 40] = [
    "weight",
    "messages",
    "role",
    "content",
    "name",
    "tools",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "functions",
    "refusal",
    "parallel_tool_calls",
    "type",
    "text",
    "image_url",
    "url",
    "detail",
    "id",
    "arguments",
    "parameters",
    "strict",
    "description",
    "properties",
    "required",
    "prompt",
    "completion",
    "chosen",
    "rejected",
    "question",
    "answer",
    "response_format",
    "custom_id",
    "body",
    "audio",
    "metadata",
    "contnt",
    "",
    "a/b~c",
    "\\u0000",
    "::error::x",
];

fn put_messages(choices: &mut Choices<'_>, out: &mut String, key: &str) {
    let key = if choices.rarely(24) { choices.of(&["mesages", "Messages", "conversation", "message"]) } else { key };
    out.push_str(&format!("\"{key}\": "));
    if choices.rarely(24) {
        return put_value(choices, out, 1);
    }
    out.push('[');
    for index in 0..choices.next() % 5 {
        if index > 0 {
            out.push_str(", ");
        }
        put_message(choices, out, index);
    }
    out.push(']');
}

fn put_message(choices: &mut Choices<'_>, out: &mut String, index: usize) {
    const ROLES: [&str; 14] = [
        "user",
        "assistant",
        "system",
        "tool",
        "developer",
        "function",
        "asistant",
        "human",
        "gpt",
        "Assistant",
        "model",
        "",
        "##vso[task.complete]",
        "x ::error::y",
    ];
    let role = match choices.next() % 6 {
        0..=3 => ["user", "assistant"][index % 2],
        _ => choices.of(&ROLES),
    };
    out.push('{');
    if !choices.rarely(20) {
        out.push_str(&format!("\"role\": \"{role}\", "));
    }
    out.push_str("\"content\": ");
    match choices.next() % 10 {
        0..=4 => out.push_str(&text(choices)),
        5 => put_value(choices, out, 2),
        _ => put_parts(choices, out),
    }
    match choices.next() % 16 {
        8 => out.push_str(", \"weight\": "),
        9 => {
            out.push_str(", \"tool_calls\": ");
            put_calls(choices, out);
            out.push_str(", \"weight\": ");
        }
        10 => {
            out.push_str(", \"tool_calls\": ");
            put_calls(choices, out);
            out.push('}');
            return;
        }
        11 => {
            let id = choices.of(&["\"a\"", "\"b\"", "7", "\"\"", "null"]);
            out.push_str(&format!(", \"tool_call_id\": {id}}}"));
            return;
        }
        12 => {
            let name = text(choices);
            out.push_str(&format!(", \"name\": {name}}}"));
            return;
        }
        13 => {
            let arguments = arguments(choices);
            out.push_str(&format!(", \"function_call\": {{\"name\": \"f\", \"arguments\": {arguments}}}}}"));
            return;
        }
        14 => {
            let key = choices.of(&KEYS);
            out.push_str(&format!(", \"{key}\": "));
            put_value(choices, out, 1);
            out.push('}');
            return;
        }
        _ => {
            out.push('}');
            return;
        }
    }
    let weight = choices.of(&["0", "1", "1.0", "0.5", "true", "null", "\"1\"", "-1", "1e0", "2"]);
    out.push_str(&format!("{weight}}}"));
}

fn put_parts(choices: &mut Choices<'_>, out: &mut String) {
    out.push('[');
    for index in 0..choices.next() % 4 {
        if index > 0 {
            out.push_str(", ");
        }
        match choices.next() % 8 {
            0 | 1 => out.push_str(&format!("{{\"type\": \"text\", \"text\": {}}}", text(choices))),
            2..=4 => {
                let url = url(choices);
                let detail = choices.of(&["", "", ", \"detail\": \"low\"", ", \"detail\": \"HIGH\"", ", \"detail\": 7", ", \"x\": 1"]);
                out.push_str(&format!("{{\"type\": \"image_url\", \"image_url\": {{\"url\": \"{url}\"{detail}}}}}"));
            }
            5 => {
                let url = url(choices);
                let shape = choices.of(&[
                    ("{\"type\": \"image_url\", \"image_url\": \"", "\"}"),
                    ("{\"type\": \"input_image\", \"image_url\": \"", "\"}"),
                    ("{\"type\": \"image\", \"source\": {\"type\": \"base64\", \"media_type\": \"image/png\", \"data\": \"", "\"}}"),
                    ("{\"image_url\": {\"url\": \"", "\"}}"),
                    ("{\"type\": \"image_url\", \"url\": \"", "\"}"),
                ]);
                out.push_str(&[shape.0, url, shape.1].concat());
            }
            6 => {
                let part = choices.of(&[
                    "{\"type\": \"input_text\", \"text\": \"a\"}",
                    "{\"text\": \"a\"}",
                    "\"a\"",
                    "{\"type\": \"text\"}",
                    "{}",
                    "[]",
                    "null",
                    "{\"type\": \"input_audio\", \"input_audio\": {\"data\": \"AAAA\", \"format\": \"wav\"}}",
                    "{\"type\": \"refusal\", \"refusal\": \"no\"}",
                    "{\"type\": \"file\", \"file\": {\"file_id\": \"f\"}}",
                    "{\"type\": 7, \"text\": \"a\"}",
                    "{\"type\": \"txt\", \"text\": \"a\"}",
                ]);
                out.push_str(part);
            }
            _ => put_value(choices, out, 2),
        }
    }
    out.push(']');
}

/// Images and what stands for them.
fn url(choices: &mut Choices<'_>) -> &'static str {
    choices.of(&[
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mNocFAgCTGMahjVMHw1AAB3KeABgCE/BAAAAABJRU5ErkJggg==",
        "data:image/jpg;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mNocFAgCTGMahjVMHw1AAB3KeABgCE/BAAAAABJRU5ErkJggg==",
        "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mNocFAgCTGMahjVMHw1AAB3KeABgCE/BAAAAABJRU5ErkJggg",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mNocFAgCTGMahjVMHw1AAB3KeABgCE/BAAAAABJRU5ErkJggg",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAA FklEQVR42mNocFAgCTGMahjVMHw1AAB3KeABgCE_BAAAAABJRU5ErkJggg==",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mNocFAg",
        "data:image/png;base64,",
        "data:image/jpeg;base64,AAAA",
        "data:image/png,plain",
        "data:;base64,iVBORw0KGgo=",
        "DATA:IMAGE/GIF;charset=x;BASE64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
        "data:image/bmp;base64,Qk0eAAAAAAAAABoAAAAMAAAAAQABAAEAGAAAAP8A",
        "https://example.com/a.jpg",
        "http://localhost/a.png",
        "file:///etc/passwd",
        "a.png",
        "",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:application/pdf;base64,JVBERi0xLjQK",
        "data:image/png;base64,iVBORw0KGgo%3D\\u0000",
    ])
}

fn put_calls(choices: &mut Choices<'_>, out: &mut String) {
    out.push('[');
    for index in 0..choices.next() % 3 {
        if index > 0 {
            out.push_str(", ");
        }
        let (id, name, kind) = (
            choices.of(&["\"id\": \"a\", ", "\"id\": \"b\", ", "\"id\": 7, ", "", "\"id\": \"\", "]),
            choices.of(&["f", "g", "", "a b", "get_weather"]),
            choices.of(&["\"type\": \"function\", ", "", "\"type\": \"tool\", "]),
        );
        let arguments = arguments(choices);
        out.push_str(&format!("{{{id}{kind}\"function\": {{\"name\": \"{name}\", \"arguments\": {arguments}}}}}"));
    }
    out.push(']');
}

fn arguments(choices: &mut Choices<'_>) -> &'static str {
    choices.of(&[
        r#""{\"a\": 1}""#,
        r#""{}""#,
        r#"{"a": 1}"#,
        r#""{'a': True}""#,
        r#""not JSON""#,
        r#""""#,
        r#""\"{}\"""#,
        "null",
        "[]",
        r#""{\"a\": \"x\", \"b\": [1, 2], \"zz\": null}""#,
        r#""{\"a\": 1,}""#,
        r#""{\"a\": NaN}""#,
        "7",
    ])
}

fn put_tools(choices: &mut Choices<'_>, out: &mut String) {
    let parameters = choices.of(&[
        r#"{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}"#,
        r#"{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false}"#,
        r#"{"properties": {}}"#,
        r#"{"type": "object", "properties": {"a": {"type": "strng"}}}"#,
        r##"{"type": "object", "properties": {"a": {"$ref": "#/x"}}, "required": "a"}"##,
        r#"{"type": "object", "properties": {"a": {"enum": ["x"], "pattern": "("}}, "required": ["b"]}"#,
        "7",
        "{}",
        "null",
    ]);
    let name = choices.of(&["f", "g", "", "a b", "get_weather", "f"]);
    let more = choices.of(&["", ", \"strict\": true", ", \"description\": \"x\"", ", \"strict\": \"yes\""]);
    let function = format!("{{\"name\": \"{name}\", \"parameters\": {parameters}{more}}}");
    let tools = match choices.next() % 8 {
        0..=3 => format!("\"tools\": [{{\"type\": \"function\", \"function\": {function}}}]"),
        4 => format!(
            "\"tools\": [{{\"type\": \"function\", \"function\": {function}}}, {{\"type\": \"function\", \"function\": {function}}}], \"parallel_tool_calls\": false"
        ),
        5 => format!("\"functions\": [{function}]"),
        6 => format!("\"tools\": [{function}], \"parallel_tool_calls\": \"False\""),
        _ => "\"tools\": []".to_owned(),
    };
    out.push_str(", ");
    out.push_str(&tools);
}

/// A string with its quotes: as it is to be, or with what strings should not have.
fn text(choices: &mut Choices<'_>) -> String {
    match choices.next() % 8 {
        0..=3 => choices
            .of(&["\"Hi\"", "\"What is this?\"", "\"It is one.\"", "\"a\"", "\"Paris.\"", "\"\"", "\" b \"", "\"two words\""])
            .to_owned(),
        4 | 5 => choices
            .of(&[
                "\"<|endoftext|>\"",
                "\"\\u001b[2J\"",
                "\"\u{202e}x\"",
                "\"\\ud83d\"",
                "\"\\ud83d\\ude00\"",
                "\"\u{fffd}\"",
                "\"\\u0000\"",
                "\"a\tb\"",
                "\"\\x41\"",
                "\"##vso[task.setvariable variable=PATH]x\"",
                "\"\\n::error::x\"",
                "\"##[error]x\"",
                "\"x ::set-output name=a::b\"",
                "\"]]>\"",
                "\"<script>\"",
                "\"caf\u{e9}\"",
                "\"\u{feff}a\"",
                "\"[tool]\"",
                "\"{\\\"a\\\": 1}\"",
                "\"\u{9b}31m\"",
                "\"it's\"",
                "\"\\\"\"",
                "\"\u{2028}\"",
                "\"|a|`b`|\"",
            ])
            .to_owned(),
        6 => serde_json::Value::from(String::from_utf8_lossy(choices.some_bytes(60))).to_string(),
        _ => format!("\"{}\"", String::from_utf8_lossy(choices.some_bytes(60))),
    }
}

fn put_value(choices: &mut Choices<'_>, out: &mut String, depth: usize) {
    let kinds = if depth == 0 { 8 } else { 11 };
    match choices.next() % kinds {
        0 => out.push_str("null"),
        1 => out.push_str(choices.of(&["true", "false", "True", "None", "NaN", "undefined"])),
        2 => out.push_str(choices.of(&[
            "0",
            "1",
            "-1",
            "1.5",
            "1e400",
            "01",
            "1e-7",
            "18446744073709551616",
            "-0",
            "Infinity",
            ".5",
            "0x1F",
        ])),
        3..=5 => out.push_str(&text(choices)),
        6 => out.push_str("[]"),
        7 => out.push_str("{}"),
        8 => {
            out.push('[');
            for index in 0..choices.next() % 4 {
                out.push_str(if index == 0 { "" } else { ", " });
                put_value(choices, out, depth - 1);
            }
            out.push(']');
        }
        9 => {
            out.push('{');
            for index in 0..choices.next() % 4 {
                out.push_str(if index == 0 { "" } else { ", " });
                let key = choices.of(&KEYS);
                out.push_str(&format!("\"{key}\": "));
                put_value(choices, out, depth - 1);
            }
            out.push('}');
        }
        _ => put_message(choices, out, 0),
    }
}
