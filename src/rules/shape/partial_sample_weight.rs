use crate::context::Context;
use crate::diagnostic::number;
use crate::format::Shape;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "S013",
    name: "partial-sample-weight",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: true,
    fix: None,
    since: "0.1.0",
    docs: include_str!("partial_sample_weight.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let known = file.shape.and_then(|shape| if let Shape::Known(format) = shape { Some(format) } else { None });
    let rules = cx.settings.format.or(known).and_then(|format| cx.settings.target.formats.get(&format));
    let is_key = rules.and_then(|rules| rules.keys.as_ref()).is_some_and(|keys| keys.iter().any(|key| key == "weight"));
    let (with, without) = (file.weighted, file.unweighted);
    if !is_key || with == 0 || without.count == 0 {
        return;
    }
    let message = format!(
        "{} of {} examples have no `weight`, the others have one; this is the first",
        number(without.count),
        number(with + without.count)
    );
    cx.report(without.first, message).help("give every example a `weight`, or none");
}
