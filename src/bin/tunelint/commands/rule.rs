//! `tunelint rule`: the page of a rule, or the list of all.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::json;
use tunelint::edit::Applicability;
use tunelint::rule::Rule;
use tunelint::rules::{self, REGISTRY};

use crate::Exit;
use crate::cli::{RuleArguments, TextOrJson};

pub(crate) fn run(arguments: &RuleArguments) -> Result<Exit, String> {
    let chosen: Vec<&Rule> = match &arguments.rule {
        Some(name) => vec![rules::find(name).ok_or_else(|| unknown(name))?],
        None => rules::all(),
    };
    let text = match arguments.output_format {
        TextOrJson::Json => {
            let rules: Vec<_> = chosen.iter().map(|rule| as_json(rule)).collect();
            let value = if arguments.rule.is_some() { rules.into_iter().next().unwrap_or_default() } else { rules.into() };
            format!("{value:#}\n")
        }
        TextOrJson::Text if arguments.rule.is_some() || arguments.all => {
            chosen.iter().map(|rule| page(rule)).collect::<Vec<_>>().join("\n")
        }
        TextOrJson::Text => list(),
    };
    // A reader that has seen enough is no failure.
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(Exit::Clean)
}

fn unknown(name: &str) -> String {
    let names = REGISTRY.iter().flat_map(|(rule, _)| [rule.name, rule.code]);
    let quoted = tunelint::diagnostic::quoted(name);
    match tunelint::diagnostic::nearest(name, names) {
        Some(near) => format!("there is no rule {quoted}; did you mean `{near}`?"),
        None => format!("there is no rule {quoted}; `tunelint rule` lists them"),
    }
}

fn as_json(rule: &Rule) -> serde_json::Value {
    json!({
        "code": rule.code,
        "name": rule.name,
        "summary": rule.summary(),
        "severity": rule.severity.name(),
        "opt_in": rule.opt_in,
        "fix": rule.fix.map(Applicability::name),
        "effect": rule.effect.name(),
        "evidence": rule.evidence.name(),
        "provider_message": rule.provider_message,
        "since": rule.since,
        "url": rule.url(),
        "docs": rule.docs,
    })
}

fn page(rule: &Rule) -> String {
    let bold = anstyle::Style::new().bold();
    let level =
        if rule.opt_in { format!("off unless a target or you turn it on (then {})", rule.severity) } else { rule.severity.to_string() };
    let fix = match rule.fix {
        Some(Applicability::Safe) => ", fixed by `--fix`",
        Some(Applicability::Unsafe) => ", fixed by `--fix --unsafe-fixes`",
        None => "",
    };
    let mut out = format!("{bold}{} {}{bold:#}\n{level}, {}, {}{fix}\n\n", rule.code, rule.name, rule.effect, rule.evidence);
    for line in rule.docs.lines() {
        let line = match line.strip_prefix("## ").or_else(|| line.strip_prefix("# ")) {
            Some(heading) => format!("{bold}{heading}{bold:#}"),
            None => line.to_owned(),
        };
        let _ = writeln!(out, "{line}");
    }
    out
}

fn list() -> String {
    let width = REGISTRY.iter().map(|(rule, _)| rule.name.len()).max().unwrap_or_default();
    let mut out = String::new();
    for (rule, _) in REGISTRY {
        let level = if rule.opt_in { "off" } else { rule.severity.name() };
        let _ = writeln!(out, "{}  {:<width$}  {level:<7}  {}", rule.code, rule.name, rule.summary());
    }
    out
}
