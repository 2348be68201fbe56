use crate::context::{Anchor, Context};
use crate::diagnostic::quoted;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Summary;

pub(crate) static RULE: Rule = Rule {
    code: "L011",
    name: "retired-model",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("retired_model.md"),
};

pub(crate) fn check(run: &Summary, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let (target, today) = (&settings.target, settings.today);
    let Some(model) = settings.model.as_ref().filter(|model| !model.is_open(today) && !target.is_closed(today)) else { return };
    let name = quoted(&model.name);
    let shutdown = model.shutdown.as_ref().map(|end| end.value).filter(|end| *end <= today);
    let message = match (shutdown, &model.jobs_until) {
        (Some(end), _) => format!("{name} was shut down on {end}, with everything trained on it"),
        (None, Some(last)) => format!("no job on {name} is taken after {}", last.value),
        (None, None) => return,
    };
    let formats: Vec<_> = run.files.iter().filter_map(|file| file.format(settings)).collect();
    let fits = |other: &&crate::target::Model| other.is_open(today) && formats.iter().all(|format| other.formats.contains(format));
    let left: Vec<_> = target.models.iter().filter(fits).map(|model| format!("`{}`", model.name)).collect();
    let help = match left.is_empty() {
        true => format!("{} has no other model for this format; other targets may", cx.target()),
        false => format!("left for this format: {}", left.join(", ")),
    };
    cx.report(Anchor::File, message).help(help);
}
