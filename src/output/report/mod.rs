//! The report: one HTML page that says whether this dataset can be sent, what it will cost and what is wrong with it, made
//! to be attached to a ticket. It asks nothing of the network and runs no script; minijinja escapes all that it shows.

mod chart;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

use self::chart::Breadth;
use super::transcript::{Cut, Reader, Transcript};
use super::{Reporter, summary};
use crate::diagnostic::{Diagnostic, bytes, count, number, sanitised};
use crate::edit::Applicability;
use crate::exhibit::Picture;
use crate::rule::{Effect, Severity};
use crate::settings::Settings;
use crate::summary::{Distribution, FileSummary, ROLES, Summary};

/// Where a page comes from.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Provenance {
    /// The command line.
    pub command: String,
    /// The files with their SHA-256, as they lie on disk.
    pub files: Vec<(String, String)>,
}

/// Gathers what the page shows, as findings come.
pub struct Report<'a> {
    out: Box<dyn Write + 'a>,
    redact: bool,
    provenance: Provenance,
    rules: BTreeMap<&'static str, Found>,
    /// The line that is being reported on: its path, number, and findings by severity.
    current: Line,
    worst: Vec<Line>,
}

/// What was found of one rule.
#[derive(Debug, Default)]
struct Found {
    /// The first findings.
    first: Vec<Diagnostic>,
    /// Lines that have it.
    lines: u64,
    last: (std::sync::Arc<str>, u64),
}

/// Findings of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    path: std::sync::Arc<str>,
    line: u64,
    errors: u64,
    warnings: u64,
    codes: Vec<&'static str>,
}

/// Findings of each rule that are listed.
const LISTED: usize = 5;
/// Lines that are listed for their findings.
const WORST: usize = 8;
/// Files that have charts of their own.
const FILES: usize = 8;
/// Characters of a text in a sample, and messages of it.
const CUT: Cut = Cut { text: 400, items: 12 };
/// Images that are drawn in the samples.
const DRAWN: usize = 24;

impl<'a> Report<'a> {
    /// A page that is written to `out`. With `redact` it shows no text and no image of the data.
    pub fn new(out: Box<dyn Write + 'a>, redact: bool) -> Self {
        Self { out, redact, provenance: Provenance::default(), rules: BTreeMap::new(), current: Line::default(), worst: Vec::new() }
    }

    /// Tells where the page comes from, before it is finished.
    pub fn set_provenance(&mut self, provenance: Provenance) {
        self.provenance = provenance;
    }

    /// Closes the line that was reported on: it may be one of the worst.
    fn close_line(&mut self) {
        let line = std::mem::take(&mut self.current);
        let key = |line: &Line| (line.errors, line.warnings);
        if key(&line) > (0, 0) {
            let place = self.worst.partition_point(|worse| key(worse) >= key(&line));
            self.worst.insert(place, line);
            self.worst.truncate(WORST);
        }
    }
}

impl Reporter for Report<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        let found = self.rules.entry(diagnostic.rule.code).or_default();
        if found.first.len() < LISTED {
            found.first.push(diagnostic.clone());
        }
        let Some(place) = &diagnostic.location.line else { return Ok(()) };
        let path = &diagnostic.location.path;
        if found.last.1 != place.line || found.last.0 != *path {
            found.lines += 1;
            found.last = (path.clone(), place.line);
        }
        if self.current.line != place.line || self.current.path != *path {
            self.close_line();
            self.current = Line { path: path.clone(), line: place.line, ..Line::default() };
        }
        match diagnostic.severity {
            Severity::Error => self.current.errors += 1,
            Severity::Warning => self.current.warnings += 1,
            Severity::Info => {}
        }
        if diagnostic.severity > Severity::Info && !self.current.codes.contains(&diagnostic.rule.code) {
            self.current.codes.push(diagnostic.rule.code);
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        self.close_line();
        let page = Page::new(self, summary, settings);
        let mut environment = Environment::new();
        environment.add_template("page.html", include_str!("page.html")).map_err(io::Error::other)?;
        let template = environment.get_template("page.html").map_err(io::Error::other)?;
        let html = template.render(context! { page => Serde(&page) }).map_err(io::Error::other)?;
        self.out.write_all(html.as_bytes())?;
        self.out.flush()
    }
}

