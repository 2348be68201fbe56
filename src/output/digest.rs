//! The few findings that a platform shows when it does not show all: the first of each rule before its repetitions,
//! within a number for each severity. Memory follows these numbers and the rules, not the findings.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::{Diagnostic, count, number};
use crate::rule::Severity;

pub(super) struct Digest {
    most: BTreeMap<Severity, usize>,
    /// The first finding of each rule at each severity, in order.
    firsts: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Severity)>,
    /// Repetitions, as many as could be needed.
    others: BTreeMap<Severity, Vec<Diagnostic>>,
    counts: BTreeMap<Severity, u64>,
}

impl Digest {
    /// A digest of at most so many errors, warnings and notes.
    pub(super) fn new(errors: usize, warnings: usize, notes: usize) -> Self {
        let most = [(Severity::Error, errors), (Severity::Warning, warnings), (Severity::Info, notes)].into();
        Self { most, firsts: Vec::new(), seen: HashSet::new(), others: BTreeMap::new(), counts: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, diagnostic: &Diagnostic) {
        let severity = diagnostic.severity;
        *self.counts.entry(severity).or_default() += 1;
        if self.seen.insert((diagnostic.rule.code, severity)) {
            self.firsts.push(diagnostic.clone());
        } else {
            let others = self.others.entry(severity).or_default();
            if others.len() < self.most.get(&severity).copied().unwrap_or_default() {
                others.push(diagnostic.clone());
            }
        }
    }

    /// The findings to show, worst first, and in words how many more there are.
    pub(super) fn finish(mut self) -> (Vec<Diagnostic>, Option<String>) {
        let (mut shown, mut more): (Vec<Diagnostic>, Vec<String>) = (Vec::new(), Vec::new());
        for severity in Severity::ALL {
            let most = self.most.get(&severity).copied().unwrap_or_default();
            let firsts = self.firsts.iter().filter(|found| found.severity == severity).cloned();
            let chosen: Vec<_> = firsts.chain(self.others.remove(&severity).unwrap_or_default()).take(most).collect();
            let left = self.counts.get(&severity).copied().unwrap_or_default().saturating_sub(chosen.len() as u64);
            if left > 0 {
                let noun = if severity == Severity::Info { "note" } else { severity.name() };
                more.push(if more.is_empty() {
                    count(left, &format!("more {noun}"))
                } else {
                    format!("{} {noun}{}", number(left), if left == 1 { "" } else { "s" })
                });
            }
            shown.extend(chosen);
        }
        (shown, (!more.is_empty()).then(|| more.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::finding;

    #[test]
    fn the_first_of_each_rule_comes_before_repetitions() {
        let mut digest = Digest::new(3, 1, 0);
        for (code, line) in [("M003", 1), ("M003", 2), ("M003", 3), ("I015", 4), ("I013", 5), ("I013", 6), ("L002", 7)] {
            digest.add(&finding(code, line));
        }
        let (shown, more) = digest.finish();
        let shown: Vec<_> = shown.iter().map(|found| (found.rule.code, found.location.line.as_ref().map(|line| line.line))).collect();
        assert_eq!(shown, [("M003", Some(1)), ("I015", Some(4)), ("M003", Some(2)), ("I013", Some(5))]);
        assert_eq!(more.as_deref(), Some("1 more error, 1 warning, 1 note"));
    }
}
