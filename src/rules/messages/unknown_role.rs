use crate::context::Context;
use crate::diagnostic::{nearest, only_near, quoted};
use crate::edit::{Applicability, Fix};
use crate::format::{Example, Message};
use crate::json::{Value, quote};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::settings::Settings;

pub(crate) static RULE: Rule = Rule {
    code: "M003",
    name: "unknown-role",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N, message N Discriminator 'role' is missing in value"),
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unknown_role.md"),
};

/// Roles that some format of the API knows: where they are not listed for this one, `unlisted-role` speaks.
pub(super) const KNOWN: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "function"];

pub(crate) fn check(message: &Message<'_>, example: &Example<'_>, cx: &mut Context<'_>) {
    let Some(role) = message.get("role") else { return };
    let settings = cx.settings;
    let allowed = settings.target.formats.get(&example.format).map(|rules| rules.roles.as_slice()).unwrap_or_default();
    let names = || allowed.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ");
    let Some(name) = role.as_str() else {
        cx.report(role, format!("`role` must be a string, not {}", role.kind())).help(format!("use one of {}", names()));
        return;
    };
    if KNOWN.contains(&name) || allowed.iter().any(|role| role == name) {
        return;
    }
    let meant = match name.trim().to_lowercase().as_str() {
        "human" => Some("user"),
        "gpt" | "model" | "bot" | "ai" | "chatbot" => Some("assistant"),
        _ => only_near(name, allowed.iter().map(String::as_str)),
    };
    let fix = meant.map(|meant| Fix::safe(format!("write `{meant}`"), [role.replaced(quote(meant))]));
    let help = match name.trim().to_lowercase().as_str() {
        "human" => "use `user`".to_owned(),
        "gpt" | "model" | "bot" | "ai" | "chatbot" => "use `assistant`".to_owned(),
        name => match nearest(name, allowed.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", names()),
        },
    };
    cx.report(role, format!("there is no role {}", quoted(name))).help(help).fix(fix);
}

/// `an assistant`, `a user`: a known role with its article.
pub(super) fn with_article(role: &str) -> String {
    format!("{} {role}", if role.starts_with('a') { "an" } else { "a" })
}

/// Whether every item of the conversation is a message with a role that means something. Where one is not, a missing
/// answer or question may be just that one.
pub(super) fn all_known(example: &Example<'_>, settings: &Settings) -> bool {
    let listed = settings.target.formats.get(&example.format).map(|rules| rules.roles.as_slice()).unwrap_or_default();
    let is_known = |role: &str| KNOWN.contains(&role) || listed.iter().any(|own| own == role);
    let items = example.request().get("messages").and_then(Value::as_array).map_or(0, <[Value<'_>]>::len);
    example.conversation().filter(|message| message.role().is_some_and(is_known)).count() == items
}
