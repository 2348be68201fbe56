use crate::context::Context;
use crate::diagnostic::number;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M024",
    name: "untrained-example",
    severity: Severity::Warning,
    effect: Effect::Costs,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("untrained_example.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if example.format != Format::Chat || example.messages.iter().any(|message| message.is_trained()) {
        return;
    }
    let answers = example.messages.iter().filter(|message| message.is("assistant"));
    let Some(weight) = answers.clone().next_back().and_then(|last| last.get("weight")) else { return };
    let count = answers.count() as u64;
    let what = match count {
        1 => "the only assistant message has".to_owned(),
        2 => "both assistant messages have".to_owned(),
        count => format!("all {} assistant messages have", number(count)),
    };
    cx.report(weight, format!("{what} `weight` 0: nothing is learned from this example"))
        .help("give the answer to be learned `weight` 1, or remove the example");
}
