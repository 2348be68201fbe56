//! `tunelint init`: a commented `tunelint.toml` for the datasets in a folder, which is looked into as `check` would; or a
//! commented recipe for a source of rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use globset::GlobSet;
use serde_json::Value;
use tunelint::diagnostic::{count, sanitised};
use tunelint::engine::{Engine, Input};
use tunelint::format::{Format, Shape};
use tunelint::generate::source::{Source, Spec};
use tunelint::rules;
use tunelint::settings::{ImageChecks, Settings};
use tunelint::summary::Summary;
use tunelint::target::{BUILTIN, Date, Model, Target};

use super::check::today;
use super::target;
use crate::cli::InitArguments;
use crate::config;
use crate::files::{self, Selection};
use crate::{Exit, complain};

/// Bytes of each file that are looked at: enough to tell its format, and whether it holds images.
const ENOUGH: u64 = 8 << 20;

pub(crate) fn run(arguments: &InitArguments) -> Result<Exit, String> {
    let path = arguments.path.as_deref().unwrap_or(Path::new("."));
    // A folder of datasets, or of nothing that rows could be read from.
    if path.is_dir() && (arguments.path.is_none() || !datasets(path).is_empty() || !is_source(path)) {
        return configuration(path, arguments.print);
    }
    recipe(path, arguments.print)
}

fn is_source(path: &Path) -> bool {
    Source::open(&Spec::new(path.to_string_lossy()), Path::new("")).is_ok()
}

/// Writes a recipe for the source at `path`, named after it, into the current folder.
fn recipe(path: &Path, print: bool) -> Result<Exit, String> {
    let text = tunelint::generate::init(&path.to_string_lossy(), Path::new("")).map_err(|error| error.to_string())?;
    if print {
        // A reader that has seen enough is no failure.
        let _ = io::stdout().write_all(text.as_bytes());
        return Ok(Exit::Clean);
    }
    let name = path.canonicalize().ok().and_then(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    let recipe = Path::new(&name.unwrap_or_else(|| "recipe".to_owned())).with_extension("toml");
    save(&recipe, &text)?;
    let shown = sanitised(&recipe.to_string_lossy()).into_owned();
    let _ = writeln!(io::stderr(), "wrote {shown}; `tunelint generate {shown} --preview` shows what it makes");
    Ok(Exit::Clean)
}

/// Writes a new file; one that is there is never overwritten, not even one that has appeared in between.
fn save(path: &Path, text: &str) -> Result<(), String> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{}: it is there already; `--print` shows what would be written", path.display()),
        _ => format!("{}: {}", path.display(), files::reason(&error)),
    })
}

fn configuration(folder: &Path, print: bool) -> Result<Exit, String> {
    let path = folder.join("tunelint.toml");
    if let Some(old) = config::within(folder)?.filter(|_| !print) {
        return Err(format!("{}: there is a configuration already; `--print` shows what would be written", old.display()));
    }
    let found = survey(folder)?;
    let text = write(&found, today())?;
    if print {
        // A reader that has seen enough is no failure.
        let _ = io::stdout().write_all(text.as_bytes());
        return Ok(Exit::Clean);
    }
    save(&path, &text)?;
    let _ = writeln!(io::stderr(), "wrote {} for {}", sanitised(&path.to_string_lossy()), count(found.len() as u64, "dataset"));
    Ok(Exit::Clean)
}

/// What is known of a dataset.
struct Dataset {
    /// Relative to the configuration.
    path: String,
    bytes: u64,
    shape: Option<Shape>,
    images: bool,
}

/// The datasets under `folder`.
fn datasets(folder: &Path) -> Vec<PathBuf> {
    let exclude = GlobSet::empty();
    let find = |respect_gitignore| {
        let selection = Selection { exclude: &exclude, force_exclude: false, respect_gitignore };
        files::find(&[folder.to_owned()], &selection).files
    };
    let paths = find(true);
    // Data is often kept out of git: what is named in `include` is checked all the same.
    if paths.is_empty() { find(false) } else { paths }
}

/// Looks into the datasets under `folder`, the largest first.
fn survey(folder: &Path) -> Result<Vec<Dataset>, String> {
    let paths = datasets(folder);
    let engine = Engine::new(1)?;
    let mut settings = Settings::new(target::load("openai")?, &rules::all(), today());
    settings.images = ImageChecks::None;
    settings.count_tokens = false;
    let mut found = Vec::new();
    for path in paths {
        match look(&engine, &settings, folder, &path) {
            Ok(dataset) => found.push(dataset),
            Err(problem) => {
                complain(&problem);
            }
        }
    }
    found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    Ok(found)
}

fn look(engine: &Engine, settings: &Settings, folder: &Path, path: &Path) -> Result<Dataset, String> {
    let opened = files::open(path)?;
    let shown = path.to_string_lossy();
    let mut summary = Summary::default();
    let checked = Input::new(&shown, true, opened.file.take(ENOUGH)).map_err(|error| files::reason(&error)).and_then(|input| {
        // A packed file that is cut off fails at the cut; what was seen up to there stands in the summary.
        let is_cut = opened.size.is_some_and(|size| size > ENOUGH);
        match engine.check(input, settings, &mut summary, &mut |_| Ok(())) {
            Err(error) if !is_cut => Err(error.to_string()),
            _ => Ok(()),
        }
    });
    checked.map_err(|reason| format!("{shown}: {reason}"))?;
    let seen = summary.files.pop().unwrap_or_default();
    let relative: PathBuf = path.strip_prefix(folder).unwrap_or(path).components().collect();
    Ok(Dataset {
        path: relative.to_string_lossy().into_owned(),
        bytes: opened.size.unwrap_or_default(),
        shape: seen.shape,
        images: seen.images.count > 0,
    })
}

