use crate::context::{Context, Head, HeadFault};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F007",
    name: "pointer-file",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("pointer_file.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let Some(HeadFault::Pointer(tool)) = head.fault else { return };
    let command = match tool {
        "DVC" => "dvc pull",
        "git-annex" => "git annex get",
        _ => "git lfs pull",
    };
    cx.report(Place { line: 1, offset: 0 }, format!("this is a {tool} pointer; the data itself is not here"))
        .help(format!("fetch the data with `{command}`, and check the file it puts in this place"));
}
