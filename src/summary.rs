//! What a file and a run hold in all: the facts of each example are absorbed one by one, in input order, and file and
//! run rules judge from the sums alone.

mod ledger;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use crate::edit::Applicability;
use crate::exhibit::Exhibits;
use crate::format::{Format, Shape};
use crate::rule::{Effect, Severity};
use crate::settings::Settings;
use crate::tokens::ExampleTokens;
use ledger::Ledger;

/// Where in a file something first stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Byte offset of that line in the file.
    pub offset: u64,
}

/// The two words of a hash.
fn words(hash: u128) -> [u64; 2] {
    [(hash >> 64) as u64, hash as u64]
}

/// The facts of one example that outlive its line.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Its line.
    pub place: Place,
    /// Hash of the whole content, whatever its white space and the order of its keys.
    pub content: u128,
    /// Hash of all but the final answer, and of that answer; absent without an answer.
    pub conversation: Option<(u128, u128)>,
    /// Its tokens; zero when they were not counted.
    pub tokens: ExampleTokens,
    /// How many messages it has.
    pub messages: u64,
    /// Its images: the hash of their URL, and the length of the base64 text where they are embedded.
    pub images: Vec<(u128, u64)>,
    /// How many images it has, embedded or not.
    pub image_count: u64,
    /// Of those, images whose size is not known: their tokens cannot be counted.
    pub unmeasured: u64,
    /// What each image is that was looked at.
    pub pictures: Vec<PictureFacts>,
    /// Its messages by role, as in [`ROLES`].
    pub roles: [u32; ROLES.len()],
    /// Of those, images whose detail is left open, and the tokens that `low` would save.
    pub detail_savings: (u64, u64),
    /// Whether it has a system message.
    pub has_system: bool,
    /// Hashes of the distinct trained assistant messages before the final answer, each with the message before it.
    pub shots: Vec<u128>,
    /// Keys beside the reserved ones, with the kind of their values: data for graders.
    pub own_keys: Vec<(String, &'static str)>,
    /// Prompt and completion, cut to what the completion rules look at.
    pub completion: Option<Box<CompletionFacts>>,
    /// Whether the line has a root weight.
    pub weighted: bool,
    /// Whether an answer that is trained on begins or ends with white space.
    pub padded_answer: bool,
    /// Whether a finding says that it, or an image of it, is left out, and says so from more than inference.
    pub skipped: bool,
}

/// The roles that are told apart; the last stands for all others.
pub const ROLES: [&str; 7] = ["system", "developer", "user", "assistant", "tool", "function", "other"];

/// What an embedded image is, as far as that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureFacts {
    /// Pixels across and down; 0 where unknown.
    pub size: (u32, u32),
    /// `JPEG` and the like.
    pub format: &'static str,
    /// The mode in Pillow's words; empty where unknown.
    pub mode: &'static str,
    /// Bytes of the image, decoded.
    pub bytes: u64,
}

/// What the completion rules need of one line.
#[derive(Clone, Debug, Default)]
pub struct CompletionFacts {
    /// First and last characters of the prompt.
    pub prompt: (String, String),
    /// First and last characters of the completion.
    pub completion: (String, String),
    /// Hashes of both.
    pub hashes: (u128, u128),
    /// Letters, and upper-case letters among them.
    pub letters: (u64, u64),
}

/// An exact distribution of small numbers: memory follows the distinct values, not the examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Counts by value, up to the largest one that is below [`Distribution::SMALL`]: most values of most files.
    small: Vec<u64>,
    large: BTreeMap<u64, u64>,
}

impl Distribution {
    const SMALL: u64 = 1 << 12;

