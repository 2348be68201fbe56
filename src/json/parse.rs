//! A strict JSON reader (RFC 8259) that names what is wrong, and where, and goes on behind the faults that have only one
//! reading: one line gives all its findings at once. It stands beside serde_json, with which the tests compare it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Data, Member, Span, Value};

/// What [`parse`] made of a line.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The value; `None` when the line could not be read to its end.
    pub value: Option<Value<'a>>,
    /// What is wrong, in order, at most one of each kind.
    pub faults: Vec<Fault>,
}

/// One fault in the text of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is.
    pub kind: FaultKind,
    /// The bytes to blame.
    pub span: Span,
}

/// Kinds of faults. Those marked "goes on" leave a value that can still be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The line ends inside a value.
    UnexpectedEnd,
    /// Something else was to stand here; says what.
    Expected(&'static str),
    /// A second value, or anything else, behind the first one.
    TrailingContent,
    /// A comma before `]` or `}`, or behind the value. Goes on.
    TrailingComma,
    /// `'text'` where JSON wants `"text"`.
    SingleQuotes,
    /// “curly” quotes.
    TypographicQuotes,
    /// A key without quotes.
    UnquotedKey,
    /// `//`, `/*` or `#`.
    Comment,
    /// `NaN`, `Infinity` or `-Infinity`, as Python's `json.dumps` writes them. Goes on.
    NonFinite,
    /// `True`, `False` or `None`. Goes on.
    PythonLiteral,
    /// A number written in a way JSON does not have, such as `01`, `+1`, `.5` or `0x1F`.
    InvalidNumber,
    /// A number beyond the range of an IEEE double. Goes on.
    NumberOutOfRange,
    /// A raw control character in a string; holds its code. Goes on.
    ControlCharacter(u8),
    /// A backslash before a character that has no escape. Goes on.
    InvalidEscape,
    /// `\ud800` to `\udfff` without its other half. Goes on.
    LoneSurrogate,
    /// Nested deeper than the cap, with as many brackets closed as opened.
    TooDeep,
    /// The same key twice in one object; holds the key and how often it stands there. Goes on with the last one.
    DuplicateKey(String, usize),
}

impl FaultKind {
    /// Whether JSON itself forbids it. Duplicate keys are legal, if unwise (RFC 8259 section 4).
    pub fn is_syntax(&self) -> bool {
        !matches!(self, Self::DuplicateKey(..))
    }
}

/// Reads one JSON value from `line`, which must hold nothing else but white space.
///
/// `line` must be UTF-8; bytes that are not are read as U+FFFD. Arrays and objects nested deeper than `max_depth`
/// are a fault. Time and memory are linear in the length of the line, the stack is bounded by `max_depth`.
pub fn parse(line: &[u8], max_depth: usize) -> Parsed<'_> {
    read(line, std::str::from_utf8(line).ok(), max_depth)
}

/// [`parse`] for a line that is known to be UTF-8: it is not looked through again.
pub(crate) fn parse_text(line: &str, max_depth: usize) -> Parsed<'_> {
    read(line.as_bytes(), Some(line), max_depth)
}

fn read<'a>(line: &'a [u8], text: Option<&'a str>, max_depth: usize) -> Parsed<'a> {
    let (items, members) = (Vec::with_capacity(ITEMS), Vec::with_capacity(MEMBERS));
    let mut parser = Parser { line, text, at: 0, depth_left: max_depth, items, members, faults: Vec::new() };
    let value = parser.document().ok();
    Parsed { value, faults: parser.faults }
}

/// Whether as many brackets are closed as opened: all that is asked of a line too deep to be read.
fn is_closed(line: &[u8]) -> bool {
    let (mut open, mut in_string, mut is_escaped) = (0_i64, false, false);
    for &byte in line {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => open += 1,
            b']' | b'}' if !in_string => open -= 1,
            _ => {}
        }
    }
    open <= 0
}

/// Marks that reading cannot go on; the fault is already noted.
struct Stop;

