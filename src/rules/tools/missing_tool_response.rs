use crate::context::Context;
use crate::diagnostic::quoted;
use crate::format::{Example, Message, Section, ToolCall};
use crate::json::Value;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;
use std::collections::HashSet;

pub(crate) static RULE: Rule = Rule {
    code: "T017",
    name: "missing-tool-response",
    severity: Severity::Warning,
    effect: Effect::RejectsJob,
    evidence: Evidence::Inferred,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("missing_tool_response.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    for (unanswered, more) in few(pair(example).unanswered) {
        let Some((first, id)) = unanswered.first() else { continue };
        let others = match unanswered.len() - 1 {
            0 => String::new(),
            1 => " and one beside it".to_owned(),
            others => format!(" and {others} beside it"),
        };
        cx.report(*first, format!("the call {}{others} has no answer, though the conversation goes on{more}", quoted(id)))
            .help("put a message with the role `tool` and this `tool_call_id` behind the calls, or end the example with them");
    }
}

/// Calls and the messages that answer them.
#[derive(Default)]
pub(super) struct Pairing<'a> {
    /// For each turn with such calls: the ids of those that are not answered before the conversation goes on.
    pub(super) unanswered: Vec<Vec<(&'a Value<'a>, &'a str)>>,
    /// `tool_call_id`s of answers to no call before them.
    pub(super) orphans: Vec<(&'a Value<'a>, &'a str)>,
}

/// Pairs calls with answers, in each list of messages on its own; outputs may answer calls of their input.
pub(super) fn pair<'a>(example: &Example<'a>) -> Pairing<'a> {
    let mut found = Pairing::default();
    if !example.messages.iter().any(|message| message.is("tool") || message.get("tool_calls").is_some()) {
        return found;
    }
    let mut input = Turns::default();
    for section in [Section::Messages, Section::Input, Section::Preferred] {
        let mut turns = Turns { known: std::mem::take(&mut input.known), is_readable: input.is_readable, ..Turns::default() };
        example.messages.iter().filter(|message| message.section == section).for_each(|message| turns.add(message, &mut found));
        input = turns;
    }
    found
}

struct Turns<'a> {
    /// Ids of all calls so far.
    known: HashSet<&'a str>,
    /// Whether all calls so far have ids that can be read.
    is_readable: bool,
    /// Calls that wait for an answer.
    pending: Vec<(&'a Value<'a>, &'a str)>,
    answered: HashSet<&'a str>,
    /// Answers to something else, or to nothing.
    strays: usize,
    /// Whether the last message was the assistant's.
    is_calling: bool,
}

impl Default for Turns<'_> {
    fn default() -> Self {
        Self { known: HashSet::new(), is_readable: true, pending: Vec::new(), answered: HashSet::new(), strays: 0, is_calling: false }
    }
}

impl<'a> Turns<'a> {
    fn add(&mut self, message: &Message<'a>, found: &mut Pairing<'a>) {
        match message.role() {
            Some("tool") => {
                self.is_calling = false;
                let id = message.get("tool_call_id").and_then(|value| Some((value, value.as_str()?)));
                match id {
                    Some((_, id)) if self.known.contains(id) => {
                        self.answered.insert(id);
                    }
                    Some(orphan) => {
                        self.strays += 1;
                        found.orphans.extend(Some(orphan).filter(|_| self.is_readable));
                    }
                    None => self.strays += 1,
                }
            }
            Some("assistant") => {
                let calls: Vec<ToolCall<'a>> = message.tool_calls().collect();
                // A turn that is split over two messages is still one turn.
                if !self.is_calling || calls.is_empty() {
                    self.close(found);
                }
                self.is_readable &= message.get("tool_calls").is_none_or(|list| list.is_null() || list.as_array().is_some());
                for call in calls {
                    match call.value.get("id").and_then(|value| Some((value, value.as_str()?))) {
                        Some((value, id)) => {
                            self.known.insert(id);
                            self.pending.push((value, id));
                        }
                        None => self.is_readable = false,
                    }
                }
                self.is_calling = !self.pending.is_empty();
            }
            Some("user" | "system" | "developer") => self.close(found),
            // The deprecated role, or none at all: it may have been meant as the answer.
            _ => self.forget(),
        }
    }

    /// The conversation goes on: what is not answered now will not be. Answers to something else account for as many calls.
    fn close(&mut self, found: &mut Pairing<'a>) {
        let mut unanswered: Vec<_> = self.pending.iter().copied().filter(|(_, id)| !self.answered.contains(id)).collect();
        if unanswered.len() > self.strays {
            unanswered.drain(..self.strays);
            found.unanswered.push(unanswered);
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.pending.clear();
        self.answered.clear();
        (self.strays, self.is_calling) = (0, false);
    }
}
