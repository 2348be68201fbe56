use crate::context::{Anchor, Context};
use crate::diagnostic::count;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Summary;

pub(crate) static RULE: Rule = Rule {
    code: "L016",
    name: "closing-target",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("closing_target.md"),
};

/// Days before the end from which it is said.
const DAYS: i64 = 60;

pub(crate) fn check(_: &Summary, cx: &mut Context<'_>) {
    let settings = cx.settings;
    let Some(last) = settings.target.jobs_until.as_ref().map(|last| last.value) else { return };
    let days = settings.today.days_until(last);
    if (0..DAYS).contains(&days) {
        let left = if days == 0 { "today is the last day".to_owned() } else { format!("{} left", count(days.unsigned_abs(), "day")) };
        cx.report(Anchor::File, format!("{} takes new jobs until {last}: {left}", cx.target()))
            .help("others take the same files, some with changes: check with another `--target`");
    }
}
