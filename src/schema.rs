//! The shape of one line, by JSON Schema. The only file that knows the jsonschema crate: it compiles the schemas of
//! `rules/formats/`, validates the parsed line itself (no copy of it is made), and turns each failing keyword into the
//! rule that stands beside it in the schema under `x-rule`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::json::{self, JsonNumber, NodeIdentity};
use jsonschema::{JsonType, Retrieve, Uri, Validator};

use crate::format::{FORMATS, Format};
use crate::json::{Data, Member, Value};

/// The schemas of all formats.
#[derive(Debug)]
pub struct Schemas {
    /// `None` for a schema that does not compile, which a test rules out.
    formats: BTreeMap<Format, OnceLock<Option<Validator<Tree>>>>,
    documents: BTreeMap<&'static str, serde_json::Value>,
}

/// One failing keyword of a schema.
#[derive(Debug)]
pub struct SchemaFault<'a> {
    /// The rule the schema names for it.
    pub rule: String,
    /// The value that fails.
    pub value: &'a Value<'a>,
    /// The object or array it stands in; the line itself stands in none.
    pub parent: Option<&'a Value<'a>>,
    /// The key it stands under, or its place in a list; empty for the line itself.
    pub key: String,
    /// How it fails.
    pub fault: ShapeFault,
}

/// How a value fails its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeFault {
    /// A key it must have is absent.
    Missing(String),
    /// It is of another type; holds the types allowed, with articles: "a string or an array".
    WrongType(String),
    /// It must be this one value.
    NotConst(String),
    /// It has too few items.
    TooFew,
    /// It may not stand here at all.
    NotAllowed,
    /// Anything else a schema can say, in the validator's words.
    Other(String),
}

impl Schemas {
    /// Reads the schemas that come with tunelint; each is compiled when the first line of its format comes.
    ///
    /// # Errors
    ///
    /// When a schema is no JSON; never for those that are built in, as the tests show.
    pub fn load() -> Result<Self, String> {
        let mut documents = BTreeMap::new();
        for (format, text) in FORMATS {
            let document: serde_json::Value = serde_json::from_str(text).map_err(|error| format!("{}: {error}", format.name()))?;
            documents.insert(format.name(), document);
        }
        let formats = FORMATS.iter().map(|(format, _)| (*format, OnceLock::new())).collect();
        Ok(Self { formats, documents })
    }

    /// The compiled schema of a format (a millisecond or two at the first call).
    fn validator(&self, format: Format) -> Option<&Validator<Tree>> {
        let compile = || {
            let options = jsonschema::options_for::<Tree>().with_retriever(Embedded(self.documents.clone()));
            options.build(self.documents.get(format.name())?).ok()
        };
        self.formats.get(&format)?.get_or_init(compile).as_ref()
    }

    /// The faults of `line` as `format`; none for a valid line, at the cost of one walk.
    pub fn faults<'a>(&self, format: Format, line: &'a Value<'a>) -> Vec<SchemaFault<'a>> {
        if format == Format::Chat && is_plain_chat(line) {
            return Vec::new();
        }
        let Some(validator) = self.validator(format) else { return Vec::new() };
        if validator.is_valid(line) {
            return Vec::new();
        }
        let fault = |error: jsonschema::ValidationError<'_>| {
            let location = error.absolute_keyword_location()?.to_string();
            let rule = self.rule_at(&location)?;
            let pointer = error.instance_path().as_str();
            let value = line.at(pointer)?;
            let key = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
            let parent = pointer.rsplit_once('/').and_then(|(parent, _)| line.at(parent));
            Some(SchemaFault { rule, value, parent, key, fault: shape_fault(error.kind()) })
        };
        validator.iter_errors(line).filter_map(fault).collect()
    }

    /// The rule under `x-rule` of the schema whose keyword stands at `location` (`tunelint:/formats/chat.schema.json#/…/type`).
    fn rule_at(&self, location: &str) -> Option<String> {
        let (document, pointer) = location.split_once('#')?;
        let name = document.rsplit('/').next()?.strip_suffix(".schema.json")?;
        let (parent, keyword) = pointer.rsplit_once('/')?;
        let parent = self.documents.get(name)?.pointer(&parent.replace("%24", "$"))?;
        Some(parent.get("x-rule")?.get(keyword)?.as_str()?.to_owned())
    }
}

/// Whether a chat is nothing but messages of a role and of texts and images. Most lines of most files are, the schema has nothing to
/// say of those (a property holds the two together), and a hook over a few of them need not compile it.
fn is_plain_chat(line: &Value<'_>) -> bool {
    let Some([Member { key, value, .. }]) = line.as_object() else { return false };
    let messages = value.as_array().unwrap_or_default();
    key == "messages" && !messages.is_empty() && messages.iter().all(is_plain_message)
}

