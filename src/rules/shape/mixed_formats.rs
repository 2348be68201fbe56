use crate::context::{Anchor, Context, Line};
use crate::diagnostic::THIS_LINE;
use crate::edit::Applicability;
use crate::format::{Format, Shape, becomes, convert};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "S004",
    name: "mixed-formats",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Unsafe),
    since: "0.1.0",
    docs: include_str!("mixed_formats.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    let (Some(shape), Some(Shape::Known(expected))) = (line.shape, line.expected) else { return };
    if shape.is_judged_as(expected) {
        return;
    }
    let (own, help) = match shape {
        Shape::Known(own) => (format!("this line is in the {} format", own.name()), "keep each format in a file of its own".to_owned()),
        Shape::Foreign(foreign) => (format!("this line looks like {}", foreign.title), foreign.rewrite.to_owned()),
        // `not-an-object` speaks of the one, the schema of the other.
        Shape::NotAnObject | Shape::Unknown => return,
    };
    let is_converted = |foreign| becomes(foreign).is_some_and(|(format, _)| format == expected);
    let fix = match (shape, line.root) {
        (Shape::Foreign(foreign), Some(root)) if is_converted(foreign) => convert(foreign, root, line.bytes),
        _ => None,
    };
    let missing = match expected {
        Format::Chat => Some("messages"),
        Format::Preference => Some("input"),
        _ => None,
    };
    let missing = missing.filter(|_| cx.settings.target.name == "openai");
    let found = cx.report(Anchor::Line, format!("{own}, the file is read as {}", expected.name())).help(help).fix(fix);
    if let Some(key) = missing {
        found.provider_says(format!("Invalid file format. Example {THIS_LINE} is missing key '{key}'"));
    }
}
