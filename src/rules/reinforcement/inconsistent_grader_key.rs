use crate::context::{Anchor, Context};
use crate::diagnostic::{number, quoted};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::{FileSummary, OwnKey};

pub(crate) static RULE: Rule = Rule {
    code: "R001",
    name: "inconsistent-grader-key",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("inconsistent_grader_key.md"),
};

/// Keys named in one finding.
const NAMED: usize = 3;

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    // With that many keys not all of them were counted.
    if file.own_keys.len() >= FileSummary::MOST_OWN_KEYS {
        return;
    }
    let examples = file.message_distribution.count();
    // It belongs elsewhere in any case, which another rule says.
    let uneven = file.own_keys.iter().filter(|(key, own)| *key != "response_format" && (own.count < examples || own.kinds.len() > 1));
    let uneven: Vec<(&String, &OwnKey)> = uneven.collect();
    let said: Vec<_> = uneven.iter().take(NAMED).map(|(key, own)| describe(key, own, examples)).collect();
    let Some(first) = uneven.first().map(|(_, own)| *own) else { return };
    let more = uneven.len().saturating_sub(NAMED) as u64;
    let end = if more > 0 { format!("; so are {} more keys", number(more)) } else { String::new() };
    let place = first.missing.or_else(|| first.kinds.values().max_by_key(|place| place.line).copied());
    cx.report(
        place.map_or(Anchor::File, Anchor::from),
        format!("keys for graders are not the same in all examples: {}{end}", said.join("; ")),
    )
    .help("give every example the same keys, each with the same kind of value: a grader that reads `{{item.key}}` reads it in all of them");
}

fn describe(key: &str, own: &OwnKey, examples: u64) -> String {
    if own.count < examples {
        return format!("{} stands in {} of {}", quoted(key), number(own.count), number(examples));
    }
    let kinds: Vec<_> = own.kinds.iter().map(|(kind, place)| format!("{kind} in line {}", number(place.line))).collect();
    format!("{} is {}", quoted(key), kinds.join(", "))
}
