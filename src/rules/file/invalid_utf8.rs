use crate::context::{Context, Line};
use crate::diagnostic::{count, is_unsafe, number};
use crate::json::Span;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "F015",
    name: "invalid-utf8",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_utf8.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    let Some((at, rest)) = line.invalid_utf8.and_then(|at| Some((at, line.bytes.get(at..)?))) else { return };
    let Some(&byte) = rest.first() else { return };
    let mut broken = rest.utf8_chunks().map(|chunk| chunk.invalid().len()).filter(|&length| length > 0);
    let length = broken.next().unwrap_or(1);
    let more = match broken.count() as u64 {
        0 => String::new(),
        more => format!(" ({} in this line)", count(more, "more place")),
    };
    let before = at.checked_sub(1).and_then(|before| line.bytes.get(before));
    let is_alone = [before, rest.get(1)].into_iter().flatten().all(u8::is_ascii);
    let help = match (byte, rest.get(1)) {
        (0xc0 | 0xc1, Some(0x80..=0xbf)) => "write the character in its shortest form; Java's modified UTF-8 writes such bytes".to_owned(),
        (0xed, Some(0xa0..=0xbf)) => "it is half of a surrogate pair; write the whole character in four bytes, not as CESU-8".to_owned(),
        _ if length > 1 => "a character is cut in the middle: cut texts by characters, not by bytes".to_owned(),
        _ => match windows_1252(byte).filter(|_| is_alone) {
            Some(c) => format!("in Windows-1252 this byte is `{c}`: if that fits, `iconv -f WINDOWS-1252 -t UTF-8 old > new.jsonl`"),
            None => "find out the encoding of the text, and write it as UTF-8".to_owned(),
        },
    };
    let message = format!("byte 0x{byte:02X} at offset {} of the line is not UTF-8{more}", number(at as u64));
    cx.report(Span::new(at, at + length), message).help(help);
}

/// The printable character that `byte` stands for in Windows-1252, of which Latin-1 is the upper part.
fn windows_1252(byte: u8) -> Option<char> {
    const UPPER: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let c = match byte {
        0x80..=0x9f => UPPER.chars().nth(usize::from(byte - 0x80))?,
        _ => char::from(byte),
    };
    Some(c).filter(|&c| !is_unsafe(c) && c != '\u{a0}')
}
