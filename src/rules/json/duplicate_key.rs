use crate::context::{Context, Line};
use crate::diagnostic::{number, quoted};
use crate::json::FaultKind;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "J016",
    name: "duplicate-key",
    severity: Severity::Warning,
    effect: Effect::Ignored,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("duplicate_key.md"),
};

pub(crate) fn check(line: &Line<'_>, cx: &mut Context<'_>) {
    for fault in line.faults {
        let FaultKind::DuplicateKey(key, times) = &fault.kind else { continue };
        let times = if *times == 2 { "twice".to_owned() } else { format!("{} times", number(*times as u64)) };
        cx.report(fault.span, format!("the key {} stands {times} in this object", quoted(key)))
            .help("keep one of them: most readers take the last and drop the others without a word");
    }
}