    /// Counts one more `value`.
    pub fn add(&mut self, value: u64) {
        self.add_many(value, 1);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(value, count)| self.add_many(value, count));
    }

    fn add_many(&mut self, value: u64, count: u64) {
        if value >= Self::SMALL {
            *self.large.entry(value).or_default() += count;
            return;
        }
        let index = value as usize;
        if self.small.len() <= index {
            self.small.resize(index + 1, 0);
        }
        if let Some(sum) = self.small.get_mut(index) {
            *sum += count;
        }
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }

    /// The smallest value that at least the share `q` (0 to 1) of all values do not exceed: the inverse of the
    /// empirical distribution function. `None` when nothing was counted.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = ((q * self.count() as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.iter().find_map(|(value, count)| {
            seen += count;
            (seen >= rank).then_some(value)
        })
    }

    /// Smallest and largest value.
    pub fn range(&self) -> Option<(u64, u64)> {
        let low = self.iter().next()?.0;
        let high = self.large.keys().next_back().copied().unwrap_or((self.small.len() as u64).saturating_sub(1));
        Some((low, high))
    }

    /// Each value with its count, from the smallest on.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let small = (0..).zip(&self.small).filter(|(_, count)| **count > 0);
        small.chain(self.large.iter().map(|(&value, count)| (value, count))).map(|(value, &count)| (value, count))
    }

    /// Counts in `bins` equal steps from the smallest to the largest value.
    pub fn histogram(&self, bins: usize) -> Vec<u64> {
        let Some((low, high)) = self.range() else { return Vec::new() };
        let mut counts = vec![0; bins];
        for (value, count) in self.iter() {
            let bin = (u128::from(value - low) * bins as u128 / (u128::from(high - low) + 1)) as usize;
            if let Some(slot) = counts.get_mut(bin) {
                *slot += count;
            }
        }
        counts
    }
}

/// How many images have which size. Beyond some thousand sizes they are told apart by eighths of an octave only, so that
/// memory stays bounded; what it comes to does not depend on the order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    counts: BTreeMap<(u32, u32), u64>,
    coarse: bool,
}

impl Sizes {
    const MOST: usize = 4_096;

    /// Counts one more image.
    pub fn add(&mut self, size: (u32, u32)) {
        self.add_many(size, 1);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.coarse && !self.coarse {
            self.coarsen();
        }
        other.counts.iter().for_each(|(&size, &count)| self.add_many(size, count));
    }

    /// Each size with the number of images, and whether sizes are rounded.
    pub fn iter(&self) -> (impl Iterator<Item = ((u32, u32), u64)>, bool) {
        (self.counts.iter().map(|(&size, &count)| (size, count)), self.coarse)
    }

    fn add_many(&mut self, size: (u32, u32), count: u64) {
        let size = if self.coarse { rounded(size) } else { size };
        *self.counts.entry(size).or_default() += count;
        if !self.coarse && self.counts.len() > Self::MOST {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.coarse = true;
        for (size, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(rounded(size)).or_default() += count;
        }
    }
}

/// The nearest eighth of an octave; rounding twice is rounding once.
fn rounded(size: (u32, u32)) -> (u32, u32) {
    let side = |side: u32| ((f64::from(side.max(1)).log2() * 8.0).round() / 8.0).exp2().round() as u32;
    (side(size.0), side(size.1))
}

/// A thing that happened some times, first at a place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// Where first.
    pub first: Place,
    /// The line that one repeats or contradicts, where there is one.
    pub other: u64,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, place: Place, other: u64) {
        if self.count == 0 {
            (self.first, self.other) = (place, other);
        }
        self.count += 1;
    }

    /// Counts one more that may stand before those counted.
    fn add_anywhere(&mut self, place: Place, other: u64) {
        if self.count == 0 || place.line < self.first.line {
            (self.first, self.other) = (place, other);
        }
        self.count += 1;
    }
}

