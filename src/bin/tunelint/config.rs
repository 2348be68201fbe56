//! The configuration file: `tunelint.toml`, `.tunelint.toml`, or `[tool.tunelint]` in `pyproject.toml`. The nearest one
//! above a file counts; unknown keys are refused with the nearest right one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use toml::Table;
use tunelint::rule::Severity;
use tunelint::rules;
use tunelint::settings::{Levels, Selector};
use tunelint::target::Level;

/// What a configuration file may say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    /// A configuration to build on, relative to this one.
    pub(crate) extend: Option<PathBuf>,
    /// Files to check when none is named, relative to this one.
    pub(crate) include: Vec<String>,
    /// Files to leave out.
    pub(crate) exclude: Vec<String>,
    #[serde(flatten)]
    pub(crate) judging: Judging,
    pub(crate) fail_on: Option<Severity>,
    pub(crate) output_format: Option<String>,
    pub(crate) max_findings: Option<u64>,
    /// Rules to leave out for files that match a glob.
    pub(crate) per_file_ignores: BTreeMap<String, Vec<String>>,
    /// Other settings for files that match.
    pub(crate) overrides: Vec<Override>,
}

/// Settings that can differ from file to file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Judging {
    pub(crate) target: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) epochs: Option<u64>,
    pub(crate) images: Option<String>,
    pub(crate) tokens: Option<bool>,
    /// Longest line that is read, in bytes.
    pub(crate) max_line_bytes: Option<usize>,
    pub(crate) select: Option<Vec<String>>,
    pub(crate) extend_select: Vec<String>,
    pub(crate) ignore: Vec<String>,
    /// Levels of single rules.
    pub(crate) rules: BTreeMap<String, Level>,
}

/// Settings for some files.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Override {
    pub(crate) files: Vec<String>,
    #[serde(flatten)]
    pub(crate) judging: Judging,
}

/// A configuration with the folder its paths are relative to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) path: Option<PathBuf>,
    pub(crate) root: PathBuf,
    pub(crate) config: Config,
}

const NAMES: [&str; 3] = ["tunelint.toml", ".tunelint.toml", "pyproject.toml"];

/// The nearest configuration at or above `folder`; an empty one when there is none.
pub(crate) fn nearest(folder: &Path, inline: &Table) -> Result<Loaded, String> {
    let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
    for folder in folder.ancestors() {
        for name in NAMES {
            let path = folder.join(name);
            if let Some(table) = read(&path)? {
                return finish(Some(path), folder.to_owned(), table, inline);
            }
        }
    }
    finish(None, folder, Table::new(), inline)
}

/// The configuration in the file at `path`.
pub(crate) fn load(path: &Path, inline: &Table) -> Result<Loaded, String> {
    let table = read(path)?.ok_or_else(|| match path.exists() {
        true => format!("{}: it has no table [tool.tunelint]", path.display()),
        false => format!("{}: no such configuration file", path.display()),
    })?;
    let root = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    finish(Some(path.to_owned()), root, table, inline)
}

/// No file, only what the command line says.
pub(crate) fn isolated(inline: &Table) -> Result<Loaded, String> {
    finish(None, std::env::current_dir().unwrap_or_default(), Table::new(), inline)
}

/// Reads `KEY=VALUE` from the command line; dots in the key make tables.
pub(crate) fn inline(text: &str, into: &mut Table) -> Result<(), String> {
    let table: Table = text
        .parse()
        .or_else(|_| {
            // A bare word is a string: --config target=azure.
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            format!("{key}={:?}", value.trim()).parse()
        })
        .map_err(|error: toml::de::Error| format!("--config {text}: {}", error.message()))?;
    for (key, value) in table {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => below.extend(above),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
    Ok(())
}

/// The table of a file; `None` when the file is not there or is a pyproject.toml that does not speak of tunelint.
fn read(path: &Path) -> Result<Option<Table>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(_) if !path.exists() => return Ok(None),
        Err(error) => return Err(format!("{}: {}", path.display(), crate::files::reason(&error))),
    };
    let mut table: Table = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
    if path.file_name().is_some_and(|name| name == "pyproject.toml") {
        let tool = table.get_mut("tool").and_then(toml::Value::as_table_mut).and_then(|tool| tool.remove("tunelint"));
        return Ok(match tool {
            Some(toml::Value::Table(own)) => Some(own),
            _ => None,
        });
    }
    Ok(Some(table))
}

