//! The JSON contract `tunelint/findings@1`. Findings are written as they come; nothing is left out. Keys may be added
//! within the version, never renamed or removed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::{Reporter, json_text, shown_edits};
use crate::diagnostic::Diagnostic;
use crate::edit;
use crate::settings::Settings;
use crate::summary::{Distribution, FileSummary, Summary};

pub(super) struct Json<'a> {
    out: Box<dyn Write + 'a>,
    target: String,
    model: Option<String>,
    begun: bool,
}

impl<'a> Json<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>, settings: &Settings) -> Self {
        Self { out, target: settings.target.name.clone(), model: settings.model_name.clone(), begun: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        let tool = serde_json::json!({ "name": "tunelint", "version": env!("CARGO_PKG_VERSION") });
        let target = json_text(&self.target)?;
        let model = json_text(&self.model)?;
        write!(self.out, "{{\"schema\":\"tunelint/findings@1\",\"tool\":{tool},\"target\":{target},\"model\":{model},\"findings\":[")
    }
}

#[derive(Serialize)]
pub(super) struct Finding<'a> {
    code: &'static str,
    name: &'static str,
    severity: &'static str,
    effect: &'static str,
    evidence: &'static str,
    message: &'a str,
    help: Option<&'a str>,
    url: String,
    path: &'a str,
    line: Option<u64>,
    column: Option<u64>,
    end_column: Option<u64>,
    byte_in_line: Option<u64>,
    file_offset: Option<u64>,
    pointer: Option<&'a str>,
    line_hash: Option<String>,
    provider_message: Option<&'a str>,
    fix: Option<Fix<'a>>,
}

#[derive(Serialize)]
struct Fix<'a> {
    applicability: &'static str,
    message: &'a str,
    /// Empty where only `--fix` works them out (a file written anew, an image encoded anew), null where they are too many or too
    /// long to be shown.
    edits: Option<Vec<Edit<'a>>>,
}

/// Bytes of the line, and what takes their place.
#[derive(Serialize)]
struct Edit<'a> {
    byte_in_line: usize,
    end_byte_in_line: usize,
    replacement: &'a str,
}

impl<'a> From<&'a edit::Fix> for Fix<'a> {
    fn from(fix: &'a edit::Fix) -> Self {
        let wire = |edit: &'a edit::Edit| Edit { byte_in_line: edit.start, end_byte_in_line: edit.end, replacement: &edit.replacement };
        Self {
            applicability: fix.applicability.name(),
            message: &fix.title,
            edits: shown_edits(fix).map(|edits| edits.iter().map(wire).collect()),
        }
    }
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        let line = diagnostic.location.line.as_ref();
        Self {
            code: diagnostic.rule.code,
            name: diagnostic.rule.name,
            severity: diagnostic.severity.name(),
            effect: diagnostic.effect.name(),
            evidence: diagnostic.evidence.name(),
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            url: diagnostic.rule.url(),
            path: &diagnostic.location.path,
            line: line.map(|line| line.line),
            column: line.map(|line| line.column),
            end_column: line.map(|line| line.end_column),
            byte_in_line: line.map(|line| line.byte_in_line),
            file_offset: line.map(|line| line.file_offset),
            pointer: line.map(|line| line.pointer.as_str()),
            line_hash: line.and_then(|line| line.hash).map(|hash| format!("{hash:032x}")),
            provider_message: diagnostic.provider_message.as_deref(),
            fix: diagnostic.fix.as_ref().map(Fix::from),
        }
    }
}

impl Reporter for Json<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        if self.begun {
            self.out.write_all(b",\n")?;
        } else {
            self.begin()?;
            self.begun = true;
        }
        self.out.write_all(json_text(&Finding::from(diagnostic))?.as_bytes())
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        if !self.begun {
            self.begin()?;
        }
        writeln!(self.out, "],\"summary\":{}}}", json_text(&Totals::new(summary, settings))?)?;
        self.out.flush()
    }
}

#[derive(Serialize)]
pub(super) struct Totals {
    verdict: &'static str,
    files: Vec<File>,
    rules: BTreeMap<&'static str, u64>,
    /// Findings that the baseline knows; they are not listed, nor counted elsewhere.
    baselined: u64,
    fixable: Fixable,
    /// Of the first file, which is the one trained on; the others are taken for validation.
    epochs: Option<u64>,
    cost_usd: Option<f64>,
    price_checked: Option<String>,
}

impl Totals {
    pub(super) fn new(summary: &Summary, settings: &Settings) -> Self {
        let training = summary.files.first();
        let price = settings.model.as_ref().and_then(|model| model.price.as_ref());
        Self {
            verdict: summary.verdict().name(),
            files: summary.files.iter().map(|file| File::new(file, settings)).collect(),
            rules: summary.rules.iter().map(|(code, rule)| (*code, rule.count)).collect(),
            baselined: summary.baselined,
            fixable: Fixable { safe: summary.fixable.0, risky: summary.fixable.1 },
            epochs: training.and_then(|file| file.epochs(settings)),
            cost_usd: training.and_then(|file| file.cost(settings)),
            price_checked: price.map(|price| price.checked.to_string()),
        }
    }
}

/// Findings that have a fix.
#[derive(Serialize)]
struct Fixable {
    safe: u64,
    #[serde(rename = "unsafe")]
    risky: u64,
}

#[derive(Serialize)]
struct File {
    path: String,
    bytes: u64,
    lines: u64,
    examples: u64,
    format: &'static str,
    tokens: Option<Tokens>,
    images: Images,
    epochs: Option<u64>,
    cost_usd: Option<f64>,
    messages_per_example: Option<Spread>,
}

#[derive(Serialize)]
struct Tokens {
    text: u64,
    image: u64,
    total: u64,
    trained: u64,
    tools: u64,
    billed_per_epoch: u64,
    per_example: Option<Spread>,
}

#[derive(Serialize)]
struct Images {
    count: u64,
    unique: u64,
    unmeasured: u64,
    bytes: u64,
    examples: u64,
    per_example: Option<Spread>,
}

/// A distribution in short: quantiles are values that really occur.
#[derive(Serialize)]
struct Spread {
    min: u64,
    median: u64,
    p95: u64,
    max: u64,
}

impl Spread {
    fn of(distribution: &Distribution) -> Option<Self> {
        let (min, max) = distribution.range()?;
        Some(Self { min, median: distribution.quantile(0.5)?, p95: distribution.quantile(0.95)?, max })
    }
}

impl File {
    fn new(file: &FileSummary, settings: &Settings) -> Self {
        let tokens = settings.count_tokens.then(|| Tokens {
            text: file.tokens.text,
            image: file.tokens.image,
            total: file.tokens.total(),
            trained: file.tokens.trained,
            tools: file.tokens.tools,
            billed_per_epoch: file.tokens.billed,
            per_example: Spread::of(&file.token_distribution),
        });
        Self {
            path: file.path.to_string(),
            bytes: file.bytes,
            lines: file.lines,
            examples: file.examples,
            format: file.shape.map_or("unknown", crate::format::Shape::name),
            tokens,
            images: Images {
                count: file.images.count,
                unique: file.images.unique,
                unmeasured: file.images.unmeasured,
                bytes: file.images.bytes,
                examples: file.image_examples,
                per_example: Spread::of(&file.image_distribution),
            },
            epochs: file.epochs(settings),
            cost_usd: file.cost(settings),
            messages_per_example: Spread::of(&file.message_distribution),
        }
    }
}