/// The sums of one file.
#[derive(Clone, Debug, Default)]
pub struct FileSummary {
    /// The path as it was given, `-` for standard input.
    pub path: Arc<str>,
    /// Bytes, after decompression.
    pub bytes: u64,
    /// Lines, blank ones included.
    pub lines: u64,
    /// Lines that hold an object.
    pub examples: u64,
    /// What most of its first lines look like; `None` when no line could be read.
    pub shape: Option<Shape>,
    /// Lines that end in CR LF.
    pub crlf: Tally,
    /// Lines of nothing but white space.
    pub blank: Tally,
    /// Lines on which tunelint itself failed.
    pub internal_errors: Vec<u64>,
    /// Tokens in all.
    pub tokens: TokenSums,
    /// Images in all.
    pub images: ImageSums,
    /// Examples with at least one image.
    pub image_examples: u64,
    /// Examples that will be left out, wholly or with an image.
    pub skipped_examples: u64,
    /// Tokens of each example.
    pub token_distribution: Distribution,
    /// Messages of each example.
    pub message_distribution: Distribution,
    /// Images of each example that has any.
    pub image_distribution: Distribution,
    /// Trained tokens of each example.
    pub trained_distribution: Distribution,
    /// Messages by role, as in [`ROLES`].
    pub roles: [u64; ROLES.len()],
    /// Pixels of the embedded images.
    pub sizes: Sizes,
    /// Embedded images by format and mode.
    pub kinds: BTreeMap<(&'static str, &'static str), u64>,
    /// Bytes of the embedded images, rounded up to powers of two.
    pub image_bytes: Distribution,
    /// Copies of earlier examples of the same file.
    pub duplicates: Tally,
    /// Prompts that stand with another answer elsewhere.
    pub conflicts: Tally,
    /// Examples with a system message, and the first without one.
    pub with_system: u64,
    /// Examples without a system message.
    pub without_system: Tally,
    /// Examples with a root weight.
    pub weighted: u64,
    /// Examples without a root weight.
    pub unweighted: Tally,
    /// Examples with an answer that begins or ends with white space.
    pub padded_answers: Tally,
    /// Images whose detail is left open, and the tokens that `low` would save.
    pub detail_savings: (u64, u64),
    /// Keys for graders: in how many examples each stands, with the kinds of its values.
    pub own_keys: BTreeMap<String, OwnKey>,
    /// Counts for the completion rules.
    pub completions: CompletionSums,
    /// The first example.
    first: Option<Place>,
    /// Trained assistant messages that stand before the final answer, by hash.
    shots: HashMap<u128, u64>,
    answers: Answers,
    most_used_image: (u64, u64),
    /// What is known of each example until the file has ended.
    seen: Seen,
}

/// Final answers of a file.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    count: u64,
    most_common: u64,
}

/// Records of a file that are compared with one another once it has ended.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Hash of the content, line and offset.
    contents: Ledger<4>,
    /// Hash of the prompt, line and offset, half a hash of the answer.
    prompts: Ledger<5>,
    /// Half a hash of the answer.
    answers: Ledger<1>,
    /// Hash and length of the image.
    images: Ledger<3>,
    /// Half a hash of the completion.
    completions: Ledger<1>,
}

/// How a key for graders is used over a file.
#[derive(Clone, Debug, Default)]
pub struct OwnKey {
    /// Examples that have it.
    pub count: u64,
    /// Its kinds of value, with the first line of each.
    pub kinds: BTreeMap<&'static str, Place>,
    /// The first line that lacks it.
    pub missing: Option<Place>,
    /// The last line that has it.
    last: u64,
}

/// Tokens of a file or run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenSums {
    /// Text and what stands around it.
    pub text: u64,
    /// Images.
    pub image: u64,
    /// Assistant text whose loss is taken.
    pub trained: u64,
    /// Declarations of tools.
    pub tools: u64,
    /// What is billed for one epoch: each example with its tools, up to the model's limit.
    pub billed: u64,
}

impl TokenSums {
    /// Text and images, without declarations of tools.
    pub fn total(&self) -> u64 {
        self.text + self.image
    }

    /// Text, images and declarations of tools.
    pub fn all(&self) -> u64 {
        self.total() + self.tools
    }
}

/// Images of a file or run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageSums {
    /// All of them.
    pub count: u64,
    /// Distinct ones, by their URLs.
    pub unique: u64,
    /// Those whose size is not known: not embedded and not fetched, not looked at, or unreadable.
    pub unmeasured: u64,
    /// Bytes of base64 text.
    pub bytes: u64,
    /// Of those, bytes that repeat an image of the same file.
    pub repeated_bytes: u64,
}

