use crate::context::Context;
use crate::diagnostic::{number, quoted};
use crate::edit::{Applicability, Fix};
use crate::format::Example;
use crate::json::parse;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "S012",
    name: "invalid-sample-weight",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: true,
    fix: Some(Applicability::Safe),
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
        let number = weight.as_str().map(str::trim).filter(|text| {
            let parsed = parse(text.as_bytes(), 1);
            parsed.faults.is_empty() && parsed.value.is_some_and(|value| value.as_number().is_some())
        });
        cx.report(weight, format!("the `weight` of an example must be a number, not {}", weight.kind()))
            .help("write a number such as 0.5, without quotes")
            .fix(number.map(|number| Fix::safe("write the number without quotes", [weight.replaced(number)])));
        return;
    };
    let least = target.limits.sample_weight_min.as_ref().map(|limit| limit.value);
    if let Some(least) = least.filter(|&least| text.parse::<f64>().is_ok_and(|value| value < least as f64)) {
        let message = format!("the `weight` of this example is {}; {} takes {} and above", quoted(text), cx.target(), number(least));
        cx.report(weight, message).help("a weight scales the loss of the example: 0 leaves it out, 1 changes nothing");
    }
}
