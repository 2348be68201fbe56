use crate::context::Context;
use crate::diagnostic::number;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "P009",
    name: "multiple-outputs",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("multiple_outputs.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.format != Format::Preference {
        return;
    }
    for key in ["preferred_output", "non_preferred_output"] {
        let Some((list, items)) = example.root.get(key).and_then(|list| Some((list, list.as_array()?))) else { continue };
        if items.len() > 1 {
            cx.report(list, format!("`{key}` has {} messages; it holds one, the answer", number(items.len() as u64)))
                .help("keep the last assistant message, and move what comes before it to `input.messages`");
        }
    }
}
