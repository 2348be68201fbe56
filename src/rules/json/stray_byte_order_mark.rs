use crate::context::{Context, Line};
use crate::edit::{Applicability, Edit, Fix};
use crate::json::Span;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J017",
    name: "stray-byte-order-mark",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N cannot be parsed. Error: line contains invalid json"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("stray_byte_order_mark.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    // The mark at the start of the file is taken off before the first line is read.
    if line.bytes.starts_with(b"\xef\xbb\xbf") {
        cx.report(Span::new(0, 3), "a UTF-8 byte order mark (EF BB BF) stands at the start of this line")
            .help("remove the three bytes; they come from a second file that was joined to the first")
            .fix(Fix::safe("remove the byte order mark", [Edit::delete(0..3)]));
    }
}
