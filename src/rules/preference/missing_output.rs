use crate::context::{Anchor, Context};
use crate::diagnostic::{nearest, only_near, quoted};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "P003",
    name: "missing-output",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("missing_output.md"),
};

const OUTPUTS: [&str; 2] = ["preferred_output", "non_preferred_output"];

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let ShapeFault::Missing(missing) = &fault.fault else { return };
    let absent: Vec<_> = OUTPUTS.into_iter().filter(|key| fault.value.get(key).is_none()).collect();
    // One finding for both.
    if absent.first() != Some(&missing.as_str()) {
        return;
    }
    let keys = fault.value.as_object().unwrap_or_default();
    let near = keys.iter().find(|member| !OUTPUTS.contains(&member.key.as_ref()) && nearest(&member.key, absent.iter().copied()).is_some());
    let fix = near.and_then(|member| {
        let key = only_near(&member.key, absent.iter().copied())?;
        Some(Fix::safe(format!("rename the key to `{key}`"), [member.renamed(key)]))
    });
    let help = match near {
        Some(member) => format!("rename {} to `{}`", quoted(&member.key), nearest(&member.key, absent.iter().copied()).unwrap_or_default()),
        None => "give both answers, each as a list of one assistant message".to_owned(),
    };
    cx.report(near.map_or(Anchor::from(fault.value), Anchor::from), format!("this example has no `{}`", absent.join("` and no `")))
        .help(help)
        .fix(fix);
}
