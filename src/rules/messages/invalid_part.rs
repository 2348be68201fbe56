use crate::context::Context;
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "M031",
    name: "invalid-part",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_part.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    if matches!(fault.fault, ShapeFault::Missing(_)) {
        let mut keys = ["text", "image_url", "refusal"].into_iter().filter(|key| value.get(key).is_some());
        let key = keys.next();
        let fix = key
            .filter(|_| keys.next().is_none())
            .map(|key| Fix::safe(format!("add `\"type\": \"{key}\"`"), [value.with_first(&format!("\"type\": \"{key}\""))]));
        cx.report(value, "this part has no `type`").help(format!("add `\"type\": \"{}\"`", key.unwrap_or("text"))).fix(fix);
        return;
    }
    // The part itself, or its type: only that stands behind a colon.
    let before = cx.line().get(..value.span.start as usize).unwrap_or_default();
    if before.trim_ascii_end().ends_with(b":") {
        cx.report(value, format!("the `type` of a part must be a string, not {}", value.kind()))
            .help("write `\"text\"` or `\"image_url\"`");
    } else {
        cx.report(value, format!("a part must be an object, not {}", value.kind()))
            .help("write text as `{\"type\": \"text\", \"text\": …}`")
            .fix(value.as_str().map(|_| Fix::safe("write it as a part", value.wrapped("{\"type\": \"text\", \"text\": ", "}"))));
    }
}