/// Items and members of open lists before room must be made for more: less than a kilobyte of each, which malloc has at hand.
const ITEMS: usize = 16;
const MEMBERS: usize = 8;

struct Parser<'a> {
    line: &'a [u8],
    /// The same bytes, where they are UTF-8: as all lines are but for the first look at a file.
    text: Option<&'a str>,
    at: usize,
    depth_left: usize,
    /// Those of all arrays and objects that are open, the innermost last. Each list is made when its length is known: what grows while
    /// others come and go is moved again and again, and with two threads glibc moves it under a lock that both want.
    items: Vec<Value<'a>>,
    members: Vec<Member<'a>>,
    faults: Vec<Fault>,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Value<'a>, Stop> {
        self.skip_space();
        let value = self.value()?;
        self.skip_space();
        if self.peek() == Some(b',') && self.rest().iter().skip(1).all(u8::is_ascii_whitespace) {
            self.fault(FaultKind::TrailingComma, self.at, self.at + 1);
        } else if self.at < self.line.len() {
            self.misplaced(FaultKind::TrailingContent);
            return Err(Stop);
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<Value<'a>, Stop> {
        let start = self.at;
        let data = match self.peek() {
            Some(b'"') => Data::String(self.string()?),
            Some(b'{') => Data::Object(self.nested(Self::object)?),
            Some(b'[') => Data::Array(self.nested(Self::array)?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => self.literal()?,
            None => return self.stop(FaultKind::UnexpectedEnd, start, start),
        };
        Ok(Value { span: Span::new(start, self.at), data })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth_left == 0 {
            return match is_closed(self.line) {
                true => self.stop(FaultKind::TooDeep, self.at, self.at + 1),
                false => self.stop(FaultKind::UnexpectedEnd, self.line.len(), self.line.len()),
            };
        }
        self.depth_left -= 1;
        self.at += 1;
        let result = read(self);
        self.depth_left += 1;
        result
    }

    fn array(&mut self) -> Result<Vec<Value<'a>>, Stop> {
        let first = self.items.len();
        self.skip_space();
        if self.eat(b']') {
            return Ok(Vec::new());
        }
        loop {
            let item = self.value()?;
            self.items.push(item);
            if self.next_or_end(b']', "`,` or `]`")? {
                return Ok(self.items.drain(first..).collect());
            }
        }
    }

    fn object(&mut self) -> Result<Vec<Member<'a>>, Stop> {
        let first = self.members.len();
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Vec::new());
        }
        loop {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return self.missing_key();
            }
            let key = self.string()?;
            let key_span = Span::new(start, self.at);
            self.skip_space();
            if !self.eat(b':') {
                return self.unexpected("`:`");
            }
            self.skip_space();
            let value = self.value()?;
            self.members.push(Member { key, key_span, value });
            if self.next_or_end(b'}', "`,` or `}`")? {
                let mut members = self.members.drain(first..).collect();
                self.settle_duplicates(&mut members);
                return Ok(members);
            }
        }
    }

    /// Behind an item: true at the closing bracket, false where another item follows.
    fn next_or_end(&mut self, close: u8, expected: &'static str) -> Result<bool, Stop> {
        self.skip_space();
        if self.eat(close) {
            return Ok(true);
        }
        let comma = self.at;
        if !self.eat(b',') {
            return self.unexpected(expected);
        }
        self.skip_space();
        if self.eat(close) {
            self.fault(FaultKind::TrailingComma, comma, comma + 1);
            return Ok(true);
        }
        Ok(false)
    }

    /// Notes a key that stands more than once, and keeps the last of each. Pairwise for the few keys of an ordinary object,
    /// by hash beyond: linear on 300,000 keys too.
    fn settle_duplicates(&mut self, members: &mut Vec<Member<'a>>) {
        let again = if members.len() <= 12 {
            members
                .iter()
                .enumerate()
                .find(|(index, member)| members.iter().take(*index).any(|earlier| earlier.key == member.key))
                .map(|(_, member)| member)
        } else {
            let mut seen = HashSet::with_capacity(members.len());
            members.iter().find(|member| !seen.insert(member.key.as_ref()))
        };
        if let Some(again) = again {
            let times = members.iter().filter(|member| member.key == again.key).count();
            let span = again.key_span.range();
            self.fault(FaultKind::DuplicateKey(again.key.clone().into_owned(), times), span.start, span.end);
            let mut seen = HashSet::with_capacity(members.len());
            let is_last: Vec<bool> = members.iter().rev().map(|member| seen.insert(member.key.as_ref())).collect();
            let mut is_last = is_last.into_iter().rev();
            members.retain(|_| is_last.next().unwrap_or(true));
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Stop> {
        let open = self.at;
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            let text = self.text_from(start);
            self.at += 1;
            return Ok(text);
        }
        let mut text = String::with_capacity(self.end_of_string() - start);
        text.push_str(&self.text_from(start));
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => self.escape(&mut text)?,
                Some(control @ 0..0x20) => {
                    self.fault(FaultKind::ControlCharacter(control), self.at, self.at + 1);
                    text.push(char::from(control));
                    self.at += 1;
                }
                Some(_) => {
                    let from = self.at;
                    self.skip_plain();
                    text.push_str(&self.text_from(from));
                }
                None => return self.stop(FaultKind::UnexpectedEnd, open, self.line.len()),
            }
        }
    }

    /// Where the string ends that is being read.
    fn end_of_string(&self) -> usize {
        let is_escaped =
            |quote| self.line.get(self.at..quote).is_some_and(|text| text.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 1);
        memchr::memchr_iter(b'"', self.rest()).map(|quote| self.at + quote).find(|&quote| !is_escaped(quote)).unwrap_or(self.line.len())
    }

    /// The text from `start` up to here. Both ends are ASCII, or an end of the line: no character is cut.
    fn text_from(&self, start: usize) -> Cow<'a, str> {
        match self.text.and_then(|text| text.get(start..self.at)) {
            Some(text) => Cow::Borrowed(text),
            None => String::from_utf8_lossy(self.line.get(start..self.at).unwrap_or_default()),
        }
    }

    /// Moves to the next quote, backslash or control character: by words where it is near, as behind keys, and in long texts by
    /// blocks that are folded as bytes, which turns into vector code (17 GB/s; folded as truth values they do not, and make 2).
    fn skip_plain(&mut self) {
        for _ in 0..4 {
            let Some(plain) = self.plain_bytes() else { break };
            self.at += plain;
            if plain < WORD {
                return;
            }
        }
        while self.is_plain::<128>() {
            self.at += 128;
        }
        while let Some(plain) = self.plain_bytes() {
            self.at += plain;
            if plain < WORD {
                return;
            }
        }
        let rest = self.rest();
        self.at += rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len());
    }

    /// How many of the next eight bytes stand before one that ends or interrupts a string; `None` at the end of the line.
    fn plain_bytes(&self) -> Option<usize> {
        const ONES: u64 = u64::from_ne_bytes([0x01; WORD]);
        const HIGH: u64 = u64::from_ne_bytes([0x80; WORD]);
        let word = u64::from_le_bytes(*self.rest().first_chunk()?);
        // The high bit of each byte that is below `limit`; a borrow can only mark a byte behind a true one.
        let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
        let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
        let special = is(b'"') | is(b'\\') | below(word, 0x20);
        Some(special.trailing_zeros() as usize / 8)
    }

    /// Whether the next `N` bytes are there and none of them ends or interrupts a string.
    fn is_plain<const N: usize>(&self) -> bool {
        let fold = |block: &[u8; N]| block.iter().fold(0, |found, &byte| found | u8::from(is_special(byte)));
        self.rest().first_chunk().is_some_and(|block| fold(block) == 0)
    }

    fn escape(&mut self, text: &mut String) -> Result<(), Stop> {
        let start = self.at;
        let Some(&code) = self.line.get(start + 1) else {
            return self.stop(FaultKind::UnexpectedEnd, start, start + 1);
        };
        self.at += 2;
        text.push(match code {
            b'"' | b'\\' | b'/' => char::from(code),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(start, text),
            _ => {
                self.fault(FaultKind::InvalidEscape, start, start + 2);
                // The character itself is read next, as most lenient readers do.
                self.at = start + 1;
                if (0x20..0x80).contains(&code) {
                    self.at += 1;
                    text.push(char::from(code));
                }
                return Ok(());
            }
        });
        Ok(())
    }

    fn unicode_escape(&mut self, start: usize, text: &mut String) -> Result<(), Stop> {
        let Some(unit) = self.four_digits() else {
            self.fault(FaultKind::InvalidEscape, start, (start + 2).min(self.line.len()));
            text.push('\u{fffd}');
            return Ok(());
        };
        let code = match unit {
            0xd800..0xdc00 if self.rest().starts_with(b"\\u") => {
                let behind = self.at;
                self.at += 2;
                match self.four_digits() {
                    Some(low @ 0xdc00..0xe000) => 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00),
                    _ => {
                        self.at = behind;
                        unit
                    }
                }
            }
            _ => unit,
        };
        text.push(char::from_u32(code).unwrap_or_else(|| {
            self.fault(FaultKind::LoneSurrogate, start, start + 6);
            '\u{fffd}'
        }));
        Ok(())
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.line.get(self.at..self.at + 4)?;
        let unit = digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))?;
        self.at += 4;
        Some(unit)
    }

    fn number(&mut self) -> Result<Data<'a>, Stop> {
        let start = self.at;
        self.eat(b'-');
        if self.rest().starts_with(b"Infinity") {
            self.at += 8;
            return Ok(self.stand_in(FaultKind::NonFinite, start, Data::Number("0")));
        }
        let led_by_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let padded = whole > 1 && led_by_zero;
        let fraction = !self.eat(b'.') || self.digits() > 0;
        let exponent = if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits() > 0
        } else {
            true
        };
        if whole == 0 || padded || !fraction || !exponent || matches!(self.peek(), Some(b'x' | b'X' | b'_' | b'.')) {
            if self.at == self.line.len() && !padded {
                return self.stop(FaultKind::UnexpectedEnd, start, self.at);
            }
            let more = self.rest().iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(byte)).count();
            return self.stop(FaultKind::InvalidNumber, start, (self.at + more).max(start + 1));
        }
        // Every byte is ASCII by now.
        let text = self.line.get(start..self.at).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or("0");
        // Fewer than 300 characters without an exponent cannot overflow: the common case costs no float.
        if (text.len() >= 300 || text.contains(['e', 'E'])) && text.parse::<f64>().is_ok_and(f64::is_infinite) {
            return Ok(self.stand_in(FaultKind::NumberOutOfRange, start, Data::Number("0")));
        }
        Ok(Data::Number(text))
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn literal(&mut self) -> Result<Data<'a>, Stop> {
        let start = self.at;
        let rest = self.rest();
        let word = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        self.at += word;
        Ok(match rest.get(..word).unwrap_or_default() {
            b"null" => Data::Null,
            b"true" => Data::Bool(true),
            b"false" => Data::Bool(false),
            b"NaN" | b"Infinity" => self.stand_in(FaultKind::NonFinite, start, Data::Number("0")),
            b"None" => self.stand_in(FaultKind::PythonLiteral, start, Data::Null),
            b"True" => self.stand_in(FaultKind::PythonLiteral, start, Data::Bool(true)),
            b"False" => self.stand_in(FaultKind::PythonLiteral, start, Data::Bool(false)),
            text => {
                self.at = start;
                if let [b'+' | b'.', b'0'..=b'9', ..] = rest {
                    let end = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(byte)).count();
                    return self.stop(FaultKind::InvalidNumber, start, start + end);
                }
                let cut = word > 0
                    && start + word == self.line.len()
                    && [&b"null"[..], b"true", b"false"].iter().any(|whole| whole.starts_with(text));
                return if cut { self.stop(FaultKind::UnexpectedEnd, start, self.line.len()) } else { self.unexpected("a value") };
            }
        })
    }

    fn stand_in(&mut self, kind: FaultKind, start: usize, data: Data<'a>) -> Data<'a> {
        self.fault(kind, start, self.at);
        data
    }

    fn missing_key<T>(&mut self) -> Result<T, Stop> {
        let start = self.at;
        let word = self.rest().iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_' || **byte == b'$').count();
        let behind = self.rest().iter().skip(word).find(|byte| !byte.is_ascii_whitespace());
        if word > 0 && behind == Some(&b':') {
            return self.stop(FaultKind::UnquotedKey, start, start + word);
        }
        self.unexpected("a key in double quotes")
    }

    /// What stands here is not what JSON wants: names the usual mistakes, else says what was expected.
    fn unexpected<T>(&mut self, expected: &'static str) -> Result<T, Stop> {
        if self.at >= self.line.len() {
            return self.stop(FaultKind::UnexpectedEnd, self.at, self.at);
        }
        self.misplaced(FaultKind::Expected(expected));
        Err(Stop)
    }

    fn misplaced(&mut self, otherwise: FaultKind) {
        let rest = self.rest();
        let (kind, length) = if rest.starts_with(b"'") {
            (FaultKind::SingleQuotes, rest.iter().skip(1).position(|&byte| byte == b'\'').map_or(1, |close| close + 2))
        } else if [0x98, 0x99, 0x9c, 0x9d].iter().any(|&last| rest.starts_with(&[0xe2, 0x80, last])) {
            (FaultKind::TypographicQuotes, 3)
        } else if rest.starts_with(b"//") || rest.starts_with(b"/*") || rest.starts_with(b"#") {
            (FaultKind::Comment, rest.len())
        } else {
            let length = rest.iter().skip(1).position(|&byte| byte & 0xc0 != 0x80).map_or(rest.len(), |more| more + 1);
            (otherwise, length)
        };
        self.fault(kind, self.at, self.at + length);
    }

    fn stop<T>(&mut self, kind: FaultKind, start: usize, end: usize) -> Result<T, Stop> {
        self.fault(kind, start, end);
        Err(Stop)
    }

    /// Notes a fault; the first of each kind is enough, a Python repr would give hundreds.
    fn fault(&mut self, kind: FaultKind, start: usize, end: usize) {
        let same = |fault: &Fault| std::mem::discriminant(&fault.kind) == std::mem::discriminant(&kind);
        if !self.faults.iter().any(same) {
            self.faults.push(Fault { kind, span: Span::new(start, end) });
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }
}

/// Bytes that are looked at in one step.
const WORD: usize = 8;

/// A quote, a backslash or a control character.
fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(line: &str) -> Vec<FaultKind> {
        parse(line.as_bytes(), 128).faults.into_iter().map(|fault| fault.kind).collect()
    }

    #[test]
    fn faults_have_names() {
        use FaultKind::*;
        for (line, kind) in [
            (r#"{"a": 1,}"#, TrailingComma),
            (r#"{"a": 1},"#, TrailingComma),
            ("[1, 2,]", TrailingComma),
            (r#"{'a': 1}"#, SingleQuotes),
            ("{a: 1}", UnquotedKey),
            ("{“a”: 1}", TypographicQuotes),
            (r#"{"a": NaN}"#, NonFinite),
            (r#"{"a": -Infinity}"#, NonFinite),
            (r#"{"a": None}"#, PythonLiteral),
            (r#"{"a": 1e400}"#, NumberOutOfRange),
            (r#"{"a": 01}"#, InvalidNumber),
            (r#"{"a": .5}"#, InvalidNumber),
            (r#"{"a": +1}"#, InvalidNumber),
            (r#"{"a": "\ud83d"}"#, LoneSurrogate),
            (r#"{"a": "\ude00\ud83d"}"#, LoneSurrogate),
            ("{\"a\": \"\t\"}", ControlCharacter(9)),
            (r#"{"a": "\x41"}"#, InvalidEscape),
            (r#"{"a": 1} {"b": 2}"#, TrailingContent),
            (r#"{"a": 1} // why"#, Comment),
            (r#"{"a": "b"#, UnexpectedEnd),
            (r#"{"a": tru"#, UnexpectedEnd),
            (r#"{"a" 1}"#, Expected("`:`")),
            (r#"{"a": 1, "a": 2}"#, DuplicateKey("a".into(), 2)),
            (r#"{"a": 1, "\u0061": 2}"#, DuplicateKey("a".into(), 2)),
            ("", UnexpectedEnd),
        ] {
            assert_eq!(kinds(line), [kind], "{line}");
        }
    }

    #[test]
    fn one_line_gives_all_its_faults() {
        let parsed = parse(br#"{"a": NaN, "b": "\ud83d", "c": [1,],}"#, 128);
        assert!(parsed.value.is_some());
        assert_eq!(parsed.faults.len(), 3);
    }

    #[test]
    fn depth_is_capped() {
        assert_eq!(kinds(&"[".repeat(128)), [FaultKind::UnexpectedEnd]);
        let nested = |depth| "[".repeat(depth) + r#""\"[[""# + &"]".repeat(depth);
        assert_eq!(kinds(&nested(128)), []);
        assert_eq!(kinds(&nested(129)), [FaultKind::TooDeep]);
        assert_eq!(kinds(&nested(5_000_000)), [FaultKind::TooDeep]);
        assert_eq!(kinds(&"[".repeat(5_000_000)), [FaultKind::UnexpectedEnd]);
    }

    #[test]
    fn the_last_of_a_key_is_kept() {
        for copies in [2, 20] {
            let line = format!("{{{}\"b\": 1, \"a\": [2]}}", "\"a\": 1, ".repeat(copies));
            let root = parse(line.as_bytes(), 128).value.expect("valid");
            assert_eq!(root.to_json(), serde_json::json!({"b": 1, "a": [2]}));
            assert_eq!(root.as_object().map(<[_]>::len), Some(2));
        }
    }

    fn agrees_with_serde_json(line: &[u8]) {
        let parsed = parse(line, 127);
        let theirs = serde_json::from_slice::<serde_json::Value>(line);
        let ours = parsed.value.as_ref().filter(|_| !parsed.faults.iter().any(|fault| fault.kind.is_syntax()));
        match (ours, theirs) {
            (Some(ours), Ok(theirs)) => assert_eq!(ours.to_json(), theirs),
            (None, Err(_)) => {}
            (ours, theirs) => panic!("{:?}: ours {ours:?}, serde_json {theirs:?}", String::from_utf8_lossy(line)),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn same_verdict_as_serde_json_on_json_like_text(line in r#"[\[\]{}:,"\\ 0-9eE+\-.a-fnrtul]{0,40}"#) {
            agrees_with_serde_json(line.as_bytes());
        }

        #[test]
        fn same_verdict_as_serde_json_on_strings(text in any::<String>(), cut in 0_usize..60) {
            let line = serde_json::json!({ "a": [text, 1.5, null, {"b": true}] }).to_string();
            agrees_with_serde_json(line.as_bytes());
            let cut = (0..=cut.min(line.len())).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
            agrees_with_serde_json(&line.as_bytes()[..cut]);
        }

        #[test]
        fn every_span_holds_its_value(text in any::<String>(), number in any::<i64>()) {
            let line = serde_json::json!({ &text: [number, { "k": &text }, []] }).to_string();
            let root = parse(line.as_bytes(), 128).value.expect("valid");
            let mut open = vec![&root];
            while let Some(value) = open.pop() {
                let slice = &line.as_bytes()[value.span.range()];
                prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(slice).expect("valid"), &value.to_json());
                let pointer = root.pointer(value.span);
                prop_assert_eq!(root.at(&pointer).map(|found| found.span), Some(value.span));
                open.extend(value.as_array().unwrap_or_default());
                open.extend(value.as_object().unwrap_or_default().iter().map(|member| &member.value));
            }
        }
    }
}
