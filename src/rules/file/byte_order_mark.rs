use crate::context::{Context, Head};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "F011",
    name: "byte-order-mark",
    severity: Severity::Warning,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("byte_order_mark.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if head.byte_order_mark {
        cx.report(Place { line: 1, offset: 0 }, "the file begins with a UTF-8 byte order mark (EF BB BF)")
            .help("write it as plain UTF-8; in Python: `encoding=\"utf-8\"`, not `\"utf-8-sig\"`")
            .fix(Fix::safe("remove the byte order mark", []));
    }
}
