use crate::context::Context;
use crate::diagnostic::{count, quoted};
use crate::format::{Example, Message};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I002",
    name: "unsupported-images",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unsupported_images.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let mut images = example.messages.iter().flat_map(Message::images);
    let Some(first) = images.next() else { return };
    let all = count(1 + images.count() as u64, "image");
    let (target, format) = (&settings.target, example.format);
    let formats = &target.images.in_formats.value;
    if !formats.contains(&format) {
        let names = formats.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
        let message = format!("this {} example holds {all}; {} takes images in these formats only: {names}", format.name(), cx.target());
        cx.report(first.url, message).help("describe in words what the images show, or leave the example out");
        return;
    }
    let Some(model) = settings.model.as_ref().filter(|model| !model.images) else { return };
    let fit = target.models.iter().filter(|other| other.images && other.formats.contains(&format) && other.is_open(settings.today));
    let names: Vec<_> = fit.map(|model| format!("`{}`", model.name)).collect();
    let help = match names.is_empty() {
        true => "leave the images out".to_owned(),
        false => format!("train {}, or leave the images out", names.join(" or ")),
    };
    let message = format!("this example holds {all}; {} does not train {} on images", cx.target(), quoted(&model.name));
    cx.report(first.url, message).help(help);
}
