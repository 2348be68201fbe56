use crate::context::{Context, Head};
use crate::format::{Format, Shape};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::Place;

pub(crate) static RULE: Rule = Rule {
    code: "S006",
    name: "unsupported-format",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("unsupported_format.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let target = &cx.settings.target;
    let (format, is_asked) = match (cx.settings.format, head.shape) {
        (Some(asked), _) => (asked, true),
        (None, Some(Shape::Known(own))) => (own, false),
        _ => return,
    };
    if target.formats.contains_key(&format) || head.fault.is_some() {
        return;
    }
    let names: Vec<_> = target.formats.keys().map(|format| format.name()).collect();
    let message = match is_asked {
        true => {
            format!("the method asked for, `{}`, reads {} examples, which {} does not take", format.method(), format.name(), cx.target())
        }
        false => format!("the lines are {} examples, which {} does not take", format.name(), cx.target()),
    };
    let help = match format {
        Format::Reinforcement if !is_asked => {
            format!("it takes {}; if these are chats, end each with the assistant's answer", names.join(", "))
        }
        _ => format!("it takes {}", names.join(", ")),
    };
    let openai = target.name == "openai" && format == Format::Text;
    let found = cx.report(Place { line: 1, offset: 0 }, message).help(help);
    if openai {
        found.provider_says("Unexpected file format, expected either prompt/completion pairs or chat messages.".to_owned());
    }
}