/// The datasets of one format.
struct Group<'a> {
    format: Format,
    files: Vec<&'a Dataset>,
    images: bool,
}

/// The text of the configuration. The group with most bytes is what is trained on; the others become overrides.
fn write(found: &[Dataset], today: Date) -> Result<String, String> {
    let groups = grouped(found);
    let target = choose_target(&groups, today)?;
    let mut out = String::from(HEAD);
    if found.is_empty() {
        out.push_str("# include = [\"data/train.jsonl\"]\n");
    } else {
        let paths: Vec<&str> = found.iter().map(|dataset| dataset.path.as_str()).collect();
        let _ = writeln!(out, "include = {}", list(&paths));
    }
    for dataset in found {
        if let Some(note) = note(dataset) {
            let _ = writeln!(out, "# {}: {note}", sanitised(&dataset.path));
        }
    }
    let names: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
    let _ = writeln!(out, "\n# Where they are bound for: {}, or a .toml file of your own.", names.join(", "));
    let _ = writeln!(out, "target = {}", quoted(&target.name));
    match groups.first() {
        Some(main) => {
            let about = if main.images { ", with images" } else { "" };
            let _ = writeln!(out, "\n# Most of the data: {}{about}.", main.format.name());
            let _ = writeln!(out, "method = {}", quoted(main.format.method()));
            match model_for(&target, main, today) {
                Some(model) => {
                    let _ = writeln!(out, "model = {}", quoted(&model.name));
                }
                None => out.push_str("# model = \"...\" # `tunelint target` shows those there are\n"),
            }
        }
        None => out.push_str("# model = \"...\" # the target's default when left out; `tunelint target` shows those there are\n"),
    }
    out.push_str(TAIL);
    for group in groups.iter().skip(1) {
        let paths: Vec<&str> = group.files.iter().map(|dataset| dataset.path.as_str()).collect();
        let _ = writeln!(out, "\n[[overrides]]\nfiles = {}\nmethod = {}", list(&paths), quoted(group.format.method()));
        match model_for(&target, group, today) {
            Some(model) => {
                let _ = writeln!(out, "model = {}", quoted(&model.name));
            }
            None => {
                let _ = writeln!(out, "# {} takes no {} files: name another target here", target.title, group.format.name());
            }
        }
    }
    Ok(out)
}

fn grouped(found: &[Dataset]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<Format, Group<'_>> = BTreeMap::new();
    for dataset in found {
        if let Some(Shape::Known(format)) = dataset.shape {
            let group = groups.entry(format).or_insert_with(|| Group { format, files: Vec::new(), images: false });
            group.images |= dataset.images;
            group.files.push(dataset);
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.files.iter().map(|dataset| dataset.bytes).sum::<u64>()));
    groups
}

/// The first target that takes most of the groups; each counts as much as all those smaller than it.
fn choose_target(groups: &[Group<'_>], today: Date) -> Result<Target, String> {
    let mut best: Option<(Vec<bool>, Target)> = None;
    for (name, _) in BUILTIN {
        let target = target::load(name)?;
        let takes: Vec<bool> = groups.iter().map(|group| !target.is_closed(today) && is_taken(&target, group, today)).collect();
        if best.as_ref().is_none_or(|(most, _)| takes > *most) {
            best = Some((takes, target));
        }
    }
    best.map(|(_, target)| target).ok_or_else(|| "there is no target".to_owned())
}

/// Whether a target takes the format, and has a model for it where it names its models.
fn is_taken(target: &Target, group: &Group<'_>, today: Date) -> bool {
    let images = !group.images || target.images.in_formats.value.contains(&group.format);
    let model = target.models.is_empty() || model_for(target, group, today).is_some();
    target.formats.contains_key(&group.format) && images && model
}

/// The target's default model if it fits, else the first that does.
fn model_for<'a>(target: &'a Target, group: &Group<'_>, today: Date) -> Option<&'a Model> {
    let fits = |model: &&Model| model.is_open(today) && model.formats.contains(&group.format) && (model.images || !group.images);
    let default = target.default_model.as_deref().and_then(|name| target.model(name));
    default.filter(fits).or_else(|| target.models.iter().find(fits))
}

/// What is to be said of a dataset that no target takes as it is.
fn note(dataset: &Dataset) -> Option<String> {
    match dataset.shape {
        Some(Shape::Known(_)) => None,
        Some(Shape::Foreign(foreign)) => {
            Some(format!("{}; `tunelint check` says how to turn it into a format that is taken", foreign.title))
        }
        _ => Some("its format is not known; `tunelint check` says why".to_owned()),
    }
}

/// `text` as a TOML string: JSON's escapes are TOML's too, but for DEL.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn list(texts: &[&str]) -> String {
    let items: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    let one_line = format!("[{}]", items.join(", "));
    if one_line.len() <= 100 { one_line } else { format!("[\n    {},\n]", items.join(",\n    ")) }
}

const HEAD: &str = "\
# What tunelint goes by in this folder. `tunelint config` shows the settings in force, `tunelint config --schema` lists
# all there are, `tunelint rule` the rules.

# Checked when `tunelint check` is given no path; the first one is what is trained on.
";

const TAIL: &str = "
# epochs = 3               # to price; by the target's formula when left out
# fail-on = \"warning\"      # least severity that makes the exit code 1: error, warning or info
# images = \"header\"        # look at the headers of images only: faster, finds no damage
# ignore = [\"few-examples\"]
# baseline = \"tunelint-baseline.json\"   # findings that are known; `tunelint check --add-baseline` writes it

# [rules]
# duplicate-example = \"error\"   # off, info, warning or error

# [per-file-ignores]
# \"eval/*.jsonl\" = [\"too-few-examples\"]
";
