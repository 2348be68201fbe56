use crate::context::Context;
use crate::diagnostic::count as number_of;
use crate::format::{Example, is_control};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "M029",
    name: "control-character-in-text",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("control_character_in_text.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if !example.marks.may_hold_control() {
        return;
    }
    let line = cx.line();
    // One that stands in the line as it is breaks the JSON: the parser has said so.
    let is_raw = |span: crate::json::Span| line.get(span.range()).is_some_and(|raw| raw.iter().any(|&byte| byte < b' '));
    let mut texts = example.texts().filter(|(_, text)| text.bytes().any(is_control)).filter(|(value, _)| !is_raw(value.span));
    let Some((value, text)) = texts.next() else { return };
    let all = |text: &str| text.bytes().filter(|&byte| is_control(byte)).count() as u64;
    let count = all(text) + texts.map(|(_, text)| all(text)).sum::<u64>();
    let Some((at, byte)) = text.bytes().enumerate().find(|&(_, byte)| is_control(byte)) else { return };
    let name = match byte {
        0 => " (NUL)",
        0x08 => " (backspace)",
        0x0c => " (form feed)",
        0x1b => " (escape)",
        _ => "",
    };
    let more = if count > 1 { format!("; this example has {}", number_of(count - 1, "other control character")) } else { String::new() };
    cx.report_within(value, at, 1, format!("the text holds U+{byte:04X}{name}{more}"))
        .help("remove it; it comes from binary data, a terminal or a PDF");
}
