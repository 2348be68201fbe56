use crate::context::Context;
use crate::diagnostic::{number, quoted};
use crate::format::{Example, Format};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use memchr::memmem;

pub(crate) static RULE: Rule = Rule {
    code: "M026",
    name: "special-token",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Observed,
    provider_message: Some("Invalid file format. Example N message contains an invalid token: <|fim_suffix|>."),
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("special_token.md"),
};

/// Control tokens of OpenAI's models; `fim_…` and `reserved_N` besides. The server's own list is not published.
const NAMES: [&str; 12] =
    ["endoftext", "endofprompt", "im_start", "im_end", "im_sep", "start", "channel", "message", "call", "return", "constrain", "end"];
/// Bytes of the longest name that is looked for.
const LONGEST: usize = 24;

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    if !example.marks.may_hold_rare() {
        return;
    }
    match example.format {
        // A plain text is written with the tokens of its model.
        Format::Text => {}
        Format::Completion => report(example.texts(), cx),
        _ => example.messages.iter().for_each(|message| report(message.texts().chain(message.texts_beside()), cx)),
    }
}

/// One finding for all texts of a message.
fn report<'a>(texts: impl Iterator<Item = (&'a Value<'a>, &'a str)>, cx: &mut Context<'_>) {
    let mut found = texts.flat_map(|(value, text)| tokens(text).map(move |(at, token)| (value, at, token)));
    let Some((value, at, first)) = found.next() else { return };
    let mut names = vec![quoted(first)];
    let mut count = 1;
    for (_, _, token) in found {
        count += 1;
        let name = quoted(token);
        if names.len() < 4 && !names.contains(&name) {
            names.push(name);
        }
    }
    let times = if count > 1 { format!(" ({} times in all)", number(count)) } else { String::new() };
    let noun = if names.len() > 1 { "the special tokens" } else { "the special token" };
    let openai = cx.settings.target.name == "openai";
    let found = cx.report_within(value, at, first.len(), format!("the text holds {noun} {}{times}", names.join(", ")));
    let found = found.help("remove it, or write it otherwise: `< |`, or a word of your own");
    if openai {
        found.provider_says(format!("Invalid file format. Example 1 message contains an invalid token: {first}."));
    }
}

fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    memmem::find_iter(text.as_bytes(), b"<|").filter_map(|at| {
        let rest = text.as_bytes().get(at + 2..)?;
        let end = memmem::find(rest.get(..LONGEST.min(rest.len()))?, b"|>")?;
        let name = text.get(at + 2..at + 2 + end)?;
        is_special(name).then_some((at, text.get(at..at + end + 4)?))
    })
}

fn is_special(name: &str) -> bool {
    let is_plain = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    NAMES.contains(&name)
        || name.strip_prefix("fim_").is_some_and(is_plain)
        || name.strip_prefix("reserved_").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}