/// What the completion rules count.
#[derive(Clone, Debug, Default)]
pub struct CompletionSums {
    /// Examples with both texts.
    pub count: u64,
    /// The common end of all prompts.
    pub prompt_end: Option<String>,
    /// The common end of all completions.
    pub completion_end: Option<String>,
    /// The common start of all completions.
    pub completion_start: Option<String>,
    /// The common start of all prompts.
    pub prompt_start: Option<String>,
    /// Completions that begin with white space.
    pub led_by_space: u64,
    /// Letters, and upper-case letters among them, of all completions and prompts.
    pub letters: (u64, u64),
    /// Distinct prompts, up to two, by hash.
    prompts: HashSet<u128>,
    /// Distinct completions, once the file has ended.
    completions: u64,
}

/// What fewer completions than these have in common is chance; ten is also the fewest OpenAI takes.
const ENOUGH_COMPLETIONS: u64 = 10;

impl CompletionSums {
    /// Whether there are enough of them to say what they have in common.
    pub fn are_enough(&self) -> bool {
        self.count >= ENOUGH_COMPLETIONS
    }

    /// Whether all prompts are the same one; a single example does not count.
    pub fn prompts_are_identical(&self) -> bool {
        self.count > 1 && self.prompts.len() == 1
    }

    /// Whether all completions are the same one; a single example does not count.
    pub fn completions_are_identical(&self) -> bool {
        self.count > 1 && self.completions == 1
    }

    /// Whether all prompts are empty: text is to be generated without one.
    pub fn prompts_are_empty(&self) -> bool {
        self.prompts.len() == 1 && self.prompt_start.as_deref() == Some("")
    }

    /// Whether the completions are labels: fewer than a third of them are distinct.
    pub fn are_labels(&self) -> bool {
        self.completions * 3 < self.count
    }

    fn absorb(&mut self, facts: &CompletionFacts) {
        fn keep(common: &mut Option<String>, text: &str, shared: fn(&str, &str) -> usize, cut: fn(&str, usize) -> &str) {
            let next = match common.as_deref() {
                None => text.to_owned(),
                Some(common) => cut(text, shared(common, text)).to_owned(),
            };
            *common = Some(next);
        }
        fn at_start(a: &str, b: &str) -> usize {
            a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
        }
        fn at_end(a: &str, b: &str) -> usize {
            a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
        }
        fn head(text: &str, length: usize) -> &str {
            text.get(..length).unwrap_or_default()
        }
        fn tail(text: &str, length: usize) -> &str {
            text.get(text.len() - length..).unwrap_or_default()
        }
        self.count += 1;
        keep(&mut self.prompt_start, &facts.prompt.0, at_start, head);
        keep(&mut self.prompt_end, &facts.prompt.1, at_end, tail);
        keep(&mut self.completion_start, &facts.completion.0, at_start, head);
        keep(&mut self.completion_end, &facts.completion.1, at_end, tail);
        self.led_by_space += u64::from(facts.completion.0.starts_with(char::is_whitespace));
        self.letters.0 += facts.letters.0;
        self.letters.1 += facts.letters.1;
        if self.prompts.len() < 2 {
            self.prompts.insert(facts.hashes.0);
        }
    }
}

/// Few-shot turns are the same in most examples, so they stand in the first ones: later newcomers are not tracked.
const SHOTS_FROM: u64 = 1_000;

impl FileSummary {
    /// Keys of their own that are kept of a file, and of a line: with fewer, all were counted.
    pub const MOST_OWN_KEYS: usize = 256;
    /// So many examples are worth a second thread.
    const MANY: u64 = 1 << 15;

    /// The sums of a file of which nothing is read yet.
    pub fn new(path: Arc<str>) -> Self {
        Self { path, ..Self::default() }
    }

