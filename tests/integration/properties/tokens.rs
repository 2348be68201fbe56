//! Text through the tokenizers, beside tiktoken-rs.

use std::cell::RefCell;

use tiktoken_rs::CoreBPE;
use tunelint::tokens::{Counter, Encoding};

/// Bytes of a text that are looked at: on longer runs of white space tiktoken-rs panics, its regular expression having gone back
/// a million times.
const LONGEST: usize = 3_000;

thread_local! {
    static COUNTERS: RefCell<Vec<Counter>> = const { RefCell::new(Vec::new()) };
}

/// The same encoding in tiktoken-rs.
pub(crate) fn oracle(encoding: Encoding) -> &'static CoreBPE {
    match encoding {
        Encoding::O200kBase => tiktoken_rs::o200k_base_singleton(),
        Encoding::Cl100kBase => tiktoken_rs::cl100k_base_singleton(),
        Encoding::O200kHarmony => tiktoken_rs::o200k_harmony_singleton(),
        Encoding::P50kBase => tiktoken_rs::p50k_base_singleton(),
        Encoding::R50kBase => tiktoken_rs::r50k_base_singleton(),
    }
}

/// Every text has the tokens that tiktoken-rs gives it, they are the text again, and a counter that has seen others counts as many.
/// Bytes that begin with one below 32 are a text said again and again, that many times.
pub(super) fn holds(data: &[u8]) {
    let (times, bytes) = match data {
        [times @ 1..=8, bytes @ ..] => (usize::from(*times) * 17, bytes),
        bytes => (1, bytes),
    };
    let text = String::from_utf8_lossy(bytes).repeat(times);
    let end = (0..=LONGEST.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    let text = &text[..end];
    // Harmony has the tables of o200k.
    let encodings = Encoding::ALL.iter().copied().filter(|encoding| *encoding != Encoding::O200kHarmony);
    for (index, encoding) in encodings.enumerate() {
        let tokenizer = encoding.tokenizer();
        let ids = tokenizer.encode(text);
        assert_eq!(ids, oracle(encoding).encode_ordinary(text), "{}", encoding.name());
        assert_eq!(tokenizer.decode(&ids), text.as_bytes(), "{}", encoding.name());
        let mut counters = COUNTERS.take();
        if counters.len() <= index {
            counters.push(Counter::new(tokenizer));
        }
        assert_eq!(counters[index].count(text), ids.len(), "{}", encoding.name());
        COUNTERS.set(counters);
    }
}
