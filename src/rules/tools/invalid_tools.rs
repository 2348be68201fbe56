use crate::context::Context;
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::json::{Value, encoded_twice};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "T001",
    name: "invalid-tools",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_tools.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let (value, key) = (fault.value, fault.key.as_str());
    let is_item = key.bytes().all(|byte| byte.is_ascii_digit());
    match &fault.fault {
        ShapeFault::Missing(missing) => {
            let absent: Vec<_> = ["type", "function"].into_iter().filter(|key| value.get(key).is_none()).collect();
            let is_hosted = value.get("type").is_some_and(|kind| kind.as_str() != Some("function"));
            if absent.first() != Some(&missing.as_str()) || is_hosted {
                return;
            }
            let help = match value.get("name") {
                Some(_) => "move `name`, `description` and `parameters` into an object under `function`, beside `\"type\": \"function\"`",
                None => "write it as `{\"type\": \"function\", \"function\": {\"name\": …}}`",
            };
            let fix = mend(value, cx.line());
            cx.report(value, format!("this tool has no `{}`", absent.join("` and no `"))).help(help).fix(fix);
        }
        ShapeFault::NotConst(_) => {
            let kind = value.as_str().map_or_else(|| value.kind().to_owned(), quoted);
            cx.report(value, format!("the type of a tool is `function`, not {kind}"))
                .help("training knows functions only: declare what is called as a function")
                .fix(is_spelling(value).then(|| Fix::safe("write `function`", [value.replaced("\"function\"")])));
        }
        ShapeFault::TooFew => {
            // Where no limit is known the key is none of the target's.
            if cx.settings.target.limits.functions_max.is_some() {
                let edits = fault.parent.map(|parent| parent.without(cx.line(), |member| member.key == key));
                let fix = edits.map(|edits| Fix::safe("remove the key", edits));
                cx.report(value, "`functions` is empty").help("remove the key").fix(fix);
            }
        }
        ShapeFault::WrongType(_) if is_item => {
            cx.report(value, format!("a tool must be an object, not {}", value.kind()))
                .help("write it as `{\"type\": \"function\", \"function\": {\"name\": …}}`");
        }
        ShapeFault::WrongType(expected) => {
            // Null is no more than let pass.
            let expected = expected.trim_start_matches("null or ");
            let help = match key {
                "parameters" => {
                    "give a JSON Schema such as `{\"type\": \"object\", \"properties\": {…}}`; leave the key out when there are none"
                }
                "tools" | "functions" => "write a list of declarations; leave the key out when there are none",
                _ => "mend the value, or leave the key out",
            };
            let json = value.as_str().and_then(|text| encoded_twice(text, cx.settings.max_depth));
            let json = json.filter(|json| json.starts_with(if key == "parameters" { '{' } else { '[' }));
            let is_declaration = matches!(key, "tools" | "functions" | "parameters");
            let fix = json.filter(|_| is_declaration).map(|json| Fix::safe("write what the string holds", [value.replaced(json)]));
            cx.report(value, format!("`{key}` must be {expected}, not {}", value.kind())).help(help).fix(fix);
        }
        _ => {
            cx.report(value, "this is no declaration of a tool");
        }
    }
}

/// A tool with its type, and with its function in an object of its own.
fn mend(tool: &Value<'_>, line: &[u8]) -> Option<Fix> {
    if tool.get("function").is_some() {
        return Some(Fix::safe("add `\"type\": \"function\"`", [tool.with_first("\"type\": \"function\"")]));
    }
    let own = ["name", "description", "parameters", "strict"];
    let members = tool.as_object()?;
    if tool.get("name").is_none() || !members.iter().all(|member| member.key == "type" || own.contains(&member.key.as_ref())) {
        return None;
    }
    let function: Vec<_> = members
        .iter()
        .filter(|member| member.key != "type")
        .map(|member| format!("\"{}\": {}", member.key, member.value.source(line)))
        .collect();
    let json = format!("{{\"type\": \"function\", \"function\": {{{}}}}}", function.join(", "));
    Some(Fix::safe("put the function into an object of its own", [tool.replaced(json)]))
}

/// Whether it says `function` in other letters.
pub(super) fn is_spelling(kind: &Value<'_>) -> bool {
    kind.as_str().is_some_and(|text| text.trim().eq_ignore_ascii_case("function"))
}
