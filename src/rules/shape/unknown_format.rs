use crate::context::{Context, Head};
use crate::diagnostic::{nearest, quoted};
use crate::format::{Format, Shape};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "S002",
    name: "unknown-format",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Unexpected file format, expected either prompt/completion pairs or chat messages."),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unknown_format.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if cx.settings.format.is_some() || head.shape != Some(Shape::Unknown) {
        return;
    }
    let formats = || cx.settings.target.formats.keys().map(|format| (format.name(), keys_of(*format)));
    let meant = |key: &String| nearest(key, formats().flat_map(|(_, keys)| keys.iter().copied())).filter(|near| near != key);
    let near = head.first_keys.iter().find_map(|key| Some((key, meant(key)?)));
    let help = match near {
        Some((key, near)) => format!("rename {} to `{near}`", quoted(key)),
        None => {
            let taken: Vec<_> = formats().map(|(name, keys)| format!("{name} (`{}`)", keys.join("`, `"))).collect();
            format!("{} takes {}", cx.target(), taken.join("; "))
        }
    };
    let keys: Vec<_> = head.first_keys.iter().map(|key| quoted(key)).collect();
    let message = match keys.as_slice() {
        [] => "the objects of this file are empty".to_owned(),
        [key] => format!("the objects of this file are in no known format: they have the key {key}"),
        keys => format!("the objects of this file are in no known format: they have the keys {}", keys.join(", ")),
    };
    cx.report(Place { line: 1, offset: 0 }, message).help(help);
}

/// The keys that make a line an example of `format`.
fn keys_of(format: Format) -> &'static [&'static str] {
    match format {
        Format::Chat | Format::Reinforcement => &["messages"],
        Format::Preference => &["input", "preferred_output", "non_preferred_output"],
        Format::Completion => &["prompt", "completion"],
        Format::Text => &["text"],
    }
}