fn is_plain_message(message: &Value<'_>) -> bool {
    let Some((role, content)) = two(message, "role", "content") else { return false };
    let is_known = || matches!(role.as_str(), Some("system" | "developer" | "user" | "assistant"));
    let is_content = match content.as_array() {
        Some(parts) => !parts.is_empty() && parts.iter().all(is_plain_part),
        None => content.as_str().is_some(),
    };
    is_content && is_known()
}

fn is_plain_part(part: &Value<'_>) -> bool {
    if let Some((kind, text)) = two(part, "type", "text") {
        return kind.as_str() == Some("text") && text.as_str().is_some();
    }
    let Some((kind, image)) = two(part, "type", "image_url") else { return false };
    let Some([url, more @ ..]) = image.as_object() else { return false };
    let is_image = url.key == "url" && url.value.as_str().is_some() && more.iter().all(|member| member.key == "detail");
    kind.as_str() == Some("image_url") && is_image
}

/// What stands under the only two keys of an object, if those are `first` and `second`, in any order.
fn two<'v, 'a>(value: &'v Value<'a>, first: &str, second: &str) -> Option<(&'v Value<'a>, &'v Value<'a>)> {
    let [one, other] = value.as_object()? else { return None };
    let (one, other) = if one.key == first { (one, other) } else { (other, one) };
    (one.key == first && other.key == second).then_some((&one.value, &other.value))
}

fn shape_fault(kind: &ValidationErrorKind) -> ShapeFault {
    match kind {
        ValidationErrorKind::Required { property } => ShapeFault::Missing(property.as_str().unwrap_or_default().to_owned()),
        ValidationErrorKind::Type { kind: TypeKind::Single(one) } => ShapeFault::WrongType(article(*one).to_owned()),
        ValidationErrorKind::Type { kind: TypeKind::Multiple(many) } => {
            let names: Vec<_> = many.iter().map(article).collect();
            ShapeFault::WrongType(names.join(" or "))
        }
        ValidationErrorKind::Constant { expected_value } => ShapeFault::NotConst(expected_value.to_string()),
        ValidationErrorKind::MinItems { .. } => ShapeFault::TooFew,
        ValidationErrorKind::Not { .. } | ValidationErrorKind::FalseSchema => ShapeFault::NotAllowed,
        other => ShapeFault::Other(other.keyword().to_owned()),
    }
}

fn article(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "null",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    }
}

#[derive(Debug)]
struct Embedded(BTreeMap<&'static str, serde_json::Value>);

impl Retrieve for Embedded {
    fn retrieve(&self, uri: &Uri<String>) -> Result<serde_json::Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.path().as_str().rsplit('/').next().and_then(|file| file.strip_suffix(".schema.json"));
        name.and_then(|name| self.0.get(name)).cloned().ok_or_else(|| format!("no schema {uri}").into())
    }
}

/// The parsed line as jsonschema sees it.
#[derive(Debug)]
pub struct Tree;

impl json::Json for Tree {
    type Node<'a> = &'a Value<'a>;
    type PreparedKey = String;
    type StringBuffer = ();
    const KEYS_PER_LOOKUP: usize = 1;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Self::Node<'_>) -> T) -> T {
        f(&Value { span: crate::json::Span::default(), data: Data::String(Cow::Borrowed(string)) })
    }
}

impl<'a> json::Node<'a, Tree> for &'a Value<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        Value::as_object(self).map(Members)
    }

    fn as_array(&self) -> Option<Items<'a>> {
        Value::as_array(self).map(Items)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match &self.data {
            Data::String(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        Value::as_number(self).map(Number)
    }

    fn as_boolean(&self) -> Option<bool> {
        self.as_bool()
    }

    fn is_null(&self) -> bool {
        Value::is_null(self)
    }

    fn json_type(&self) -> JsonType {
        match self.data {
            Data::Null => JsonType::Null,
            Data::Bool(_) => JsonType::Boolean,
            Data::Number(_) => JsonType::Number,
            Data::String(_) => JsonType::String,
            Data::Array(_) => JsonType::Array,
            Data::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &serde_json::Value) -> bool {
        match (&self.data, expected) {
            (Data::String(text), serde_json::Value::String(expected)) => text == expected,
            (Data::String(_), _) | (_, serde_json::Value::String(_)) => false,
            _ => json::cmp::equal(&self.to_json(), expected),
        }
    }

    /// Only errors ask for the instance, and they are told apart by their place: no megabytes are copied for one.
    fn to_value(&self) -> Cow<'a, serde_json::Value> {
        Cow::Owned(match &self.data {
            Data::Array(_) | Data::Object(_) | Data::String(_) => serde_json::Value::Null,
            _ => self.to_json(),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref::<Value<'a>>(self) as usize))
    }
}

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a>(&'a [Member<'a>]);

impl<'a> json::Object<'a, Tree> for Members<'a> {
    type Node = &'a Value<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &String) -> Option<&'a Value<'a>> {
        self.0.iter().rev().find(|member| member.key == *key).map(|member| &member.value)
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.0.iter())
    }
}

