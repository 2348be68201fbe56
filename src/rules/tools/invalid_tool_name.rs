use crate::context::Context;
use crate::diagnostic::{number, quoted};
use crate::format::Example;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;

pub(crate) static RULE: Rule = Rule {
    code: "T003",
    name: "invalid-tool-name",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_tool_name.md"),
};

/// Characters of a name, in the schema of tools and functions alike.
const LONGEST: usize = 64;

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let names = example.tools().filter_map(|tool| tool.function.get("name").and_then(|value| Some((value, value.as_str()?))));
    for ((value, name), more) in few(names.filter(|(_, name)| !is_valid(name))) {
        let message = match name.chars().count() {
            0 => "the name of this tool is empty".to_owned(),
            length if name.bytes().all(is_allowed) => {
                format!("the name of this tool has {} characters; the limit is {LONGEST}", number(length as u64))
            }
            _ => format!("the name {} has other characters than letters, digits, `_` and `-`", quoted(name)),
        };
        cx.report(value, message + &more).help("use 1 to 64 of a-z, A-Z, 0-9, `_` and `-`, in the calls too");
    }
}

fn is_valid(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
