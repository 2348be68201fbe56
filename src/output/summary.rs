//! The closing summary for people: each file's sums, findings by rule, and the verdict.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Color};
use unicode_width::UnicodeWidthStr as _;

use super::{Cap, Style};
use crate::diagnostic::{bytes, count, number, sanitised};
use crate::format::Shape;
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::{Distribution, FileSummary, Summary, Verdict};

/// Colours text, or does not.
#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    pub(super) fn severity(self, severity: Severity, text: impl fmt::Display) -> String {
        let color = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Info => AnsiColor::Cyan,
        };
        self.style(anstyle::Style::new().bold().fg_color(Some(Color::Ansi(color))), text)
    }

    pub(super) fn bold(self, text: impl fmt::Display) -> String {
        self.style(anstyle::Style::new().bold(), text)
    }

    pub(super) fn dim(self, text: impl fmt::Display) -> String {
        self.style(anstyle::Style::new().dimmed(), text)
    }

    pub(super) fn style(self, style: anstyle::Style, text: impl fmt::Display) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

/// The whole summary.
pub(super) fn text(summary: &Summary, settings: &Settings, cap: &Cap, style: Style) -> String {
    let paint = Paint(style.color);
    let mut out = String::new();
    for (index, file) in summary.files.iter().enumerate() {
        file_lines(&mut out, file, settings, index == 0, style);
    }
    if !summary.rules.is_empty() {
        let _ = writeln!(out, "{}", paint.bold("findings"));
        let mut rules: Vec<_> = summary.rules.iter().collect();
        rules.sort_by_key(|(code, rule)| (std::cmp::Reverse(rule.severity), **code));
        let name_width = rules.iter().map(|(_, rule)| rule.name.len()).max().unwrap_or_default();
        for (code, rule) in rules {
            let level = paint.severity(rule.severity, format_args!("{:<7}", rule.severity.name()));
            let more = match cap.held_back(code) {
                0 => String::new(),
                more => paint.dim(format!("  {} not shown", number(more))),
            };
            // On a narrow terminal what it does is left out: `tunelint rule` tells it too.
            let effect = if style.width < name_width + 43 { String::new() } else { format!("  {}", rule.effect) };
            let _ = writeln!(out, "  {level}  {code}  {:<name_width$}  {:>6}{effect}{more}", rule.name, number(rule.count));
        }
        if summary.rules.keys().any(|code| cap.held_back(code) > 0) {
            let _ = writeln!(out, "  {}", paint.dim("--max-findings 0 shows all; tunelint rule CODE explains one"));
        } else {
            let _ = writeln!(out, "  {}", paint.dim("tunelint rule CODE explains one"));
        }
        if let Some(fixable) = style.fixable(summary) {
            let _ = writeln!(out, "  {fixable}");
        }
        out.push('\n');
    }
    let _ = writeln!(out, "{}", verdict_line(summary, settings, style.color));
    out
}

