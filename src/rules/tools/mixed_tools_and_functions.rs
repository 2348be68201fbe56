use crate::context::Context;
use crate::format::Example;
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "T008",
    name: "mixed-tools-and-functions",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("mixed_tools_and_functions.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let request = example.request();
    let declares = |key: &str| request.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if let Some(functions) = request.member("functions").filter(|_| declares("tools") && declares("functions")) {
        cx.report(functions, "this example declares both `tools` and the deprecated `functions`")
            .help("move the functions into `tools`, each as `{\"type\": \"function\", \"function\": {…}}`");
    }
}
