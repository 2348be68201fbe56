use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Summary;

pub(crate) static RULE: Rule = Rule {
    code: "L013",
    name: "unknown-model",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unknown_model.md"),
};

pub(crate) fn check(_: &Summary, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let models = &settings.target.models;
    let Some(name) = settings.model_name.as_ref().filter(|_| settings.model.is_none() && !models.is_empty()) else { return };
    let message = format!("{} does not list the model {}: its limits and prices are not known", cx.target(), quoted(name));
    let open = || models.iter().filter(|model| model.is_open(settings.today));
    let names = open().flat_map(|model| std::iter::once(&model.name).chain(&model.aliases)).map(String::as_str);
    let help = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("those that can be trained: {}", open().map(|model| format!("`{}`", model.name)).collect::<Vec<_>>().join(", ")),
    };
    cx.report(Anchor::File, message).help(help);
}
