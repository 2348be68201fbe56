//! A file through its fixes.

use std::io;

use tunelint::edit::Applicability;
use tunelint::engine::{Change, Engine, FixOptions, Fixed, Input, Rewrite};
use tunelint::format::Shape;
use tunelint::settings::Settings;

use super::{Bench, asked, check, input, with_bench};

/// Twice is once, lines without a finding stay byte for byte, and no line has a finding afterwards that it did not have.
pub(super) fn holds(data: &[u8]) {
    let asked = asked(data);
    let bytes = match asked.choice % 8 {
        // Among so many blank lines that they are mended by several threads.
        1 => [&asked.text, &b"\n \n\n"[..], &b"\n".repeat(4096), &asked.text].concat(),
        2 => [GOOD, &asked.text, GOOD].concat(),
        _ => asked.text.into_owned(),
    };
    // Packed files are not mended in place.
    if input("a.jsonl", &bytes).map_or(true, |input| input.is_packed()) {
        return;
    }
    with_bench(|bench| {
        let settings = &bench.settings[asked.judge];
        for applicability in [Applicability::Safe, Applicability::Unsafe] {
            keeps_its_word(bench, settings, &bytes, applicability);
        }
    });
}

const GOOD: &[u8] = br#"{"messages": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "It is one."}]}
"#;

fn keeps_its_word(bench: &Bench, settings: &Settings, bytes: &[u8], applicability: Applicability) {
    let (once, fixed) = mend(&bench.engine, settings, bytes, applicability);
    let (twice, again) = mend(&bench.engine, settings, &once.bytes, applicability);
    assert!(
        once.bytes == twice.bytes && again.lines == 0,
        "{applicability:?}: twice is not once, {fixed:?} and {again:?}\n{}\n{}\n{}",
        lossy(bytes),
        lossy(&once.bytes),
        lossy(&twice.bytes)
    );
    assert!(twice.rejected.is_empty(), "{applicability:?}: set aside the second time, {again:?}");
    let (by_many, _) = mend(&bench.threads, settings, bytes, applicability);
    assert!(once.bytes == by_many.bytes && once.rejected == by_many.rejected, "{applicability:?}: threads make a difference");
    if applicability == Applicability::Safe {
        assert!(once.rejected.is_empty(), "safe fixes set nothing aside: {fixed:?}");
    }
    brings_nothing(bench, settings, bytes, &once, applicability);
}

/// Line by line, nothing changes but where a finding was, and nothing is found that was not there before.
fn brings_nothing(bench: &Bench, settings: &Settings, bytes: &[u8], once: &Store, applicability: Applicability) {
    let (shape, before) = findings(&bench.engine, settings, bytes);
    let (new_shape, after) = findings(&bench.engine, settings, &once.bytes);
    let (old, new) = (lines(bytes), lines(&once.bytes));
    // Where lines come or go, or nothing was known of them, or they are judged as another format than before, only the file as a
    // whole could be compared.
    let is_hidden = before.iter().any(|(_, code)| code.starts_with('F') || matches!(*code, "S003" | "S005" | "J003" | "S001"));
    if old.len() != new.len() || !once.rejected.is_empty() || is_hidden || shape != new_shape {
        return;
    }
    for (line, (old, new)) in (1..).zip(old.iter().zip(&new)) {
        let of = |found: &[(u64, &'static str)]| found.iter().filter(|(own, _)| *own == line).map(|(_, code)| *code).collect::<Vec<_>>();
        let (known, left) = (of(&before), of(&after));
        // A line that stays is judged by what most lines are, which the others may have changed.
        if old == new {
            continue;
        }
        assert!(!known.is_empty(), "{applicability:?}: line {line} changed without a finding");
        // What cannot be read hides what is said of it; an unknown role (M003) what is said of the others, such as that none is the
        // user's; a key that is another one mistyped (M011, M002) what is said of its value, or of its message; an output that is no
        // list (P004) what is said of its text.
        let is_unread = known.iter().any(|code| code.starts_with('J') || matches!(*code, "P004" | "S004" | "M002" | "M003" | "M011"));
        // What a line is beside the others is no fault of the line, and may show once those can be read: a copy (D), or one without a
        // key for graders that they have (R001).
        let is_beside = |code: &str| code.starts_with('D') || code == "R001";
        let brought = left.iter().find(|code| !known.contains(code) && !is_beside(code));
        assert!(
            is_unread || brought.is_none(),
            "{applicability:?}: line {line} has {brought:?} besides {known:?}\n{}\n{}",
            lossy(old),
            lossy(new)
        );
    }
}

/// What the lines are taken for, and the rules found on each.
fn findings(engine: &Engine, settings: &Settings, bytes: &[u8]) -> (Option<Shape>, Vec<(u64, &'static str)>) {
    let (found, summary, _) = check(engine, input("a.jsonl", bytes).expect("read before"), settings);
    let of_lines = found.iter().filter_map(|found| Some((found.location.line.as_ref()?.line, found.rule.code)));
    (summary.files[0].shape, of_lines.collect())
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|&byte| byte == b'\n').collect()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..4000).unwrap_or(bytes)).into_owned()
}

fn mend(engine: &Engine, settings: &Settings, bytes: &[u8], applicability: Applicability) -> (Store, Fixed) {
    let mut store = Store { bytes: bytes.to_vec(), ..Store::default() };
    let fixed = engine.fix(&mut store, settings, FixOptions { applicability, hunks: true }).expect("what is in memory can be read");
    (store, fixed)
}

/// A file in memory that looks at each step: what is kept, and what is said to be old, is what stands there.
#[derive(Default)]
struct Store {
    bytes: Vec<u8>,
    rejected: Vec<u8>,
    next: Vec<u8>,
    next_rejected: Vec<u8>,
    at: usize,
    is_anew: bool,
}

impl Rewrite for Store {
    fn open(&mut self) -> io::Result<Input> {
        Input::from_bytes("a.jsonl", self.bytes.clone())
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        assert!(self.bytes[self.at..].starts_with(bytes), "what is kept stands in the file");
        self.at += bytes.len();
        self.next.extend_from_slice(bytes);
        Ok(())
    }

    fn change(&mut self, change: &Change<'_>) -> io::Result<()> {
        self.is_anew |= change.line == 0;
        if change.line > 0 {
            let line = lines(&self.bytes[..self.at]).len() as u64;
            assert!(self.bytes[self.at..].starts_with(change.old) && line == change.line, "what changes stands in line {line}");
            self.at += change.old.len();
        }
        assert!(change.rejected.is_some() || change.old != change.new, "a change changes something");
        assert!(change.rejected.is_none() || change.new.is_empty(), "what is set aside leaves nothing behind");
        for hunk in change.hunks {
            for shown in [&hunk.before.text, &hunk.after.text] {
                assert!(shown.is_empty() || super::is_readable(shown), "{hunk:?}");
            }
        }
        if change.rejected.is_some() {
            self.next_rejected.extend_from_slice(change.old);
        }
        self.next.extend_from_slice(change.new);
        Ok(())
    }

    fn end_pass(&mut self, is_kept: bool) -> io::Result<()> {
        let (next, rejected) = (std::mem::take(&mut self.next), std::mem::take(&mut self.next_rejected));
        let (at, is_anew) = (std::mem::take(&mut self.at), std::mem::take(&mut self.is_anew));
        if is_kept {
            assert!(is_anew || at == self.bytes.len(), "a pass reads the file to its end");
            self.bytes = next;
            self.rejected.extend(rejected);
        }
        Ok(())
    }
}
