use crate::context::Context;
use crate::diagnostic::number;
use crate::format::Example;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M021",
    name: "consecutive-assistant-messages",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("consecutive_assistant_messages.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let pairs = example.conversation().zip(example.conversation().skip(1));
    let mut repeated =
        pairs.filter(|(before, message)| before.is("assistant") && message.is("assistant") && message.index == before.index + 1);
    let Some((before, message)) = repeated.next() else { return };
    let more = repeated.count() as u64;
    let also = if more > 0 { format!("; {} more in this example", number(more)) } else { String::new() };
    let help = if before.calls() {
        "put the tool's answer between them, or join the two"
    } else {
        "join the two, or put the message between them that is missing"
    };
    if let Some(role) = message.get("role") {
        cx.report(role, format!("an assistant message follows directly upon another one{also}")).help(help);
    }
}
