use super::missing_tool_response::pair;
use crate::context::Context;
use crate::diagnostic::quoted;
use crate::format::Example;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;

pub(crate) static RULE: Rule = Rule {
    code: "T018",
    name: "orphan-tool-response",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("orphan_tool_response.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    for ((value, id), more) in few(pair(example).orphans) {
        cx.report(value, format!("no call before this answer has the id {}{more}", quoted(id)))
            .help("give it the `id` of the call it answers, in an assistant message before it");
    }
}
