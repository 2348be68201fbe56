use crate::context::{Anchor, Context, Head};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "F012",
    name: "missing-byte-order-mark",
    severity: Severity::Info,
    effect: Effect::Ignored,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: true,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_byte_order_mark.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    if !head.byte_order_mark && head.fault.is_none() && head.shape.is_some() {
        cx.report(Anchor::File, format!("the file has no UTF-8 byte order mark; {} asks for one", cx.target()))
            .help("leave it as it is unless an upload fails; in Python `encoding=\"utf-8-sig\"` writes the mark");
    }
}
