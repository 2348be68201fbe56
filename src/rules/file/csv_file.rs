use crate::context::{Context, Head, HeadFault};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F010",
    name: "csv-file",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("csv_file.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.fault == Some(HeadFault::Csv) {
        cx.report(Place { line: 1, offset: 0 }, "the lines are separated values (CSV or TSV), not JSON")
            .help("read it with Python's `csv.DictReader`, and write each row as one example with `json.dumps`");
    }
}