    /// Takes in the facts of the next example. `limit` is the most tokens of an example that are billed.
    pub fn absorb(&mut self, facts: &Facts, limit: Option<u64>) {
        self.tokens.text += facts.tokens.text;
        self.tokens.image += facts.tokens.image;
        self.tokens.trained += facts.tokens.trained;
        self.tokens.tools += facts.tokens.tools;
        self.tokens.billed += facts.tokens.billed().min(limit.unwrap_or(u64::MAX));
        self.token_distribution.add(facts.tokens.billed());
        self.message_distribution.add(facts.messages);
        self.images.count += facts.image_count;
        self.images.unmeasured += facts.unmeasured;
        if facts.image_count > 0 {
            self.image_examples += 1;
            self.image_distribution.add(facts.image_count);
        }
        let Place { line, offset } = facts.place;
        let [high, low] = words(facts.content);
        self.seen.contents.push([high, low, line, offset]);
        for &(hash, bytes) in &facts.images {
            self.images.bytes += bytes;
            let [high, low] = words(hash);
            self.seen.images.push([high, low, bytes]);
        }
        self.trained_distribution.add(facts.tokens.trained);
        for (sum, own) in self.roles.iter_mut().zip(facts.roles) {
            *sum += u64::from(own);
        }
        for picture in &facts.pictures {
            if picture.size.0 > 0 && picture.size.1 > 0 {
                self.sizes.add(picture.size);
            }
            *self.kinds.entry((picture.format, picture.mode)).or_default() += 1;
            self.image_bytes.add(picture.bytes.max(1).checked_next_power_of_two().unwrap_or(u64::MAX));
        }
        self.detail_savings.0 += facts.detail_savings.0;
        self.detail_savings.1 += facts.detail_savings.1;
        self.skipped_examples += u64::from(facts.skipped);
        if facts.has_system {
            self.with_system += 1;
        } else {
            self.without_system.add(facts.place, 0);
        }
        if facts.weighted {
            self.weighted += 1;
        } else {
            self.unweighted.add(facts.place, 0);
        }
        if facts.padded_answer {
            self.padded_answers.add(facts.place, 0);
        }
        if let Some((prompt, answer)) = facts.conversation {
            let ([high, low], [_, answer]) = (words(prompt), words(answer));
            self.seen.answers.push([answer]);
            self.seen.prompts.push([high, low, line, offset, answer]);
        }
        for &shot in &facts.shots {
            if self.examples <= SHOTS_FROM {
                *self.shots.entry(shot).or_default() += 1;
            } else if let Some(count) = self.shots.get_mut(&shot) {
                *count += 1;
            }
        }
        let first = *self.first.get_or_insert(facts.place);
        for (key, kind) in &facts.own_keys {
            // A file may not make memory grow by a new key in each line.
            if !self.own_keys.contains_key(key) && self.own_keys.len() < Self::MOST_OWN_KEYS {
                let missing = (first != facts.place).then_some(first);
                self.own_keys.insert(key.clone(), OwnKey { missing, ..OwnKey::default() });
            }
            if let Some(own) = self.own_keys.get_mut(key) {
                own.count += u64::from(own.last != facts.place.line);
                own.last = facts.place.line;
                own.kinds.entry(*kind).or_insert(facts.place);
            }
        }
        for own in self.own_keys.values_mut().filter(|own| own.last != facts.place.line && own.missing.is_none()) {
            own.missing = Some(facts.place);
        }
        if let Some(completion) = &facts.completion {
            self.completions.absorb(completion);
            self.seen.completions.push([completion.hashes.1 as u64]);
        }
    }

