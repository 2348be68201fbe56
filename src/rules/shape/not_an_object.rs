use crate::context::{Anchor, Context, Line};
use crate::diagnostic::THIS_LINE;
use crate::edit::{Applicability, Edit, Fix};
use crate::format::Shape;
use crate::json::{Value, encoded_twice};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "S001",
    name: "not-an-object",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Expected file to have JSONL format, where every line is a JSON dictionary. Line 1 is not a dictionary"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("not_an_object.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    let (Some(root), Some(Shape::NotAnObject)) = (line.root, line.shape) else { return };
    let openai = cx.settings.target.name == "openai";
    let fix = mend(root, cx.settings.max_depth);
    let found = cx.report(Anchor::Line, format!("this line is {}, not an object", root.kind())).help(advice(root)).fix(fix);
    if openai {
        found.provider_says(format!(
            "Expected file to have JSONL format, where every line is a JSON dictionary. Line {THIS_LINE} is not a dictionary"
        ));
    }
}

fn mend(root: &Value<'_>, max_depth: usize) -> Option<Fix> {
    if let Some(json) = root.as_str().and_then(|text| encoded_twice(text, max_depth)).filter(|json| json.starts_with('{')) {
        return Some(Fix::safe("write the object itself", [root.replaced(json)]));
    }
    let items = root.as_array().filter(|items| !items.is_empty())?;
    if items.iter().all(|item| item.get("role").is_some()) {
        return Some(Fix::safe("write `{\"messages\": …}` around it", root.wrapped("{\"messages\": ", "}")));
    }
    if !items.iter().all(|item| item.as_object().is_some() && item.get("role").is_none()) {
        return None;
    }
    let starts = std::iter::once(root.span.range().start).chain(items.iter().map(|item| item.span.range().end));
    let ends = items.iter().map(|item| item.span.range().start).chain([root.span.range().end]);
    let last = items.len();
    let between = starts.zip(ends).enumerate().map(|(index, (start, end))| match index {
        0 => Edit::delete(start..end),
        index if index == last => Edit::delete(start..end),
        _ => Edit::replace(start..end, "\n"),
    });
    Some(Fix::safe("write each item on a line of its own", between.collect::<Vec<_>>()))
}

fn advice(root: &Value<'_>) -> &'static str {
    let items = root.as_array().unwrap_or_default();
    if items.iter().any(|item| item.get("role").is_some()) {
        "these are the messages of an example: write `{\"messages\": […]}` around them"
    } else if items.iter().any(|item| item.as_object().is_some()) {
        "write each item of the array on a line of its own"
    } else if root.as_str().is_some_and(|text| text.trim_start().starts_with(['{', '['])) {
        "the string holds JSON: the line was encoded twice; write it with one call of `json.dumps`"
    } else {
        "each line is one example: an object, in braces"
    }
}