/// All that the template shows. What ends in `svg` is markup of ours; everything else is text and is escaped.
#[derive(Serialize)]
struct Page<'a> {
    title: String,
    verdict: &'static str,
    verdict_line: String,
    target: String,
    headlines: Vec<String>,
    cards: Vec<Card>,
    rules: Vec<RuleRow>,
    files: Vec<FileSection>,
    more_files: usize,
    pictures: Vec<PictureView>,
    worst: Vec<WorstRow>,
    longest: Vec<LengthRow>,
    samples: Vec<SampleView>,
    redact: bool,
    provenance: &'a Provenance,
    facts: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Card {
    label: &'static str,
    value: String,
    note: String,
    /// Of a limit, in percent.
    filled: Option<f64>,
}

#[derive(Serialize)]
struct RuleRow {
    severity: &'static str,
    code: &'static str,
    name: &'static str,
    summary: &'static str,
    effect: String,
    count: String,
    share: String,
    first: String,
    help: Option<String>,
    /// `safe` or `unsafe` where the rule has a fix.
    fix: &'static str,
    findings: Vec<(String, String)>,
    more: u64,
}

#[derive(Serialize)]
struct FileSection {
    path: String,
    about: String,
    tokens_svg: String,
    tokens: String,
    trained_svg: String,
    trained: String,
    messages_svg: String,
    messages: String,
    roles: Vec<Bar>,
    sizes_svg: String,
    images: String,
    kinds: Vec<Bar>,
    image_bytes: Vec<Bar>,
    repeats: Vec<String>,
}

#[derive(Serialize)]
struct Bar {
    label: String,
    value: String,
    /// Of the largest, in percent.
    filled: f64,
}

#[derive(Serialize)]
struct PictureView {
    place: String,
    codes: String,
    facts: String,
    image: Option<String>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct WorstRow {
    place: String,
    found: String,
    codes: String,
}

#[derive(Serialize)]
struct LengthRow {
    place: String,
    tokens: String,
}

#[derive(Serialize)]
struct SampleView {
    place: String,
    chat: Transcript,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report<'_>, summary: &Summary, settings: &Settings) -> Self {
        let main = summary.files.first();
        let lines: u64 = summary.files.iter().map(|file| file.lines).sum();
        let mut rules: Vec<_> = summary.rules.iter().collect();
        rules.sort_by_key(|(code, rule)| (std::cmp::Reverse(rule.severity), std::cmp::Reverse(rule.effect.rejects()), **code));
        let name = main.map(|file| sanitised(file.path.rsplit('/').next().unwrap_or_default()).into_owned()).unwrap_or_default();
        let title = match summary.files.len() {
            0 | 1 => name,
            several => format!("{name} and {}", count(several as u64 - 1, "more file")),
        };
        let place = |path: &str, line: u64| format!("{}:{}", sanitised(path), line);
        Self {
            title,
            verdict: summary.verdict().name(),
            verdict_line: summary::verdict_line(summary, settings, false)
                .split_once(": ")
                .map(|(_, text)| text.to_owned())
                .unwrap_or_default(),
            target: format!(
                "{}{}",
                settings.target.title,
                settings.model.as_ref().map(|model| format!(", {}", model.name)).unwrap_or_default()
            ),
            headlines: headlines(report, summary),
            cards: main.map(|file| cards(file, settings)).unwrap_or_default(),
            rules: rules.into_iter().map(|(code, rule)| rule_row(code, rule, report, lines)).collect(),
            files: summary.files.iter().take(FILES).map(|file| FileSection::new(file, settings)).collect(),
            more_files: summary.files.len().saturating_sub(FILES),
            pictures: if report.redact { Vec::new() } else { summary.exhibits.pictures.iter().map(picture).collect() },
            worst: report
                .worst
                .iter()
                .map(|line| WorstRow {
                    place: place(&line.path, line.line),
                    found: [(line.errors, "error"), (line.warnings, "warning")]
                        .iter()
                        .filter(|(found, _)| *found > 0)
                        .map(|(found, noun)| count(*found, noun))
                        .collect::<Vec<_>>()
                        .join(", "),
                    codes: line.codes.join(" "),
                })
                .collect(),
            longest: summary
                .exhibits
                .longest
                .iter()
                .map(|length| LengthRow { place: place(&length.path, length.line), tokens: number(length.tokens) })
                .collect(),
            samples: if report.redact { Vec::new() } else { samples(summary, settings) },
            redact: report.redact,
            provenance: &report.provenance,
            facts: facts(settings),
        }
    }
}

