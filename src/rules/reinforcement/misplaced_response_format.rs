use crate::context::Context;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "R002",
    name: "misplaced-response-format",
    severity: Severity::Warning,
    effect: Effect::Ignored,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("misplaced_response_format.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if let Some(member) = example.root.member("response_format").filter(|_| example.format == Format::Reinforcement) {
        cx.report(member, "`response_format` in a line is data for graders: the model is not held to it")
            .help("give `response_format` with the method when the job is created, and remove it here");
    }
}
