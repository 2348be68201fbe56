//! `tunelint target`: what a target demands, each number with its source, or the list of all.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use tunelint::diagnostic::{bytes, number};
use tunelint::rule::Evidence;
use tunelint::target::{BUILTIN, Date, Fact, ImageTokens, Level, Limit, Model, Target};

use crate::Exit;
use crate::cli::TargetArguments;

pub(crate) fn run(arguments: &TargetArguments) -> Result<Exit, String> {
    let text = match &arguments.target {
        Some(name) => describe(&load(name)?),
        None => {
            let mut out = String::new();
            for (name, _) in BUILTIN {
                let target = load(name)?;
                let _ = writeln!(out, "{name:<10}  {}", target.summary);
            }
            out
        }
    };
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(Exit::Clean)
}

/// A target by its name, or from a file of the user's.
pub(crate) fn load(name: &str) -> Result<Target, String> {
    if !name.ends_with(".toml") && !name.contains('/') {
        return Target::builtin(name).map_err(|error| error.to_string());
    }
    let text = std::fs::read_to_string(Path::new(name)).map_err(|error| format!("{name}: {}", crate::files::reason(&error)))?;
    Target::from_toml(name, &text).map_err(|error| error.to_string())
}

fn describe(target: &Target) -> String {
    let bold = anstyle::Style::new().bold();
    let mut out = format!("{bold}{}{bold:#} ({})\n{}\n", target.title, target.name, target.summary);
    if let Some(cutoff) = &target.jobs_until {
        let _ = writeln!(out, "Takes no new job after {} ({}).", cutoff.value, source(cutoff));
    }
    let _ = writeln!(out, "\n{bold}Formats{bold:#}");
    for (format, rules) in &target.formats {
        let keys = rules.keys.as_ref().map_or("keys are free".to_owned(), |keys| format!("keys {}", keys.join(", ")));
        let roles = if rules.roles.is_empty() { String::new() } else { format!("; roles {}", rules.roles.join(", ")) };
        let _ = writeln!(out, "  {:<14} {keys}{roles} ({})", format.name(), cited(&rules.source, rules.evidence, rules.checked));
    }
    let _ = writeln!(out, "\n{bold}Limits{bold:#}");
    let limits = &target.limits;
    let counts = [
        ("examples, at least", &limits.examples_min),
        ("examples, recommended", &limits.examples_recommended),
        ("examples, at most", &limits.examples_max),
        ("examples with images", &limits.image_examples_max),
        ("examples for reinforcement", &limits.reinforcement_examples_max),
        ("examples × epochs", &limits.examples_times_epochs),
        ("epochs", &limits.epochs_max),
        ("skipped examples", &limits.skipped_examples_max),
        ("tokens × epochs", &limits.tokens_times_epochs),
        ("messages in an example", &limits.messages_max),
        ("tools in an example", &limits.tools_max),
        ("functions in an example", &limits.functions_max),
        ("images in an example", &target.images.per_example),
    ];
    let sizes = [
        ("upload", &limits.upload_bytes),
        ("upload in parts", &limits.multipart_upload_bytes),
        ("file of a job", &limits.job_bytes),
        ("image", &target.images.bytes),
    ];
    for (name, limit, show) in counts
        .map(|(name, limit)| (name, limit, number as fn(u64) -> String))
        .into_iter()
        .chain(sizes.map(|(name, limit)| (name, limit, bytes as fn(u64) -> String)))
    {
        if let Some(limit) = limit {
            limit_line(&mut out, name, limit, show);
        }
    }
    let _ = writeln!(out, "\n{bold}Messages{bold:#}");
    for (name, fact) in [("keys", &target.message_keys), ("parts", &target.part_types)] {
        let _ = writeln!(out, "  {name:<26} {} ({})", fact.value.join(", "), source(fact));
        note(&mut out, fact);
    }
    let _ = writeln!(out, "\n{bold}Images{bold:#}");
    for (name, fact) in [
        ("formats", &target.images.formats),
        ("colour modes", &target.images.modes),
        ("given as", &target.images.schemes),
        ("in messages of", &target.images.roles),
        ("detail", &target.images.details),
    ] {
        let _ = writeln!(out, "  {name:<26} {} ({})", fact.value.join(", "), source(fact));
        note(&mut out, fact);
    }
    let tokens = &target.tokens;
    let _ = writeln!(out, "\n{bold}Tokens and epochs{bold:#}");
    let _ = writeln!(
        out,
        "  {:<26} {} a message, {} a name, {} an example; {} unless a model names another ({})",
        "around text",
        tokens.per_message,
        tokens.per_name,
        tokens.per_example,
        tokens.encoding,
        cited(&tokens.source, tokens.evidence, tokens.checked)
    );
    if let Some(epochs) = &target.epochs {
        let _ = writeln!(
            out,
            "  {:<26} {}, for {} to {} examples × epochs; {} to {} ({})",
            "default epochs",
            epochs.target,
            number(epochs.examples_min),
            number(epochs.examples_max),
            epochs.min,
            epochs.max,
            cited(&epochs.source, epochs.evidence, epochs.checked)
        );
    }
    if !target.models.is_empty() {
        let _ = writeln!(out, "\n{bold}Models{bold:#}");
        target.models.iter().for_each(|model| model_lines(&mut out, model));
    }
    if !target.rules.is_empty() {
        let _ = writeln!(out, "\n{bold}Rules judged otherwise here{bold:#}");
        for (rule, own) in &target.rules {
            let level = match own.level {
                Level::Off => "off",
                level => level.severity().map_or("off", tunelint::rule::Severity::name),
            };
            let _ = writeln!(out, "  {rule:<34} {level:<7} ({})", cited(&own.source, own.evidence, own.checked));
        }
    }
    let _ = writeln!(out, "\n{bold}Sources{bold:#}");
    for (key, address) in &target.sources {
        let _ = writeln!(out, "  {key:<12} {address}");
    }
    out
}

