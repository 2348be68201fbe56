use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "P004",
    name: "invalid-output",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_output.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let (value, key) = (fault.value, fault.key.as_str());
    let message = match &fault.fault {
        ShapeFault::TooFew => format!("`{key}` is empty"),
        _ => format!("`{key}` must be a list with one assistant message, not {}", value.kind()),
    };
    let help = match (value.as_object(), value.as_str()) {
        (Some(_), _) => "put the message into a list: `[{\"role\": \"assistant\", …}]`",
        (_, Some(_)) => "write the text as a list of one message: `[{\"role\": \"assistant\", \"content\": …}]`",
        _ => "give the answer as a list of one assistant message",
    };
    let fix = match (value.as_object(), value.as_str()) {
        (Some(_), _) => Some(Fix::safe("put the message into a list", value.wrapped("[", "]"))),
        (_, Some(_)) => {
            let edits = value.wrapped("[{\"role\": \"assistant\", \"content\": ", "}]");
            Some(Fix::safe("write the text as a list of one message", edits))
        }
        _ => None,
    };
    cx.report(value, message).help(help).fix(fix);
}
