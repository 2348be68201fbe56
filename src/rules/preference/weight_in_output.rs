use crate::context::Context;
use crate::edit::{Applicability, Edit, Fix};
use crate::format::{Example, Section};
use crate::json::Member;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;

pub(crate) static RULE: Rule = Rule {
    code: "P005",
    name: "weight-in-output",
    severity: Severity::Warning,
    effect: Effect::Ignored,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("weight_in_output.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let answers = example
        .messages
        .iter()
        .filter(|message| message.is("assistant") && matches!(message.section, Section::Preferred | Section::NonPreferred));
    let weights = answers.clone().filter_map(|message| message.value.member("weight").filter(|weight| !weight.value.is_null()));
    let found = few(weights);
    if found.is_empty() {
        return;
    }
    let line = cx.line();
    let is_out = |member: &Member<'_>| member.key == "weight" && !member.value.is_null();
    let edits: Vec<Edit> = answers.flat_map(|message| message.value.without(line, is_out)).collect();
    let mut fix = Some(Fix::safe("remove the weights", edits));
    for (weight, more) in found {
        cx.report(weight, format!("`weight` has no meaning in the answers of a preference{more}"))
            .help("remove it: both answers are always compared")
            .fix(fix.take());
    }
}
