use super::unknown_role;
use crate::context::Context;
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M020",
    name: "missing-user",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_user.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let has = |role: &str| example.messages.iter().any(|message| message.is(role));
    if example.format != Format::Chat || has("user") || !has("assistant") || !unknown_role::all_known(example, cx.settings) {
        return;
    }
    let Some(messages) = example.root.get("messages") else { return };
    cx.report(messages, "no message of this example is the user's")
        .help("put what the assistant answers before it, in a message with the role `user`");
}
