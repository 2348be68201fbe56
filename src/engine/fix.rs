//! Mends a file, pass after pass until nothing changes: first its make-up (encoding, line ends, an array around it), then
//! its lines. A line is kept as it is unless it has fewer faults afterwards and none that it did not have before.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::line::{BYTE_ORDER_MARK, Look, Worker};
use super::pipeline::{each_block, expected};
use super::reader::{Block, Content, Lines, Reader};
use super::{Checks, Engine, Error, Input, head, reshape};
use crate::context::HeadFault;
use crate::diagnostic::{Diagnostic, Excerpt};
use crate::edit::{Applicability, Fix, apply};
use crate::format::Shape;
use crate::json::Span;
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Place;

/// Where the passes read from and write to.
pub trait Rewrite {
    /// The newest version: what the last pass wrote, at first the file itself.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn open(&mut self) -> io::Result<Input>;

    /// Takes bytes that stay as they are.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    fn keep(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Takes a line that changes.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn change(&mut self, change: &Change<'_>) -> io::Result<()>;

    /// Ends the pass: what was written is the newest version, or, when nothing is to change after all, is forgotten.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    fn end_pass(&mut self, is_kept: bool) -> io::Result<()>;
}

/// A line that changes.
#[derive(Debug)]
pub struct Change<'a> {
    /// Its number in the version that is read; 0 for a line of a file that is written anew.
    pub line: u64,
    /// Its bytes, with the line break; none in a file that is written anew.
    pub old: &'a [u8],
    /// What takes its place: one line, several, or none.
    pub new: &'a [u8],
    /// The rule for whose sake it is set aside: it is kept, but not in this file.
    pub rejected: Option<&'static str>,
    /// The places that change, when they were asked for.
    pub hunks: &'a [Hunk],
    /// Places that change and are not among them.
    pub more_hunks: u64,
}

/// One place that changes, before and after.
#[derive(Clone, Debug)]
pub struct Hunk {
    /// The rule that asks for it.
    pub rule: &'static str,
    /// The byte of the line.
    pub byte: u64,
    /// The place as it was.
    pub before: Excerpt,
    /// The place as it is.
    pub after: Excerpt,
}

/// What is to be mended.
#[derive(Clone, Copy, Debug)]
pub struct FixOptions {
    /// Safe fixes alone, or unsafe ones too.
    pub applicability: Applicability,
    /// Whether the places that change are to be told.
    pub hunks: bool,
}

/// What was mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// Findings, by the code of their rule.
    pub findings: BTreeMap<&'static str, u64>,
    /// Lines that changed, or were written anew.
    pub lines: u64,
    /// Lines set aside, by the code of the rule.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Whether lines would have been set aside, but none would have been left.
    pub would_empty: bool,
    /// Whether a line has become several.
    has_split: bool,
}

impl Fixed {
    /// Findings that were mended.
    pub fn count(&self) -> u64 {
        self.findings.values().sum()
    }

    /// Lines that were set aside.
    pub fn rejected_count(&self) -> u64 {
        self.rejected.values().sum()
    }

    fn add(&mut self, other: &Self) {
        for (sums, own) in [(&mut self.findings, &other.findings), (&mut self.rejected, &other.rejected)] {
            own.iter().for_each(|(code, count)| *sums.entry(code).or_default() += count);
        }
        self.lines += other.lines;
        self.would_empty |= other.would_empty;
    }

    fn tell(&mut self, code: &'static str) {
        *self.findings.entry(code).or_default() += 1;
    }
}

/// A file in memory, for [`Engine::fix_bytes`].
pub(super) struct Memory<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: Vec<u8>,
    pub(super) rejected: Vec<u8>,
    next: Vec<u8>,
    next_rejected: Vec<u8>,
}

impl<'a> Memory<'a> {
    pub(super) fn new(name: &'a str, bytes: Vec<u8>) -> Self {
        Self { name, bytes, rejected: Vec::new(), next: Vec::new(), next_rejected: Vec::new() }
    }
}

impl Rewrite for Memory<'_> {
    fn open(&mut self) -> io::Result<Input> {
        Input::from_bytes(self.name, self.bytes.clone())
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.next.extend_from_slice(bytes);
        Ok(())
    }

    fn change(&mut self, change: &Change<'_>) -> io::Result<()> {
        if change.rejected.is_some() {
            self.next_rejected.extend_from_slice(change.old);
        }
        self.next.extend_from_slice(change.new);
        Ok(())
    }

    fn end_pass(&mut self, is_kept: bool) -> io::Result<()> {
        let (next, rejected) = (std::mem::take(&mut self.next), std::mem::take(&mut self.next_rejected));
        if is_kept {
            self.bytes = next;
            self.rejected.extend(rejected);
        }
        Ok(())
    }
}

