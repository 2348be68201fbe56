use crate::context::Context;
use crate::diagnostic::THIS_LINE;
use crate::edit::{Applicability, Fix};
use crate::format::{Example, Format};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "S011",
    name: "misplaced-weight",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some(r#"Invalid file format. Example 1 contains an extra "weight"."#),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("misplaced_weight.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let Some(member) = example.root.member("weight") else { return };
    let keys = cx.settings.target.formats.get(&example.format).and_then(|rules| rules.keys.as_ref());
    // Where keys are free, this one is data for graders.
    if keys.is_none_or(|keys| keys.iter().any(|key| key == "weight")) {
        return;
    }
    let message = format!(
        "`weight` does not belong at the top of a {} example: {} does not weigh whole examples",
        example.format.name(),
        cx.target()
    );
    let help = match example.format {
        Format::Chat => "set `weight` to 0 or 1 in assistant messages; to weigh a whole example, leave it out or repeat it",
        _ => "remove the key; to weigh a whole example, leave it out or repeat it",
    };
    let openai = cx.settings.target.name == "openai";
    // A weight of one changes nothing, wherever it stands.
    let value = &member.value;
    let is_neutral = value.is_null() || value.as_bool() == Some(true) || value.as_number().is_some_and(|text| text.parse() == Ok(1.0));
    let edits = example.root.without(cx.line(), |member| member.key == "weight");
    let fix = if is_neutral { Fix::safe("remove the key", edits) } else { Fix::risky("remove the key", edits) };
    let found = cx.report(member, message).help(help).fix(fix);
    if openai {
        found.provider_says(format!("Invalid file format. Example {THIS_LINE} contains an extra \"weight\"."));
    }
}