fn source<T>(fact: &Fact<T>) -> String {
    cited(&fact.source, fact.evidence, fact.checked)
}

fn cited(source: &str, evidence: Evidence, checked: Date) -> String {
    format!("{source}, {evidence}, {checked}")
}

fn note<T>(out: &mut String, fact: &Fact<T>) {
    if let Some(note) = &fact.note {
        let _ = writeln!(out, "  {:<26} {note}", "");
    }
}

fn limit_line(out: &mut String, name: &str, limit: &Limit, show: fn(u64) -> String) {
    let _ = writeln!(out, "  {name:<26} {} ({})", show(limit.value), source(limit));
    note(out, limit);
}

fn model_lines(out: &mut String, model: &Model) {
    let formats: Vec<_> = model.formats.iter().map(|format| format.name()).collect();
    let mut facts = vec![formats.join(", ")];
    if model.images {
        facts.push("images".to_owned());
    }
    if let Some(context) = &model.context {
        facts.push(format!("{} tokens an example ({})", number(context.value), source(context)));
    }
    if let Some(price) = &model.price {
        facts.push(format!("${} per million trained tokens ({})", price.value, source(price)));
    }
    match &model.image_tokens {
        Some(ImageTokens::Tiles { base, tile, .. }) => facts.push(format!("an image {base} + {tile} a tile")),
        Some(ImageTokens::Patches { multiplier, budget, .. }) => {
            facts.push(format!("an image {multiplier} a patch, up to {budget} patches"))
        }
        None => {}
    }
    if let Some(cutoff) = &model.jobs_until {
        facts.push(format!("no new job after {} ({})", cutoff.value, cutoff.source));
    }
    if let Some(cutoff) = &model.shutdown {
        facts.push(format!("shut down on {} ({})", cutoff.value, cutoff.source));
    }
    let _ = writeln!(out, "  {:<26} {}", model.name, facts.join("; "));
}
