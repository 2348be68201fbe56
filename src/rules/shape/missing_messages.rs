use crate::context::{Anchor, Context};
use crate::diagnostic::{THIS_LINE, nearest, quoted};
use crate::edit::Applicability;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::renaming;
use crate::schema::SchemaFault;

pub(crate) static RULE: Rule = Rule {
    code: "S007",
    name: "missing-messages",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N is missing key 'messages'"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_messages.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let keys = fault.value.as_object().unwrap_or_default();
    let near = keys.iter().find(|member| nearest(&member.key, ["messages"]).is_some());
    let fix = renaming(fault.value, "messages", |member| member.value.as_array().is_some());
    let help = match near {
        Some(member) => match member.key.chars().find(|c| !c.is_ascii()) {
            Some(odd) => {
                format!("rename {} to `messages`; it holds U+{:04X}, which looks like a letter of it", quoted(&member.key), odd as u32)
            }
            None => format!("rename {} to `messages`", quoted(&member.key)),
        },
        None => "give the line a `messages` list, each message with `role` and `content`".to_owned(),
    };
    let openai = cx.settings.target.name == "openai";
    let found = cx.report(near.map_or(Anchor::from(fault.value), Anchor::from), "this example has no `messages`").help(help).fix(fix);
    if openai {
        found.provider_says(format!("Invalid file format. Example {THIS_LINE} is missing key 'messages'"));
    }
}
