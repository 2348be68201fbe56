use crate::context::Context;
use crate::diagnostic::{count, number};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "D001",
    name: "duplicate-example",
    severity: Severity::Info,
    effect: Effect::Costs,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("duplicate_example.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let copies = file.duplicates;
    if copies.count > 0 {
        let share = 100.0 * copies.count as f64 / file.examples.max(1) as f64;
        let verb = if copies.count == 1 { "repeats" } else { "repeat" };
        let message = format!(
            "{} ({share:.1} %) {verb} an earlier one; the first is a copy of line {}",
            count(copies.count, "example"),
            number(copies.other)
        );
        cx.report(copies.first, message)
            .help("remove the copies, unless the weight they give an example is meant")
            .fix(Fix::risky("set the copies aside", []));
    }
}
