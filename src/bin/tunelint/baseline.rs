//! The baseline of a run: which file it is, and what is written back to it.

use std::io::{self, Write as _};
use std::path::PathBuf;

use tunelint::baseline::Baseline;
use tunelint::diagnostic::{count, sanitised};
use tunelint::settings::Settings;

use crate::Exit;
use crate::cli::CheckArguments;
use crate::config::Loaded;
use crate::files;

/// The file that `--add-baseline` writes when none is named.
const NAME: &str = "tunelint-baseline.json";

/// A baseline file, and what this run does to it.
pub(crate) struct Kept {
    path: PathBuf,
    adds: bool,
    prunes: bool,
}

/// Reads the baseline that flags or configuration name; `None` when they name none.
pub(crate) fn open(arguments: &CheckArguments, here: &Loaded) -> Result<Option<(Kept, Baseline)>, String> {
    let (adds, prunes) = (arguments.add_baseline.is_some(), arguments.update_baseline);
    let named = arguments.add_baseline.clone().flatten().or_else(|| arguments.baseline.clone());
    let configured = here.config.baseline.as_ref().map(|path| here.root.join(path));
    let fallback = (adds || prunes).then(|| here.root.join(NAME));
    let Some(path) = named.or(configured).or(fallback) else { return Ok(None) };
    let kept = Kept { path, adds, prunes };
    let shown = kept.shown();
    let mut baseline = match std::fs::read_to_string(&kept.path) {
        Ok(text) => Baseline::parse(&text).map_err(|error| format!("{shown}: {error}"))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound && adds => Baseline::default(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("{shown}: there is no such baseline; `--add-baseline` writes one"));
        }
        Err(error) => return Err(format!("{shown}: {}", files::reason(&error))),
    };
    if adds {
        baseline.learn();
    }
    Ok(Some((kept, baseline)))
}

impl Kept {
    /// Writes what the run has changed, and says so on standard error.
    pub(crate) fn save(&self, mut baseline: Baseline, settings: &Settings, exit: Exit) -> Result<(), String> {
        if !self.adds && !self.prunes {
            return Ok(());
        }
        if exit == Exit::Failure {
            return Err(format!("{}: left as it was: not everything could be checked", self.shown()));
        }
        let mut changes = Vec::new();
        if self.adds {
            changes.push(format!("added {}", count(baseline.extend(), "finding")));
        }
        if self.prunes {
            // A rule that was off has found nothing, and says nothing about what is left.
            let was_checked =
                |code: &str| settings.judgements().iter().find(|own| own.rule.code == code).is_none_or(|own| own.severity.is_some());
            changes.push(format!("removed {} no longer there", count(baseline.prune(was_checked), "finding")));
        }
        files::replace(&self.path, baseline.to_string().as_bytes())
            .map_err(|error| format!("{}: {}", self.shown(), files::reason(&error)))?;
        let known = count(baseline.len(), "finding");
        let _ = writeln!(io::stderr(), "{}: {}; it has {known}", sanitised(&self.shown()), changes.join(", "));
        Ok(())
    }

    /// The path, in short where it lies in the working folder.
    fn shown(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        self.path.strip_prefix(&here).unwrap_or(&self.path).display().to_string()
    }
}
