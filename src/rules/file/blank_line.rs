use crate::context::Context;
use crate::diagnostic::number;
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "F013",
    name: "blank-line",
    severity: Severity::Warning,
    effect: Effect::RejectsFile,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("blank_line.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let blank = file.blank;
    if blank.count == 0 || blank.count == file.lines {
        return;
    }
    let message = match blank.count {
        1 => "this line is blank".to_owned(),
        count => format!("{} lines are blank; this is the first", number(count)),
    };
    cx.report(blank.first, message)
        .help("remove blank lines; the last example is followed by one line break at most")
        .fix(Fix::safe("remove blank lines", []));
}
