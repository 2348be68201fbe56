use crate::context::{Context, Line};
use crate::json::FaultKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J002",
    name: "incomplete-json",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("incomplete_json.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::UnexpectedEnd) {
        let in_string = matches!(line.bytes.get(fault.span.range().start), Some(b'"' | b'\\'));
        let place = if in_string { "inside a string" } else { "before the value is complete" };
        let help = match (line.ends_file, in_string) {
            (true, _) => "nothing follows: the file was cut here; write or fetch it again, examples may be missing",
            (false, true) => "a line break inside a string is written `\\n`; if the line was cut, write it again",
            (false, false) => "a whole object stands on each line; if the line was cut, write it again",
        };
        cx.report(fault.span, format!("the line ends {place}")).help(help);
    }
}