/// Passes over a file: its make-up may need two (UTF-16 with lone carriage returns), its format another.
const PASSES: usize = 6;
/// Rounds of edits on one line. One that has not settled by then is left as it was.
const ROUNDS: usize = 20;
/// Fixes that are tried one by one, where all together bring something new.
const SINGLES: usize = 64;
/// Places of a line that are shown.
const HUNKS: usize = 8;

pub(super) fn fix(engine: &Engine, store: &mut dyn Rewrite, settings: &Settings, options: FixOptions) -> Result<Fixed, Error> {
    let mut fixed = Fixed::default();
    let mut known: Option<(Option<Shape>, Option<HeadFault>)> = None;
    for _ in 0..PASSES {
        let input = store.open().map_err(Error::Read)?;
        let pass = Pass { engine, settings, options, checks: Checks::new(settings), path: Arc::clone(&input.path) };
        let (head, own) = pass.run(input, store, known.as_ref())?;
        let Some(own) = own else { break };
        fixed.add(&own);
        // Lines that came out of one are looked at once more, each as a line of its own.
        known = (!own.has_split).then_some(head);
        if own.lines == 0 {
            break;
        }
    }
    Ok(fixed)
}

struct Pass<'a> {
    engine: &'a Engine,
    settings: &'a Settings,
    options: FixOptions,
    checks: Checks<'a>,
    path: Arc<str>,
}

type HeadFacts = (Option<Shape>, Option<HeadFault>);

impl Pass<'_> {
    /// One pass; nothing is done when the file looks as `before`: its lines have settled then.
    fn run(&self, mut input: Input, store: &mut dyn Rewrite, before: Option<&HeadFacts>) -> Result<(HeadFacts, Option<Fixed>), Error> {
        let settings = self.settings;
        let mut reader = Reader::new(input.take_origin(), settings.max_line_bytes);
        let first = reader.next().map_err(Error::Read)?;
        let bytes = first.as_ref().map(Block::bytes).unwrap_or_default();
        let seen = head::inspect(&input, bytes, reader.is_done(), settings.max_depth);
        let facts = (seen.shape, seen.fault.clone());
        if before == Some(&facts) {
            return Ok((facts, None));
        }
        let (is_python, shape) = match &seen.fault {
            None => (false, expected(&seen, settings)),
            Some(HeadFault::PythonRepr) if self.is_wanted("python-repr") => (true, None),
            Some(fault) => {
                let fault = fault.clone();
                drop(reader);
                return Ok((facts, Some(self.reshape(&fault, store)?)));
            }
        };
        drop(seen);
        Ok((facts, Some(self.lines(reader, first, store, shape, is_python)?)))
    }

    /// Whether the fix of a rule on whole files is to be made.
    fn is_wanted(&self, name: &str) -> bool {
        let own = self.settings.judgements().iter().find(|judgement| judgement.rule.name == name);
        own.is_some_and(|own| own.severity.is_some() && own.rule.fix.is_some_and(|fix| fix <= self.options.applicability))
    }

    /// Writes a file anew whose lines are no lines.
    fn reshape(&self, fault: &HeadFault, store: &mut dyn Rewrite) -> Result<Fixed, Error> {
        let mut fixed = Fixed::default();
        let (name, code) = match fault {
            HeadFault::JsonArray => ("json-array", "F003"),
            HeadFault::PrettyPrinted => ("pretty-printed-json", "F004"),
            HeadFault::WideEncoding(_) => ("utf-16-encoding", "F006"),
            HeadFault::LoneCarriageReturn => ("lone-carriage-return", "F019"),
            _ => return Ok(fixed),
        };
        if !self.is_wanted(name) {
            return Ok(fixed);
        }
        let mut reader: Box<dyn Read + Send> = store.open().map_err(Error::Read)?.reader;
        let mut lines = 0;
        let mut write = |line: &[u8]| {
            lines += 1;
            store.change(&Change { line: 0, old: &[], new: line, rejected: None, hunks: &[], more_hunks: 0 })
        };
        let limits = (self.settings.max_line_bytes, self.settings.max_depth);
        let is_whole = match fault {
            HeadFault::WideEncoding(encoding) => reshape::to_utf8(&mut reader, encoding, limits.0, &mut write),
            HeadFault::LoneCarriageReturn => reshape::to_line_feeds(&mut reader, limits.0, &mut write),
            _ => reshape::to_lines(&mut reader, limits, &mut write),
        };
        // A byte order mark alone would leave nothing.
        let is_kept = is_whole? && lines > 0;
        store.end_pass(is_kept).map_err(Error::Write)?;
        if is_kept {
            fixed.tell(code);
            fixed.lines = lines;
        }
        Ok(fixed)
    }

    fn lines(
        &self,
        reader: Reader,
        first: Option<Block>,
        store: &mut dyn Rewrite,
        shape: Option<Shape>,
        is_python: bool,
    ) -> Result<Fixed, Error> {
        let wants = Wants {
            blank_lines: self.is_wanted("blank-line"),
            carriage_returns: self.is_wanted("crlf-line-ending"),
            byte_order_mark: self.is_wanted("byte-order-mark"),
            final_break: self.is_wanted("missing-final-line-break"),
            duplicates: self.is_wanted("duplicate-example") && matches!(shape, Some(Shape::Known(_))),
        };
        let mender = || Mender {
            worker: Worker::new(self.engine, self.settings, &self.checks, &self.path, shape).for_fixes(self.options.applicability),
            options: self.options,
            is_python,
            is_known: matches!(shape, Some(Shape::Known(_))),
        };
        let run = |mender: &mut Mender<'_>, block: Block| mender.block(block, wants);
        let mut writer = Writer { store, fixed: Fixed::default(), seen: HashSet::new(), lines: 0, kept: 0, blank: 0 };
        each_block(self.engine.threads, reader, first, &mender, &run, &mut |block| writer.absorb(block))?;
        writer.finish()
    }
}

