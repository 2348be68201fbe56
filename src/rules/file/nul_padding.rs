use crate::context::{Anchor, Context, Line};
use crate::diagnostic::count;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "F017",
    name: "nul-padding",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("nul_padding.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    if !line.bytes.is_empty() && line.bytes.iter().all(|&byte| byte == 0) {
        cx.report(Anchor::Line, format!("there is nothing in this line but {}", count(line.bytes.len() as u64, "NUL byte")))
            .help("a write was broken off, as by a power failure: cut the zeros off, and write again what stood there");
    }
}
