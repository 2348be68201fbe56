//! The configuration file: `tunelint.toml`, `.tunelint.toml`, or `[tool.tunelint]` in `pyproject.toml`. The nearest one
//! above a file counts; unknown keys are refused with the nearest right one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Table;
use tunelint::rule::Severity;
use tunelint::rules;
use tunelint::settings::{Levels, Selector};
use tunelint::target::Level;

use crate::schema;

/// What a configuration file may say. The comments of the fields are what editors show.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "tunelint.toml", description = "The configuration of tunelint")]
pub(crate) struct Config {
    /// A configuration to build on, relative to this one.
    pub(crate) extend: Option<PathBuf>,
    /// Files and folders to check when none is named, relative to this file.
    pub(crate) include: Vec<String>,
    /// Globs of files to leave out.
    pub(crate) exclude: Vec<String>,
    #[serde(flatten)]
    pub(crate) judging: Judging,
    /// Least severity that makes the exit code 1; `error` when left out.
    #[schemars(schema_with = "schema::severity")]
    pub(crate) fail_on: Option<Severity>,
    /// How findings are shown; `full` when left out.
    #[schemars(schema_with = "schema::output_format")]
    pub(crate) output_format: Option<String>,
    /// Findings of each rule to show for people, 0 for all; 5 when left out.
    pub(crate) max_findings: Option<u64>,
    /// A file of findings that are known and not told again, relative to this one; `--add-baseline` writes it.
    pub(crate) baseline: Option<PathBuf>,
    /// Rules to leave out for files that match a glob.
    #[schemars(schema_with = "schema::selectors_by_glob")]
    pub(crate) per_file_ignores: BTreeMap<String, Vec<String>>,
    /// Other settings for files that match; the last one that fits counts.
    pub(crate) overrides: Vec<Override>,
}

/// Settings that can differ from file to file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub(crate) struct Judging {
    /// Provider or trainer the dataset is bound for, or a .toml file of your own; `openai` when left out.
    pub(crate) target: Option<String>,
    /// Model to be trained; the target's default when left out.
    pub(crate) model: Option<String>,
    /// Training method; `auto` goes by what most lines look like.
    #[schemars(schema_with = "schema::method")]
    pub(crate) method: Option<String>,
    /// Epochs to price; by the target's published formula when left out.
    pub(crate) epochs: Option<u64>,
    /// How much is looked at in images: their URLs, their headers, or every byte; `full` when left out.
    #[schemars(schema_with = "schema::images")]
    pub(crate) images: Option<String>,
    /// Whether tokens are counted; true when left out.
    pub(crate) tokens: Option<bool>,
    /// Longest line that is read, in bytes.
    pub(crate) max_line_bytes: Option<usize>,
    /// Only these rules: codes, beginnings of codes, names, or ALL.
    #[schemars(schema_with = "schema::selectors")]
    pub(crate) select: Option<Vec<String>>,
    /// These rules too.
    #[schemars(schema_with = "schema::selectors")]
    pub(crate) extend_select: Vec<String>,
    /// Rules to leave out.
    #[schemars(schema_with = "schema::selectors")]
    pub(crate) ignore: Vec<String>,
    /// Levels of single rules.
    #[schemars(schema_with = "schema::levels")]
    pub(crate) rules: BTreeMap<String, Level>,
}

/// Settings for some files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct Override {
    /// Globs of the files that are meant, relative to this file.
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
    /// Where each of its keys was said: a file, `--config`, or both.
    pub(crate) origins: BTreeMap<String, String>,
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

/// The configuration file that lies in `folder` itself, if there is one.
pub(crate) fn within(folder: &Path) -> Result<Option<PathBuf>, String> {
    for path in NAMES.map(|name| folder.join(name)) {
        if read(&path)?.is_some() {
            return Ok(Some(path));
        }
    }
    Ok(None)
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
    let mut origins: BTreeMap<String, String> = table.keys().map(|key| (key.clone(), shown.clone())).collect();
    let mut folder = root.clone();
    while let Some(toml::Value::String(parent)) = table.remove("extend") {
        let parent = folder.join(parent);
        if seen.contains(&parent) {
            return Err(format!("{shown}: `extend` goes in a circle over {}", parent.display()));
        }
        let mut below = read(&parent)?.ok_or_else(|| format!("{shown}: `extend`: there is no configuration {}", parent.display()))?;
        below.keys().for_each(|key| {
            origins.entry(key.clone()).or_insert_with(|| parent.display().to_string());
        });
        below.extend(table);
        table = below;
        folder = parent.parent().unwrap_or(Path::new("")).to_owned();
        seen.push(parent);
    }
    for (key, value) in inline {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => {
                below.extend(above.clone());
                origins.entry(key.clone()).and_modify(|origin| origin.push_str(" and --config"));
            }
            _ => {
                table.insert(key.clone(), value.clone());
                origins.insert(key.clone(), "--config".to_owned());
            }
        }
    }
    check_keys(&table, &shown)?;
    let config: Config = toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| format!("{shown}: {}", error.message()))?;
    Ok(Loaded { path, root, config, origins })
}

const KEYS: [&str; 21] = [
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
    "baseline",
    "per-file-ignores",
    "overrides",
    "files",
];

/// Of these, the keys that stand for a whole run.
const RUN_KEYS: [&str; 9] =
    ["extend", "include", "exclude", "fail-on", "output-format", "max-findings", "baseline", "per-file-ignores", "overrides"];

