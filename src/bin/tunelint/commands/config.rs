//! `tunelint config`: the settings that `tunelint check` would go by with the same arguments, as TOML, each with where it
//! comes from; or the JSON Schema of the configuration file.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;
use tunelint::rule::Severity;
use tunelint::settings::{ImageChecks, Origin, Settings};

use super::check::Plan;
use crate::Exit;
use crate::cli::{CheckArguments, ShowConfigArguments};
use crate::config::Loaded;
use crate::schema;

pub(crate) fn run(arguments: &ShowConfigArguments) -> Result<Exit, String> {
    let text = match arguments.schema {
        true => format!("{:#}\n", schema::of_configuration()),
        false => in_force(&arguments.check)?,
    };
    // A reader that has seen enough is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(Exit::Clean)
}

/// The settings for each path that is named, or for a dataset in this folder.
fn in_force(arguments: &CheckArguments) -> Result<String, String> {
    let mut plan = Plan::new(&arguments.judging, &arguments.config)?;
    let here = plan.config_for(Path::new("."))?;
    let mut out = String::new();
    let unnamed = [Path::new("train.jsonl").to_owned()];
    let paths = if arguments.paths.is_empty() { &unnamed[..] } else { &arguments.paths };
    for path in paths {
        let path = if path.is_dir() { path.join("train.jsonl") } else { path.clone() };
        let settings = plan.settings_for(&path)?;
        let fit = plan.fit(&path)?;
        let shown = tunelint::diagnostic::sanitised(&path.to_string_lossy()).into_owned();
        let _ = writeln!(out, "# for {shown}");
        describe(&mut out, arguments, &settings, &Sources { loaded: &fit.loaded, overrides: &fit.overrides });
    }
    let _ = writeln!(out, "# for the whole run");
    describe_run(&mut out, arguments, &here);
    Ok(out)
}

fn describe(out: &mut String, arguments: &CheckArguments, settings: &Settings, sources: &Sources<'_>) {
    let by = |key: &str, flag: bool| sources.of(key, flag);
    line(out, "target", settings.target.name.as_str(), &by("target", arguments.judging.target.is_some()));
    if let Some(model) = &settings.model_name {
        let origin =
            if settings.is_default_model { "the target's default".to_owned() } else { by("model", arguments.judging.model.is_some()) };
        line(out, "model", model.as_str(), &origin);
    }
    line(out, "method", settings.format.map_or("auto", |format| format.method()), &by("method", arguments.judging.method.is_some()));
    match settings.epochs {
        Some(epochs) => line(out, "epochs", epochs as i64, &by("epochs", arguments.judging.epochs.is_some())),
        None => unset(out, "epochs", "by the target's formula, if it publishes one"),
    }
    let images = match settings.images {
        ImageChecks::None => "none",
        ImageChecks::Header => "header",
        ImageChecks::Full => "full",
    };
    line(out, "images", images, &by("images", arguments.judging.images.is_some()));
    line(out, "tokens", settings.count_tokens, &by("tokens", arguments.judging.no_tokens));
    line(out, "max-line-bytes", settings.max_line_bytes as i64, &by("max-line-bytes", false));
    let _ = writeln!(out, "\n[rules] # those not at their own level");
    for judgement in settings.judgements() {
        let origin = match judgement.origin {
            Origin::Rule => continue,
            Origin::Target => format!("the target {}", settings.target.name),
            Origin::Config => sources.loaded.path.as_ref().map_or("--config".to_owned(), |path| path.display().to_string()),
            Origin::Flag => "flags".to_owned(),
        };
        let own = if judgement.rule.opt_in { "off" } else { judgement.rule.severity.name() };
        let level = judgement.severity.map_or("off", Severity::name);
        if level != own {
            line(out, judgement.rule.name, level, &format!("{origin}; {} by itself", own));
        }
    }
    out.push('\n');
}

fn describe_run(out: &mut String, arguments: &CheckArguments, here: &Loaded) {
    let config = &here.config;
    let sources = Sources { loaded: here, overrides: &[] };
    let by = |key: &str, flag: bool| sources.of(key, flag);
    let include: Vec<String> = match arguments.paths.as_slice() {
        [] => config.include.clone(),
        paths => paths.iter().map(|path| path.display().to_string()).collect(),
    };
    line(out, "include", include, &by("include", !arguments.paths.is_empty()));
    let exclude: Vec<String> = config.exclude.iter().chain(&arguments.selection.exclude).cloned().collect();
    line(out, "exclude", exclude, &by("exclude", !arguments.selection.exclude.is_empty()));
    let fail_on = arguments.fail_on.map(Severity::from).or(config.fail_on).unwrap_or(Severity::Error);
    line(out, "fail-on", fail_on.name(), &by("fail-on", arguments.fail_on.is_some()));
    let format = arguments.output.output_format.as_deref().or(config.output_format.as_deref()).unwrap_or("full");
    line(out, "output-format", format, &by("output-format", arguments.output.output_format.is_some()));
    let most = arguments.output.max_findings.or(config.max_findings).unwrap_or(5);
    line(out, "max-findings", most as i64, &by("max-findings", arguments.output.max_findings.is_some()));
    match arguments.baseline.as_ref().or(config.baseline.as_ref()) {
        Some(path) => line(out, "baseline", path.display().to_string(), &by("baseline", arguments.baseline.is_some())),
        None => unset(out, "baseline", "none"),
    }
}

/// Where settings come from: a configuration, and the overrides of it that fit.
struct Sources<'a> {
    loaded: &'a Loaded,
    overrides: &'a [usize],
}

impl Sources<'_> {
    /// Who said the value of `key`: a flag, a file, an override in it, or nobody.
    fn of(&self, key: &str, flag: bool) -> String {
        if flag {
            return "flag".to_owned();
        }
        let says = |index: &&usize| self.loaded.config.overrides.get(**index).is_some_and(|own| own.judging.says(key));
        let origin = |key: &str| self.loaded.origins.get(key).cloned();
        match self.overrides.iter().rev().find(says) {
            Some(index) => format!("{}, override {}", origin("overrides").unwrap_or_default(), index + 1),
            None => origin(key).unwrap_or_else(|| "default".to_owned()),
        }
    }
}

fn line(out: &mut String, key: &str, value: impl Into<Value>, origin: &str) {
    let text = format!("{key} = {}", value.into());
    let _ = writeln!(out, "{text:<40} # {}", tunelint::diagnostic::sanitised(origin));
}

fn unset(out: &mut String, key: &str, why: &str) {
    let _ = writeln!(out, "{:<40} # {why}", format!("# {key}"));
}
