use crate::context::Context;
use crate::diagnostic::{count, nearest, quoted};
use crate::format::{Example, Message};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I024",
    name: "invalid-detail",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_detail.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let allowed = &cx.settings.target.images.details.value;
    let details = example.messages.iter().flat_map(Message::images).filter_map(|image| image.detail);
    let mut invalid = details.filter(|detail| !detail.as_str().is_some_and(|name| allowed.iter().any(|allowed| allowed == name)));
    let Some(first) = invalid.next() else { return };
    let more = invalid.count() as u64;
    let also = if more > 0 { format!("; the same goes for {}", count(more, "more image")) } else { String::new() };
    let names = allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let (what, help) = match first.as_str() {
        Some("original") => {
            ("there is no detail `original` in training files".to_owned(), "use `high`; `original` belongs to another API".to_owned())
        }
        Some(name) => {
            let near = nearest(name, allowed.iter().map(String::as_str));
            (
                format!("there is no detail {}", quoted(name)),
                near.map_or(format!("use one of {names}"), |near| format!("did you mean `{near}`?")),
            )
        }
        None => (format!("`detail` must be a string, not {}", first.kind()), format!("use one of {names}, or leave the key out")),
    };
    cx.report(first, format!("{what}{also}")).help(help);
}
