use crate::context::{Context, Head};
use crate::edit::{Applicability, Fix};
use crate::format::{ForeignFormat, Shape, becomes};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::settings::Settings;
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "S003",
    name: "foreign-format",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Unexpected file format, expected either prompt/completion pairs or chat messages."),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("foreign_format.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let (None, Some(Shape::Foreign(foreign))) = (cx.settings.format, head.shape) else { return };
    let message = format!("the lines look like {}, which {} does not take", foreign.title, cx.target());
    let fix = rewriting(foreign, cx.settings);
    cx.report(Place { line: 1, offset: 0 }, message).help(foreign.rewrite).fix(fix);
}

/// The lines are written as what they become, where the target takes that.
pub(super) fn rewriting(foreign: &ForeignFormat, settings: &Settings) -> Option<Fix> {
    let (format, applicability) = becomes(foreign)?;
    let is_taken = settings.target.formats.contains_key(&format) && settings.format.is_none_or(|asked| asked == format);
    let title = format!("write the lines as {} examples", format.name());
    is_taken.then(|| Fix { title: title.into(), applicability, edits: Vec::new() })
}
