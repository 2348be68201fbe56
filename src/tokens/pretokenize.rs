//! Cuts text into the pieces that byte-pair encoding works on, without a regular expression engine.
//! Each function here is one of tiktoken's split patterns written out by hand: same leftmost-first choices, same
//! backtracking results, but linear in the text, without recursion, and several times faster.

/// The split pattern of an encoding, as published in tiktoken's `tiktoken_ext/openai_public.py`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pattern {
    /// `r50k_base`, `p50k_base`:
    /// `'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s`
    Gpt2,
    /// `cl100k_base`:
    /// `'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`
    Cl100k,
    /// `o200k_base`, `o200k_harmony`; `U` is `\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`, `L` is `\p{Ll}\p{Lm}\p{Lo}\p{M}`,
    /// `C` is `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`:
    /// `[^\r\n\p{L}\p{N}]?[U]*[L]+C|[^\r\n\p{L}\p{N}]?[U]+[L]*C|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    O200k,
}

impl Pattern {
    /// Calls `visit(start, end)` for each piece of `text` in order. The pieces are byte ranges that touch: every
    /// character falls under some alternative of every pattern, so nothing is skipped.
    #[inline]
    pub(crate) fn for_each_piece(self, text: &str, visit: impl FnMut(usize, usize)) {
        let bytes = text.as_bytes();
        match self {
            Self::Gpt2 => walk(bytes, gpt2_end, visit),
            Self::Cl100k => walk(bytes, cl100k_end, visit),
            Self::O200k => walk(bytes, o200k_end, visit),
        }
    }
}

#[inline]
fn walk(bytes: &[u8], end_of: impl Fn(&[u8], usize) -> usize, mut visit: impl FnMut(usize, usize)) {
    let mut start = 0;
    while start < bytes.len() {
        // An end that does not advance cannot come from UTF-8 text; the `max` turns such a bug into a wrong count
        // where it would otherwise be an endless loop.
        let end = end_of(bytes, start).max(start + 1);
        visit(start, end);
        start = end;
    }
}

// One bit per class, so that a set of classes is a mask. Every code point has exactly one of them.
const UPPER: u8 = 1; // Lu, Lt
const LOWER: u8 = 2; // Ll
const CASELESS: u8 = 4; // Lm, Lo
const MARK: u8 = 8; // M
const NUMBER: u8 = 16; // N
const SPACE: u8 = 32; // White_Space without the two below
const NEWLINE: u8 = 64; // \r and \n
const OTHER: u8 = 128; // everything else, unassigned code points too

const LETTER: u8 = UPPER | LOWER | CASELESS;
const BLANK: u8 = SPACE | NEWLINE;
const SYMBOL: u8 = MARK | OTHER; // [^\s\p{L}\p{N}]
const PREFIX: u8 = MARK | OTHER | SPACE; // [^\r\n\p{L}\p{N}]
const WORD_HEAD: u8 = UPPER | CASELESS | MARK; // the first bracket of an o200k word
const WORD_TAIL: u8 = LOWER | CASELESS | MARK; // the second
const BOTH: u8 = CASELESS | MARK; // in either bracket

/// Class bits of all code points in two stages: one block number for each 128 code points, then the blocks.
/// Made from the Unicode tables of the `regex` crate, which are the ones tiktoken's patterns run on.
static CLASSES: &[u8] = include_bytes!("vocab/classes.bin");
const BLOCK: usize = 128;
const BLOCKS: usize = 0x11_0000 / BLOCK;

fn class_of(code_point: u32) -> u8 {
    let code_point = code_point as usize;
    let block = CLASSES.get(code_point / BLOCK).copied().unwrap_or(0);
    CLASSES.get(BLOCKS + usize::from(block) * BLOCK + code_point % BLOCK).copied().unwrap_or(OTHER)
}

/// Class bits and length of the character at `at`; `(0, 0)`, which is in no set, at the end of the text.
#[inline]
fn class_at(bytes: &[u8], at: usize) -> (u8, usize) {
    match bytes.get(at) {
        None => (0, 0),
        Some(&byte) if byte < 0x80 => (CLASSES.get(BLOCKS + usize::from(byte)).copied().unwrap_or(OTHER), 1),
        // U+5000 to U+9FFF: ideographs (Lo) without a gap since Unicode 14, and most of any Chinese text.
        Some(0xE5..=0xE9) => (CASELESS, 3),
        Some(_) => class_beyond_ascii(bytes, at),
    }
}