/// What will happen, in one sentence for each kind of effect, the worst first.
fn headlines(report: &Report<'_>, summary: &Summary) -> Vec<String> {
    let of =
        |effect: Effect, least: Severity| summary.rules.iter().filter(move |(_, rule)| rule.effect == effect && rule.severity >= least);
    let mut lines = Vec::new();
    for (effect, what) in
        [(Effect::RejectsFile, "the upload would be refused"), (Effect::RejectsJob, "the job would fail after the upload")]
    {
        let places = of(effect, Severity::Error).filter_map(|(code, rule)| {
            let first = report.rules.get(code)?.first.first()?;
            Some((first.location.line.as_ref().map_or(0, |line| line.line), *code, rule.name))
        });
        if let Some((line, code, name)) = places.min() {
            let faults: u64 = of(effect, Severity::Error).map(|(_, rule)| rule.count).sum();
            let at = if line > 0 { format!(" at line {}", number(line)) } else { String::new() };
            let more = if faults > 1 { format!(", and for {}", count(faults - 1, "more finding")) } else { String::new() };
            lines.push(format!("{what}{at} ({code} {name}){more}"));
        }
    }
    for (effect, noun, verb) in [
        (Effect::SkipsImage, "image", "silently skipped"),
        (Effect::DropsExample, "example", "left out of the training"),
        (Effect::TruncatesExample, "example", "cut to fit the model"),
    ] {
        for (least, modal) in [(Severity::Error, "would"), (Severity::Warning, "may")] {
            let found: u64 = of(effect, least).filter(|(_, rule)| rule.severity == least).map(|(_, rule)| rule.count).sum();
            if found > 0 {
                lines.push(format!("{} {modal} be {verb}", count(found, noun)));
            }
        }
    }
    lines
}

fn cards(file: &FileSummary, settings: &Settings) -> Vec<Card> {
    let mut cards = Vec::new();
    let mut card = |label, value: String, note: String, filled| cards.push(Card { label, value, note, filled });
    let format = file.shape.map_or("no known format", crate::format::Shape::name);
    card("examples", number(file.examples), format!("{format}, {}", count(file.lines, "line")), None);
    if settings.count_tokens && file.tokens.all() > 0 {
        let parts = [(file.tokens.trained, "trained on"), (file.tokens.image, "images"), (file.tokens.tools, "tool definitions")];
        let parts: Vec<_> =
            parts.iter().filter(|(tokens, _)| *tokens > 0).map(|(tokens, what)| format!("{} {what}", number(*tokens))).collect();
        card("tokens an epoch", number(file.tokens.all()), parts.join(", "), None);
    }
    if let Some(epochs) = file.epochs(settings) {
        card("epochs", number(epochs), if settings.epochs.is_some() { "as asked for" } else { "the target's default" }.to_owned(), None);
    }
    if let (Some(cost), Some(price)) = (file.cost(settings), settings.model.as_ref().and_then(|model| model.price.as_ref())) {
        card(
            "estimated cost",
            format!("${}", money(cost)),
            format!("${:.2} per million tokens, price of {}", price.value, price.checked),
            None,
        );
    }
    if file.images.count > 0 {
        let note = format!("{} distinct, in {}", number(file.images.unique), count(file.image_examples, "example"));
        card("images", number(file.images.count), note, None);
    }
    let limit = settings.target.limits.upload_bytes.as_ref();
    let filled = limit.map(|limit| (file.bytes as f64 / limit.value.max(1) as f64 * 100.0).min(100.0));
    card("size", bytes(file.bytes), limit.map(|limit| format!("upload limit {}", bytes(limit.value))).unwrap_or_default(), filled);
    cards
}

