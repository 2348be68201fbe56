use crate::context::Context;
use crate::diagnostic::quoted;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "T011",
    name: "invalid-tool-call",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_tool_call.md"),
};

const HELP: &str = "a call is `{\"id\": \"…\", \"type\": \"function\", \"function\": {\"name\": \"…\", \"arguments\": \"{…}\"}}`";

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let (value, key) = (fault.value, fault.key.as_str());
    let is_item = key.bytes().all(|byte| byte.is_ascii_digit());
    match &fault.fault {
        ShapeFault::Missing(missing) => {
            let keys: &[&str] =
                if matches!(missing.as_str(), "name" | "arguments") { &["name", "arguments"] } else { &["id", "type", "function"] };
            let absent: Vec<_> = keys.iter().copied().filter(|key| value.get(key).is_none()).collect();
            // One finding for all the keys that an object lacks.
            if absent.first() == Some(&missing.as_str()) {
                cx.report(value, format!("this call has no `{}`", absent.join("` and no `"))).help(HELP);
            }
        }
        ShapeFault::NotConst(_) => {
            let kind = value.as_str().map_or_else(|| value.kind().to_owned(), quoted);
            cx.report(value, format!("the type of a call is `function`, not {kind}")).help(HELP);
        }
        ShapeFault::WrongType(_) if is_item => {
            cx.report(value, format!("a call must be an object, not {}", value.kind())).help(HELP);
        }
        ShapeFault::WrongType(expected) => {
            // Null is no more than let pass.
            let expected = expected.trim_start_matches("null or ");
            let help = if key == "tool_calls" { "write a list of calls; leave the key out when there are none" } else { HELP };
            cx.report(value, format!("`{key}` must be {expected}, not {}", value.kind())).help(help);
        }
        _ => {
            cx.report(value, "this is no call of a tool").help(HELP);
        }
    }
}
