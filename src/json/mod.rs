//! One line of JSON, parsed once into a tree that borrows from the line and knows where each value stands.
//! [`parse`] reads; [`Value::pointer`] turns a place back into an RFC 6901 pointer, only when a finding needs one.

mod parse;
mod relaxed;

pub(crate) use parse::parse_text;
pub use parse::{Fault, FaultKind, Parsed, parse};
pub use relaxed::{every, relaxed, values};

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::edit::Edit;

/// Byte range within a line: `start..end`. Lines are capped below 4 GiB, so `u32` is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`; offsets beyond 4 GiB saturate.
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: clamp(start), end: clamp(end) }
    }

    /// The same range as indices.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    fn contains(self, inner: Self) -> bool {
        self.start <= inner.start && inner.end <= self.end
    }
}

/// A JSON value and the bytes of the line it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Value<'a> {
    /// The bytes of this value, quotes and brackets included.
    pub span: Span,
    /// What it is.
    pub data: Data<'a>,
}

/// What a [`Value`] is. Strings without escapes borrow from the line.
#[derive(Clone, Debug, PartialEq)]
pub enum Data<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(&'a str),
    /// A string, unescaped; a lone surrogate escape stands as U+FFFD.
    String(Cow<'a, str>),
    /// The items of an array.
    Array(Vec<Value<'a>>),
    /// The members of an object, in order; of a key that stands twice the last one, as in Python.
    Object(Vec<Member<'a>>),
}

/// One `"key": value` of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member<'a> {
    /// The key, unescaped.
    pub key: Cow<'a, str>,
    /// The bytes of the key, quotes included.
    pub key_span: Span,
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Value<'a> {
    /// The text of a string.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items of an array.
    #[inline]
    pub fn as_array(&self) -> Option<&[Value<'a>]> {
        match &self.data {
            Data::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    #[inline]
    pub fn as_object(&self) -> Option<&[Member<'a>]> {
        match &self.data {
            Data::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A number as it is written.
    pub fn as_number(&self) -> Option<&'a str> {
        match self.data {
            Data::Number(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// The member `key` of an object.
    // Inlined, a comparison with a key that the compiler knows is one of two integers.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.member(key).map(|member| &member.value)
    }

    /// The member `key` of an object with its key.
    #[inline]
    pub fn member(&self, key: &str) -> Option<&Member<'a>> {
        self.as_object()?.iter().rev().find(|member| member.key == key)
    }

    /// The item or member at an RFC 6901 `pointer`.
    pub fn at(&self, pointer: &str) -> Option<&Value<'a>> {
        pointer.split('/').skip(1).try_fold(self, |value, token| match &value.data {
            Data::Array(items) => items.get(token.parse::<usize>().ok()?),
            Data::Object(_) => value.get(&token.replace("~1", "/").replace("~0", "~")),
            _ => None,
        })
    }

    /// Whether `other` says the same: white space, escapes and the order of keys aside. Numbers are compared as written.
    pub fn says_the_same(&self, other: &Value<'_>) -> bool {
        match (&self.data, &other.data) {
            (Data::Null, Data::Null) => true,
            (Data::Bool(own), Data::Bool(theirs)) => own == theirs,
            (Data::Number(own), Data::Number(theirs)) => own == theirs,
            (Data::String(own), Data::String(theirs)) => own == theirs,
            (Data::Array(own), Data::Array(theirs)) => {
                own.len() == theirs.len() && own.iter().zip(theirs).all(|(own, theirs)| own.says_the_same(theirs))
            }
            (Data::Object(own), Data::Object(theirs)) => {
                fn by_key<'v, 'a>(members: &'v [Member<'a>]) -> Vec<&'v Member<'a>> {
                    let mut members: Vec<_> = members.iter().collect();
                    members.sort_by(|a, b| a.key.cmp(&b.key));
                    members
                }
                let pair = |(own, theirs): (&Member<'_>, &Member<'_>)| own.key == theirs.key && own.value.says_the_same(&theirs.value);
                own.len() == theirs.len() && by_key(own).into_iter().zip(by_key(theirs)).all(pair)
            }
            _ => false,
        }
    }

    /// The kind of value with its article, for messages: "a string", "an object", "null".
    pub fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "null",
            Data::Bool(true) => "`true`",
            Data::Bool(false) => "`false`",
            Data::Number(_) => "a number",
            Data::String(_) => "a string",
            Data::Array(_) => "an array",
            Data::Object(_) => "an object",
        }
    }

    /// The RFC 6901 pointer of the innermost value that holds `span`, seen from this root.
    /// A key belongs to its member. Costs one walk down the tree: for findings only.
    pub fn pointer(&self, span: Span) -> String {
        let mut pointer = String::new();
        let mut value = self;
        loop {
            let next = match &value.data {
                _ if value.span == span => None,
                Data::Array(items) => items.iter().enumerate().find(|(_, item)| item.span.contains(span)).map(|(index, item)| {
                    let _ = write!(pointer, "/{index}");
                    item
                }),
                Data::Object(members) => members
                    .iter()
                    .find(|member| Span { start: member.key_span.start, end: member.value.span.end }.contains(span))
                    .map(|member| {
                        let _ = write!(pointer, "/{}", member.key.replace('~', "~0").replace('/', "~1"));
                        &member.value
                    }),
                _ => None,
            };
            match next {
                Some(inner) if inner.span.contains(span) => value = inner,
                _ => return pointer,
            }
        }
    }

    /// The bytes of this value in the line it was read from, brackets and quotes included.
    pub fn source<'l>(&self, line: &'l [u8]) -> Cow<'l, str> {
        String::from_utf8_lossy(line.get(self.span.range()).unwrap_or_default())
    }

    /// The edit that puts `json` in the place of this value.
    pub fn replaced(&self, json: impl Into<String>) -> Edit {
        Edit::replace(self.span.range(), json)
    }

    /// The edits that put text around this value.
    pub fn wrapped(&self, before: &str, after: &str) -> [Edit; 2] {
        let range = self.span.range();
        [Edit::insert(range.start, before), Edit::insert(range.end, after)]
    }

    /// The edit that puts a member before the others of an object that has some.
    pub fn with_first(&self, member: &str) -> Edit {
        Edit::insert(self.span.range().start + 1, format!("{member}, "))
    }

    /// The edits that take the members for which `is_out` holds out of an object, with the commas they need no more. `line` is
    /// what it was read from: a key that stands twice is not among the members, but may stand between them.
    pub fn without(&self, line: &[u8], is_out: impl Fn(&Member<'a>) -> bool) -> Vec<Edit> {
        let byte_at = |at: usize| line.get(at).copied();
        let is_space = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_whitespace());
        let skip_space = |mut at: usize| {
            while is_space(byte_at(at)) {
                at += 1;
            }
            at
        };
        let mut edits: Vec<Edit> = Vec::new();
        for member in self.as_object().unwrap_or_default().iter().filter(|member| is_out(member)) {
            let (mut start, mut end) = (member.key_span.start as usize, member.value.span.end as usize);
            let behind = skip_space(end);
            let is_last = byte_at(behind) != Some(b',');
            if !is_last {
                end = skip_space(behind + 1);
            }
            // Members that go together are one edit.
            let joined = edits.last_mut().filter(|before| before.end == start);
            if let Some(before) = joined.as_ref() {
                start = before.start;
            }
            if is_last {
                let before = line.get(..start).unwrap_or_default().trim_ascii_end();
                start = if before.ends_with(b",") { before.len() - 1 } else { start };
            }
            match joined {
                Some(before) => *before = Edit::delete(start..end),
                None => edits.push(Edit::delete(start..end)),
            }
        }
        edits
    }

    /// The same value in serde_json's representation. Numbers too large for it become `null`.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.data {
            Data::Null => serde_json::Value::Null,
            Data::Bool(value) => (*value).into(),
            Data::Number(text) => serde_json::from_str(text).unwrap_or(serde_json::Value::Null),
            Data::String(text) => text.as_ref().into(),
            Data::Array(items) => items.iter().map(Value::to_json).collect(),
            Data::Object(members) => members
                .iter()
                .map(|member| (member.key.clone().into_owned(), member.value.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

impl Member<'_> {
    /// The edit that gives it another key.
    pub fn renamed(&self, key: &str) -> Edit {
        Edit::replace(self.key_span.range(), quote(key))
    }
}

/// The JSON that stands in a string, on one line; `None` when anything is wrong with it.
pub fn encoded_twice(text: &str, max_depth: usize) -> Option<String> {
    let parsed = parse(text.as_bytes(), max_depth);
    let is_sound = parsed.value.is_some() && parsed.faults.is_empty();
    // A line break between values is white space; in a string it would be a fault.
    is_sound.then(|| text.trim().replace(['\n', '\r'], " "))
}

/// `text` as a JSON string.
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{Fix, apply};

    #[test]
    fn members_go_with_their_commas() {
        for (line, rest) in [
            (r#"{"x": 1, "a": 2}"#, r#"{"a": 2}"#),
            (r#"{"a": 2, "x": 1}"#, r#"{"a": 2}"#),
            (r#"{"a": 2 , "x": 1 , "x1": [1] }"#, r#"{"a": 2  }"#),
            (r#"{"x": 1, "a": 2, "x1": 3, "b": 4}"#, r#"{"a": 2, "b": 4}"#),
            (r#"{"x": 1}"#, "{}"),
            (r#"{"x": 1, "x1": 2}"#, "{}"),
            // The first `a` is not among the members, and stays all the same.
            (r#"{"x": 1, "a": 2, "x1": 3, "a": 4}"#, r#"{"a": 2, "a": 4}"#),
        ] {
            let root = parse(line.as_bytes(), 128).value.expect("valid");
            let fix = Fix::safe("", root.without(line.as_bytes(), |member| member.key.starts_with('x')));
            assert_eq!(String::from_utf8(apply(line.as_bytes(), [&fix]).bytes).expect("UTF-8"), rest);
        }
    }

    #[test]
    fn the_same_is_the_same_however_it_is_written() {
        let same = |a: &str, b: &str| {
            parse(a.as_bytes(), 128).value.expect("valid").says_the_same(&parse(b.as_bytes(), 128).value.expect("valid"))
        };
        assert!(same(r#"{"a": [1, {"b": "\u00e9"}], "c": null}"#, r#"{"c":null,"a":[1,{"b":"é"}]}"#));
        assert!(!same(r#"{"a": 1}"#, r#"{"a": 1, "b": 1}"#));
        assert!(!same("[1, 2]", "[2, 1]"));
    }

    #[test]
    fn every_node_is_found_by_its_span() {
        let line = br#"{"a": [1, {"b/c~d": "x"}], "e": {}}"#;
        let root = parse(line, 128).value.expect("valid");
        let inner = root.at("/a/1/b~1c~0d").expect("there");
        assert_eq!(inner.as_str(), Some("x"));
        assert_eq!(root.pointer(inner.span), "/a/1/b~1c~0d");
        assert_eq!(root.pointer(root.member("e").expect("there").key_span), "/e");
        assert_eq!(root.pointer(root.span), "");
    }
}
