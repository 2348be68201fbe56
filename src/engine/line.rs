//! One line, from bytes to findings and facts. What a worker thread does, line after line.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use indexmap::IndexMap;
use twox_hash::XxHash3_128;

use super::{Checks, Engine, KnownImage, facts};
use crate::context::{Anchor, Context, Image, Line, LineContext};
use crate::diagnostic::Diagnostic;
use crate::edit::Applicability;
use crate::exhibit::Exhibits;
use crate::fetch::{self, Fetched, address};
use crate::format::{Example, ForeignFormat, Format, ImagePart, Message, Shape, becomes, convert};
use crate::image::{Caps, Depth, Embedded};
use crate::json::{Value, parse_text};
use crate::rule::{Effect, Evidence};
use crate::settings::{ImageChecks, Settings};
use crate::summary::{Facts, Place, Tally};
use crate::tokens::{self, Counter, ExampleTokens};

/// Findings of one rule on the images of one example. Each costs a walk over the line, and targets take a few dozen
/// images at the most.
const IMAGE_FINDINGS: usize = 100;

/// What a file in UTF-8 may begin with.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a block of lines came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) found: Vec<Diagnostic>,
    pub(super) facts: Vec<Facts>,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) examples: u64,
    pub(super) blank: Tally,
    pub(super) crlf: Tally,
    pub(super) internal_errors: Vec<u64>,
    pub(super) exhibits: Exhibits,
}

impl Outcome {
    /// Numbers its lines anew, which were counted from 1: so many come before them in the file.
    pub(super) fn put_behind(&mut self, before: u64) {
        self.found.iter_mut().for_each(|found| found.put_behind(before));
        let tallies = [&mut self.blank, &mut self.crlf].into_iter().map(|tally| &mut tally.first.line);
        let facts = self.facts.iter_mut().map(|facts| &mut facts.place.line);
        tallies.chain(facts).chain(&mut self.internal_errors).chain(self.exhibits.lines()).for_each(|line| *line += before);
    }
}

/// A worker's own things: nothing in it is shared, all of it is reused from line to line.
pub(super) struct Worker<'a> {
    engine: &'a Engine,
    settings: &'a Settings,
    checks: &'a Checks<'a>,
    path: &'a Arc<str>,
    shape: Option<Shape>,
    counter: Option<Counter>,
    decoded: Vec<u8>,
    /// What stands behind the addresses of the block, where that is asked for.
    fetched: HashMap<u128, Arc<Fetched>>,
    wanted: Option<Applicability>,
}

/// An image part, the hash of its URL, and what that holds or leads to.
struct Seen<'v> {
    part: ImagePart<'v>,
    hash: u128,
    embedded: Arc<KnownImage>,
    fetched: Option<Arc<Fetched>>,
}

/// What a line comes to when its fixes are all that is wanted.
#[derive(Default)]
pub(super) struct Look {
    /// Every finding, none of them placed.
    pub(super) found: Vec<Diagnostic>,
    /// Whether it was judged as an example.
    pub(super) is_example: bool,
    /// Hash of its content, of an example.
    pub(super) content: Option<u128>,
}

impl<'a> Worker<'a> {
    /// `shape` is what the file is read as; lines get no more than JSON checks when it is `None`.
    pub(super) fn new(
        engine: &'a Engine,
        settings: &'a Settings,
        checks: &'a Checks<'a>,
        path: &'a Arc<str>,
        shape: Option<Shape>,
    ) -> Self {
        let is_counted = settings.count_tokens && matches!(shape, Some(Shape::Known(_)));
        let encoding = settings.model.as_ref().and_then(|model| model.encoding.as_deref()).unwrap_or(&settings.target.tokens.encoding);
        let counter = is_counted.then(|| Counter::by_name(encoding)).flatten();
        Self { engine, settings, checks, path, shape, counter, decoded: Vec::new(), fetched: HashMap::new(), wanted: None }
    }

    /// The same worker for [`Worker::look_for_fixes`]; tokens mend nothing.
    pub(super) fn for_fixes(self, wanted: Applicability) -> Self {
        Self { counter: None, wanted: Some(wanted), ..self }
    }

    /// Deepest nesting that is read.
    pub(super) fn max_depth(&self) -> usize {
        self.settings.max_depth
    }

    /// Checks one line for what can be mended in it.
    pub(super) fn look_for_fixes(&mut self, line: &[u8], place: Place, ends_file: bool) -> Look {
        let mut outcome = Outcome::default();
        if !line.iter().all(u8::is_ascii_whitespace) {
            self.line(line, place, ends_file, &mut outcome);
        }
        let content = outcome.facts.first().map(|facts| facts.content);
        Look { found: outcome.found, is_example: content.is_some(), content }
    }

