use crate::context::{Anchor, Context};
use crate::diagnostic::{bytes, count};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "D005",
    name: "repeated-image",
    severity: Severity::Info,
    effect: Effect::Costs,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("repeated_image.md"),
};

/// Bytes of repeats below which it is not worth saying.
const BYTES_MIN: u64 = 100 << 10;
/// One byte of the file in so many is a repeat.
const SHARE: u64 = 4;

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let repeated = file.images.repeated_bytes;
    if repeated < BYTES_MIN || repeated * SHARE < file.bytes {
        return;
    }
    let share = 100.0 * repeated as f64 / file.bytes.max(1) as f64;
    let (uses, size) = file.most_used_image();
    let message = format!(
        "{} of the file ({share:.0} %) repeat images it already holds; one of {} stands in it {}",
        bytes(repeated),
        bytes(size),
        count(uses, "time")
    );
    cx.report(Anchor::File, message)
        .help("ask several questions about an image in one example, take images out of few-shot turns, or give addresses where the target takes them");
}
