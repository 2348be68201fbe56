use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number, sanitised};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Summary;

pub(crate) static RULE: Rule = Rule {
    code: "D003",
    name: "train-validation-overlap",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("train_validation_overlap.md"),
};

/// Pairs of files that are named one by one.
const PAIRS: usize = 20;

pub(crate) fn check(run: &Summary, cx: &mut Context<'_>) {
    for (&(later, earlier), tally) in run.overlaps.iter().take(PAIRS) {
        let (Some(later), Some(earlier)) = (run.files.get(later), run.files.get(earlier)) else { continue };
        let share = 100.0 * tally.count as f64 / later.examples.max(1) as f64;
        let verb = if tally.count == 1 { "stands" } else { "stand" };
        let message = format!(
            "{} ({share:.1} %) of `{}` {verb} in `{}` too; the first is line {}, which repeats line {}",
            count(tally.count, "example"),
            sanitised(&later.path),
            sanitised(&earlier.path),
            number(tally.first.line),
            number(tally.other)
        );
        cx.report(Anchor::File, message).help("take them out of one of the two: a model is not tested on what it was trained on");
    }
    let more = run.overlaps.len().saturating_sub(PAIRS) as u64;
    if more > 0 {
        cx.report(Anchor::File, format!("{} more of files share examples", count(more, "pair")))
            .help("split the examples anew, each into one file");
    }
}
