//! What a rule may ask, and how it reports. A rule hands over the value it looked at; only then is its place worked out.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Excerpt, LineLocation, Location};
use crate::edit::{Applicability, Fix};
use crate::fetch::Fetched;
use crate::format::{Example, Format, ImagePart, Shape};
use crate::image::data_url::Base64Fault;
use crate::image::{Damage, DamageKind, Embedded, Verdict};
use crate::json::{Fault, Member, Span, Value};
use crate::settings::{Judgement, Settings};
use crate::summary::Place;
use crate::tokens::ExampleTokens;

/// What the first bytes of a file tell about the whole of it.
#[derive(Debug)]
pub struct Head<'a> {
    /// The path as it was given.
    pub path: &'a str,
    /// Whether it is a regular file: pipes and devices have no extension to speak of.
    pub regular: bool,
    /// `gzip` or `zstd`, when it is packed.
    pub compression: Option<&'static str>,
    /// Whether it begins with the UTF-8 byte order mark.
    pub byte_order_mark: bool,
    /// Why it is no JSONL at all, if so. Its lines are not looked at then.
    pub fault: Option<HeadFault>,
    /// What most of its first lines look like; `None` when none could be read.
    pub shape: Option<Shape>,
    /// What the first line looks like, with its keys, for messages.
    pub first_keys: Vec<String>,
}

/// Why a file is no JSONL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// One JSON array, on one line or spread over many.
    JsonArray,
    /// JSON values spread over lines.
    PrettyPrinted,
    /// Python's `repr`, not JSON.
    PythonRepr,
    /// Another encoding: `UTF-16LE` and the like.
    WideEncoding(&'static str),
    /// A stand-in for the data: `Git LFS`, `DVC` or `git-annex`.
    Pointer(&'static str),
    /// A web page or another XML document.
    Html,
    /// Something else altogether: `a ZIP archive`, `a PNG image`, ….
    Binary(&'static str),
    /// Values separated by commas, semicolons or tabs.
    Csv,
    /// Lines end in a lone carriage return: the file is one line.
    LoneCarriageReturn,
}

/// One line before anything is known of its meaning.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its bytes, without the line break. A line over the cap is empty here.
    pub bytes: &'a [u8],
    /// Its length in bytes when it is over the cap.
    pub too_long: Option<u64>,
    /// The first byte that is not UTF-8.
    pub invalid_utf8: Option<usize>,
    /// Whether the file ends behind it, without a line break: as whole files often do, and cut ones nearly always.
    pub ends_file: bool,
    /// What is wrong with its JSON.
    pub faults: &'a [Fault],
    /// The value, when it could be read.
    pub root: Option<&'a Value<'a>>,
    /// What the line looks like.
    pub shape: Option<Shape>,
    /// What the file is read as.
    pub expected: Option<Shape>,
}

impl Line<'_> {
    /// Whether the byte at `offset` belongs to no UTF-8 character: a JSON fault there has its cause in the encoding.
    pub fn is_broken_at(&self, offset: usize) -> bool {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        self.invalid_utf8.is_some() && !rest.is_empty() && rest.utf8_chunks().next().is_some_and(|chunk| chunk.valid().is_empty())
    }
}

/// An image of an example, with what is known of it.
#[derive(Debug)]
pub struct Image<'a> {
    /// The part it stands in.
    pub part: ImagePart<'a>,
    /// The example it stands in.
    pub example: &'a Example<'a>,
    /// What is inside; `None` for anything but a data URL.
    pub embedded: Option<&'a Embedded>,
    /// What is behind it; `None` where it was not asked for.
    pub fetched: Option<&'a Fetched>,
}