    /// Checks `lines`, each with its break, the first of which stands at the byte `offset` of the file. They are numbered from 1: see
    /// [`Outcome::put_behind`].
    pub(super) fn block<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]> + Clone, offset: u64) -> Outcome {
        let mut place = Place { line: 1, offset };
        let mut outcome = Outcome::default();
        // What fails on a line fails on it again below, and is told there.
        self.fetched = catch_unwind(AssertUnwindSafe(|| self.fetch(lines.clone(), offset))).unwrap_or_default();
        for line in lines {
            outcome.lines += 1;
            outcome.bytes += line.len() as u64;
            let content = line.strip_suffix(b"\n").unwrap_or(line);
            let ends_file = content.len() == line.len();
            let content = match content.strip_suffix(b"\r") {
                Some(content) => {
                    outcome.crlf.add(place, 0);
                    content
                }
                None => content,
            };
            let (content, skipped) = match content.strip_prefix(BYTE_ORDER_MARK) {
                Some(content) if place.offset == 0 => (content, 3),
                _ => (content, 0),
            };
            if line.len() > self.settings.max_line_bytes {
                // Lines that are longer than a block, too, do not get here.
                self.find_too_long(line.len() as u64, place, &mut outcome.found);
            } else if content.iter().all(u8::is_ascii_whitespace) {
                outcome.blank.add(place, 0);
            } else {
                let start = Place { line: place.line, offset: place.offset + skipped };
                let found = outcome.found.len();
                // The last net: a fault of our own must not hide the other lines.
                if catch_unwind(AssertUnwindSafe(|| self.line(content, start, ends_file, &mut outcome))).is_err() {
                    outcome.found.truncate(found);
                    outcome.internal_errors.push(place.line);
                }
            }
            place = Place { line: place.line + 1, offset: place.offset + line.len() as u64 };
        }
        outcome
    }

    /// A line over the cap, of which only the length is known. It is numbered by itself, as line 1.
    pub(super) fn too_long(&self, length: u64, offset: u64) -> Outcome {
        let mut outcome = Outcome { bytes: length, lines: 1, ..Outcome::default() };
        self.find_too_long(length, Place { line: 1, offset }, &mut outcome.found);
        outcome
    }

    fn find_too_long(&self, length: u64, place: Place, found: &mut Vec<Diagnostic>) {
        let line = Line {
            bytes: &[],
            too_long: Some(length),
            invalid_utf8: None,
            ends_file: false,
            faults: &[],
            root: None,
            shape: None,
            expected: self.shape,
        };
        self.line_checks(&line, place, found);
    }

    fn line_checks(&self, line: &Line<'_>, place: Place, found: &mut Vec<Diagnostic>) {
        let at = LineContext { place, bytes: line.bytes, root: line.root };
        let mut cx = Context::new(self.settings, self.path, Some(at), found).for_fixes(self.wanted);
        for &(judgement, check) in &self.checks.line {
            cx.judge(judgement);
            check(line, &mut cx);
        }
        cx.finish();
    }

    fn line(&mut self, bytes: &[u8], place: Place, ends_file: bool, outcome: &mut Outcome) {
        let first = outcome.found.len();
        let (readable, invalid_utf8) = match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), None),
            Err(error) => (Cow::Owned(only_utf8(bytes)), Some(error.valid_up_to())),
        };
        let parsed = parse_text(&readable, self.settings.max_depth);
        let root = parsed.value.as_ref();
        let shape = root.map(Shape::of);
        let line = Line { bytes, too_long: None, invalid_utf8, ends_file, faults: &parsed.faults, root, shape, expected: self.shape };
        self.line_checks(&line, place, &mut outcome.found);
        if let (true, Some(root), Some(Shape::Foreign(foreign))) = (self.wanted.is_some(), root, shape) {
            self.conversion(foreign, root, bytes, place, &mut outcome.found);
        }
        if let (Some(root), Some(shape)) = (root, shape.filter(|shape| *shape != Shape::NotAnObject)) {
            outcome.examples += 1;
            if let Some(format) = self.judged_as(shape) {
                let mut facts = self.example(root, format, bytes, place, outcome);
                if let Some(shelf) = &self.engine.shelf {
                    shelf.offer_sample(&mut outcome.exhibits, self.path, place.line, place.offset, bytes);
                    outcome.exhibits.add_length(self.path, place.line, facts.tokens.billed());
                }
                let own = outcome.found.get(first..).unwrap_or_default();
                facts.skipped = own.iter().any(|found| {
                    found.effect.loses_data() && found.effect != Effect::TruncatesExample && found.evidence != Evidence::Inferred
                });
                facts.place = place;
                outcome.facts.push(facts);
            }
        }
        if let Some(own) = outcome.found.get_mut(first..) {
            own.sort_by_key(|found| found.location.line.as_ref().map(|line| line.byte_in_line));
            // A clean line costs no hash.
            if !own.is_empty() {
                let hash = Some(XxHash3_128::oneshot(bytes));
                own.iter_mut().filter_map(|found| found.location.line.as_mut()).for_each(|line| line.hash = hash);
            }
        }
    }

    /// Said once for a file whose lines are all of another format, done for each line.
    fn conversion(&self, foreign: &ForeignFormat, root: &Value<'_>, bytes: &[u8], place: Place, found: &mut Vec<Diagnostic>) {
        let name = if self.settings.format.is_some() { "format-method-mismatch" } else { "foreign-format" };
        let judgement = self.settings.judgements().iter().find(|judgement| judgement.rule.name == name);
        let is_taken = becomes(foreign).is_some_and(|(format, _)| {
            self.settings.target.formats.contains_key(&format) && self.settings.format.is_none_or(|asked| asked == format)
        });
        let is_all = matches!(self.shape, Some(Shape::Foreign(_))) || (self.shape.is_none() && self.settings.format.is_some());
        if let Some(judgement) = judgement.filter(|_| is_taken && is_all) {
            let at = LineContext { place, bytes, root: Some(root) };
            let mut cx = Context::new(self.settings, self.path, Some(at), found).for_fixes(self.wanted);
            cx.judge(judgement);
            cx.report(Anchor::Line, String::new()).fix(convert(foreign, root, bytes));
        }
    }

    /// The format a line of `shape` is judged as in this file; `None` when it belongs to another one altogether.
    fn judged_as(&self, shape: Shape) -> Option<Format> {
        let Some(Shape::Known(expected)) = self.shape else { return None };
        shape.is_judged_as(expected).then_some(expected)
    }

    fn example(&mut self, root: &Value<'_>, format: Format, bytes: &[u8], place: Place, outcome: &mut Outcome) -> Facts {
        let Outcome { found, exhibits, .. } = outcome;
        let settings = self.settings;
        let example = Example::new(format, root);
        let seen: Vec<Seen<'_>> = example.messages.iter().flat_map(Message::images).map(|part| self.look(part)).collect();
        let images: Vec<(Image<'_>, u128)> = seen
            .iter()
            .map(|Seen { part, hash, embedded, fetched }| {
                let (embedded, fetched) = (embedded.get().and_then(Option::as_ref), fetched.as_deref());
                (Image { part: *part, example: &example, embedded, fetched }, *hash)
            })
            .collect();
        let (tokens, savings) = self.tokens(&example, &images);
        let at = LineContext { place, bytes, root: Some(root) };
        let mut cx = Context::new(settings, self.path, Some(at), found).for_fixes(self.wanted);
        cx.format = Some(format);
        cx.tokens = tokens;
        for fault in self.engine.schemas.faults(format, root) {
            if let Some(&(judgement, check)) = self.checks.schema.get(fault.rule.as_str()) {
                cx.judge(judgement);
                check(&fault, &mut cx);
            }
        }
        for &(judgement, check) in &self.checks.example {
            cx.judge(judgement);
            check(&example, &mut cx);
        }
        for message in &example.messages {
            for &(judgement, check) in &self.checks.message {
                cx.judge(judgement);
                check(message, &example, &mut cx);
            }
        }
        let mut judged = HashSet::new();
        let mut reported = vec![0; if images.is_empty() { 0 } else { self.checks.image.len() }];
        for (image, hash) in &images {
            // An image that stands many times in an example is one image with one fault, to be mended in each place.
            if !judged.insert(hash) && self.wanted.is_none() {
                continue;
            }
            let first = cx.count();
            for (&(judgement, check), reported) in self.checks.image.iter().zip(&mut reported) {
                if *reported < IMAGE_FINDINGS || self.wanted.is_some() {
                    let before = cx.count();
                    cx.judge(judgement);
                    check(image, &mut cx);
                    *reported += cx.count() - before;
                }
            }
            if let (Some(shelf), Some(embedded)) = (&self.engine.shelf, image.embedded) {
                shelf.offer_picture(exhibits, image.part.text, embedded, cx.since(first));
            }
        }
        cx.finish();
        Facts { detail_savings: savings, ..facts::of(&example, &images, tokens.unwrap_or_default()) }
    }

    /// What there is to know of the image of a part, from memory when its URL was seen before.
    fn look<'v>(&mut self, part: ImagePart<'v>) -> Seen<'v> {
        let hash = self.hash(part.text);
        let depth = self.depth();
        let embedded = {
            let mut images = self.engine.images.lock().unwrap_or_else(PoisonError::into_inner);
            images.get(hash).unwrap_or_else(|| images.put(hash, Arc::default()))
        };
        embedded.get_or_init(|| Embedded::look(part.text, depth, &Caps::default(), &mut self.decoded));
        Seen { part, hash, embedded, fetched: self.fetched.get(&hash).map(Arc::clone) }
    }

    fn hash(&self, url: &str) -> u128 {
        XxHash3_128::oneshot_with_seed(self.engine.seed, url.as_bytes())
    }

    fn depth(&self) -> Option<Depth> {
        match self.settings.images {
            ImageChecks::None => None,
            ImageChecks::Header => Some(Depth::Header),
            ImageChecks::Full => Some(Depth::Full),
        }
    }

    /// Asks for the images of `lines` that stand behind web addresses, where that is wanted. They are read for that a first time: it takes
    /// next to nothing beside waiting for the answers.
    fn fetch<'l>(&self, lines: impl Iterator<Item = &'l [u8]>, offset: u64) -> HashMap<u128, Arc<Fetched>> {
        let Some(fetcher) = self.engine.fetcher.as_ref().filter(|_| self.wanted.is_none()) else { return HashMap::new() };
        let images = &self.settings.target.images;
        let mut addresses = IndexMap::new();
        for (index, line) in lines.enumerate().filter(|(_, line)| line.len() <= self.settings.max_line_bytes) {
            let readable = only_utf8(line.strip_prefix(BYTE_ORDER_MARK).filter(|_| index == 0 && offset == 0).unwrap_or(line));
            let Some(root) = parse_text(&readable, self.settings.max_depth).value else { continue };
            let Some(format) = self.judged_as(Shape::of(&root)) else { continue };
            let example = Example::new(format, &root);
            for part in example.messages.iter().flat_map(Message::images).take(IMAGE_FINDINGS) {
                let url = part.text.trim();
                if address::judge(url, &images.schemes.value) == Some(Ok(())) {
                    addresses.insert(self.hash(part.text), url.to_owned());
                }
            }
        }
        let most = images.bytes.as_ref().map_or(fetch::MOST_BYTES, |limit| limit.value);
        fetcher.all(addresses, most, self.depth())
    }

    /// The tokens of the example, and the images whose detail is left open with the tokens that `low` would save.
    fn tokens(&mut self, example: &Example<'_>, images: &[(Image<'_>, u128)]) -> (Option<ExampleTokens>, (u64, u64)) {
        let Some(counter) = &mut self.counter else { return (None, (0, 0)) };
        let model = self.settings.model.as_ref();
        let formula = model.and_then(|model| model.image_tokens.as_ref());
        let mut savings = (0, 0);
        let cost = |image: &Image<'_>| {
            let (formula, (width, height)) = (formula?, image.size()?);
            let own = tokens::image::tokens(formula, width, height, image.detail());
            Some((own, own.saturating_sub(tokens::image::tokens(formula, width, height, "low"))))
        };
        let costs: Vec<Option<(u64, u64)>> = images.iter().map(|(image, _)| cost(image)).collect();
        for (_, saving) in images.iter().zip(&costs).filter(|((image, _), _)| image.detail() == "auto").filter_map(|(_, cost)| *cost) {
            savings = if saving > 0 { (savings.0 + 1, savings.1 + saving) } else { savings };
        }
        // Images stand in the order of their messages: one walk over both.
        let mut rest = images.iter().zip(&costs).peekable();
        let of_message = |message: &Message<'_>| {
            let mut sum = 0;
            while let Some((_, cost)) = rest.next_if(|((image, _), _)| std::ptr::eq(image.part.message.value, message.value)) {
                sum += cost.map_or(0, |(own, _)| own);
            }
            sum
        };
        let tool_open = model.and_then(|model| model.tool_tokens);
        (Some(tokens::count(example, &self.settings.target.tokens, tool_open, counter, of_message)), savings)
    }
}

/// The same bytes with every one that is not UTF-8 replaced by `?`: offsets stay what they are.
fn only_utf8(bytes: &[u8]) -> String {
    let mut clean = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        clean.push_str(chunk.valid());
        clean.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    clean
}
