use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, quoted};
use crate::edit::{Applicability, Fix};
use crate::json::{Member, quote};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "T020",
    name: "missing-tool-call-id",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_tool_call_id.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    if let ShapeFault::WrongType(expected) = &fault.fault {
        let text = value.as_number().map(quote);
        cx.report(value, format!("`tool_call_id` must be {expected}, not {}", value.kind()))
            .help("give it the `id` of the call it answers")
            .fix(text.map(|text| Fix::safe("put it into quotes", [value.replaced(text)])));
        return;
    }
    let near =
        value.as_object().unwrap_or_default().iter().find(|member| member.key == "id" || nearest(&member.key, ["tool_call_id"]).is_some());
    let is_text = |member: &&Member<'_>| member.value.as_str().is_some();
    let fix = near.filter(is_text).map(|member| Fix::safe("rename the key to `tool_call_id`", [member.renamed("tool_call_id")]));
    let help = match near {
        Some(member) => format!("rename {} to `tool_call_id`", quoted(&member.key)),
        None => "name the `id` of the call it answers under `tool_call_id`".to_owned(),
    };
    cx.report(near.map_or(Anchor::from(value), Anchor::from), "this answer of a tool has no `tool_call_id`").help(help).fix(fix);
}
