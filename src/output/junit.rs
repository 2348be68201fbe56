//! JUnit XML: a suite for each file, a failed case for each error and warning. Test viewers are not made for thousands of
//! cases: the first of each rule come first, and a last case tells how many more there are.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use super::{Digest, Reporter};
use crate::diagnostic::{Diagnostic, sanitised};
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Summary;

/// Cases of one severity.
const MOST: usize = 1_000;

pub(super) struct Junit<'a> {
    out: Box<dyn Write + 'a>,
    digest: Digest,
}

impl<'a> Junit<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, digest: Digest::new(MOST, MOST, MOST) }
    }
}

impl Reporter for Junit<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        self.digest.add(diagnostic);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, _: &Settings) -> io::Result<()> {
        let (shown, more) = std::mem::replace(&mut self.digest, Digest::new(0, 0, 0)).finish();
        // Files without a finding are suites too: they passed.
        let mut suites: BTreeMap<Arc<str>, Vec<&Diagnostic>> =
            summary.files.iter().map(|file| (Arc::clone(&file.path), Vec::new())).collect();
        for diagnostic in &shown {
            suites.entry(Arc::clone(&diagnostic.location.path)).or_default().push(diagnostic);
        }
        let failures = |cases: &[&Diagnostic]| cases.iter().filter(|case| case.severity > Severity::Info).count();
        let of_more = usize::from(more.is_some());
        let all: usize = suites.values().map(|cases| cases.len().max(1)).sum();
        let failed: usize = suites.values().map(|cases| failures(cases)).sum();
        writeln!(self.out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(self.out, "<testsuites name=\"tunelint\" tests=\"{}\" failures=\"{}\">", all + of_more, failed + of_more)?;
        for (path, cases) in &suites {
            let name = if path.is_empty() { "all files" } else { path };
            let (tests, failures) = (cases.len().max(1), failures(cases));
            writeln!(self.out, "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">", xml(name))?;
            if cases.is_empty() {
                writeln!(self.out, "    <testcase name=\"no findings\" classname=\"{}\"/>", xml(name))?;
            }
            cases.iter().try_for_each(|case| self.out.write_all(test_case(case, name).as_bytes()))?;
            writeln!(self.out, "  </testsuite>")?;
        }
        if let Some(more) = more {
            writeln!(self.out, "  <testsuite name=\"not shown\" tests=\"1\" failures=\"1\" errors=\"0\">")?;
            writeln!(self.out, "    <testcase name=\"{more}\" classname=\"tunelint\">")?;
            writeln!(self.out, "      <failure type=\"not-shown\" message=\"{more}; at most {MOST} of a severity are listed\"/>")?;
            writeln!(self.out, "    </testcase>\n  </testsuite>")?;
        }
        writeln!(self.out, "</testsuites>")?;
        self.out.flush()
    }
}

fn test_case(diagnostic: &Diagnostic, path: &str) -> String {
    let place = diagnostic.location.line.as_ref().map(|line| format!(":{}:{}", line.line, line.column)).unwrap_or_default();
    let name = format!("{} {}{}", diagnostic.rule.code, diagnostic.rule.name, place);
    let line = diagnostic.location.line.as_ref().map(|line| format!(" line=\"{}\"", line.line)).unwrap_or_default();
    let open = format!("    <testcase name=\"{}\" classname=\"{}\"{line}>", xml(&name), xml(path));
    let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    let text = xml(&format!("{path}{place}: {}{help}", diagnostic.message));
    let inner = match diagnostic.severity {
        // What only deserves a look has not failed.
        Severity::Info => format!("<system-out>{text}</system-out>"),
        severity => format!("<failure type=\"{severity}\" message=\"{}\">{text}</failure>", xml(&diagnostic.message)),
    };
    format!("{open}\n      {inner}\n    </testcase>\n")
}

/// Text for an element or an attribute: what XML 1.0 cannot hold at all is told by its code.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitised(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn text_stays_text() {
        assert_eq!(xml("<a b=\"c\">&\u{1b}\u{ffff}"), "&lt;a b=&quot;c&quot;&gt;&amp;\\u{1b}\u{fffd}");
    }

    #[test]
    fn elements_are_closed_and_counts_are_true() {
        let mut hostile = finding("M003", 7);
        hostile.message = "]]></failure><script> & \"".to_owned();
        let findings: Vec<_> =
            std::iter::once(hostile).chain((0..1_200).map(|line| finding("I013", line + 1))).chain([finding("L002", 0)]).collect();
        let text = written(OutputFormat::Junit, &findings);
        let mut open = Vec::new();
        for tag in regex::Regex::new("<(/?)([a-z-]+)[^>]*?(/?)>").expect("a pattern").captures_iter(&text) {
            match (&tag[1], &tag[3]) {
                ("/", _) => assert_eq!(open.pop().as_deref(), Some(&tag[2])),
                (_, "") => open.push(tag[2].to_owned()),
                _ => {}
            }
        }
        assert!(open.is_empty());
        assert!(text.contains("<testsuites name=\"tunelint\" tests=\"1003\" failures=\"1002\">"), "{}", &text[..200]);
        assert_eq!(text.matches("<testcase").count(), 1_003);
        assert_eq!(text.matches("</failure>").count() + text.matches("\"/>").count(), 1_002);
        assert!(text.contains("200 more warnings"));
    }
}