/// The fixes of whole files that are made on their lines.
#[derive(Clone, Copy)]
struct Wants {
    blank_lines: bool,
    carriage_returns: bool,
    byte_order_mark: bool,
    final_break: bool,
    duplicates: bool,
}

/// A block with the lines of it that change.
struct FixedBlock {
    /// `None` for one line that is too long to be read.
    lines: Option<Lines>,
    /// Lines that change, and, where duplicates are looked for, all others too.
    entries: Vec<Entry>,
}

#[derive(Default)]
struct Entry {
    range: Range<usize>,
    /// Its number in the block, from 1.
    line: u64,
    content: Option<u128>,
    /// What takes its place; `None` when it stays.
    new: Option<Vec<u8>>,
    is_blank: bool,
    /// Whether it ends the file without a line break, and can be read.
    lacks_break: bool,
    rejected: Option<&'static str>,
    codes: Vec<&'static str>,
    hunks: Vec<Hunk>,
    more_hunks: u64,
}

/// Writes blocks in the order of the file.
struct Writer<'a> {
    store: &'a mut dyn Rewrite,
    fixed: Fixed,
    /// Contents that stand in the file already.
    seen: HashSet<u128>,
    /// Lines that were absorbed.
    lines: u64,
    /// Of those, lines that stay.
    kept: u64,
    blank: u64,
}

