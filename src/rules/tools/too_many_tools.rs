use crate::context::Context;
use crate::diagnostic::{count, number};
use crate::format::Example;
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "T021",
    name: "too-many-tools",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_many_tools.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let Some(limit) = &cx.settings.target.limits.tools_max else { return };
    let Some(list) = example.request().get("tools") else { return };
    let declared = list.as_array().map_or(0, <[Value<'_>]>::len) as u64;
    if declared > limit.value {
        let message = format!("this example declares {}; the limit is {}", count(declared, "tool"), number(limit.value));
        cx.report(list, message).help("declare those that the example needs");
    }
}
