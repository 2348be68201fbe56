use crate::context::{Context, Head, HeadFault};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F006",
    name: "utf-16-encoding",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("utf_16_encoding.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let Some(HeadFault::WideEncoding(encoding)) = head.fault else { return };
    let help = format!("write it as UTF-8: `iconv -f {encoding} -t UTF-8 old > new.jsonl`; in PowerShell `Out-File -Encoding utf8NoBOM`");
    cx.report(Place { line: 1, offset: 0 }, format!("the file is encoded as {encoding}, not UTF-8"))
        .help(help)
        .fix(Fix::safe("write it as UTF-8", []));
}
