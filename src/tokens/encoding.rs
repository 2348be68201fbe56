//! The token encodings of OpenAI's models: their names, their tables, encode, decode, and the counter
//! that a worker thread keeps. Counts are those of tiktoken's `encode_ordinary`: text that looks like a special
//! token is plain text.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use tiktoken::CoreBpe;
use twox_hash::XxHash3_128;

use super::bpe::{Scratch, Vocabulary};
use super::open;
use super::pretokenize::Pattern;

/// An encoding by OpenAI's name for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Encoding {
    /// GPT-4o and later.
    O200kBase,
    /// GPT-4, GPT-3.5 Turbo, the second generation of embeddings.
    Cl100kBase,
    /// gpt-oss; for ordinary text the same as `o200k_base`.
    O200kHarmony,
    /// Codex and the last GPT-3 models.
    P50kBase,
    /// GPT-3 and GPT-2.
    R50kBase,
}

impl Encoding {
    /// All encodings, the most used first.
    pub const ALL: &[Self] = &[Self::O200kBase, Self::Cl100kBase, Self::O200kHarmony, Self::P50kBase, Self::R50kBase];

    /// The name tiktoken gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::O200kBase => "o200k_base",
            Self::Cl100kBase => "cl100k_base",
            Self::O200kHarmony => "o200k_harmony",
            Self::P50kBase => "p50k_base",
            Self::R50kBase => "r50k_base",
        }
    }

    /// The encoding tiktoken knows by this name; `gpt2` is `r50k_base` under its older name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        if name == "gpt2" { Some(Self::R50kBase) } else { Self::ALL.iter().copied().find(|encoding| encoding.name() == name) }
    }

    /// The tables, shared by all threads. They are part of the program: a call costs next to nothing.
    #[must_use]
    pub fn tokenizer(self) -> &'static Tokenizer {
        static O200K: OnceLock<Tokenizer> = OnceLock::new();
        static CL100K: OnceLock<Tokenizer> = OnceLock::new();
        static P50K: OnceLock<Tokenizer> = OnceLock::new();
        static R50K: OnceLock<Tokenizer> = OnceLock::new();
        let (cell, pattern, file, limit): (_, _, &[u8], _) = match self {
            Self::O200kBase | Self::O200kHarmony => (&O200K, Pattern::O200k, include_bytes!("vocab/o200k.bin"), usize::MAX),
            Self::Cl100kBase => (&CL100K, Pattern::Cl100k, include_bytes!("vocab/cl100k.bin"), usize::MAX),
            Self::P50kBase => (&P50K, Pattern::Gpt2, include_bytes!("vocab/p50k.bin"), usize::MAX),
            // p50k_base is r50k_base and, behind its end-of-text token, 24 runs of spaces.
            Self::R50kBase => (&R50K, Pattern::Gpt2, include_bytes!("vocab/p50k.bin"), 50_256),
        };
        cell.get_or_init(|| {
            // The file is part of this program and a test loads it: the other branch is never taken.
            let vocabulary = Vocabulary::load(file, limit).unwrap_or_else(Vocabulary::without_merges);
            Tokenizer { pattern, vocabulary }
        })
    }
}

/// The split pattern and the merges of one encoding; immutable.
pub struct Tokenizer {
    pattern: Pattern,
    vocabulary: Vocabulary,
}

impl Tokenizer {
    /// The tokens of `text`. To know only how many there are, a [`Counter`] is several times faster.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut scratch = Scratch::default();
        self.pattern.for_each_piece(text, |start, end| {
            let piece = text.as_bytes().get(start..end).unwrap_or_default();
            self.vocabulary.for_each_part(piece, |start, end, _| {
                self.vocabulary.encode(piece.get(start..end).unwrap_or_default(), &mut scratch, &mut ids);
            });
        });
        ids
    }

    /// The bytes of these tokens, which need not be whole characters. Special tokens and numbers beyond the
    /// vocabulary have none.
    #[must_use]
    pub fn decode(&self, ids: &[u32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &id in ids {
            self.vocabulary.decode(id, &mut bytes);
        }
        bytes
    }
}

