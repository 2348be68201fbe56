use crate::context::Context;
use crate::format::{Example, Message};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M037",
    name: "weighted-image",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: true,
    fix: None,
    since: "0.1.0",
    docs: include_str!("weighted_image.md"),
};

pub(crate) fn check(message: &Message<'_>, _: &Example<'_>, cx: &mut Context<'_>) {
    let Some(weight) = message.get("weight").filter(|weight| weight.as_number().is_some_and(|weight| weight != "0")) else { return };
    if message.parts().any(|part| part.value.get("image_url").is_some_and(|image| !Value::is_null(image))) {
        cx.report(weight, "this message holds an image and has a weight other than 0")
            .help("write 0, or leave the weight out: images are not trained on");
    }
}
