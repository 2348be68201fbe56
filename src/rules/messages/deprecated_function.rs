use crate::context::{Anchor, Context};
use crate::format::{Example, Format, Message};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M005",
    name: "deprecated-function",
    severity: Severity::Info,
    effect: Effect::Ignored,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("deprecated_function.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let rules = settings.target.formats.get(&example.format);
    // What the target does not list at all is told by other rules, and a line for reinforcement may have any key.
    let lists_key = |key: &str| match rules.and_then(|rules| rules.keys.as_ref()) {
        Some(keys) => example.format == Format::Preference || keys.iter().any(|own| own == key),
        None => example.format != Format::Reinforcement,
    };
    let lists_role = |role: &str| rules.is_some_and(|rules| rules.roles.iter().any(|own| own == role));
    let declared = example.request().member("functions").filter(|member| !member.value.is_null() && lists_key("functions"));
    let called = |message: &Message<'_>| message.is("assistant") && message.get("function_call").is_some_and(|call| !call.is_null());
    let call = example.messages.iter().find(|message| called(message)).and_then(|message| message.value.member("function_call"));
    let answer =
        example.messages.iter().find(|message| message.is("function") && lists_role("function")).and_then(|message| message.get("role"));
    let used = [
        declared.map(|member| ("`functions`", Anchor::from(member))),
        call.map(|member| ("`function_call`", Anchor::from(member))),
        answer.map(|role| ("the role `function`", Anchor::from(role))),
    ];
    let mut used = used.into_iter().flatten();
    let Some((first, anchor)) = used.next() else { return };
    let names: Vec<_> = std::iter::once(first).chain(used.map(|(name, _)| name)).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    cx.report(anchor, format!("{} {verb} deprecated", names.join(" and "))).help("use `tools`, `tool_calls` and the role `tool`");
}
