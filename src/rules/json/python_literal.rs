use crate::context::{Context, Line};
use crate::edit::{Applicability, Fix};
use crate::json::{FaultKind, every};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J009",
    name: "python-literal",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("python_literal.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults.iter().filter(|fault| fault.kind == FaultKind::PythonLiteral) {
        let (python, json) = match cx.text(fault.span).as_ref() {
            "True" => ("True", "true"),
            "False" => ("False", "false"),
            _ => ("None", "null"),
        };
        cx.report(fault.span, format!("`{python}` is Python; JSON writes `{json}`"))
            .help("write the lines with `json.dumps(row)`")
            .fix(Fix::safe("write `true`, `false` and `null`", every(line.bytes, fault)));
    }
}