    /// Compares the examples with one another, after the last one. Their contents stay, for the other files of the run.
    fn settle(&mut self, threads: usize) -> io::Result<()> {
        let Seen { contents, prompts, answers, images, completions } = &mut self.seen;
        // Of each group the first record is its first line: groups are sorted by line.
        let duplicates = &mut self.duplicates;
        let mut of_contents = || {
            let mut first = None;
            contents.each(|[high, low, line, offset]| match first {
                Some((hash, other)) if hash == [high, low] => duplicates.add_anywhere(Place { line, offset }, other),
                _ => first = Some(([high, low], line)),
            })
        };
        let conflicts = &mut self.conflicts;
        let mut of_prompts = || {
            let mut first = None;
            prompts.each(|[high, low, line, offset, answer]| match first {
                Some((hash, other, said)) if hash == [high, low] => {
                    if said != answer {
                        conflicts.add_anywhere(Place { line, offset }, other);
                    }
                }
                _ => first = Some(([high, low], line, answer)),
            })
        };
        if threads > 1 && self.examples >= Self::MANY {
            let both = thread::scope(|scope| {
                let other = scope.spawn(of_prompts);
                of_contents().and(other.join().unwrap_or_else(|panic| resume_unwind(panic)))
            });
            both?;
        } else {
            of_contents()?;
            of_prompts()?;
        }
        let (mut before, mut same) = (None, 0);
        let found = &mut self.answers;
        answers.each(|[answer]| {
            same = if before == Some(answer) { same + 1 } else { 1 };
            before = Some(answer);
            found.count += 1;
            found.most_common = found.most_common.max(same);
        })?;
        let (mut before, mut uses) = (None, 0);
        let (sums, most) = (&mut self.images, &mut self.most_used_image);
        images.each(|[high, low, bytes]| {
            if before == Some([high, low]) {
                uses += 1;
                sums.repeated_bytes += bytes;
            } else {
                (before, uses) = (Some([high, low]), 1);
                sums.unique += 1;
            }
            // What is not embedded takes no room, however often it stands there.
            *most = (*most).max(if bytes > 0 { (uses, bytes) } else { (0, 0) });
        })?;
        let mut before = None;
        let distinct = &mut self.completions.completions;
        completions.each(|[completion]| {
            *distinct += u64::from(before != Some(completion));
            before = Some(completion);
        })?;
        self.seen = Seen { contents: std::mem::take(contents), ..Seen::default() };
        Ok(())
    }

    /// Trained few-shot turns: how many distinct ones stand in more than half of the examples, and how often in all.
    pub fn few_shot_turns(&self) -> (u64, u64) {
        let common = self.shots.values().filter(|&&count| count * 2 > self.examples);
        common.fold((0, 0), |(turns, uses), count| (turns + 1, uses + count))
    }

    /// The answer given most often: how many examples give it.
    pub fn most_common_answer(&self) -> u64 {
        self.answers.most_common
    }

    /// How many examples have a final answer.
    pub fn answered(&self) -> u64 {
        self.answers.count
    }

    /// The embedded image used most often: uses and bytes of one use.
    pub fn most_used_image(&self) -> (u64, u64) {
        self.most_used_image
    }

    /// The format it is read as.
    pub fn format(&self, settings: &Settings) -> Option<Format> {
        settings.format.or(match self.shape {
            Some(Shape::Known(format)) => Some(format),
            _ => None,
        })
    }

    /// Epochs of a job over this file, by the target's formula unless the settings name a number.
    pub fn epochs(&self, settings: &Settings) -> Option<u64> {
        settings.epochs.or_else(|| Some(settings.target.epochs.as_ref()?.default_for(self.examples)))
    }

    /// Estimated training cost in US dollars: billed tokens × epochs × price. `None` when the price is not published.
    pub fn cost(&self, settings: &Settings) -> Option<f64> {
        let format = self.format(settings)?;
        let price = settings.model.as_ref().filter(|model| model.formats.contains(&format))?.price.as_ref()?.value;
        settings.count_tokens.then_some(self.tokens.billed as f64 * self.epochs(settings)? as f64 * price / 1e6)
    }
}

/// The sums of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Its files, in input order.
    pub files: Vec<FileSummary>,
    /// Findings by rule code.
    pub rules: BTreeMap<&'static str, RuleCount>,
    /// Findings that the baseline knows; they stand in none of the other counts.
    pub baselined: u64,
    /// Findings with a safe fix, and with an unsafe one.
    pub fixable: (u64, u64),
    /// Examples that stand in an earlier file too, for each pair of files (later, earlier).
    pub overlaps: BTreeMap<(usize, usize), Tally>,
    /// What is shown of the data itself, where that is wanted.
    pub exhibits: Exhibits,
    /// Hash of the content, file, line and offset of each example, once there is more than one file.
    contents: Ledger<5>,
    /// Files whose contents are there.
    joined: usize,
}

/// Findings of one rule.
#[derive(Clone, Copy, Debug)]
pub struct RuleCount {
    /// How many.
    pub count: u64,
    /// The worst severity among them.
    pub severity: Severity,
    /// What they do.
    pub effect: Effect,
    /// The name of the rule.
    pub name: &'static str,
}

