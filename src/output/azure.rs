//! Azure Pipelines logging commands. A step shows ten errors and ten warnings: the first of each rule come first. There is
//! no command for notes, which stand in the log as text.

use std::io::{self, Write};

use super::{Digest, Reporter, relative, summary};
use crate::diagnostic::{Diagnostic, sanitised};
use crate::rule::Severity;
use crate::settings::Settings;
use crate::summary::Summary;

/// Issues of one kind that the agent keeps of a step (`_maxIssueCount` of microsoft/azure-pipelines-agent).
const MOST: usize = 10;

pub(super) struct Azure<'a> {
    out: Box<dyn Write + 'a>,
    digest: Digest,
}

impl<'a> Azure<'a> {
    pub(super) fn new(out: Box<dyn Write + 'a>) -> Self {
        Self { out, digest: Digest::new(MOST, MOST, MOST) }
    }
}

impl Reporter for Azure<'_> {
    fn report(&mut self, diagnostic: &Diagnostic) -> io::Result<()> {
        self.digest.add(diagnostic);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, settings: &Settings) -> io::Result<()> {
        let (shown, more) = std::mem::replace(&mut self.digest, Digest::new(0, 0, 0)).finish();
        for diagnostic in &shown {
            writeln!(self.out, "{}", issue(diagnostic))?;
        }
        if let Some(more) = more {
            writeln!(self.out, "{more} not shown: Azure Pipelines takes {MOST} of a kind; another --output-format has all")?;
        }
        writeln!(self.out, "{}", summary::verdict_line(summary, settings, false))?;
        self.out.flush()
    }
}

fn issue(diagnostic: &Diagnostic) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        // A `#` at the start of a line would begin a command.
        Severity::Info => return format!("note {}: {}", diagnostic.rule.code, data(&diagnostic.message)),
    };
    let mut properties = format!("type={kind};");
    if !diagnostic.location.path.is_empty() {
        properties.push_str(&format!("sourcepath={};", property(relative(&diagnostic.location.path))));
    }
    if let Some(line) = &diagnostic.location.line {
        properties.push_str(&format!("linenumber={};columnnumber={};", line.line, line.column));
    }
    let help = diagnostic.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    format!("##vso[task.logissue {properties}code={};]{}", diagnostic.rule.code, data(&format!("{}{help}", diagnostic.message)))
}

/// The escapes of azure-pipelines-task-lib's `escapedata`; what could steer a terminal is told by its code.
fn data(text: &str) -> String {
    let text = text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A");
    sanitised(&text).into_owned()
}

/// The escapes of azure-pipelines-task-lib's `escape`.
fn property(text: &str) -> String {
    data(text).replace(';', "%3B").replace(']', "%5D")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::OutputFormat;
    use crate::output::tests::{finding, written};

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(property("a]b;c%\n\u{1b}"), "a%5Db%3Bc%AZP25%0A\\u{1b}");
    }

    #[test]
    fn an_issue_has_its_place() {
        let written = written(OutputFormat::Azure, &[finding("M003", 7)]);
        let expected = "##vso[task.logissue type=error;sourcepath=data/a b.jsonl;linenumber=7;columnnumber=3;code=M003;]";
        assert!(written.starts_with(expected), "{written}");
    }
}