/// serde's flatten cannot name unknown keys: this does, with the nearest right one.
fn check_keys(table: &Table, shown: &str) -> Result<(), String> {
    let overrides = table.get("overrides").and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_table);
    for (keys, is_override) in std::iter::once((table, false)).chain(overrides.map(|table| (table, true))) {
        for key in keys.keys() {
            if is_override && RUN_KEYS.contains(&key.as_str()) {
                return Err(format!("{shown}: `{key}` stands for the whole run: move it out of `[[overrides]]`"));
            }
            let known = KEYS.contains(&key.as_str()) && (is_override || key != "files");
            if !known {
                let key_text = tunelint::diagnostic::quoted(key);
                return Err(match tunelint::diagnostic::nearest(key, KEYS) {
                    Some(near) => format!("{shown}: there is no setting {key_text}; did you mean `{near}`?"),
                    None => format!("{shown}: there is no setting {key_text}; there are {}", KEYS.get(..20).unwrap_or_default().join(", ")),
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
    /// Whether it has a value for `key`.
    pub(crate) fn says(&self, key: &str) -> bool {
        match key {
            "target" => self.target.is_some(),
            "model" => self.model.is_some(),
            "method" => self.method.is_some(),
            "epochs" => self.epochs.is_some(),
            "images" => self.images.is_some(),
            "tokens" => self.tokens.is_some(),
            "max-line-bytes" => self.max_line_bytes.is_some(),
            _ => false,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema that editors read, the keys that are checked and the fields that serde fills are the same.
    #[test]
    fn the_schema_knows_just_the_keys_there_are() {
        let schema = schema::of_configuration();
        let keys = |schema: &serde_json::Value| {
            let mut keys: Vec<String> = schema["properties"].as_object().expect("properties").keys().cloned().collect();
            keys.sort_unstable();
            keys
        };
        let mut top: Vec<&str> = KEYS.into_iter().filter(|key| *key != "files").collect();
        top.sort_unstable();
        assert_eq!(keys(&schema), top, "KEYS and the fields of Config must agree");
        let mut own: Vec<&str> = KEYS.into_iter().filter(|key| !RUN_KEYS.contains(key)).collect();
        own.sort_unstable();
        assert_eq!(keys(&schema["$defs"]["Override"]), own, "RUN_KEYS and the fields of Judging must agree");
        let described = |schema: &serde_json::Value| {
            schema["properties"].as_object().expect("properties").values().all(|property| property["description"].is_string())
        };
        assert!(described(&schema) && described(&schema["$defs"]["Override"]), "a setting has a comment: {schema:#}");
    }

    /// What the schema takes is read, and what it refuses is refused.
    #[test]
    fn the_schema_and_the_program_agree() {
        let schema = jsonschema::validator_for(&schema::of_configuration()).expect("a schema");
        for (text, expected) in [
            ("", true),
            ("target = 'azure'\nmodel = 'gpt-4.1'\nmethod = 'dpo'\nepochs = 3\nimages = 'header'\ntokens = false", true),
            ("include = ['a.jsonl']\nexclude = ['b']\nfail-on = 'warning'\noutput-format = 'json'\nmax-findings = 0", true),
            ("select = ['M', 'empty-content', 'I003', 'ALL']\nextend-select = []\nignore = ['L0']\nbaseline = 'b.json'", true),
            ("[rules]\nunknown-role = 'off'\nM = 'error'\n[per-file-ignores]\n'eval/*' = ['L002']", true),
            ("[[overrides]]\nfiles = ['*.jsonl']\ntarget = 'together'\nrules = { M003 = 'info' }", true),
            ("targt = 'azure'", false),
            ("files = ['a.jsonl']", false),
            ("epochs = '3'", false),
            ("tokens = 1", false),
            ("max-findings = -1", false),
            ("fail-on = 'fatal'", false),
            ("[rules]\nunknown-role = 'fatal'", false),
            ("[[overrides]]\ntarget = 'together'", false),
            ("[[overrides]]\nfiles = ['a']\nfail-on = 'error'", false),
            ("[[overrides]]\nfiles = ['a']\ntargt = 'together'", false),
            ("include = 'a.jsonl'", false),
        ] {
            let table: Table = text.parse().expect("TOML");
            let value = serde_json::to_value(&table).expect("JSON");
            let read = finish(None, PathBuf::new(), table, &Table::new());
            assert_eq!(schema.is_valid(&value), expected, "the schema: {text}");
            assert_eq!(read.is_ok(), expected, "the program: {text}: {:?}", read.err());
        }
    }

    #[test]
    fn each_key_knows_where_it_was_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write("base.toml", "target = 'azure'\nmodel = 'gpt-4.1'");
        write("tunelint.toml", "extend = 'base.toml'\nmodel = 'gpt-4o'\n[rules]\nM003 = 'info'");
        let mut inline_table = Table::new();
        inline("rules.M004='off'", &mut inline_table).expect("TOML");
        inline("epochs=2", &mut inline_table).expect("TOML");
        let origins = nearest(folder.path(), &inline_table).expect("a configuration").origins;
        let ends = [("target", "base.toml"), ("model", "tunelint.toml"), ("rules", "tunelint.toml and --config"), ("epochs", "--config")];
        for (key, end) in ends {
            assert!(origins[key].ends_with(end), "{key}: {origins:?}");
        }
    }
}