/// What will become of the dataset at its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing that needs attention.
    Ready,
    /// It will be taken as it is; something deserves a look.
    Warnings,
    /// It will be taken, but something will be missing from the training.
    DataLoss,
    /// The upload or the job will be refused.
    Rejected,
}

impl Verdict {
    /// The word used in JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Warnings => "warnings",
            Self::DataLoss => "data-loss",
            Self::Rejected => "rejected",
        }
    }
}

impl Summary {
    /// Takes in the facts of the next example of the last file.
    pub fn absorb(&mut self, facts: &Facts, limit: Option<u64>) {
        let Some(index) = self.files.len().checked_sub(1) else { return };
        if let Some(file) = self.files.get_mut(index) {
            file.absorb(facts, limit);
        }
    }

    /// Compares the examples of the last file with one another, after its last line: copies, conflicting answers, images that are
    /// used again are known from then on. Of many examples, up to two of `threads` threads compare.
    ///
    /// # Errors
    ///
    /// When what was set aside for that in a temporary file cannot be read.
    pub fn settle_file(&mut self, threads: usize) -> io::Result<()> {
        let last = self.files.len().saturating_sub(1);
        if let Some(file) = self.files.get_mut(last) {
            file.settle(threads)?;
        }
        // A file on its own has none to share lines with: nothing is done for it until another one comes.
        if last > 0 {
            for (index, file) in self.files.iter_mut().enumerate().skip(self.joined) {
                let mut own = std::mem::take(&mut file.seen.contents);
                let all = &mut self.contents;
                own.each(|[high, low, line, offset]| all.push([high, low, index as u64, line, offset]))?;
            }
            self.joined = last + 1;
        }
        Ok(())
    }

    /// Compares the files with one another, after the last one: [`Summary::overlaps`] are known from then on.
    ///
    /// # Errors
    ///
    /// As for [`Summary::settle_file`].
    pub fn settle(&mut self) -> io::Result<()> {
        let mut first = None;
        let overlaps = &mut self.overlaps;
        std::mem::take(&mut self.contents).each(|[high, low, file, line, offset]| match first {
            Some((hash, earlier, other)) if hash == [high, low] => {
                if file != earlier {
                    overlaps.entry((file as usize, earlier as usize)).or_default().add_anywhere(Place { line, offset }, other);
                }
            }
            _ => first = Some(([high, low], file, line)),
        })
    }

    /// Counts a finding.
    pub fn count(&mut self, diagnostic: &crate::diagnostic::Diagnostic) {
        let (severity, effect, name) = (diagnostic.severity, diagnostic.effect, diagnostic.rule.name);
        let entry = self.rules.entry(diagnostic.rule.code).or_insert(RuleCount { count: 0, severity, effect, name });
        entry.count += 1;
        entry.severity = entry.severity.max(severity);
        match diagnostic.fix.as_ref().map(|fix| fix.applicability) {
            Some(Applicability::Safe) => self.fixable.0 += 1,
            Some(Applicability::Unsafe) => self.fixable.1 += 1,
            None => {}
        }
    }

    /// Findings of a severity.
    pub fn findings(&self, severity: Severity) -> u64 {
        self.rules.values().filter(|rule| rule.severity == severity).map(|rule| rule.count).sum()
    }

    /// What will become of it all.
    pub fn verdict(&self) -> Verdict {
        let verdict = |rule: &RuleCount| match rule.severity {
            Severity::Error if rule.effect.rejects() => Verdict::Rejected,
            Severity::Error | Severity::Warning if rule.effect.loses_data() => Verdict::DataLoss,
            Severity::Error | Severity::Warning => Verdict::Warnings,
            Severity::Info => Verdict::Ready,
        };
        self.rules.values().map(verdict).max().unwrap_or(Verdict::Ready)
    }