/// Dollars and cents, with thousands separators.
fn money(value: f64) -> String {
    let cents = (value * 100.0).round() as u64;
    format!("{}.{:02}", number(cents / 100), cents % 100)
}

fn rule_row(code: &'static str, rule: &crate::summary::RuleCount, report: &Report<'_>, lines: u64) -> RuleRow {
    let found = report.rules.get(code);
    let first = found.map(|found| found.first.as_slice()).unwrap_or_default();
    let place = |diagnostic: &Diagnostic| match &diagnostic.location.line {
        Some(line) => format!("{}:{}", sanitised(&diagnostic.location.path), line.line),
        None if diagnostic.location.path.is_empty() => "the run".to_owned(),
        None => sanitised(&diagnostic.location.path).into_owned(),
    };
    let marked = found.map_or(0, |found| found.lines);
    let share = if marked == 0 || lines == 0 { "–".to_owned() } else { percent(marked as f64 / lines as f64) };
    let findings: Vec<_> =
        if report.redact { Vec::new() } else { first.iter().map(|found| (place(found), found.message.clone())).collect() };
    RuleRow {
        severity: rule.severity.name(),
        code,
        name: rule.name,
        summary: crate::rules::find(code).map_or("", |rule| rule.summary()),
        effect: rule.effect.to_string(),
        count: number(rule.count),
        share,
        first: first.first().map(|found| found.location.line.as_ref().map_or("–".to_owned(), |line| number(line.line))).unwrap_or_default(),
        fix: crate::rules::find(code).and_then(|rule| rule.fix).map_or("", Applicability::name),
        help: first.first().and_then(|found| found.help.clone()).filter(|_| !report.redact),
        more: rule.count.saturating_sub(findings.len() as u64),
        findings,
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        small if small < 0.1 => "< 0.1 %".to_owned(),
        share => format!("{share:.1} %"),
    }
}

impl FileSection {
    fn new(file: &FileSummary, settings: &Settings) -> Self {
        let limit = settings.model.as_ref().and_then(|model| model.context.as_ref()).map(|limit| limit.value);
        let formula = settings.model.as_ref().and_then(|model| model.image_tokens.as_ref());
        let counted = settings.count_tokens && file.tokens.all() > 0;
        let chart = |values: &Distribution, limit, breadth| {
            if values.range().is_some_and(|(low, high)| high > low) { chart::histogram(values, limit, breadth) } else { String::new() }
        };
        let has_messages = file.message_distribution.range().is_some_and(|(_, most)| most > 0);
        let trained = counted && file.tokens.trained > 0;
        let images: u64 = file.kinds.values().sum();
        let kinds = file.kinds.iter().map(|((format, mode), count)| (format!("{format} {mode}").trim_end().to_owned(), *count));
        let mut kinds: Vec<_> = kinds.collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kinds.truncate(12);
        let sizes = if images > 0 { chart::scatter(&file.sizes, formula) } else { String::new() };
        let roles = ROLES.iter().zip(file.roles).filter(|(_, count)| *count > 0).map(|(role, count)| ((*role).to_owned(), count));
        Self {
            path: sanitised(&file.path).into_owned(),
            about: format!("{}, {}, {}", count(file.examples, "example"), count(file.lines, "line"), bytes(file.bytes)),
            tokens_svg: if counted { chart(&file.token_distribution, limit, Breadth::Whole) } else { String::new() },
            tokens: if counted { spread(&file.token_distribution, limit) } else { String::new() },
            trained_svg: if trained { chart(&file.trained_distribution, None, Breadth::Half) } else { String::new() },
            trained: if trained { spread(&file.trained_distribution, None) } else { String::new() },
            messages_svg: if has_messages { chart(&file.message_distribution, None, Breadth::Half) } else { String::new() },
            messages: if has_messages { spread(&file.message_distribution, None) } else { String::new() },
            roles: bars(roles.collect()),
            images: if images > 0 { image_line(file, formula.is_some() && !sizes.is_empty()) } else { String::new() },
            sizes_svg: sizes,
            kinds: bars(kinds),
            image_bytes: bars(file.image_bytes.iter().map(|(most, count)| (format!("up to {}", bytes(most)), count)).collect()),
            repeats: repeats(file),
        }
    }
}

