//! What the Criterion benches work on: the same bytes in every run of one commit, made in memory.

#![allow(clippy::indexing_slicing, reason = "numbers are drawn below the lengths of the lists")]
#![allow(dead_code, reason = "each bench uses a part")]
#![allow(clippy::unwrap_used, reason = "what is made here is whole")]

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, RgbImage};
use serde_json::json;
use tunelint::rules;
use tunelint::settings::Settings;
use tunelint::target::{Date, Target};

/// Chance that is the same everywhere (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// Prose that people wrote: the pages of the rules.
pub(crate) fn english() -> Vec<String> {
    let pages = rules::all().into_iter().flat_map(|rule| rule.docs.split("\n\n"));
    pages.filter(|text| !text.contains("```") && text.len() > 40).map(str::to_owned).collect()
}

/// Code that people wrote: some files of this crate.
pub(crate) fn code() -> Vec<String> {
    let files = [
        include_str!("../src/json/parse.rs"),
        include_str!("../src/image/jpeg.rs"),
        include_str!("../src/tokens/pretokenize.rs"),
        include_str!("../src/generate/make.rs"),
        include_str!("make.py"),
        include_str!("table.py"),
    ];
    files.into_iter().flat_map(|file| file.split("\n\n")).map(str::to_owned).collect()
}

/// Chinese as it falls: frequent words, and pairs of letters, the first of a list more often than the last.
pub(crate) fn chinese() -> Vec<String> {
    const WORDS: &str = "我们 可以 这个 一个 没有 他们 自己 什么 如果 因为 所以 但是 已经 时候 问题 知道 现在 就是 这样 中国 发展 工作 \
        进行 需要 使用 公司 数据 系统 时间 学习 技术 通过 模型 用户 信息 方法 语言 世界 社会 经济 文化 历史 生活 城市 环境 能力 重要";
    const LETTERS: &str = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都\
        同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文";
    let (words, letters): (Vec<&str>, Vec<char>) = (WORDS.split(' ').collect(), LETTERS.chars().collect());
    let mut dice = Dice(3);
    let mut text = || {
        let mut text = String::new();
        for place in 1..=40 {
            if dice.below(3) == 0 {
                text.push_str(words[dice.below(words.len())]);
            } else {
                let reach = 1 + dice.below(letters.len());
                text.push(letters[dice.below(reach)]);
            }
            if place % 13 == 0 {
                text.push('，');
            }
        }
        text + "。"
    };
    (0..1_500).map(|_| text()).collect()
}

fn line(messages: &[serde_json::Value]) -> String {
    let mut line = json!({ "messages": messages }).to_string();
    line.push('\n');
    line
}

/// Chats of about 1.5 kB: mostly English, some code, some Chinese; a third with `\u` escapes.
pub(crate) fn text_file(bytes: usize) -> String {
    let kinds = [english(), code(), chinese()];
    let mut dice = Dice(1);
    let mut file = String::new();
    while file.len() < bytes {
        let kind = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2][dice.below(10)];
        let mut text = |least: usize| {
            let mut text = String::new();
            while text.len() < least {
                text.push_str(&kinds[kind][dice.below(kinds[kind].len())]);
                text.push(' ');
            }
            text
        };
        let messages = [
            json!({ "role": "system", "content": "Answer in as few words as will do, and say when you do not know." }),
            json!({ "role": "user", "content": text(200) }),
            json!({ "role": "assistant", "content": text(900) }),
        ];
        let line = line(&messages);
        if dice.below(3) == 0 { escaped(&line, &mut file) } else { file.push_str(&line) }
    }
    file
}

fn escaped(line: &str, file: &mut String) {
    for letter in line.chars() {
        if letter.is_ascii() {
            file.push(letter);
        } else {
            letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(file, "\\u{unit:04x}").unwrap());
        }
    }
}

/// A picture with smooth areas, edges and noise: what an encoder makes of it is as large as of a photograph.
pub(crate) fn picture(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut dice = Dice(seed);
    let slopes: Vec<f32> = (0..9).map(|_| 0.004 + dice.below(100) as f32 / 4_000.0).collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let edge = if ((x * slopes[6]).sin() + (y * slopes[7]).cos()) > 0.4 { 40.0 } else { 0.0 };
        image::Rgb([0, 1, 2].map(|c| {
            let smooth = 120.0 + 70.0 * (x * slopes[c] + y * slopes[c + 3]).sin();
            (smooth + edge + dice.below(19) as f32 - 9.0).clamp(0.0, 255.0) as u8
        }))
    })
}

pub(crate) fn jpeg(width: u32, height: u32, seed: u64, progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 50);
    encoder.set_progressive(progressive);
    encoder.encode(&picture(width, height, seed), width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

pub(crate) fn written(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture(width, height, 5)).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Chats over six images that stand in every line and one that is of the line alone; or over seven of the line alone.
pub(crate) fn vision_file(lines: u64, all_distinct: bool) -> String {
    let shown = |seed: u64| {
        let url = format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg(400, 500, seed, false)));
        json!({ "role": "user", "content": [
            { "type": "text", "text": "What is the title of this book?" },
            { "type": "image_url", "image_url": { "url": url } },
        ] })
    };
    let answer = |number: u64| json!({ "role": "assistant", "content": format!("It is book {number}.") });
    let shots: Vec<_> = (0..6).flat_map(|seed| [shown(seed), answer(seed)]).collect();
    let mut file = String::new();
    for number in 1..=lines {
        let mut messages = shots.clone();
        if all_distinct {
            messages = (0..6).flat_map(|seed| [shown(number * 10 + seed), answer(seed)]).collect();
        }
        messages.extend([shown(number * 10 + 7), answer(number)]);
        file.push_str(&line(&messages));
    }
    file
}

/// What `check` goes by when nothing is said.
pub(crate) fn settings() -> Settings {
    Settings::new(Target::builtin("openai").unwrap(), &rules::all(), Date::from_unix(1_795_564_800))
}