/// Counts tokens, with a memory of what it has counted: pieces up to 30 bytes by their content, whole texts by a
/// hash of 128 bits. One per thread; up to 2 MB each.
pub struct Counter {
    source: Source,
    texts: Box<[KnownText]>,
    seed: u64,
}

/// Who knows the tokens.
enum Source {
    Own(&'static Tokenizer, Pieces),
    Open(&'static CoreBpe),
}

/// A text's hash and its count.
#[derive(Clone, Copy)]
struct KnownText {
    hash: u128,
    count: usize,
}

/// Texts from this length on are remembered. System prompts, which come again on every line, are longer.
const LONG_TEXT: usize = 64;
const TEXTS: usize = 1 << 12;

impl Counter {
    /// An empty memory for this encoding.
    #[must_use]
    pub fn new(tokenizer: &'static Tokenizer) -> Self {
        Self::of(Source::Own(tokenizer, Pieces::default()))
    }

    /// A counter for the encoding of this name: one of OpenAI's, or an open model's (`llama3`, `qwen2`, `mistral_v3`).
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match Encoding::by_name(name) {
            Some(encoding) => Some(Self::new(encoding.tokenizer())),
            None => open::vocabulary(name).map(|vocabulary| Self::of(Source::Open(vocabulary))),
        }
    }

    fn of(source: Source) -> Self {
        // A seed nobody can know: a dataset cannot be made so that two of its texts share a hash.
        let seed = RandomState::new().hash_one(0);
        Self { source, texts: vec![KnownText { hash: 0, count: 0 }; TEXTS].into(), seed }
    }

    /// Number of tokens of `text`, what `encode_ordinary` of tiktoken would return the length of. Any text is
    /// counted in time O(n log n) with a small factor.
    #[must_use]
    pub fn count(&mut self, text: &str) -> usize {
        if text.len() < LONG_TEXT {
            return self.count_pieces(text);
        }
        let hash = XxHash3_128::oneshot_with_seed(self.seed, text.as_bytes());
        let slot = hash as usize % TEXTS;
        if let Some(known) = self.texts.get(slot)
            && known.hash == hash
        {
            return known.count;
        }
        let count = self.count_pieces(text);
        if let Some(known) = self.texts.get_mut(slot) {
            *known = KnownText { hash, count };
        }
        count
    }

    fn count_pieces(&mut self, text: &str) -> usize {
        let (tokenizer, pieces) = match &mut self.source {
            Source::Own(tokenizer, pieces) => (tokenizer, pieces),
            Source::Open(vocabulary) => return vocabulary.count(text),
        };
        let mut count = 0;
        tokenizer.pattern.for_each_piece(text, |start, end| count += pieces.count(&tokenizer.vocabulary, text.as_bytes(), start, end));
        count
    }
}

/// Token counts of pieces met before.
#[derive(Default)]
struct Pieces {
    /// Up to 14 bytes of the piece, zeros, its length, its count.
    short: Table<1, 16>,
    /// The same with up to 30 bytes.
    long: Table<2, 14>,
    scratch: Scratch,
}

/// Counts at a hash of their keys, `N` words which leave room for the count in the last byte; all zeros is free. What comes to a
/// taken slot replaces what is there. Begins small, for files of a dozen lines, and grows as it fills, up to `2^MOST` slots.
struct Table<const N: usize, const MOST: u32> {
    slots: Box<[[u128; N]]>,
    /// Bits of a hash that are not looked at.
    shift: u32,
    /// How many slots are taken.
    taken: usize,
}

/// Slots of a table that has seen nothing, as a power of two.
const LEAST: u32 = 10;
/// The powers of two by which it grows.
const GROWTH: u32 = 2;
/// Where in the last word of a key its count goes.
const COUNT: u32 = 120;

impl<const N: usize, const MOST: u32> Default for Table<N, MOST> {
    fn default() -> Self {
        Self::of(LEAST)
    }
}

impl<const N: usize, const MOST: u32> Table<N, MOST> {
    fn of(bits: u32) -> Self {
        Self { slots: vec![[0; N]; 1 << bits].into(), shift: u64::BITS - bits, taken: 0 }
    }

