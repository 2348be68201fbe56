use super::foreign_format::rewriting;
use crate::context::{Context, Head};
use crate::edit::Applicability;
use crate::format::Shape;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "S005",
    name: "format-method-mismatch",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some(
        "Input file … is in the fine-tune-chat format, but the specified fine-tuning job is not using 'supervised' as the training method (provided method=dpo).",
    ),
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("format_method_mismatch.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let (Some(asked), Some(shape)) = (cx.settings.format, head.shape) else { return };
    // A format that the target does not take at all has a rule of its own.
    if !cx.settings.target.formats.contains_key(&asked) {
        return;
    }
    let (own, help) = match shape {
        Shape::Known(own) if !shape.is_judged_as(asked) => (
            format!("the lines are in the {} format", own.name()),
            format!("ask for `{}`, or take the file with {} examples", own.method(), asked.name()),
        ),
        Shape::Foreign(foreign) => (format!("the lines look like {}", foreign.title), foreign.rewrite.to_owned()),
        _ => return,
    };
    let message = format!("{own}; the method asked for, `{}`, reads {}", asked.method(), asked.name());
    let fix = if let Shape::Foreign(foreign) = shape { rewriting(foreign, cx.settings) } else { None };
    cx.report(Place { line: 1, offset: 0 }, message).help(help).fix(fix);
}
