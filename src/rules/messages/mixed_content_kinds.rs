use crate::context::Context;
use crate::diagnostic::count;
use crate::edit::{Applicability, Fix};
use crate::format::{Content, Example, Section};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M028",
    name: "mixed-content-kinds",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: true,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("mixed_content_kinds.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    for section in [Section::Messages, Section::Input, Section::Preferred, Section::NonPreferred] {
        let mut strings = example.section(section).filter_map(|message| match message.content() {
            Some(Content::Text(value, _)) => Some(value),
            _ => None,
        });
        let lists = example.section(section).filter(|message| matches!(message.content(), Some(Content::Parts(_)))).count() as u64;
        let Some(first) = strings.next().filter(|_| lists > 0) else { continue };
        let all = example.section(section).filter_map(|message| match message.content() {
            Some(Content::Text(value, _)) => Some(value.wrapped("[{\"type\": \"text\", \"text\": ", "}]")),
            _ => None,
        });
        let fix = Fix::safe("write every string as a list of one part", all.flatten().collect::<Vec<_>>());
        let beside = strings.count() as u64 + 1;
        let message = format!(
            "{} with a string as the content and {} with a list of parts in one conversation",
            count(beside, "message"),
            number_of(lists)
        );
        cx.report(first, message).help("write every string as a list of one part: `[{\"type\": \"text\", \"text\": …}]`").fix(fix);
    }
}

fn number_of(lists: u64) -> String {
    if lists == 1 { "one".to_owned() } else { crate::diagnostic::number(lists) }
}
