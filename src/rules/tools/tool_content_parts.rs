use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::format::Example;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;

pub(crate) static RULE: Rule = Rule {
    code: "T019",
    name: "tool-content-parts",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some(r#"Invalid file format. Line N, message N, key "content": Input should be a valid string"#),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("tool_content_parts.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let contents = example.messages.iter().filter(|message| message.is("tool")).filter_map(|message| message.get("content"));
    for (content, more) in few(contents.filter(|content| content.as_array().is_some_and(|parts| !parts.is_empty()))) {
        let only = content.as_array().filter(|parts| parts.len() == 1).and_then(|parts| parts.first()?.get("text"));
        let text = only.filter(|text| text.as_str().is_some()).map(|text| text.source(cx.line()).into_owned());
        cx.report(content, format!("the content of a tool's answer must be a string, not a list of parts{more}"))
            .help("write the text of the parts as one string")
            .fix(text.map(|text| Fix::safe("write the text of the part", [content.replaced(text)])));
    }
}
