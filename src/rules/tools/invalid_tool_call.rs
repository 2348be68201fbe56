use super::invalid_tools::is_spelling;
use crate::context::Context;
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::json::Value;
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
    fix: Some(Applicability::Safe),
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
                let fix = mend(value, &absent, cx.line());
                cx.report(value, format!("this call has no `{}`", absent.join("` and no `"))).help(HELP).fix(fix);
            }
        }
        ShapeFault::NotConst(_) => {
            let kind = value.as_str().map_or_else(|| value.kind().to_owned(), quoted);
            let fix = is_spelling(value).then(|| Fix::safe("write `function`", [value.replaced("\"function\"")]));
            cx.report(value, format!("the type of a call is `function`, not {kind}")).help(HELP).fix(fix);
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

/// A call with its type, and with its name and arguments in an object of their own. An id cannot be made up.
fn mend(call: &Value<'_>, absent: &[&str], line: &[u8]) -> Option<Fix> {
    let own = ["id", "type", "name", "arguments"];
    let members = call.as_object()?;
    let add_type = || Fix::safe("add `\"type\": \"function\"`", [call.with_first("\"type\": \"function\"")]);
    if absent == ["type"] {
        return Some(add_type());
    }
    let is_flat = call.get("name").is_some() && members.iter().all(|member| own.contains(&member.key.as_ref()));
    let (id, name, arguments) = (call.get("id")?, call.get("name")?, call.get("arguments")?);
    let (id, name, arguments) = (id.source(line), name.source(line), arguments.source(line));
    let function = format!("{{\"name\": {name}, \"arguments\": {arguments}}}");
    let json = format!("{{\"id\": {id}, \"type\": \"function\", \"function\": {function}}}");
    is_flat.then(|| Fix::safe("put name and arguments into an object of their own", [call.replaced(json)]))
}