impl Image<'_> {
    /// `detail`, or `auto`, which is what it means to leave it out.
    pub fn detail(&self) -> &str {
        self.part.detail.and_then(Value::as_str).unwrap_or("auto")
    }

    /// The image itself, embedded or fetched; `None` when it was not looked at.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self.embedded {
            Some(embedded) => embedded.verdict.as_ref(),
            None => self.fetched?.verdict.as_ref(),
        }
    }

    /// Bytes of the image itself, where any are known; an estimate when it could not be decoded from base64.
    pub fn bytes(&self) -> Option<u64> {
        match self.embedded {
            Some(embedded) => embedded.url_fault.is_none().then_some(embedded.image_bytes),
            None => self.fetched.filter(|fetched| fetched.unanswered.is_none()).map(|fetched| fetched.bytes),
        }
    }

    /// Width and height, where they are known.
    pub fn size(&self) -> Option<(u32, u32)> {
        let verdict = self.verdict()?;
        (verdict.width > 0 && verdict.height > 0).then_some((verdict.width, verdict.height))
    }

    /// What is inside, where that is a format the target takes and any decoder gets through it: what is broken is to be
    /// mended first, before its size or its colours matter.
    pub fn usable(&self, settings: &Settings) -> Option<&Verdict> {
        let verdict = self.verdict()?;
        let fatal = verdict.damage.as_ref().is_some_and(|damage| damage.kind.is_fatal());
        (!fatal && takes(settings, verdict)).then_some(verdict)
    }

    /// What is wrong with the bytes; `None` where the base64 text is to blame, or a format that is not taken anyway.
    pub fn damage(&self, settings: &Settings) -> Option<(&Verdict, &Damage)> {
        let verdict = self.verdict()?;
        let damage = verdict.damage.as_ref()?;
        let fault = self.embedded.and_then(|embedded| embedded.base64_fault);
        let is_read = matches!(fault, None | Some(Base64Fault::MissingPadding | Base64Fault::TrailingBits { .. }));
        let is_image = !matches!(damage.kind, DamageKind::NotAnImage | DamageKind::Empty);
        (is_read && (!is_image || takes(settings, verdict))).then_some((verdict, damage))
    }
}

fn takes(settings: &Settings, verdict: &Verdict) -> bool {
    settings.target.images.formats.value.iter().any(|name| name == verdict.format.name())
}

/// The line a context stands on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineContext<'a> {
    pub(crate) place: Place,
    pub(crate) bytes: &'a [u8],
    pub(crate) root: Option<&'a Value<'a>>,
}

/// Findings of one rule that are placed on one line; the last of them tells how many more there are. Working out a place
/// costs a walk along the line, and a line may have the same fault a hundred thousand times.
const PER_LINE: u32 = 50;

/// Handed to every check.
#[derive(Debug)]
pub struct Context<'a> {
    /// Target, model, levels.
    pub settings: &'a Settings,
    /// The format the file is judged as.
    pub format: Option<Format>,
    /// The tokens of the example, when they are counted.
    pub tokens: Option<ExampleTokens>,
    path: &'a Arc<str>,
    line: Option<LineContext<'a>>,
    judgement: Option<&'a Judgement>,
    /// Findings of each rule on this line, and where in `found` the last one is.
    told: BTreeMap<&'static str, (u32, usize)>,
    /// The fixes that are wanted, when nothing else is: every finding is kept then, and none is placed.
    wanted: Option<Applicability>,
    found: &'a mut Vec<Diagnostic>,
}

/// Where a finding is anchored.
#[derive(Clone, Copy, Debug)]
pub enum Anchor {
    /// The whole line the rule looks at.
    Line,
    /// Bytes of that line.
    Span(Span),
    /// A line that is no longer at hand.
    At(Place),
    /// The whole file, or the run.
    File,
}

impl From<&Value<'_>> for Anchor {
    fn from(value: &Value<'_>) -> Self {
        Self::Span(value.span)
    }
}

impl From<&Member<'_>> for Anchor {
    /// The key.
    fn from(member: &Member<'_>) -> Self {
        Self::Span(member.key_span)
    }
}

