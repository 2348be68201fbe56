use crate::context::{Anchor, Context};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "F001",
    name: "empty-file",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("empty_file.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    if file.lines == file.blank.count {
        cx.report(Anchor::File, "the file holds no example")
            .help("check that the step that writes it has run, and that this is the right path");
    }
}
