//! The encodings of the open models that targets train: Llama 3, Qwen 2 to 3, and Mistral's Tekken. The `tiktoken` crate
//! ships their vocabularies and counts; OpenAI's own are counted by the rest of this folder.

use tiktoken::CoreBpe;

/// Names that a target's file may use for the encoding of a model.
pub const NAMES: [&str; 3] = ["llama3", "qwen2", "mistral_v3"];

/// The vocabulary of this name, loaded at its first use (some 10 ms).
pub(crate) fn vocabulary(name: &str) -> Option<&'static CoreBpe> {
    NAMES.contains(&name).then(|| tiktoken::get_encoding(name)).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::Counter;

    #[test]
    fn every_name_has_a_vocabulary() {
        for name in super::NAMES {
            assert!(Counter::by_name(name).is_some_and(|mut counter| counter.count("Hello, world!") == 4), "{name}");
        }
        assert!(Counter::by_name("deepseek_v3").is_none(), "only what a target names is built in");
    }

    /// As counted by Meta's `tokenizer.model` (llama-models 0.3), Alibaba's `qwen.tiktoken` (dashscope 1.x) and Mistral's
    /// `tekken_240911.json` (mistral-common 1.13), special-token text taken as plain text.
    #[test]
    fn counts_are_those_of_the_makers() {
        for (text, counts) in VECTORS {
            for (name, count) in super::NAMES.iter().zip(counts) {
                assert_eq!(Counter::by_name(name).map(|mut counter| counter.count(text)), Some(*count), "{name}: {text:?}");
            }
        }
    }

    const VECTORS: &[(&str, [usize; 3])] = &[
        ("Hello, world!", [4, 4, 4]),
        ("The quick brown fox jumps over the lazy dog's 12345 fences.", [15, 18, 19]),
        ("def f(x):\n    return x ** 2  # square\n", [14, 14, 14]),
        ("今天天气很好，我们去公园吧。", [11, 9, 12]),
        ("👩‍👩‍👧‍👦 family, café, naïve", [21, 16, 24]),
        ("<|eot_id|><|im_end|>[INST]", [14, 14, 15]),
        ("   \n\n\t  x\r\n", [4, 4, 6]),
        ("ÄÖÜ straße 3.14159 1,000,000", [16, 24, 23]),
        ("Привет, как дела?", [7, 7, 6]),
        ("{\"a\": [1, 2, {\"b\": null}]}", [15, 15, 15]),
    ];

    #[test]
    fn hostile_texts_are_counted_in_time() {
        for name in super::NAMES {
            let mut counter = Counter::by_name(name).expect("built in");
            for text in ["a", " ", "\n", "中", "!"] {
                assert!(counter.count(&text.repeat(200_000)) > 0);
            }
        }
    }
}