impl From<Span> for Anchor {
    fn from(span: Span) -> Self {
        Self::Span(span)
    }
}

impl From<Place> for Anchor {
    fn from(place: Place) -> Self {
        Self::At(place)
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(settings: &'a Settings, path: &'a Arc<str>, line: Option<LineContext<'a>>, found: &'a mut Vec<Diagnostic>) -> Self {
        Self { settings, format: None, tokens: None, path, line, judgement: None, told: BTreeMap::new(), wanted: None, found }
    }

    /// The same context for findings of which only the fixes are wanted.
    pub(crate) fn for_fixes(self, wanted: Option<Applicability>) -> Self {
        Self { wanted, ..self }
    }

    /// Whether a fix of this kind is going to be made: a costly one is worked out only then.
    pub fn makes(&self, applicability: Applicability) -> bool {
        self.wanted.is_some_and(|wanted| applicability <= wanted)
    }

    /// Names the rule that is checked next.
    pub(crate) fn judge(&mut self, judgement: &'a Judgement) {
        self.judgement = Some(judgement);
    }

    /// How many findings there are, of this rule and of those before it.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// The findings that came after the first `count`.
    pub(crate) fn since(&self, count: usize) -> &[Diagnostic] {
        self.found.get(count..).unwrap_or_default()
    }

    /// The name of the target, for messages.
    pub fn target(&self) -> &'a str {
        &self.settings.target.title
    }

    /// The bytes of the line the rule looks at; none for a file or run.
    pub fn line(&self) -> &'a [u8] {
        self.line.map_or(&[], |line| line.bytes)
    }

    /// The text at `span` of the line, for messages.
    pub fn text(&self, span: Span) -> Cow<'a, str> {
        let bytes = self.line.map_or(&[][..], |line| line.bytes);
        String::from_utf8_lossy(bytes.get(span.range()).unwrap_or_default())
    }

    /// Reports a finding of the rule that is being checked. What is wrong goes into `message`: lower case, no full stop.
    /// Of a fault that one line has again and again the first 50 are placed, the rest counted.
    pub fn report(&mut self, anchor: impl Into<Anchor>, message: impl Into<String>) -> Found<'_> {
        let Some(judgement) = self.judgement else { return Found(None) };
        let Some(severity) = judgement.severity else { return Found(None) };
        if self.line.is_some() && self.wanted.is_none() {
            let told = self.told.entry(judgement.rule.code).or_default();
            told.0 += 1;
            if told.0 > PER_LINE {
                return Found(None);
            }
            told.1 = self.found.len();
        }
        let (line, excerpt) = match (anchor.into(), self.line) {
            _ if self.wanted.is_some() => (None, None),
            (Anchor::Span(span), Some(line)) => (Some(line.locate(span)), Some(Excerpt::new(line.bytes, span))),
            (Anchor::Line, Some(line)) => {
                let span = Span::new(0, line.bytes.len());
                (Some(LineLocation { pointer: String::new(), ..line.locate(span) }), Some(Excerpt::new(line.bytes, span)))
            }
            (Anchor::At(place), _) => (
                Some(LineLocation { line: place.line, column: 1, end_column: 1, file_offset: place.offset, ..LineLocation::default() }),
                None,
            ),
            _ => (None, None),
        };
        self.found.push(Diagnostic {
            rule: judgement.rule,
            severity,
            effect: judgement.effect,
            evidence: judgement.evidence,
            message: message.into(),
            help: None,
            fix: None,
            provider_message: judgement.provider_message.clone(),
            location: Location { path: Arc::clone(self.path), line },
            excerpt,
        });
        Found(self.found.last_mut())
    }

    /// Ends the line: findings that stand for more than themselves say so.
    pub(crate) fn finish(self) {
        for (count, last) in self.told.into_values() {
            if let Some(diagnostic) = self.found.get_mut(last).filter(|_| count > PER_LINE) {
                let more = crate::diagnostic::number(u64::from(count - PER_LINE));
                diagnostic.message.push_str(&format!("; this line has {more} more of the kind"));
            }
        }
    }

    /// Reports a fault within a string: `offset` and `length` count bytes of its unescaped text.
    pub fn report_within(&mut self, value: &Value<'_>, offset: usize, length: usize, message: impl Into<String>) -> Found<'_> {
        let span = self.span_within(value, offset, length);
        self.report(Span::new(span.start as usize, span.range().end.max(span.range().start + 1)), message)
    }

    /// Where bytes of the unescaped text of a string stand in the line.
    pub fn span_within(&self, value: &Value<'_>, offset: usize, length: usize) -> Span {
        let raw = self.line().get(value.span.range()).unwrap_or_default();
        let base = value.span.start as usize;
        Span::new(base + source_offset(raw, offset), base + source_offset(raw, offset + length))
    }
}

