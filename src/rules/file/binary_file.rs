use crate::context::{Anchor, Context, Head, HeadFault};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "F009",
    name: "binary-file",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("binary_file.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let Some(HeadFault::Binary(kind)) = head.fault else { return };
    cx.report(Anchor::File, format!("this is {kind}, not JSONL"))
        .help("check the path; data in another form is to be exported as JSONL first");
}
