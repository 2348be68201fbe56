use crate::context::{Anchor, Context, Head};
use crate::diagnostic::quoted;
use crate::format::{Format, Shape};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::target::Model;

pub(crate) static RULE: Rule = Rule {
    code: "L014",
    name: "untrainable-format",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("untrainable_format.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let (target, today) = (&settings.target, settings.today);
    let seen = match head.shape {
        Some(Shape::Known(format)) => Some(format),
        _ => None,
    };
    let Some(format) = settings.format.or(seen).filter(|format| target.formats.contains_key(format)) else { return };
    let takes = |model: &&Model| model.formats.contains(&format);
    let Some(model) = settings.model.as_ref().filter(|model| !takes(model)) else { return };
    let fit: Vec<_> = target.models.iter().filter(takes).collect();
    let open: Vec<_> = fit.iter().filter(|model| model.is_open(today)).map(|model| format!("`{}`", model.name)).collect();
    let what = format.name();
    // Nobody asked for the default model: it is no fault of the file that another one is due.
    let message = match (settings.is_default_model, fit.as_slice()) {
        (false, _) if model.is_open(today) => format!("{} is not trained on {what} files", quoted(&model.name)),
        (true, [gone, ..]) if open.is_empty() && !target.is_closed(today) => {
            let end = gone.shutdown.as_ref().map_or(String::new(), |end| format!(" on {}", end.value));
            format!("{} has no model left for {what} files: {} was shut down{end}", cx.target(), quoted(&gone.name))
        }
        _ => return,
    };
    let help = match (open.is_empty(), format) {
        (false, _) => format!("models for this format: {}", open.join(", ")),
        (true, Format::Reinforcement) => {
            "if these are chats, each must end with the answer of the assistant; else see other targets with `--target`".to_owned()
        }
        (true, _) => "other targets may take it: see `--target`".to_owned(),
    };
    cx.report(Anchor::File, message).help(help);
}