/// Where byte `offset` of the unescaped text stands in `raw`, the string with its quotes.
fn source_offset(raw: &[u8], offset: usize) -> usize {
    let (mut at, mut left) = (1, offset);
    // Most strings hold no escape before the fault: jump there.
    if memchr::memchr(b'\\', raw.get(..offset + 1).unwrap_or(raw)).is_none() {
        return (offset + 1).min(raw.len());
    }
    while left > 0 && at + 1 < raw.len() {
        let (width, unescaped) = match (raw.get(at), raw.get(at + 1)) {
            (Some(b'\\'), Some(b'u')) => {
                let unit = raw.get(at + 2..at + 6).and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
                match unit {
                    Some(0xd800..0xdc00) if raw.get(at + 6..at + 8) == Some(b"\\u") => (12, 4),
                    Some(unit) => (6, char::from_u32(unit).map_or(3, char::len_utf8)),
                    None => (2, 3),
                }
            }
            (Some(b'\\'), _) => (2, 1),
            _ => (1, 1),
        };
        at += width;
        left = left.saturating_sub(unescaped);
    }
    at.min(raw.len())
}

impl LineContext<'_> {
    fn locate(&self, span: Span) -> LineLocation {
        let characters = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64;
        let range = span.range();
        let start = range.start.min(self.bytes.len());
        let end = range.end.clamp(start, self.bytes.len());
        let column = 1 + characters(self.bytes.get(..start).unwrap_or_default());
        LineLocation {
            line: self.place.line,
            column,
            end_column: column + characters(self.bytes.get(start..end).unwrap_or_default()),
            byte_in_line: start as u64,
            file_offset: self.place.offset + start as u64,
            pointer: self.root.map(|root| root.pointer(span)).unwrap_or_default(),
            hash: None,
        }
    }
}

/// A finding just reported, to which more can be said.
#[derive(Debug)]
pub struct Found<'a>(Option<&'a mut Diagnostic>);

impl Found<'_> {
    /// What to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        if let Some(diagnostic) = self.0 {
            diagnostic.help = Some(help.into());
            return Self(Some(diagnostic));
        }
        self
    }

    /// What would mend it, where that is known.
    pub fn fix(self, fix: impl Into<Option<Fix>>) -> Self {
        if let Some(diagnostic) = self.0 {
            diagnostic.fix = fix.into();
            return Self(Some(diagnostic));
        }
        self
    }

    /// What the provider says of exactly this. `THIS_LINE` stands for the number of the line, which is not known to rules.
    pub fn provider_says(self, message: String) -> Self {
        if let Some(diagnostic) = self.0 {
            diagnostic.provider_message = Some(message.into());
            return Self(Some(diagnostic));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_within_strings_see_through_escapes() {
        assert_eq!(source_offset(br#""abc""#, 2), 3);
        assert_eq!(source_offset(br#""a\/b""#, 2), 4);
        assert_eq!(source_offset(br#""\ud83d\ude00x""#, 4), 13);
        assert_eq!(source_offset(br#""\u00e9x""#, 2), 7);
    }
}