    #[inline]
    fn slot(&self, key: &[u128; N]) -> usize {
        let key = key.iter().fold(0_u128, |all, word| all.rotate_left(72) ^ word);
        let low = (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let high = ((key >> 64) as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        ((low ^ high) >> self.shift) as usize
    }

    #[inline]
    fn get(&self, key: &[u128; N]) -> Option<usize> {
        let known = self.slots.get(self.slot(key))?;
        (bare(*known) == *key).then(|| known.last().map_or(0, |word| (word >> COUNT) as usize))
    }

    fn put(&mut self, mut key: [u128; N], count: usize) {
        if self.taken > self.slots.len() / 2 && self.shift > u64::BITS - MOST {
            let before = std::mem::replace(self, Self::of((u64::BITS - self.shift + GROWTH).min(MOST)));
            before.slots.into_iter().filter(|known| *known != [0; N]).for_each(|known| self.store(self.slot(&bare(known)), known));
        }
        let slot = self.slot(&key);
        if let Some(last) = key.last_mut() {
            *last |= (count as u128) << COUNT;
        }
        self.store(slot, key);
    }

    fn store(&mut self, slot: usize, known: [u128; N]) {
        if let Some(place) = self.slots.get_mut(slot) {
            self.taken += usize::from(*place == [0; N]);
            *place = known;
        }
    }
}

/// The key of an entry.
#[inline]
fn bare<const N: usize>(mut known: [u128; N]) -> [u128; N] {
    if let Some(last) = known.last_mut() {
        *last &= !(0xFF << COUNT);
    }
    known
}

impl Pieces {
    #[inline]
    fn count(&mut self, vocabulary: &Vocabulary, text: &[u8], start: usize, end: usize) -> usize {
        let len = end - start;
        if len == 1 {
            return 1;
        }
        if len > 14 {
            return self.count_long(vocabulary, text, start, end);
        }
        match self.short.get(&short_key(text, start, len)) {
            Some(count) => count,
            None => self.count_parts(vocabulary, text, start, end),
        }
    }

    #[inline(never)]
    fn count_long(&mut self, vocabulary: &Vocabulary, text: &[u8], start: usize, end: usize) -> usize {
        // What ends in ASCII has hardly a part to cut off; anything else may be a sentence of ideographs.
        if text.get(end - 1).is_some_and(u8::is_ascii) {
            self.count_part(vocabulary, text, start, end)
        } else {
            self.count_parts(vocabulary, text, start, end)
        }
    }

    /// A piece not known as a whole, part by part; if there are several, their sum is remembered too.
    #[inline(never)]
    fn count_parts(&mut self, vocabulary: &Vocabulary, text: &[u8], start: usize, end: usize) -> usize {
        let piece = text.get(start..end).unwrap_or_default();
        let mut count = 0;
        let mut parts = 0;
        vocabulary.for_each_part(piece, |from, to, known| {
            count += if known > 0 { known } else { self.count_part(vocabulary, text, start + from, start + to) };
            parts += 1;
        });
        if parts > 1 && piece.len() <= 14 {
            self.short.put(short_key(text, start, piece.len()), count);
        }
        count
    }

    fn count_part(&mut self, vocabulary: &Vocabulary, text: &[u8], start: usize, end: usize) -> usize {
        let part = text.get(start..end).unwrap_or_default();
        match part.len() {
            ..=14 => {
                let key = short_key(text, start, part.len());
                self.short.get(&key).unwrap_or_else(|| {
                    let count = vocabulary.count(part, &mut self.scratch);
                    self.short.put(key, count);
                    count
                })
            }
            15..=30 => {
                let key = long_key(part);
                self.long.get(&key).unwrap_or_else(|| {
                    let count = vocabulary.count(part, &mut self.scratch);
                    self.long.put(key, count);
                    count
                })
            }
            _ => vocabulary.count(part, &mut self.scratch),
        }
    }
}

/// The key of `len` bytes, at most 14, from `start` on.
#[inline]
fn short_key(text: &[u8], start: usize, len: usize) -> [u128; 1] {
    let rest = text.get(start..).unwrap_or_default();
    // Reading past the piece and masking is far cheaper than copying so few bytes.
    let sixteen = rest.first_chunk::<16>().map_or_else(|| padded(rest), |sixteen| u128::from_le_bytes(*sixteen));
    [sixteen & ((1 << (8 * len)) - 1) | (len as u128) << 112]
}

/// The key of 15 to 30 bytes.
fn long_key(piece: &[u8]) -> [u128; 2] {
    let (low, high) = piece.split_at_checked(16).unwrap_or((piece, &[]));
    [padded(low), padded(high) | (piece.len() as u128) << 112]
}

/// Up to 16 bytes, then zeros.
fn padded(bytes: &[u8]) -> u128 {
    let mut sixteen = [0; 16];
    sixteen.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u128::from_le_bytes(sixteen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const BLANKS: &[&str] = &[
        " ", "  ", "    ", "\n", "\n\n", "\r\n", "\r", "\t", "\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{1680}", "\u{2003}", "\u{2028}",
        "\u{202f}", "\u{3000}",
    ];
    const CONTRACTIONS: &[&str] = &["'s", "'S", "'t", "'RE", "'Ve", "'m", "'lL", "'d", "'\u{17f}", "'x", "''s", "'l", "\u{2019}s", "it's"];
    const CODE: &[&str] = &[
        "fn main() {\n",
        "    return ",
        "};\r\n",
        "// ",
        "*/",
        "=>",
        "!=",
        "\t\tif",
        "self.",
        "HTTPServer",
        "camelCase",
        "SNAKE_CASE",
        "0x1F",
        "3.14e-10",
        "1000000",
        "<div class=\"a\">",
        "\\n",
        "https://a.b/c?d=e&f",
        "/\n/\n",
        "===",
        "__init__",
        "[];",
    ];
    const SPECIAL: &[&str] = &["<|endoftext|>", "<|endofprompt|>", "<|fim_prefix|>", "<|start|>", "<|im_end|>", "<|", "|>"];
    /// Separators that are no white space, joiners, marks, letters that are head and tail of a word, title case,
    /// odd digits, emoji in several parts, unassigned and private characters.
    const ODD: &[&str] = &[
        "\u{1c}",
        "\u{1f}",
        "\u{200b}",
        "\u{200d}",
        "\u{feff}",
        "\u{fe0f}",
        "\u{301}",
        "\u{5b0}",
        "\u{93f}",
        "\u{20dd}",
        "\u{2b0}",
        "\u{1c5}",
        "\u{17f}",
        "\u{212a}",
        "\u{130}",
        "\u{df}",
        "\u{b2}",
        "\u{bd}",
        "\u{2167}",
        "\u{663}",
        "\u{96b}",
        "\u{1d7d8}",
        "🙂",
        "👍🏽",
        "👩\u{200d}🚀",
        "🇩🇪",
        "\u{378}",
        "\u{e000}",
        "\u{10ffff}",
        "\0",
        "ー",
        "々",
    ];

    fn characters(from: char, to: char) -> impl Strategy<Value = String> {
        vec(proptest::char::range(from, to), 1..10).prop_map(String::from_iter)
    }

    fn words(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        vec(select(words), 1..5).prop_map(|words| words.concat())
    }

    fn texts() -> impl Strategy<Value = String> {
        let fragment = prop_oneof![
            characters('a', 'z'),
            characters('A', 'Z'),
            characters('0', '9'),
            characters(' ', '~'),
            characters('\0', '\u{7f}'),
            characters('\u{80}', '\u{24f}'),
            characters('\u{2b0}', '\u{5ff}'),
            characters('\u{600}', '\u{fff}'),
            characters('\u{3000}', '\u{30ff}'),
            characters('\u{4e00}', '\u{9fff}'),
            characters('\u{ac00}', '\u{d7a3}'),
            characters('\u{ff00}', '\u{ffef}'),
            characters('\0', char::MAX),
            words(BLANKS),
            words(CONTRACTIONS),
            words(CODE),
            words(SPECIAL),
            words(ODD),
            (select(vec![" ", "\n", "a", "=", "的", "aB"]), 1..120usize).prop_map(|(text, times)| text.repeat(times)),
            vec(select(vec!["的", "一", "中国", "我们", "，", "东京", "フー", "です", "the ", "1"]), 1..12)
                .prop_map(|words| words.concat()),
        ];
        vec(fragment, 0..7).prop_map(|fragments| fragments.concat())
    }

    fn oracle(encoding: Encoding) -> &'static tiktoken_rs::CoreBPE {
        match encoding {
            Encoding::O200kBase => tiktoken_rs::o200k_base_singleton(),
            Encoding::Cl100kBase => tiktoken_rs::cl100k_base_singleton(),
            Encoding::O200kHarmony => tiktoken_rs::o200k_harmony_singleton(),
            Encoding::P50kBase => tiktoken_rs::p50k_base_singleton(),
            Encoding::R50kBase => tiktoken_rs::r50k_base_singleton(),
        }
    }

    fn same_as_oracle(encoding: Encoding, counter: &mut Counter, text: &str) {
        let ids = encoding.tokenizer().encode(text);
        assert!(ids == oracle(encoding).encode_ordinary(text), "{} of {text:?}", encoding.name());
        assert_eq!(counter.count(text), ids.len(), "{} of {text:?}", encoding.name());
        assert!(encoding.tokenizer().decode(&ids) == text.as_bytes(), "{} of {text:?}", encoding.name());
    }

    fn random_texts_agree(encoding: Encoding, cases: u32) {
        let counter = std::cell::RefCell::new(Counter::new(encoding.tokenizer()));
        proptest!(ProptestConfig::with_cases(cases), |(text in texts())| {
            same_as_oracle(encoding, &mut counter.borrow_mut(), &text);
        });
    }

    #[test]
    fn random_texts_as_o200k() {
        random_texts_agree(Encoding::O200kBase, 2_000);
        random_texts_agree(Encoding::O200kHarmony, 100);
    }

    #[test]
    fn random_texts_as_cl100k() {
        random_texts_agree(Encoding::Cl100kBase, 2_000);
    }

    #[test]
    fn random_texts_as_p50k_and_r50k() {
        random_texts_agree(Encoding::P50kBase, 2_000);
        random_texts_agree(Encoding::R50kBase, 2_000);
    }

    #[test]
    fn characters_in_all_positions() {
        for encoding in [Encoding::O200kBase, Encoding::Cl100kBase, Encoding::R50kBase] {
            let mut counter = Counter::new(encoding.tokenizer());
            let characters: Vec<char> = ('\0'..'\u{3400}').chain(('\u{3400}'..='\u{1ffff}').step_by(67)).collect();
            for characters in characters.chunks(64) {
                let text = characters.iter().flat_map(|&char| ['a', char, char, 'B', ' ', char, 'c', '\'', char]).collect::<String>();
                same_as_oracle(encoding, &mut counter, &text);
            }
        }
    }

    #[test]
    fn names_lead_back_to_encodings() {
        for &encoding in Encoding::ALL {
            assert_eq!(Encoding::by_name(encoding.name()), Some(encoding));
        }
        assert_eq!(Encoding::by_name("gpt2"), Some(Encoding::R50kBase));
        assert_eq!(Encoding::by_name("o200k"), None);
    }

    /// From tests/test_encoding.py and tests/test_offsets.py of openai/tiktoken at 4e71bbe, and the cookbook's notebook
    /// on counting tokens.
    #[test]
    fn published_examples() {
        let check = |encoding: Encoding, text: &str, ids: &[u32]| assert_eq!(encoding.tokenizer().encode(text), ids, "{text:?}");
        check(Encoding::R50kBase, "hello world", &[31373, 995]);
        check(Encoding::P50kBase, "hello world", &[31373, 995]);
        check(Encoding::Cl100kBase, "hello world", &[15339, 1917]);
        check(Encoding::R50kBase, "00000000000000000", &[8269, 10535, 830]);
        check(Encoding::Cl100kBase, "'rer", &[2351, 81]);
        check(Encoding::Cl100kBase, "today\n ", &[31213, 198, 220]);
        check(Encoding::Cl100kBase, "today\n \n", &[31213, 27907]);
        check(Encoding::Cl100kBase, " \u{85}0", &[220, 126, 227, 15]);
        check(Encoding::Cl100kBase, "\u{1f44d}", &[9468, 239, 235]);
        check(Encoding::P50kBase, "antidisestablishmentarianism", &[415, 29207, 44390, 3699, 1042]);
        check(Encoding::P50kBase, "2 + 2 = 4", &[17, 1343, 362, 796, 604]);
        check(Encoding::Cl100kBase, "お誕生日おめでとう", &[33334, 45918, 243, 21990, 9080, 33334, 62004, 16556, 78699]);
        let mut counter = Counter::new(Encoding::Cl100kBase.tokenizer());
        assert_eq!(counter.count("我非常渴望与人工智能一起工作"), 17);
        assert_eq!(counter.count("நடிகர் சூர்யா"), 19);
        assert_eq!(counter.count(""), 0);
    }

    /// tiktoken overflows its stack at a million spaces, so the expected numbers are worked out: o200k_base has
    /// a token for 128 spaces, r50k_base none for more than one.
    #[test]
    fn long_runs_are_counted_to_the_end() {
        for (encoding, tokens) in [(Encoding::O200kBase, 7_813), (Encoding::R50kBase, 1_000_000)] {
            let mut counter = Counter::new(encoding.tokenizer());
            assert_eq!(counter.count(&" ".repeat(1_000_000)), tokens);
        }
        let mut counter = Counter::new(Encoding::O200kBase.tokenizer());
        assert_eq!(counter.count(&"x".repeat(1_000_000)), 125_000);
        for text in ["^", "0", "a", "'s", " ", "\n", "中", "é", "aB", "\u{301}A", " \n"] {
            for &encoding in Encoding::ALL {
                let text = format!(" {}\n", text.repeat(1_500));
                same_as_oracle(encoding, &mut Counter::new(encoding.tokenizer()), &text);
            }
        }
    }

    #[test]
    fn a_counter_remembers_without_mixing_up() {
        let tokenizer = Encoding::O200kBase.tokenizer();
        let mut counter = Counter::new(tokenizer);
        // Pieces of one content up to their length, of lengths round those where another table takes over, and whole
        // texts of which more than one falls on a slot.
        let texts: Vec<String> =
            (0..40).map(|len| "\0".repeat(len)).chain((0..6_000).map(|n| format!("{n} {}", "xyz".repeat(n % 40)))).collect();
        for _ in 0..2 {
            for text in &texts {
                assert_eq!(counter.count(text), tokenizer.encode(text).len(), "{text:?}");
            }
        }
    }

    #[test]
    fn the_tables_are_shared_by_threads() {
        fn is_sync<T: Send + Sync>() {}
        is_sync::<Tokenizer>();
        assert!(std::ptr::eq(Encoding::O200kBase.tokenizer(), Encoding::O200kHarmony.tokenizer()));
    }
}
