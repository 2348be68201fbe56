use crate::context::{Anchor, Context};
use crate::diagnostic::{count, number};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "I025",
    name: "costly-detail",
    severity: Severity::Warning,
    effect: Effect::Costs,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("costly_detail.md"),
};

/// Images below which the cost is a matter of cents.
const IMAGES_MIN: u64 = 50;
/// One token in so many could be saved.
const SHARE: u64 = 5;

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let ((images, saved), all) = (file.detail_savings, file.tokens.all());
    if images < IMAGES_MIN || saved * SHARE < all {
        return;
    }
    let share = 100.0 * saved as f64 / all.max(1) as f64;
    let message = format!(
        "{} leave `detail` open; with `low` an epoch would cost {} tokens less of {} ({share:.0} %)",
        count(images, "image"),
        number(saved),
        number(all)
    );
    cx.report(Anchor::File, message)
        .help("write `\"detail\": \"low\"` where 512 x 512 pixels show enough, and `\"high\"` where they do not");
}