fn file_lines(out: &mut String, file: &FileSummary, settings: &Settings, training: bool, style: Style) {
    let paint = Paint(style.color);
    let format = match file.shape {
        Some(Shape::Known(format)) => format!("{}, ", format.name()),
        Some(shape) => format!("{} (not a format {} takes), ", shape.name(), settings.target.title),
        None => String::new(),
    };
    let _ =
        writeln!(out, "{}: {format}{}, {}", paint.bold(sanitised(&file.path)), count(file.examples, "example"), count(file.lines, "line"));
    let row = |out: &mut String, name: &str, text: String| {
        let mut name = name;
        for line in wrapped(text.trim_end(), style.width.saturating_sub(11)) {
            let _ = writeln!(out, "  {name:<8} {line}");
            name = "";
        }
    };
    let spread = |distribution: &Distribution| spread(distribution, style.width >= 80 && !style.statistics);
    let limits = &settings.target.limits;
    let of = |limit: &Option<crate::target::Limit>, what: &str| limit.as_ref().map(|limit| format!("{what} limit {}", bytes(limit.value)));
    let sizes: Vec<_> = [of(&limits.upload_bytes, "upload"), of(&limits.job_bytes, "job")].into_iter().flatten().collect();
    let sizes = if sizes.is_empty() { String::new() } else { format!(" ({})", sizes.join(", ")) };
    row(out, "size", format!("{}{sizes}", bytes(file.bytes)));
    if settings.count_tokens && file.tokens.all() > 0 {
        let parts: Vec<_> = [(file.tokens.image, "images"), (file.tokens.tools, "tool definitions")]
            .into_iter()
            .filter(|(tokens, _)| *tokens > 0)
            .map(|(tokens, what)| format!("{} {what}", number(tokens)))
            .collect();
        let parts = if parts.is_empty() { String::new() } else { format!(" (of them {})", parts.join(", ")) };
        // Without a model that names its encoding another one stands in.
        let guess = match settings.model.as_ref().and_then(|model| model.encoding.as_ref()) {
            Some(_) => String::new(),
            None => format!("; an estimate, counted as {}", settings.target.tokens.encoding),
        };
        let is_priced = settings.model.as_ref().is_some_and(|model| model.image_tokens.is_some());
        let lacks = match file.images.unmeasured {
            lacking if lacking > 0 && is_priced => format!("; without {} of unknown size", count(lacking, "image")),
            _ => String::new(),
        };
        row(out, "tokens", format!("{}{parts}; {} trained on{guess}{lacks}", number(file.tokens.all()), number(file.tokens.trained)));
        if let Some(spread) = spread(&file.token_distribution) {
            row(out, "", format!("per example: {spread}"));
        }
        if style.statistics {
            histogram(out, &file.token_distribution, style.width);
        }
    }
    if let Some(spread) = spread(&file.message_distribution).filter(|_| file.message_distribution.range().is_some_and(|(_, most)| most > 0))
    {
        row(out, "messages", format!("per example: {spread}"));
    }
    if file.images.count > 0 {
        let share = if file.images.repeated_bytes > 0 {
            format!(", {:.0} % of the file repeats one seen before", 100.0 * file.images.repeated_bytes as f64 / file.bytes.max(1) as f64)
        } else {
            String::new()
        };
        row(
            out,
            "images",
            format!(
                "{} in {}, {} distinct{share}",
                number(file.images.count),
                count(file.image_examples, "example"),
                number(file.images.unique)
            ),
        );
        if let Some(spread) = spread(&file.image_distribution) {
            row(out, "", format!("per example that has any: {spread}"));
        }
    }
    if let (true, Some(model), Some(cost), Some(epochs)) = (training, &settings.model, file.cost(settings), file.epochs(settings))
        && let Some(price) = &model.price
        && file.tokens.billed > 0
    {
        let text = format!(
            "estimate ${cost:.2}: {} tokens × {} × ${:.2} per million for {} (price of {})",
            number(file.tokens.billed),
            count(epochs, "epoch"),
            price.value,
            model.name,
            price.checked
        );
        row(out, "cost", text);
    }
    out.push('\n');
}

fn spread(distribution: &Distribution, with_bars: bool) -> Option<String> {
    let (min, max) = distribution.range()?;
    if min == max {
        return Some(format!("{} each", number(min)));
    }
    let (median, p95) = (distribution.quantile(0.5)?, distribution.quantile(0.95)?);
    let figures = format!("{}–{}, median {}, p95 {}", number(min), number(max), number(median), number(p95));
    if !with_bars {
        return Some(figures);
    }
    let bars = distribution.histogram(16);
    let most = bars.iter().copied().max()?.max(1);
    let bar = |&bar: &u64| match bar {
        0 => ' ',
        bar => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'].get((bar * 7 / most) as usize).copied().unwrap_or('█'),
    };
    Some(format!("{figures}  {}", bars.iter().map(bar).collect::<String>()))
}

