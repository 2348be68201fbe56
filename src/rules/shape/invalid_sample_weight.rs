use crate::context::Context;
use crate::diagnostic::{number, quoted};
use crate::format::Example;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "S012",
    name: "invalid-sample-weight",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: true,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_sample_weight.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let Some(weight) = example.root.get("weight") else { return };
    let target = &cx.settings.target;
    let keys = target.formats.get(&example.format).and_then(|rules| rules.keys.as_ref());
    if !keys.is_some_and(|keys| keys.iter().any(|key| key == "weight")) {
        return;
    }
    let Some(text) = weight.as_number() else {
        cx.report(weight, format!("the `weight` of an example must be a number, not {}", weight.kind()))
            .help("write a number such as 0.5, without quotes");
        return;
    };
    let least = target.limits.sample_weight_min.as_ref().map(|limit| limit.value);
    if let Some(least) = least.filter(|&least| text.parse::<f64>().is_ok_and(|value| value < least as f64)) {
        let message = format!("the `weight` of this example is {}; {} takes {} and above", quoted(text), cx.target(), number(least));
        cx.report(weight, message).help("a weight scales the loss of the example: 0 leaves it out, 1 changes nothing");
    }
}
