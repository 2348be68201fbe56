use crate::context::{Anchor, Context};
use crate::diagnostic::count;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "I029",
    name: "unscreened-images",
    severity: Severity::Info,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unscreened_images.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    if file.image_examples > 0 {
        let verb = if file.image_examples == 1 { "holds" } else { "hold" };
        let message = format!(
            "{} {verb} images, which {} screens before the training: those with people, faces, children or CAPTCHAs are left out",
            count(file.image_examples, "example"),
            cx.target()
        );
        cx.report(Anchor::File, message).help("this cannot be checked here: compare the number of trained examples after the job");
    }
}
