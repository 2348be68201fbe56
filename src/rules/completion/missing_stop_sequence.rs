use crate::context::{Anchor, Context};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "C006",
    name: "missing-stop-sequence",
    severity: Severity::Info,
    effect: Effect::Advice,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_stop_sequence.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let sums = &file.completions;
    if sums.are_enough() && !sums.prompts_are_empty() && !sums.are_labels() && sums.completion_end.as_deref() == Some("") {
        cx.report(Anchor::File, "the completions do not end alike: the model does not learn where to stop")
            .help("end every completion with the same text, such as `\\n` or ` END`, and use it as the stop sequence");
    }
}