/// Iterates over the members of an object.
#[derive(Clone, Debug)]
pub struct MembersIter<'a>(std::slice::Iter<'a, Member<'a>>);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, &'a Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|member| (member.key.as_ref(), &member.value))
    }
}

/// The items of an array.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a>(&'a [Value<'a>]);

impl<'a> json::Array<'a, Tree> for Items<'a> {
    type Node = &'a Value<'a>;
    type ElementsIter = std::slice::Iter<'a, Value<'a>>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        self.0.iter()
    }
}

/// A number as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a>(&'a str);

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(serde_json::from_str(self.0).unwrap_or_else(|_| 0.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn faults(format: Format, line: &str) -> Vec<(String, String)> {
        let root = parse(line.as_bytes(), 128).value.expect("valid JSON");
        let schemas = Schemas::load().expect("built in");
        schemas.faults(format, &root).into_iter().map(|fault| (fault.rule, root.pointer(fault.value.span))).collect()
    }

    fn one(rule: &str, at: &str) -> Vec<(String, String)> {
        vec![(rule.to_owned(), at.to_owned())]
    }

    proptest::proptest! {
        /// What is passed by without the schema is what the schema passes.
        #[test]
        fn plain_chats_are_valid(line in near_plain()) {
            let Some(root) = parse(line.as_bytes(), 128).value else { return Ok(()) };
            let schemas = Schemas::load().expect("built in");
            let validator = schemas.validator(Format::Chat).expect("compiles");
            proptest::prop_assert!(!is_plain_chat(&root) || validator.is_valid(&root), "{line}");
        }
    }

    /// Chats that are plain, or miss it by a little: by a string that is another one, or is none.
    fn near_plain() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        const CONTENTS: &[&str] = &[
            r#""a""#,
            "[]",
            r#"[{"type":"text","text":"a"}]"#,
            r#"[{"image_url":{"url":"u"},"type":"image_url"}]"#,
            r#"[{"type":"image_url","image_url":{"url":"u","detail":"low"}},{"text":"a","type":"text"}]"#,
        ];
        const OTHERS: &str = "messages role content user tool name tool_calls tools type text image_url url detail refusal";
        let content = prop::sample::select(CONTENTS);
        let role = prop::sample::select(&["user", "assistant", "system", "developer"][..]);
        let more = prop_oneof![9 => Just(""), 1 => Just(r#","tool_calls":7"#)];
        let message = (role, content, more).prop_map(|(role, content, more)| format!(r#"{{"role":"{role}","content":{content}{more}}}"#));
        let more = prop_oneof![9 => Just(""), 1 => Just(r#","tools":7"#)];
        let list =
            (prop::collection::vec(message, 0..3), more).prop_map(|(list, more)| format!(r#"{{"messages":[{}]{more}}}"#, list.join(",")));
        let other = prop_oneof![
            2 => prop::sample::select(OTHERS.split(' ').collect::<Vec<_>>()).prop_map(|other| format!("\"{other}\"")),
            1 => prop::sample::select(&["null", "[]", "{}", "0"][..]).prop_map(str::to_owned),
        ];
        (list, prop::collection::vec((any::<prop::sample::Index>(), other), 0..3)).prop_map(|(line, others)| {
            // Every other piece is a string.
            let quoted = |(at, piece): (usize, &str)| if at % 2 == 1 { format!("\"{piece}\"") } else { piece.to_owned() };
            let mut pieces: Vec<String> = line.split('"').enumerate().map(quoted).collect();
            for (at, other) in others {
                let string = at.index(pieces.len() / 2) * 2 + 1;
                pieces[string] = other;
            }
            pieces.concat()
        })
    }

    #[test]
    fn plain_chats_are_told() {
        let is_plain = |line: &str| is_plain_chat(&parse(line.as_bytes(), 128).value.expect("valid JSON"));
        assert!(is_plain(r#"{"messages":[{"role":"user","content":"a"},{"content":"","role":"assistant"}]}"#));
        assert!(is_plain(
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":""},{"type":"image_url","image_url":{"url":"u","detail":7}}]}]}"#
        ));
        assert!(!is_plain(r#"{"messages":[]}"#));
        assert!(!is_plain(r#"{"messages":[{"role":"user","content":[]}]}"#));
        assert!(!is_plain(r#"{"messages":[{"role":"tool","content":"a"}]}"#));
    }

    #[test]
    fn every_fault_has_its_rule_and_place() {
        for (line, rule, at) in [
            ("{}", "missing-messages", ""),
            (r#"{"messages":{}}"#, "invalid-messages", "/messages"),
            (r#"{"messages":[]}"#, "empty-messages", "/messages"),
            (r#"{"messages":[7]}"#, "invalid-message", "/messages/0"),
            (r#"{"messages":[{"content":"a"}]}"#, "missing-role", "/messages/0"),
            (r#"{"messages":[{"role":"user"}]}"#, "missing-content", "/messages/0"),
            (r#"{"messages":[{"role":"user","content":null}]}"#, "null-content", "/messages/0/content"),
            (r#"{"messages":[{"role":"user","content":7}]}"#, "invalid-content", "/messages/0/content"),
            (r#"{"messages":[{"role":"user","content":[]}]}"#, "empty-content-parts", "/messages/0/content"),
            (r#"{"messages":[{"role":"user","content":["a"]}]}"#, "invalid-part", "/messages/0/content/0"),
            (r#"{"messages":[{"role":"user","content":[{"type":"text"}]}]}"#, "missing-part-text", "/messages/0/content/0"),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"u"}]}]}"#,
                "invalid-image-part",
                "/messages/0/content/0/image_url",
            ),
            (r#"{"messages":[{"role":"tool","content":"a"}]}"#, "missing-tool-call-id", "/messages/0"),
            (
                r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":{}}}]}]}"#,
                "non-string-arguments",
                "/messages/0/tool_calls/0/function/arguments",
            ),
            (
                r#"{"messages":[{"role":"user","content":"a"}],"parallel_tool_calls":1}"#,
                "invalid-parallel-tool-calls",
                "/parallel_tool_calls",
            ),
        ] {
            assert_eq!(faults(Format::Chat, line), one(rule, at), "{line}");
        }
        assert_eq!(
            faults(
                Format::Preference,
                r#"{"input":{"messages":[{"role":"user","content":"a"}]},"preferred_output":[],"non_preferred_output":[{"role":"assistant","content":"b"}]}"#
            ),
            one("invalid-output", "/preferred_output")
        );
        assert_eq!(faults(Format::Completion, r#"{"prompt":7,"completion":"a"}"#), one("non-string-completion", "/prompt"));
        assert_eq!(faults(Format::Text, r#"{"text":7}"#), one("invalid-text", "/text"));
    }

    #[test]
    fn every_schema_compiles() {
        let schemas = Schemas::load().expect("JSON");
        for (format, _) in FORMATS {
            assert!(schemas.validator(*format).is_some(), "rules/formats/{}.schema.json", format.name());
        }
    }

    #[test]
    fn valid_lines_have_no_fault() {
        let line = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https:\/\/a.b\/c.png"}}]},{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"x","content":"1"},{"role":"assistant","content":null}],"tools":[{"type":"function","function":{"name":"f"}}]}"#;
        assert_eq!(faults(Format::Chat, line), []);
    }

    /// A keyword without a rule would refuse a line in silence.
    #[test]
    fn every_keyword_that_can_fail_names_a_rule() {
        fn walk(schema: &serde_json::Value, within_if: bool, missing: &mut Vec<String>) {
            if let Some(object) = schema.as_object() {
                let named = object.get("x-rule");
                for keyword in ["type", "required", "minItems", "const", "enum", "not"] {
                    let declared = object
                        .get(keyword)
                        .is_some_and(|value| !(keyword == "type" && value == "object" && object.contains_key("$schema")));
                    if declared && !within_if && named.and_then(|named| named.get(keyword)).is_none() {
                        missing.push(format!("{keyword} in {schema}"));
                    }
                }
                for (key, value) in object {
                    match key.as_str() {
                        "properties" | "$defs" => {
                            value.as_object().into_iter().flatten().for_each(|(_, value)| walk(value, within_if, missing))
                        }
                        "if" => walk(value, true, missing),
                        "x-rule" => {}
                        _ => walk(value, within_if, missing),
                    }
                }
            }
            schema.as_array().into_iter().flatten().for_each(|item| walk(item, within_if, missing));
        }
        let mut missing = Vec::new();
        for (_, text) in FORMATS {
            walk(&serde_json::from_str(text).expect("JSON"), false, &mut missing);
        }
        assert!(missing.is_empty(), "name a rule under x-rule for: {missing:#?}");
    }
}
