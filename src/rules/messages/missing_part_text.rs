use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::{Applicability, Fix};
use crate::json::quote;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "M036",
    name: "missing-part-text",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_part_text.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    let ShapeFault::Missing(key) = &fault.fault else {
        let text = value.as_number().map(quote);
        cx.report(value, format!("the text of a part must be a string, not {}", value.kind()))
            .help("put it into quotes, or remove the part")
            .fix(text.map(|text| Fix::safe("put it into quotes", [value.replaced(text)])));
        return;
    };
    let members = value.as_object().unwrap_or_default();
    let is_meant = |name: &str| {
        name != "type" && (matches!(name, "content" | "value" | "text" | "refusal") || nearest(name, [key.as_str()]).is_some())
    };
    let meant = members.iter().find(|member| member.value.as_str().is_some() && is_meant(&member.key));
    let fix = meant.map(|member| Fix::safe(format!("rename the key to `{key}`"), [member.renamed(key)]));
    let help = match meant {
        Some(member) => format!("rename {} to `{key}`", quoted(&member.key)),
        None => format!("write its text as `{key}`, or remove the part"),
    };
    cx.report(meant.map_or(Anchor::from(value), Anchor::from), format!("this part of the type `{key}` has no `{key}`")).help(help).fix(fix);
}