fn class_beyond_ascii(bytes: &[u8], at: usize) -> (u8, usize) {
    let tail = |byte: u8| u32::from(byte & 0x3F);
    match bytes.get(at..) {
        Some(&[a @ ..0xE0, b, ..]) => (class_of(u32::from(a & 0x1F) << 6 | tail(b)), 2),
        Some(&[a @ ..0xF0, b, c, ..]) => (class_of(u32::from(a & 0x0F) << 12 | tail(b) << 6 | tail(c)), 3),
        Some(&[a, b, c, d, ..]) => (class_of(u32::from(a & 0x07) << 18 | tail(b) << 12 | tail(c) << 6 | tail(d)), 4),
        _ => (OTHER, 1), // not UTF-8; cannot be reached from a &str
    }
}

/// First offset at or after `at` whose character is not in `set`.
#[inline]
fn skip(bytes: &[u8], mut at: usize, set: u8) -> usize {
    loop {
        let (class, len) = class_at(bytes, at);
        if class & set == 0 {
            return at;
        }
        at += len;
    }
}

fn skip_bytes(bytes: &[u8], mut at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|&byte| wanted(byte)) {
        at += 1;
    }
    at
}

/// Length of the contraction at `at`, 0 if there is none. Ignoring case, `s` also stands for U+017F, the long s:
/// it is the only character beyond ASCII whose simple case folding is one of these letters.
fn contraction(bytes: &[u8], at: usize, ignore_case: bool) -> usize {
    let fold = if ignore_case { 0x20 } else { 0 };
    match bytes.get(at..) {
        Some([b'\'', a, ..]) if matches!(a | fold, b's' | b't' | b'm' | b'd') => 2,
        Some([b'\'', a, b, ..]) if matches!((a | fold, b | fold), (b'r' | b'v', b'e') | (b'l', b'l')) => 3,
        Some([b'\'', 0xC5, 0xBF, ..]) if ignore_case => 3,
        _ => 0,
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;

/// How many of the eight bytes, from the first on, are in `a..=z`; `fold` = 0x20 admits `A..=Z` too.
#[inline]
fn leading_letters(eight: u64, fold: u64) -> usize {
    let low = (eight | (fold * EACH)) & (0x7F * EACH);
    let from_a = low + (0x80 - 0x61) * EACH;
    let past_z = low + (0x80 - 0x7B) * EACH;
    let others = !(from_a & !past_z & !eight) & (0x80 * EACH);
    (others.trailing_zeros() / 8) as usize
}

/// The commonest piece by far, an ASCII word with at most one leading character, eight bytes at a time. `None`
/// means "not that simple", never "no word": the caller then takes the full route.
/// `cased`: the o200k rule, where a word may start with one capital and then ends before the next.
#[inline]
fn ascii_word(bytes: &[u8], start: usize, is_prefix: impl Fn(u8) -> bool, cased: bool) -> Option<usize> {
    let mut at = start;
    let first = *bytes.get(at)?;
    if !first.is_ascii_alphabetic() {
        if !is_prefix(first) {
            return None;
        }
        at += 1;
    }
    if cased && bytes.get(at)?.is_ascii_uppercase() {
        at += 1;
    }
    let begin = at;
    loop {
        let eight = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
        let letters = leading_letters(eight, if cased { 0 } else { 0x20 });
        at += letters;
        if letters < 8 {
            break;
        }
    }
    let stop = *bytes.get(at)?;
    let simple = at > begin && stop < 0x80 && !(cased && stop == b'\'');
    simple.then_some(at)
}

/// Printable ASCII that may lead a word; the apostrophe is left out because it may start a contraction.
#[inline]
fn leads_word(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t') && !byte.is_ascii_alphanumeric() && byte != b'\''
}

/// A run of white space, seen once from its start.
struct Blanks {
    end: usize,
    /// Start of the last character.
    last: usize,
    /// Offset behind the last `\r` or `\n`.
    newline_end: Option<usize>,
}

fn blanks(bytes: &[u8], start: usize) -> Blanks {
    let mut run = Blanks { end: start, last: start, newline_end: None };
    loop {
        let (class, len) = class_at(bytes, run.end);
        if class & BLANK == 0 {
            return run;
        }
        run.last = run.end;
        run.end += len;
        if class == NEWLINE {
            run.newline_end = Some(run.end);
        }
    }
}

impl Blanks {
    /// `\s+(?!\S)|\s`: the run without its last character, which goes to the piece that follows, unless nothing
    /// follows or the run is that one character.
    fn without_last(&self, bytes: &[u8], start: usize) -> usize {
        if self.end == bytes.len() || self.last == start { self.end } else { self.last }
    }
}

fn gpt2_end(bytes: &[u8], start: usize) -> usize {
    if let Some(end) = ascii_word(bytes, start, |byte| byte == b' ', false) {
        return end;
    }
    let apostrophe = contraction(bytes, start, false);
    if apostrophe > 0 {
        return start + apostrophe;
    }
    let begin = if bytes.get(start) == Some(&b' ') { start + 1 } else { start };
    let (class, len) = class_at(bytes, begin);
    for set in [LETTER, NUMBER, SYMBOL] {
        if class & set != 0 {
            return skip(bytes, begin + len, set);
        }
    }
    blanks(bytes, start).without_last(bytes, start)
}

fn cl100k_end(bytes: &[u8], start: usize) -> usize {
    if let Some(end) = ascii_word(bytes, start, leads_word, false) {
        return end;
    }
    let apostrophe = contraction(bytes, start, true);
    if apostrophe > 0 {
        return start + apostrophe;
    }
    let (class, len) = class_at(bytes, start);
    let next = start + len;
    if class & LETTER != 0 {
        return skip(bytes, next, LETTER);
    }
    if class & PREFIX != 0 {
        let word_end = skip(bytes, next, LETTER);
        if word_end > next {
            return word_end;
        }
    }
    if class == NUMBER {
        return number_end(bytes, next);
    }
    if let Some(end) = symbols_end(bytes, start) {
        return skip_bytes(bytes, end, |byte| matches!(byte, b'\r' | b'\n'));
    }
    let run = blanks(bytes, start);
    match run.newline_end {
        Some(end) if run.end < bytes.len() => end,
        _ => run.without_last(bytes, start),
    }
}

fn o200k_end(bytes: &[u8], start: usize) -> usize {
    if let Some(end) = ascii_word(bytes, start, leads_word, true) {
        return end;
    }
    let (class, len) = class_at(bytes, start);
    let next = start + len;
    if let Some(end) = o200k_word_end(bytes, start, next, class) {
        return end + contraction(bytes, end, true);
    }
    if class == NUMBER {
        return number_end(bytes, next);
    }
    if let Some(end) = symbols_end(bytes, start) {
        return skip_bytes(bytes, end, |byte| matches!(byte, b'\r' | b'\n' | b'/'));
    }
    let run = blanks(bytes, start);
    run.newline_end.unwrap_or_else(|| run.without_last(bytes, start))
}

/// The two word alternatives of o200k, in the order in which a backtracking engine comes to them: first form with
/// the leading character, first form without, then the second form.
fn o200k_word_end(bytes: &[u8], start: usize, next: usize, class: u8) -> Option<usize> {
    if class & LETTER != 0 {
        return heads_then_tails(bytes, start).or_else(|| some_heads(bytes, start));
    }
    if class & PREFIX == 0 {
        return None;
    }
    // Spares symbols and blanks three looks at the next character.
    if class != MARK && class_at(bytes, next).0 & (WORD_HEAD | WORD_TAIL) == 0 {
        return None;
    }
    heads_then_tails(bytes, next).or_else(|| {
        // A mark is in both brackets, so alone it makes a word of the first form.
        if class == MARK { Some(next) } else { some_heads(bytes, next) }
    })
}

/// `[U]*[L]+`: where heads give way to a lower-case letter the tails run on; otherwise the heads are handed back
/// until the last one that can serve as a tail.
fn heads_then_tails(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut last_both = None;
    loop {
        let (class, len) = class_at(bytes, at);
        if class == LOWER {
            return Some(skip(bytes, at + len, WORD_TAIL));
        }
        if class & WORD_HEAD == 0 {
            return last_both;
        }
        at += len;
        if class & BOTH != 0 {
            last_both = Some(at);
        }
    }
}

/// `[U]+[L]*`, reached only where the first form failed, that is, where no tail follows the heads.
fn some_heads(bytes: &[u8], start: usize) -> Option<usize> {
    let end = skip(bytes, start, WORD_HEAD);
    (end > start).then_some(end)
}

/// `\p{N}{1,3}` behind its first digit.
fn number_end(bytes: &[u8], mut at: usize) -> usize {
    for _ in 0..2 {
        let (class, len) = class_at(bytes, at);
        if class != NUMBER {
            break;
        }
        at += len;
    }
    at
}

/// ` ?[^\s\p{L}\p{N}]+`
fn symbols_end(bytes: &[u8], start: usize) -> Option<usize> {
    let begin = if bytes.get(start) == Some(&b' ') { start + 1 } else { start };
    let end = skip(bytes, begin, SYMBOL);
    (end > begin).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn pieces(pattern: Pattern, text: &str) -> Vec<&str> {
        let mut pieces = Vec::new();
        pattern.for_each_piece(text, |start, end| pieces.push(&text[start..end]));
        pieces
    }

    /// The characters a class stands for, by the `regex` crate itself.
    fn members(class: &str) -> Vec<char> {
        let all: String = ('\0'..=char::MAX).collect();
        let runs = regex::Regex::new(&format!("{class}+")).unwrap();
        runs.find_iter(&all).flat_map(|run| run.as_str().chars()).collect()
    }

    fn classes_by_regex() -> Vec<u8> {
        let mut classes = vec![OTHER; 0x11_0000];
        for (class, bit) in [
            (r"[\p{Lu}\p{Lt}]", UPPER),
            (r"\p{Ll}", LOWER),
            (r"[\p{Lm}\p{Lo}]", CASELESS),
            (r"\p{M}", MARK),
            (r"\p{N}", NUMBER),
            (r"[\s--[\r\n]]", SPACE),
            (r"[\r\n]", NEWLINE),
        ] {
            for char in members(class) {
                assert_eq!(classes[char as usize], OTHER, "{char:?} is in two classes");
                classes[char as usize] = bit;
            }
        }
        classes
    }

    #[test]
    fn every_code_point_has_the_class_the_regex_crate_gives_it() {
        let expected = classes_by_regex();
        for char in '\0'..=char::MAX {
            assert_eq!(class_of(char.into()), expected[char as usize], "{char:?}");
            let text = char.to_string();
            assert_eq!(class_at(text.as_bytes(), 0), (expected[char as usize], text.len()), "{char:?}");
        }
    }

    /// `cargo test regenerate_classes -- --ignored`
    #[test]
    #[ignore = "writes vocab/classes.bin"]
    fn regenerate_classes() {
        let classes = classes_by_regex();
        let mut blocks: Vec<&[u8]> = vec![&classes[..BLOCK]]; // ASCII is block 0: class_at counts on that
        let mut file: Vec<u8> = Vec::new();
        for block in classes.chunks(BLOCK) {
            let number = blocks.iter().position(|known| *known == block).unwrap_or_else(|| {
                blocks.push(block);
                blocks.len() - 1
            });
            file.push(number.try_into().unwrap());
        }
        file.extend(blocks.concat());
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokens/vocab/classes.bin"), file).unwrap();
    }

    #[test]
    fn the_only_odd_folding_is_the_long_s() {
        let odd: Vec<char> = members("(?i)[stremvld]").into_iter().filter(|char| !char.is_ascii()).collect();
        assert_eq!(odd, ['\u{17F}']);
    }

    #[test]
    fn white_space_goes_to_its_neighbours_as_each_pattern_says() {
        assert_eq!(pieces(Pattern::Gpt2, "a   b\n\n c  "), ["a", "  ", " b", "\n\n", " c", "  "]);
        assert_eq!(pieces(Pattern::Cl100k, "a \n  \n  b \n "), ["a", " \n  \n", " ", " b", " \n "]);
        assert_eq!(pieces(Pattern::O200k, "a \n  \n  b \n "), ["a", " \n  \n", " ", " b", " \n", " "]);
        assert_eq!(pieces(Pattern::O200k, "x!\r\n/\n y"), ["x", "!\r\n/\n", " y"]);
    }

    #[test]
    fn an_o200k_word_gives_back_heads_until_a_tail_fits() {
        assert_eq!(pieces(Pattern::O200k, "HTTPServer HTTP"), ["HTTPServer", " HTTP"]);
        assert_eq!(pieces(Pattern::O200k, "camelCase"), ["camel", "Case"]);
        // U+02B0 is a modifier letter: both a head and a tail.
        assert_eq!(pieces(Pattern::O200k, "AB\u{2B0}CD"), ["AB\u{2B0}", "CD"]);
        assert_eq!(pieces(Pattern::O200k, "\u{301}ABC"), ["\u{301}", "ABC"]);
        assert_eq!(pieces(Pattern::O200k, "(ABC \u{301}x"), ["(ABC", " \u{301}x"]);
    }

    #[test]
    fn contractions_follow_each_pattern() {
        assert_eq!(pieces(Pattern::Gpt2, "I'll HE'LL"), ["I", "'ll", " HE", "'", "LL"]);
        assert_eq!(pieces(Pattern::Cl100k, "HE'LL it'\u{17F}x"), ["HE", "'LL", " it", "'\u{17F}", "x"]);
        assert_eq!(pieces(Pattern::O200k, "HE'LL it'\u{17F}x'r"), ["HE'LL", " it'\u{17F}", "x", "'r"]);
    }

    #[test]
    fn eight_letters_at_once() {
        for byte in 0..=255u8 {
            for place in 0..8 {
                let mut eight = *b"abcxyzmn";
                eight[place] = byte;
                let expect = if byte.is_ascii_lowercase() { 8 } else { place };
                assert_eq!(leading_letters(u64::from_le_bytes(eight), 0), expect, "{byte}");
                let expect = if byte.is_ascii_alphabetic() { 8 } else { place };
                assert_eq!(leading_letters(u64::from_le_bytes(eight), 0x20), expect, "{byte}");
            }
        }
    }
}
