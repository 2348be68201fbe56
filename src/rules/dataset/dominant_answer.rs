use crate::context::{Anchor, Context};
use crate::diagnostic::number;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "D007",
    name: "dominant-answer",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("dominant_answer.md"),
};

/// Answers below which a share says little.
const ANSWERS_MIN: u64 = 50;
/// In percent. Classes of a classifier are often uneven; four in five is where always giving that answer pays.
const SHARE: u64 = 80;

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    // Copies of whole examples have a rule of their own: none of them counts here.
    let copies = file.duplicates.count;
    let (most, all) = (file.most_common_answer().saturating_sub(copies), file.answered().saturating_sub(copies));
    if all >= ANSWERS_MIN && most * 100 >= all * SHARE {
        let share = 100.0 * most as f64 / all as f64;
        let message = format!("{} of {} examples ({share:.0} %) end in the very same answer", number(most), number(all));
        cx.report(Anchor::File, message).help("balance the answers as they are to be in use; a model may learn to give this one always");
    }
}