fn finish(path: Option<PathBuf>, root: PathBuf, mut table: Table, inline: &Table) -> Result<Loaded, String> {
    let shown = path.as_ref().map_or("--config".to_owned(), |path| path.display().to_string());
    let mut seen = path.clone().into_iter().collect::<Vec<_>>();
    let mut folder = root.clone();
    while let Some(toml::Value::String(parent)) = table.remove("extend") {
        let parent = folder.join(parent);
        if seen.contains(&parent) {
            return Err(format!("{shown}: `extend` goes in a circle over {}", parent.display()));
        }
        let mut below = read(&parent)?.ok_or_else(|| format!("{shown}: `extend`: there is no configuration {}", parent.display()))?;
        below.extend(table);
        table = below;
        folder = parent.parent().unwrap_or(Path::new("")).to_owned();
        seen.push(parent);
    }
    for (key, value) in inline {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => below.extend(above.clone()),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
    check_keys(&table, &shown)?;
    let config: Config = toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| format!("{shown}: {}", error.message()))?;
    Ok(Loaded { path, root, config })
}

const KEYS: [&str; 20] = [
    "extend",
    "include",
    "exclude",
    "target",
    "model",
    "method",
    "epochs",
    "images",
    "tokens",
    "max-line-bytes",
    "select",
    "extend-select",
    "ignore",
    "rules",
    "fail-on",
    "output-format",
    "max-findings",
    "per-file-ignores",
    "overrides",
    "files",
];

/// serde's flatten cannot name unknown keys: this does, with the nearest right one.
fn check_keys(table: &Table, shown: &str) -> Result<(), String> {
    let overrides = table.get("overrides").and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_table);
    for (keys, is_override) in std::iter::once((table, false)).chain(overrides.map(|table| (table, true))) {
        for key in keys.keys() {
            let known = KEYS.contains(&key.as_str()) && (is_override || key != "files");
            if !known {
                let key_text = tunelint::diagnostic::quoted(key);
                return Err(match tunelint::diagnostic::nearest(key, KEYS) {
                    Some(near) => format!("{shown}: there is no setting {key_text}; did you mean `{near}`?"),
                    None => format!("{shown}: there is no setting {key_text}; there are {}", KEYS.get(..19).unwrap_or_default().join(", ")),
                });
            }
        }
    }
    Ok(())
}

/// Globs as one set. A pattern without a slash fits a name in any folder, as in .gitignore.
pub(crate) fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = |text: &str| Glob::new(text).map_err(|error| format!("the pattern `{pattern}` cannot be read: {}", error.kind()));
        set.add(glob(pattern)?);
        if !pattern.starts_with('/') {
            set.add(glob(&format!("**/{pattern}"))?);
            set.add(glob(&format!("**/{}/**", pattern.trim_end_matches('/')))?);
        }
    }
    set.build().map_err(|error| error.to_string())
}

/// Reads selectors, or says which one means no rule.
pub(crate) fn selectors(texts: &[String], origin: &str) -> Result<Vec<Selector>, String> {
    let registry = rules::all();
    texts.iter().map(|text| Selector::parse(text.trim(), &registry).map_err(|error| format!("{origin}: {error}"))).collect()
}

impl Judging {
    /// What it says about the levels of rules.
    pub(crate) fn levels(&self, origin: &str) -> Result<Levels, String> {
        let severity = self
            .rules
            .iter()
            .map(|(rule, level)| Ok((Selector::parse(rule, &rules::all()).map_err(|error| format!("{origin}: {error}"))?, *level)));
        Ok(Levels {
            select: self.select.as_ref().map(|texts| selectors(texts, origin)).transpose()?,
            extend_select: selectors(&self.extend_select, origin)?,
            ignore: selectors(&self.ignore, origin)?,
            severity: severity.collect::<Result<_, String>>()?,
        })
    }
}