fn image_line(file: &FileSummary, has_curve: bool) -> String {
    let mut line = format!("{} in {}", count(file.images.count, "image"), count(file.image_examples, "example"));
    if let Some((_, most)) = file.image_distribution.range() {
        let _ = write!(line, ", at most {} in one", number(most));
    }
    if has_curve {
        line.push_str("; beyond the dashed line the provider makes them smaller before it looks");
    }
    line
}

fn repeats(file: &FileSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if file.duplicates.count > 0 {
        lines.push(format!(
            "{} of an earlier example, the first on line {}",
            count(file.duplicates.count, "copy").replace("copys", "copies"),
            number(file.duplicates.first.line)
        ));
    }
    if file.conflicts.count > 0 {
        lines.push(format!(
            "{} with another answer elsewhere, the first on line {}",
            count(file.conflicts.count, "prompt"),
            number(file.conflicts.first.line)
        ));
    }
    let (answered, common) = (file.answered(), file.most_common_answer());
    if common > 1 {
        lines.push(format!(
            "the most common answer is given {} ({})",
            count(common, "time"),
            percent(common as f64 / answered.max(1) as f64)
        ));
    }
    let (uses, size) = file.most_used_image();
    if uses > 1 {
        let share = percent(file.images.repeated_bytes as f64 / file.bytes.max(1) as f64);
        lines.push(format!(
            "one image of {} stands there {}; {share} of the file repeats images seen before",
            bytes(size),
            count(uses, "time")
        ));
    }
    lines
}

fn spread(values: &Distribution, limit: Option<u64>) -> String {
    let Some((low, high)) = values.range() else { return String::new() };
    let quantile = |q| number(values.quantile(q).unwrap_or_default());
    let limit = limit.map(|limit| format!(", limit {}", number(limit))).unwrap_or_default();
    if low == high {
        return format!("{} each{limit}", number(low));
    }
    format!("{} to {}, median {}, 95 % have at most {}{limit}", number(low), number(high), quantile(0.5), quantile(0.95))
}

fn bars(items: Vec<(String, u64)>) -> Vec<Bar> {
    let most = items.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    items
        .into_iter()
        .map(|(label, count)| Bar { label, value: number(count), filled: (count as f64 / most as f64 * 1000.0).round() / 10.0 })
        .collect()
}

fn picture(picture: &Picture) -> PictureView {
    let (image, reason) = match &picture.thumbnail {
        Ok(url) => (Some(url.clone()), None),
        Err(reason) => (None, Some(reason.clone())),
    };
    let place = format!("{}:{}", sanitised(&picture.path), picture.line);
    PictureView { place, codes: picture.codes.join(" "), facts: picture.facts.clone(), image, reason }
}

fn samples(summary: &Summary, settings: &Settings) -> Vec<SampleView> {
    let mut reader = Reader::new(settings, CUT);
    reader.draw(DRAWN);
    let view = |sample: &crate::exhibit::Sample| SampleView {
        place: format!("{}:{}", sanitised(&sample.path), sample.line),
        chat: reader.read(&sample.bytes),
    };
    summary.exhibits.samples.iter().map(view).collect()
}

fn facts(settings: &Settings) -> Vec<(&'static str, String)> {
    let looked_up = settings.target.formats.values().map(|format| format.checked.to_string()).max();
    let mut facts = vec![
        ("tunelint", env!("CARGO_PKG_VERSION").to_owned()),
        ("date", settings.today.to_string()),
        ("target", format!("{}{}", settings.target.name, looked_up.map(|date| format!(", looked up on {date}")).unwrap_or_default())),
    ];
    facts.extend(settings.model_name.as_ref().map(|model| ("model", sanitised(model).into_owned())));
    let images = match settings.images {
        crate::settings::ImageChecks::None => "URLs only",
        crate::settings::ImageChecks::Header => "headers",
        crate::settings::ImageChecks::Full => "every byte",
    };
    facts.push(("images", images.to_owned()));
    facts.push(("tokens", if settings.count_tokens { "counted" } else { "not counted" }.to_owned()));
    facts
}
