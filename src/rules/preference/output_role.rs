use crate::context::Context;
use crate::diagnostic::quoted;
use crate::format::{Example, Format, Section};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;

pub(crate) static RULE: Rule = Rule {
    code: "P008",
    name: "output-role",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("output_role.md"),
};

/// What `unknown-role` does not speak of.
const KNOWN: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let Some(rules) = cx.settings.target.formats.get(&Format::Preference).filter(|_| example.format == Format::Preference) else { return };
    let outputs = example.messages.iter().filter(|message| matches!(message.section, Section::Preferred | Section::NonPreferred));
    let roles = outputs.filter_map(|message| Some((message.get("role")?, message.role()?)));
    let wrong = roles.filter(|(_, role)| KNOWN.contains(role) && !rules.output_roles.iter().any(|own| own == role));
    for ((value, role), more) in few(wrong) {
        let allowed: Vec<_> = rules.output_roles.iter().map(|role| format!("`{role}`")).collect();
        cx.report(value, format!("an answer of a preference has the role {}, not {}{more}", allowed.join(" or "), quoted(role)))
            .help("move what comes before the answer to `input.messages`");
    }
}
