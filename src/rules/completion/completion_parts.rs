use crate::context::Context;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "C012",
    name: "completion-parts",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("completion_parts.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.format != Format::Completion {
        return;
    }
    for key in ["prompt", "completion"] {
        if let Some(parts) = example.root.get(key).filter(|value| value.as_array().is_some()) {
            cx.report(parts, format!("`{key}` must be a string, not a list"))
                .help("write the text as one string; images need the chat format");
        }
    }
}
