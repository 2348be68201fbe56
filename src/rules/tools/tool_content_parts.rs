use crate::context::Context;
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
    fix: None,
    since: "0.1.0",
    docs: include_str!("tool_content_parts.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let contents = example.messages.iter().filter(|message| message.is("tool")).filter_map(|message| message.get("content"));
    for (content, more) in few(contents.filter(|content| content.as_array().is_some_and(|parts| !parts.is_empty()))) {
        cx.report(content, format!("the content of a tool's answer must be a string, not a list of parts{more}"))
            .help("write the text of the parts as one string");
    }
}
