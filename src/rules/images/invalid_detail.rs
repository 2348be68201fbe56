use crate::context::Context;
use crate::diagnostic::{count, nearest, only_near, quoted};
use crate::edit::{Applicability, Edit, Fix};
use crate::format::{Example, Message};
use crate::json::{Value, quote};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I024",
    name: "invalid-detail",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_detail.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let allowed = &cx.settings.target.images.details.value;
    let details = example.messages.iter().flat_map(Message::images).filter_map(|image| image.detail);
    let is_invalid = |detail: &&Value<'_>| !detail.as_str().is_some_and(|name| allowed.iter().any(|allowed| allowed == name));
    let all: Vec<&Value<'_>> = details.filter(is_invalid).collect();
    let mut invalid = all.iter();
    let Some(&first) = invalid.next() else { return };
    let names = || allowed.iter().map(String::as_str);
    let meant = |detail: &Value<'_>| Some(detail.replaced(quote(only_near(detail.as_str()?, names())?)));
    let clear: Vec<Edit> = all.iter().filter_map(|detail| meant(detail)).collect();
    let high = names().find(|name| *name == "high").map(quote);
    let fix = match high.filter(|_| clear.is_empty()) {
        Some(high) => {
            let original = all.iter().filter(|detail| detail.as_str() == Some("original"));
            let edits: Vec<Edit> = original.map(|detail| detail.replaced(high.clone())).collect();
            (!edits.is_empty()).then(|| Fix::risky("write `high`", edits))
        }
        None => (!clear.is_empty()).then(|| Fix::safe("write it as the schema has it", clear)),
    };
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
    cx.report(first, format!("{what}{also}")).help(help).fix(fix);
}