impl Writer<'_> {
    fn absorb(&mut self, block: &mut FixedBlock) -> Result<(), Error> {
        let (before, count) = (self.lines, block.lines.as_ref().map_or(1, Lines::count));
        (self.lines, self.kept) = (self.lines + count, self.kept + count);
        let Some(bytes) = block.lines.as_ref().map(Lines::bytes) else {
            let problem = format!("line {} is longer than `max-line-bytes` allows, so nothing was fixed", self.lines);
            return Err(Error::Read(io::Error::new(io::ErrorKind::InvalidData, problem)));
        };
        let mut at = 0;
        for entry in &mut block.entries {
            let is_copy = entry.rejected.is_none() && entry.content.is_some_and(|content| !self.seen.insert(content));
            let rejected = if is_copy { Some("D001") } else { entry.rejected };
            if entry.new.is_none() && rejected.is_none() {
                continue;
            }
            self.store.keep(bytes.get(at..entry.range.start).unwrap_or_default()).map_err(Error::Write)?;
            at = entry.range.end;
            let old = bytes.get(entry.range.clone()).unwrap_or_default();
            self.fixed.lines += 1;
            match rejected {
                Some(code) => {
                    *self.fixed.rejected.entry(code).or_default() += 1;
                    self.kept -= 1;
                }
                None => {
                    entry.codes.iter().for_each(|code| self.fixed.tell(code));
                    self.kept -= u64::from(entry.is_blank);
                    self.blank += u64::from(entry.is_blank);
                }
            }
            let new = entry.new.take().filter(|_| rejected.is_none()).unwrap_or_default();
            self.fixed.has_split |= memchr::memchr_iter(b'\n', &new).nth(1).is_some();
            let (hunks, more_hunks) = if rejected.is_none() { (entry.hunks.as_slice(), entry.more_hunks) } else { (&[][..], 0) };
            self.store.change(&Change { line: before + entry.line, old, new: &new, rejected, hunks, more_hunks }).map_err(Error::Write)?;
        }
        self.store.keep(bytes.get(at..).unwrap_or_default()).map_err(Error::Write)
    }

    /// A file of nothing but blank lines is left alone, and so is one that would lose its every line.
    fn finish(mut self) -> Result<Fixed, Error> {
        let is_kept = self.fixed.lines > 0 && self.kept > 0;
        self.store.end_pass(is_kept).map_err(Error::Write)?;
        if !is_kept {
            self.fixed = Fixed { would_empty: self.fixed.rejected_count() > 0, ..Fixed::default() };
        }
        Ok(self.fixed)
    }
}

/// A worker that mends.
struct Mender<'a> {
    worker: Worker<'a>,
    options: FixOptions,
    /// Whether the lines are Python's: each is rewritten on its own, nothing else is asked.
    is_python: bool,
    /// Whether the file is in a format that is judged.
    is_known: bool,
}

/// A line without the carriage returns at its end.
fn without_returns(line: &[u8]) -> &[u8] {
    let returns = line.iter().rev().take_while(|&&byte| byte == b'\r').count();
    line.get(..line.len() - returns).unwrap_or_default()
}

/// A line on its way, and what it comes to.
struct State {
    bytes: Vec<u8>,
    look: Look,
    codes: Vec<&'static str>,
    hunks: Vec<Hunk>,
    more_hunks: u64,
    lacks_break: bool,
}

