use crate::context::{Anchor, Context, Line};
use crate::format::Shape;
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "S001",
    name: "not-an-object",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Observed,
    provider_message: Some("Expected file to have JSONL format, where every line is a JSON dictionary. Line 1 is not a dictionary"),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("not_an_object.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    let (Some(root), Some(Shape::NotAnObject)) = (line.root, line.shape) else { return };
    let number = cx.line_number().unwrap_or_default();
    let openai = cx.settings.target.name == "openai";
    let found = cx.report(Anchor::Line, format!("this line is {}, not an object", root.kind())).help(advice(root));
    if openai {
        found.provider_says(format!(
            "Expected file to have JSONL format, where every line is a JSON dictionary. Line {number} is not a dictionary"
        ));
    }
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
