use crate::context::Context;
use crate::diagnostic::{number, quoted};
use crate::edit::{Applicability, Fix};
use crate::format::{Example, Message};
use crate::json::quote;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M025",
    name: "invalid-name",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_name.md"),
};

/// The pattern of the chat API: letters, digits, `_` and `-`, so many at the most.
const LONGEST: usize = 64;

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    let Some(name) = message.get("name").filter(|name| !name.is_null()) else { return };
    let Some(text) = name.as_str() else {
        cx.report(name, format!("`name` must be a string, not {}", name.kind())).help("put it into quotes, or remove it");
        return;
    };
    let help = "use letters, digits, `_` and `-`, or remove the name";
    let odd = text.char_indices().find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    if let Some((at, c)) = odd {
        let plain: String = text.trim().chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let fix = (!plain.is_empty()).then(|| Fix::risky("write `_` for other characters", [name.replaced(quote(&plain))]));
        cx.report_within(name, at, c.len_utf8(), format!("a name may not hold {}", quoted(c.encode_utf8(&mut [0; 4])))).help(help).fix(fix);
    } else if text.is_empty() {
        let edits = message.value.without(cx.line(), |member| member.key == "name");
        cx.report(name, "the name is empty").help(help).fix(Fix::safe("remove the name", edits));
    } else if text.len() > LONGEST {
        cx.report(name, format!("the name has {} characters; the limit is {LONGEST}", number(text.len() as u64))).help("shorten it");
    }
}