/// A bar for each of some equal steps, in eighths of a column.
fn histogram(out: &mut String, distribution: &Distribution, width: usize) {
    const STEPS: u64 = 8;
    let Some((low, high)) = distribution.range().filter(|(low, high)| high > low) else { return };
    let steps = STEPS.min(high - low + 1);
    let counts = distribution.histogram(steps as usize);
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let edge = |step: u64| low + (u128::from(high - low + 1) * u128::from(step)).div_ceil(u128::from(steps)) as u64;
    let (label, figure) = (number(high).len(), number(most).len());
    let room = width.saturating_sub(11 + 2 * label + figure + 5).clamp(4, 40) as u64;
    for (step, &count) in (0..).zip(&counts) {
        let eighths = (count * room * 8).div_ceil(most);
        let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get((eighths % 8) as usize).copied().unwrap_or_default();
        let bar = format!("  {}{part}", "█".repeat((eighths / 8) as usize));
        let (from, to) = (number(edge(step)), number(edge(step + 1) - 1));
        let _ = writeln!(out, "{:11}{from:>label$}–{to:<label$}  {:>figure$}{}", "", number(count), bar.trim_end());
    }
}

/// What will become of the dataset, in one line.
pub(super) fn verdict_line(summary: &Summary, settings: &Settings, color: bool) -> String {
    let paint = Paint(color);
    let title = &settings.target.title;
    let verdict = summary.verdict();
    let text = match verdict {
        Verdict::Rejected => format!("{title} would refuse this dataset"),
        Verdict::DataLoss => format!("{title} would take this dataset, and leave some of it out"),
        Verdict::Warnings => format!("{title} would take this dataset; look at the findings first"),
        Verdict::Ready if summary.baselined > 0 => format!("nothing found that {title} would refuse, beside the baseline"),
        Verdict::Ready => format!("nothing found that {title} would refuse"),
    };
    let severity = match verdict {
        Verdict::Rejected => Severity::Error,
        Verdict::DataLoss | Verdict::Warnings => Severity::Warning,
        Verdict::Ready => Severity::Info,
    };
    let counts: Vec<_> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")]
        .into_iter()
        .map(|(severity, noun)| (summary.findings(severity), noun))
        .filter(|(found, _)| *found > 0)
        .map(|(found, noun)| count(found, noun))
        .collect();
    let mut counts = if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") };
    if summary.baselined > 0 {
        let _ = write!(counts, "; {} in the baseline", count(summary.baselined, "finding"));
    }
    format!("{}: {text} ({counts})", paint.severity(severity, verdict.name()))
}

/// `text` in lines of at most `width` columns, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.width() + 1 + word.width() <= width => {
                line.push_str(if line.is_empty() { "" } else { " " });
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Facts;
    use crate::target::{Date, Target};
    use crate::tokens::ExampleTokens;

    #[test]
    fn sums_keep_to_a_narrow_terminal_and_bars_hold_all_examples() {
        let settings = Settings::new(Target::builtin("openai").expect("built in"), &crate::rules::all(), Date::from_unix(1_795_400_000));
        let mut summary = Summary::default();
        summary.files.push(FileSummary::new("train.jsonl".into()));
        for text in (0..1_000).map(|n| 10 + n * n % 3_000) {
            let tokens = ExampleTokens { text, trained: 5, ..ExampleTokens::default() };
            summary.absorb(&Facts { content: text.into(), tokens, messages: 3, ..Facts::default() }, None);
        }
        summary.files[0].shape = Some(Shape::Known(crate::format::Format::Chat));
        for width in [50, 60, 100] {
            let style = Style { color: false, width, max_findings: 5, summary: true, statistics: true, unsafe_fixes: false };
            let text = text(&summary, &settings, &Cap::new(5), style);
            let sums: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
            assert!(sums.iter().all(|line| line.width() <= width), "{text}");
            let bars: Vec<u64> = sums
                .iter()
                .filter(|line| line.contains('█') || line.contains('▏'))
                .filter_map(|line| line.split_whitespace().find_map(|word| word.replace(',', "").parse().ok()))
                .collect();
            assert_eq!((bars.len(), bars.iter().sum::<u64>()), (8, 1_000), "{text}");
        }
    }
}