    /// Examples of all files.
    pub fn examples(&self) -> u64 {
        self.files.iter().map(|file| file.examples).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_what_they_say() {
        let mut distribution = Distribution::default();
        (1..=100).for_each(|value| distribution.add(value));
        assert_eq!([0.0, 0.5, 0.95, 1.0].map(|q| distribution.quantile(q)), [Some(1), Some(50), Some(95), Some(100)]);
        assert_eq!(distribution.histogram(4), [25, 25, 25, 25]);
        assert_eq!(Distribution::default().quantile(0.5), None);
        distribution.add(1_000_000);
        assert_eq!((distribution.range(), distribution.quantile(1.0), distribution.count()), (Some((1, 1_000_000)), Some(1_000_000), 101));
        let mut twice = distribution.clone();
        twice.merge(&distribution);
        assert_eq!(twice.count(), 202);
    }

    #[test]
    fn sizes_stay_bounded_and_can_be_merged_in_any_order() {
        let size = |n: u32| (1 + n % 5_000, 1 + n / 3);
        let of = |range: std::ops::Range<u32>| {
            let mut sizes = Sizes::default();
            range.for_each(|n| sizes.add(size(n)));
            sizes
        };
        let whole = of(0..100_000);
        let (mut left, mut right) = (of(0..70_000), of(70_000..100_000));
        let few = of(0..10);
        assert!(whole.iter().1 && whole.counts.len() < 10_000 && !few.iter().1);
        let swapped = right.clone();
        right.merge(&left);
        left.merge(&swapped);
        assert_eq!((&left, &right), (&whole, &whole));
        assert_eq!(rounded(rounded((4_001, 17))), rounded((4_001, 17)));
    }

    /// A run over files whose examples have these contents, prompts and answers.
    fn run(files: &[&[(u128, u128, u128)]]) -> Summary {
        let mut summary = Summary::default();
        for file in files {
            summary.files.push(FileSummary::new(Arc::from("a")));
            for (line, &(content, prompt, answer)) in (1..).zip(*file) {
                let place = Place { line, offset: line * 10 };
                summary.absorb(&Facts { place, content, conversation: Some((prompt, answer)), ..Facts::default() }, None);
            }
            summary.settle_file(1).expect("no file is read");
        }
        summary.settle().expect("no file is read");
        summary
    }

    #[test]
    fn two_threads_find_what_one_finds() {
        let tallies = [1, 2].map(|threads| {
            let mut file = FileSummary::new(Arc::from("a"));
            for line in 1..=FileSummary::MANY {
                let place = Place { line, offset: line * 10 };
                let (content, prompt) = (u128::from(line * 7 % 30_000), u128::from(line * 11 % 20_000));
                file.absorb(&Facts { place, content, conversation: Some((prompt, line.into())), ..Facts::default() }, None);
                file.examples += 1;
            }
            file.settle(threads).expect("no file is read");
            [file.duplicates, file.conflicts].map(|tally| (tally.count, tally.first.line, tally.other))
        });
        assert_eq!(tallies[0], tallies[1]);
        assert_eq!(tallies[0], [(2768, 30_001, 1), (12_768, 20_001, 1)]);
    }

    #[test]
    fn copies_are_told_apart_from_overlaps() {
        let summary = run(&[&[(9, 1, 1), (7, 2, 1), (9, 1, 1), (7, 2, 1)], &[(8, 3, 1), (7, 2, 1), (7, 2, 1)]]);
        let tally = |tally: &Tally| (tally.count, tally.first.line, tally.other);
        assert_eq!(tally(&summary.files[0].duplicates), (2, 3, 1));
        assert_eq!(tally(&summary.files[1].duplicates), (1, 3, 2));
        assert_eq!(summary.overlaps.iter().map(|(pair, own)| (*pair, tally(own))).collect::<Vec<_>>(), [((1, 0), (2, 2, 2))]);
        assert_eq!((summary.files[0].answered(), summary.files[0].most_common_answer()), (4, 4));
    }

    #[test]
    fn conflicts_are_with_the_first_answer() {
        let summary = run(&[&[(1, 5, 1), (2, 4, 1), (3, 5, 2), (4, 5, 1), (5, 4, 3), (6, 5, 3)]]);
        let conflicts = summary.files[0].conflicts;
        assert_eq!((conflicts.count, conflicts.first.line, conflicts.other), (3, 3, 1));
        assert_eq!(summary.files[0].most_common_answer(), 3);
    }
}
