use crate::context::{Anchor, Context};
use crate::diagnostic::number;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L008",
    name: "costly-tools",
    severity: Severity::Info,
    effect: Effect::Costs,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("costly_tools.md"),
};

/// Tokens of tool definitions, for each example of the file, below which they are no burden.
const TOKENS_MIN: u64 = 1_000;

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let (tools, all) = (file.tokens.tools, file.tokens.all());
    // Said where they are more than all the rest.
    if file.examples == 0 || tools / file.examples < TOKENS_MIN || tools * 2 <= all {
        return;
    }
    let share = 100.0 * tools as f64 / all.max(1) as f64;
    let message = format!(
        "tool definitions are {} of {} tokens ({share:.0} %), {} in each example",
        number(tools),
        number(all),
        number(tools / file.examples)
    );
    cx.report(Anchor::File, message)
        .help("a trained model needs less: leave descriptions and parameters out, in training and in use alike, or declare fewer tools");
}