impl Mender<'_> {
    fn block(&mut self, block: Block, wants: Wants) -> FixedBlock {
        let Content::Lines(lines) = block.content else { return FixedBlock { lines: None, entries: Vec::new() } };
        let (mut entries, mut place, mut at) = (Vec::new(), Place { line: 1, offset: block.offset }, 0);
        for line in lines.iter() {
            let end = at + line.len();
            let entry = Entry { range: at..end, ..self.entry(line, place, wants) };
            if entry.new.is_some() || entry.rejected.is_some() || (wants.duplicates && entry.content.is_some()) {
                entries.push(entry);
            }
            place = Place { line: place.line + 1, offset: place.offset + line.len() as u64 };
            at = end;
        }
        FixedBlock { lines: Some(lines), entries }
    }

    /// One line with its break, mended as far as it can be.
    fn entry(&mut self, whole: &[u8], place: Place, wants: Wants) -> Entry {
        let mut entry = Entry { line: place.line, ..Entry::default() };
        let mut line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let mut line_break = whole.get(line.len()..).unwrap_or_default();
        let ends_file = line_break.is_empty();
        if let Some(stripped) = line.strip_suffix(b"\r") {
            line_break = whole.get(stripped.len()..).unwrap_or_default();
            line = stripped;
            if wants.carriage_returns && !ends_file {
                line = without_returns(stripped);
                line_break = b"\n";
                entry.codes.push("F014");
            }
        }
        let mark = match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if place.offset == 0 => {
                line = rest;
                if wants.byte_order_mark {
                    entry.codes.push("F011");
                    &[][..]
                } else {
                    BYTE_ORDER_MARK
                }
            }
            _ => &[],
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            if wants.blank_lines {
                entry.codes.push("F013");
                (entry.new, entry.is_blank) = (Some(mark.to_vec()), true);
            } else if !entry.codes.is_empty() {
                entry.new = Some([mark, line, line_break].concat());
            }
            return entry;
        }
        let start = Place { line: place.line, offset: place.offset + (whole.len() - line.len()) as u64 * u64::from(place.offset == 0) };
        // The last net, as for findings: a fault of our own must not cost a line.
        let mended = catch_unwind(AssertUnwindSafe(|| self.mend(line, start, ends_file, &mut entry))).ok().flatten();
        // What has no content is nobody's copy.
        entry.content = entry.content.filter(|_| wants.duplicates);
        if wants.final_break && entry.lacks_break {
            line_break = b"\n";
            entry.codes.push("F020");
        }
        // One that stood before something that is gone, such as a comma, stands before the line break now.
        let is_left = |text: &Vec<u8>| wants.carriage_returns && !line_break.is_empty() && text.ends_with(b"\r");
        let mended = mended.map(|text| if is_left(&text) { without_returns(&text).to_vec() } else { text });
        // A byte order mark alone in a line leaves a blank one.
        if wants.blank_lines && mended.as_ref().is_some_and(|text| text.iter().all(u8::is_ascii_whitespace)) {
            entry.codes.push("F013");
            (entry.new, entry.is_blank) = (Some(mark.to_vec()), true);
        } else if mended.is_some() || !entry.codes.is_empty() {
            entry.new = Some([mark, mended.as_deref().unwrap_or(line), line_break].concat());
        }
        entry
    }

    /// The line as it is to be; `None` when it stays. What is to be said of it goes into `entry`.
    fn mend(&mut self, line: &[u8], place: Place, ends_file: bool, entry: &mut Entry) -> Option<Vec<u8>> {
        if self.is_python {
            let edits = crate::json::relaxed(line, self.worker.max_depth(), Applicability::Safe)?;
            let state = self.after(line, &[("F005", &Fix::safe("write it as JSON", edits))], place, ends_file, false)?;
            entry.codes.extend(state.codes);
            (entry.hunks, entry.more_hunks) = (state.hunks, state.more_hunks);
            return Some(state.bytes);
        }
        let look = self.worker.look_for_fixes(line, place, ends_file);
        let lacks_break = lacks_break_in(&look);
        let mut state = State { bytes: Vec::new(), look, codes: Vec::new(), hunks: Vec::new(), more_hunks: 0, lacks_break };
        if !self.fixes(&state.look).is_empty() {
            state.bytes = line.to_vec();
            state = self.settle(state, place, ends_file);
        }
        (entry.content, entry.lacks_break) = (state.look.content, state.lacks_break);
        if self.options.applicability == Applicability::Unsafe && self.is_known {
            entry.rejected = lost(&state.look.found);
        }
        if state.codes.is_empty() {
            return None;
        }
        entry.codes.extend(state.codes);
        (entry.hunks, entry.more_hunks) = (state.hunks, state.more_hunks);
        Some(state.bytes)
    }

    /// Makes fixes until there are none, or none that may be made.
    fn settle(&mut self, start: State, place: Place, ends_file: bool) -> State {
        let original = (start.bytes.clone(), counts(&start.look.found), start.look.is_example);
        let is_better = |state: &State| {
            let after = counts(&state.look.found);
            let fewer = after.values().sum::<usize>() < original.1.values().sum();
            // What could not be read before has findings that nobody saw.
            !original.2 || (fewer && after.iter().all(|(code, count)| original.1.get(code).is_some_and(|before| count <= before)))
        };
        let mut current = start;
        for _ in 0..ROUNDS {
            if let Some(end) = self.all_together(&current, place, ends_file).filter(is_better) {
                return end;
            }
            let fixes = self.fixes(&current.look);
            let single = fixes.iter().take(SINGLES).find_map(|fix| {
                let state = self.step(&current, std::slice::from_ref(fix), place, ends_file)?;
                let is_progress = state.look.found.len() < current.look.found.len();
                Some(state).filter(|state| is_better(state) && (is_progress || !original.2))
            });
            match single {
                Some(next) => current = next,
                None => return current,
            }
        }
        let look = self.worker.look_for_fixes(&original.0, place, ends_file);
        let lacks_break = lacks_break_in(&look);
        State { bytes: original.0, look, codes: Vec::new(), hunks: Vec::new(), more_hunks: 0, lacks_break }
    }

    /// Rounds of all fixes, to the end; `None` when there is none.
    fn all_together(&mut self, from: &State, place: Place, ends_file: bool) -> Option<State> {
        let mut state = self.step(from, &self.fixes(&from.look), place, ends_file)?;
        for _ in 0..ROUNDS {
            match self.step(&state, &self.fixes(&state.look), place, ends_file) {
                Some(next) => state = next,
                None => return Some(state),
            }
        }
        None
    }

    /// One round: the fixes that go together.
    fn step(&mut self, from: &State, fixes: &[(&'static str, Fix)], place: Place, ends_file: bool) -> Option<State> {
        let borrowed: Vec<(&'static str, &Fix)> = fixes.iter().map(|(code, fix)| (*code, fix)).collect();
        let mut next = self.after(&from.bytes, &borrowed, place, ends_file, true)?;
        next.codes.splice(0..0, from.codes.iter().copied());
        next.hunks.splice(0..0, from.hunks.iter().cloned());
        next.more_hunks += from.more_hunks;
        Some(next)
    }

    /// `line` with the fixes that go together; `None` when that changes nothing.
    fn after(&mut self, line: &[u8], fixes: &[(&'static str, &Fix)], place: Place, ends_file: bool, look: bool) -> Option<State> {
        let applied = apply(line, fixes.iter().map(|(_, fix)| *fix));
        if applied.bytes == line {
            return None;
        }
        let mut codes: Vec<&'static str> = applied.made.iter().filter_map(|&index| Some(fixes.get(index)?.0)).collect();
        let (mut hunks, mut more_hunks) = (Vec::new(), 0);
        if self.options.hunks {
            (hunks, more_hunks) = shown(line, &applied.bytes, &applied.changes, fixes);
        }
        let (mut bytes, mut lacks_break) = (applied.bytes, false);
        if bytes.contains(&b'\n') {
            // One line has become several: each goes its own way.
            let mut pieces = Vec::new();
            for piece in bytes.split(|&byte| byte == b'\n') {
                let mut entry = Entry::default();
                let mended = self.mend(piece, place, ends_file, &mut entry);
                pieces.push(mended.unwrap_or_else(|| piece.to_vec()));
                codes.extend(entry.codes);
                lacks_break = entry.lacks_break;
            }
            bytes = pieces.join(&b'\n');
            return Some(State { bytes, look: Look::default(), codes, hunks, more_hunks, lacks_break });
        }
        let look = if look { self.worker.look_for_fixes(&bytes, place, ends_file) } else { Look::default() };
        lacks_break = lacks_break_in(&look);
        Some(State { bytes, look, codes, hunks, more_hunks, lacks_break })
    }

    /// The fixes that are wanted, each with the code of its rule.
    fn fixes(&self, look: &Look) -> Vec<(&'static str, Fix)> {
        let wanted = look.found.iter().filter_map(|found| Some((found.rule.code, found.fix.as_ref()?)));
        let wanted = wanted.filter(|(_, fix)| fix.applicability <= self.options.applicability && !fix.edits.is_empty());
        wanted.map(|(code, fix)| (code, fix.clone())).collect()
    }
}

fn lacks_break_in(look: &Look) -> bool {
    look.found.iter().any(|found| found.rule.code == "F020")
}

/// Findings by rule.
fn counts(found: &[Diagnostic]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for diagnostic in found {
        *counts.entry(diagnostic.rule.code).or_default() += 1;
    }
    counts
}

/// The rule for whose sake the target would refuse the line, and the file or job with it.
fn lost(found: &[Diagnostic]) -> Option<&'static str> {
    found.iter().find(|found| found.severity == Severity::Error && found.effect.rejects()).map(|found| found.rule.code)
}

/// The places of `changes`, those that are near each other as one; and how many are not among them.
fn shown(old: &[u8], new: &[u8], changes: &[(Range<usize>, Range<usize>)], fixes: &[(&'static str, &Fix)]) -> (Vec<Hunk>, u64) {
    const NEAR: usize = 24;
    let mut places: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (before, after) in changes {
        match places.last_mut() {
            Some(last) if before.start <= last.0.end + NEAR => (last.0.end, last.1.end) = (before.end, after.end),
            _ => places.push((before.clone(), after.clone())),
        }
    }
    let rule_at = |start: usize| {
        let has = |fix: &Fix| fix.edits.iter().any(|edit| edit.start == start);
        fixes.iter().find(|(_, fix)| has(fix)).map_or("", |(code, _)| *code)
    };
    let more = places.len().saturating_sub(HUNKS) as u64;
    let hunks = places.into_iter().take(HUNKS).map(|(before, after)| Hunk {
        rule: rule_at(before.start),
        byte: before.start as u64,
        before: Excerpt::new(old, Span::new(before.start, before.end)),
        after: Excerpt::new(new, Span::new(after.start, after.end)),
    });
    (hunks.collect(), more)
}
