//! A recipe compiled against its sources, and the three walks over them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use minijinja::Environment;

use super::make::{self, Images, Made, Work};
use super::recipe::{Amount, Example, FewShot, Loaded, Messages, Recipe, ShotWeight, Split};
use super::render::{MessagesOf, Renderer};
use super::row::Value;
use super::select::{Cutter, Pick, deal};
use super::source::{Digest, Source, Wanted};
use super::template::{Fault, Formula, Names};
use super::{Error, Host, Options, Outcome, Problems, Step, manifest, shapes, write};
use crate::format::Format;
use crate::rules;
use crate::settings::{Levels, Origin, Selector, Settings};
use crate::target::Target;

/// The name of a source that has none.
const ONLY: &str = "source";

/// The recipe as it counts: presets laid under its own keys, one source and one split where it names none. And its target.
pub(super) fn prepare(loaded: &Loaded) -> Result<(Recipe, Target), Error> {
    let mut recipe = loaded.recipe.clone();
    let fault = |at: &[&str], message: String| Error::recipe(loaded, &Fault::new(at, message));
    match (recipe.source.take(), recipe.sources.is_empty()) {
        (Some(source), true) => {
            recipe.sources.insert(ONLY.to_owned(), source);
        }
        (None, false) => {}
        (Some(_), false) => return Err(fault(&["sources"], "name one `source`, or several under `sources`, not both".to_owned())),
        (None, true) => return Err(fault(&[], "say where the rows come from: [source] with a `path`".to_owned())),
    }
    if recipe.splits.is_empty() {
        recipe.splits.insert("train".to_owned(), Split { output: Some(format!("{}.jsonl", stem(loaded)).into()), ..Split::default() });
    }
    if let Some(name) = &recipe.example.preset {
        let preset = shapes::preset(name).map_err(|message| fault(&["example", "preset"], message))?;
        recipe.example = over(preset, std::mem::take(&mut recipe.example));
    }
    if let Some(quality) = recipe.images.quality
        && !(1..=100).contains(&quality)
    {
        return Err(fault(&["images", "quality"], format!("a quality is between 1 and 100, not {quality}")));
    }
    if recipe.output.fit && recipe.output.max_file_size.is_none() {
        return Err(fault(&["output", "fit"], "say what to fit into: `max_file_size`".to_owned()));
    }
    let name = recipe.target.as_deref().unwrap_or("openai");
    let target = if name.ends_with(".toml") {
        let path = loaded.folder.join(name);
        let text = std::fs::read_to_string(&path).map_err(|error| Error::write(&path, &error))?;
        Target::from_toml(name, &text)
    } else {
        Target::builtin(name)
    };
    let target = target.map_err(|error| fault(&["target"], error.to_string()))?;
    if let Some(model) = &recipe.model
        && target.model(model).is_none()
    {
        let names = target.models.iter().map(|model| model.name.as_str());
        let near = crate::diagnostic::nearest(model, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(fault(&["model"], format!("{} has no model {}{near}", target.title, crate::diagnostic::quoted(model))));
    }
    Ok((recipe, target))
}

fn stem(loaded: &Loaded) -> String {
    loaded.path.file_stem().map_or_else(|| "dataset".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// `own` laid over a preset.
fn over(preset: Example, own: Example) -> Example {
    Example {
        preset: own.preset,
        format: own.format.or(preset.format),
        messages: own.messages.or(preset.messages),
        preferred_output: own.preferred_output.or(preset.preferred_output),
        non_preferred_output: own.non_preferred_output.or(preset.non_preferred_output),
        prompt: own.prompt.or(preset.prompt),
        completion: own.completion.or(preset.completion),
        text: own.text.or(preset.text),
        tools: own.tools.or(preset.tools),
        parallel_tool_calls: own.parallel_tool_calls.or(preset.parallel_tool_calls),
        fields: if own.fields.is_empty() { preset.fields } else { own.fields },
    }
}

/// A source with everything that is done to its rows.
pub(super) struct Line<'r> {
    pub(super) name: &'r str,
    pub(super) source: Source,
    pub(super) cutter: Cutter<'r>,
    pub(super) renderer: Renderer<'r>,
    /// Templates of few-shot examples, for the source that they are taken from.
    pub(super) shots: Option<MessagesOf<'r>>,
    /// Its splits, by their place in the recipe.
    pub(super) splits: Vec<usize>,
    /// Columns that choosing needs; all when `None`.
    choosing: Option<BTreeSet<String>>,
    /// Columns that making needs; all when `None`.
    making: Option<BTreeSet<String>>,
}

/// A compiled recipe.
pub(super) struct Plan<'r> {
    pub(super) loaded: &'r Loaded,
    pub(super) recipe: &'r Recipe,
    pub(super) options: &'r Options,
    pub(super) settings: Settings,
    pub(super) lines: Vec<Line<'r>>,
    pub(super) outputs: Vec<PathBuf>,
    /// The folder for what has no name yet: that of the first file.
    pub(super) scratch: PathBuf,
    pub(super) shot_weight: ShotWeight,
}

/// What was chosen, for people and the manifest.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Rows of the source.
    pub rows: u64,
    /// Rows that `filter` has left out.
    pub filtered: u64,
    /// Rows that make no example.
    pub empty: u64,
    /// Rows that no split has taken.
    pub left: u64,
}

impl<'r> Plan<'r> {
    pub(super) fn new(
        loaded: &'r Loaded,
        recipe: &'r Recipe,
        target: Target,
        environment: &'r Environment<'r>,
        options: &'r Options,
    ) -> Result<Self, Error> {
        let folder = match (&options.folder, &recipe.output.folder) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => loaded.folder.join(folder),
            (None, None) => loaded.folder.clone(),
        };
        let outputs: Vec<PathBuf> = recipe
            .splits
            .iter()
            .map(|(name, split)| folder.join(split.output.clone().unwrap_or_else(|| format!("{}-{name}.jsonl", stem(loaded)).into())))
            .collect();
        if !options.dry_run && options.preview.is_none() {
            write::check_outputs(&outputs, options.overwrite)?;
        }
        let scratch = if options.dry_run || options.preview.is_some() {
            std::env::temp_dir()
        } else {
            outputs
                .first()
                .and_then(|path| path.parent())
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."))
                .to_owned()
        };
        let mut settings = Settings::new(target, &rules::all(), options.today);
        settings.set_model(recipe.model.as_deref());
        let lines = Self::lines(loaded, recipe, environment)?;
        settings.format = lines.first().map(|line| line.renderer.format());
        ignore(&mut settings, &recipe.ignore)
            .map_err(|message| Error::recipe(loaded, &Fault { at: vec!["ignore".to_owned()], message }))?;
        let takes_weights = settings.target.message_keys.value.iter().any(|key| key == "weight");
        let shot_weight = recipe.few_shot.as_ref().and_then(|shots| shots.weight);
        let shot_weight = shot_weight.unwrap_or(if takes_weights { ShotWeight::Zero } else { ShotWeight::Omit });
        Ok(Self { loaded, recipe, options, settings, lines, outputs, scratch, shot_weight })
    }

    fn lines(loaded: &'r Loaded, recipe: &'r Recipe, environment: &'r Environment<'r>) -> Result<Vec<Line<'r>>, Error> {
        let fault = |at: &[&str], message: String| Error::recipe(loaded, &Fault::new(at, message));
        let mut splits: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, (name, split)) in recipe.splits.iter().enumerate() {
            let source = match (&split.source, recipe.sources.len()) {
                (Some(source), _) => source.as_str(),
                (None, 1) => recipe.sources.keys().next().map_or(ONLY, String::as_str),
                (None, _) => return Err(fault(&["splits", name], "say which `source` its rows come from: there are several".to_owned())),
            };
            if !recipe.sources.contains_key(source) {
                let names = recipe.sources.keys().map(String::as_str);
                let near = crate::diagnostic::nearest(source, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                return Err(fault(&["splits", name, "source"], format!("there is no source {}{near}", crate::diagnostic::quoted(source))));
            }
            if recipe.rows.group_by.is_some() && matches!(split.rows, Some(Amount::Count(_))) {
                return Err(fault(
                    &["splits", name, "rows"],
                    "with `group_by` the rows of a split are a share, such as \"90%\"".to_owned(),
                ));
            }
            splits.entry(source).or_default().push(index);
        }
        let shots_from = shots_source(recipe).map_err(|fault| Error::recipe(loaded, &fault))?;
        let mut lines = Vec::new();
        for (name, spec) in &recipe.sources {
            let Some(splits) = splits.remove(name.as_str()) else {
                return Err(fault(&["sources", name], "no split takes rows from it".to_owned()));
            };
            let rest: Vec<&usize> =
                splits.iter().filter(|&&index| recipe.splits.get_index(index).is_some_and(|(_, split)| split.rows.is_none())).collect();
            if let [_, second, ..] = rest.as_slice()
                && let Some((split, _)) = recipe.splits.get_index(**second)
            {
                return Err(fault(
                    &["splits", split],
                    "only one split of a source can take what the others leave: say how many `rows` it gets".to_owned(),
                ));
            }
            let source = Source::open(spec, &loaded.folder).map_err(Error::source)?;
            let is_shots = shots_from == Some(name.as_str());
            let line = Line::compile(name, source, recipe, environment, splits, is_shots).map_err(|fault| Error::recipe(loaded, &fault))?;
            lines.push(line);
        }
        Ok(lines)
    }

    /// The three walks.
    pub(super) fn run(self, stop: &Arc<AtomicBool>, host: &mut dyn Host) -> Result<Outcome, Error> {
        let mut problems = Problems::new(self.recipe.on_error);
        let (picks, overviews) = self.choose(&mut problems, stop, host).map_err(|error| self.place(error))?;
        // Digests cost a read of the sources, which need not wait for anything.
        let needed = !self.recipe.output.no_manifest && !self.options.dry_run && self.options.preview.is_none();
        let lines = &self.lines;
        let (digests, made) = std::thread::scope(|scope| {
            let reading = scope.spawn(move || if needed { digests(lines) } else { Ok(Vec::new()) });
            let made = self.make(&picks, &mut problems, stop, host);
            let digests = reading.join().unwrap_or_else(|_| Err(Error::Failed("a source could not be read".to_owned())));
            (digests, made)
        });
        let made = made.map_err(|error| self.place(error))?;
        let mut outcome = write::write(&self, &picks, &made, &mut problems, stop, host)?;
        outcome.skipped = problems.finish();
        if !self.options.dry_run && self.options.preview.is_none() {
            let manifests = match self.recipe.output.no_manifest {
                true => Vec::new(),
                false => manifest::manifests(&self, &outcome.outcome, &outcome.skipped, &overviews, &digests?),
            };
            outcome.commit(manifests)?;
        }
        Ok(outcome.into_outcome(self.settings, &made))
    }

    /// An error about a row with the line of the recipe that it failed at.
    fn place(&self, error: Error) -> Error {
        match error {
            Error::Row(mut problem) if !problem.at.is_empty() => {
                problem.message = super::located(self.loaded, &problem.at, &problem.message);
                problem.at.clear();
                Error::Row(problem)
            }
            other => other,
        }
    }

    /// The rows of each split, in the order of its file.
    fn choose(&self, problems: &mut Problems, stop: &AtomicBool, host: &mut dyn Host) -> Result<(Vec<Vec<Pick>>, Vec<Overview>), Error> {
        let mut picks: Vec<Vec<Pick>> = vec![Vec::new(); self.recipe.splits.len()];
        let mut overviews = Vec::new();
        for line in &self.lines {
            let survey = match (&line.choosing, line.source.count()) {
                (Some(columns), Some(count)) if columns.is_empty() => super::select::Survey::of_all(count),
                _ => {
                    let wanted = Wanted { columns: line.choosing.clone(), rows: None };
                    let rows = line.source.rows(&wanted).map_err(Error::source)?;
                    let total = line.source.count();
                    line.cutter.survey(rows, self.recipe.seed, problems, stop, &mut |done| host.progress(Step::Select, done, total))?
                }
            };
            let splits: Vec<&Split> =
                line.splits.iter().filter_map(|&index| self.recipe.splits.get_index(index)).map(|(_, split)| split).collect();
            let mut overview = Overview { rows: survey.rows, filtered: survey.filtered, empty: survey.empty, left: 0 };
            let (dealt, left) = deal(survey.candidates, &self.recipe.rows, &splits, self.recipe.seed, line.name);
            overview.left = left;
            overviews.push(overview);
            for (&index, own) in line.splits.iter().zip(dealt) {
                if let Some(slot) = picks.get_mut(index) {
                    *slot = own;
                }
            }
        }
        Ok((picks, overviews))
    }

    /// Makes all lines, with smaller and smaller images where that is asked for.
    fn make(&self, picks: &[Vec<Pick>], problems: &mut Problems, stop: &AtomicBool, host: &mut dyn Host) -> Result<Made, Error> {
        let work = self.work(picks)?;
        let mut images = Images::of(&self.recipe.images, &self.settings.target);
        let limit = self.recipe.output.max_file_size.map(|size| size.0);
        let before = problems.skipped.clone();
        let mut made = make::make(self, &work, &images, problems, stop, host)?;
        let Some(limit) = limit.filter(|_| self.options.preview.is_none()) else { return Ok(made) };
        let names: Vec<&String> = self.recipe.splits.keys().collect();
        let too_large =
            |made: &Made| made.sizes().into_iter().zip(&names).find(|(size, _)| *size > limit).map(|(size, name)| (size, (*name).clone()));
        let mut steps = images.smaller();
        while let Some((size, name)) = too_large(&made) {
            let (size, limit_shown) = crate::diagnostic::bytes_beside(size, limit);
            if !self.recipe.output.fit {
                let message = format!(
                    "the split `{name}` would have {size}; `max_file_size` is {limit_shown}. Set `fit = true`, or lower `images.quality` or `images.max_side`"
                );
                return Err(Error::recipe(self.loaded, &Fault::new(&["output", "max_file_size"], message)));
            }
            let largest = made.sizes().into_iter().max().unwrap_or_default();
            let Some(next) = steps.by_ref().find(|next| made.estimate(next, largest) <= limit) else {
                let message =
                    format!("the split `{name}` has {size} with the smallest images this goes to; `max_file_size` is {limit_shown}");
                return Err(Error::recipe(self.loaded, &Fault::new(&["output", "fit"], message)));
            };
            images = next;
            problems.skipped = before.clone();
            made = make::make(self, &work, &images, problems, stop, host)?;
            made.fitted = Some(images.name());
        }
        Ok(made)
    }

    /// What is to be done with each row of each source.
    fn work(&self, picks: &[Vec<Pick>]) -> Result<Vec<Vec<Work>>, Error> {
        let mut all = Vec::new();
        for line in &self.lines {
            let mut work = Vec::new();
            for &split in &line.splits {
                work.extend(picks.get(split).into_iter().flatten().map(|pick| Work {
                    row: pick.row,
                    split,
                    first: pick.first,
                    shot: None,
                }));
            }
            all.push(work);
        }
        for (number, split, example) in self.shot_rows()? {
            let own = picks.get(split).map(Vec::as_slice).unwrap_or_default();
            let last = own.partition_point(|pick| pick.first <= example);
            let pick = last.checked_sub(1).and_then(|index| own.get(index)).filter(|pick| example < pick.first + u64::from(pick.examples));
            let Some(pick) = pick else {
                let count = own.last().map_or(0, |last| last.first + u64::from(last.examples));
                let at = ["few_shot", "examples", &number.to_string(), "row"];
                let message = format!("there is no example {example} in that split; it has {count}, counted from 0");
                return Err(Error::recipe(self.loaded, &Fault::new(&at, message)));
            };
            let line = self.lines.iter().position(|line| line.splits.contains(&split));
            if let Some(work) = line.and_then(|line| all.get_mut(line)) {
                work.push(Work { row: pick.row, split, first: example - pick.first, shot: Some(number) });
            }
        }
        for work in &mut all {
            if let Some(most) = self.options.preview {
                work.retain(|work| work.shot.is_some() || (work.split == 0 && work.first < most as u64));
            }
            work.sort_unstable_by_key(|work| (work.row, work.shot));
        }
        Ok(all)
    }

    /// Few-shot examples that are rows: their number, the split, and the example that they name.
    fn shot_rows(&self) -> Result<Vec<(usize, usize, u64)>, Error> {
        let Some(shots) = &self.recipe.few_shot else { return Ok(Vec::new()) };
        let split = shots.split.as_deref().and_then(|name| self.recipe.splits.get_index_of(name)).unwrap_or(0);
        let rows = shots.examples.iter().enumerate().filter_map(|(number, example)| Some((number, example.get("row")?)));
        rows.map(|(number, row)| match row.as_integer().and_then(|row| u64::try_from(row).ok()) {
            Some(row) => Ok((number, split, row)),
            None => {
                let at = ["few_shot", "examples", &number.to_string(), "row"];
                Err(Error::recipe(self.loaded, &Fault::new(&at, "a `row` is the number of an example, from 0")))
            }
        })
        .collect()
    }

    /// The rows to be read of a source: none named when all of them are.
    pub(super) fn wanted(&self, line: &Line<'_>, work: &[Work]) -> Wanted {
        let mut rows: Vec<u64> = work.iter().map(|work| work.row).collect();
        rows.dedup();
        let all = line.source.count() == Some(rows.len() as u64);
        Wanted { columns: line.making.clone(), rows: (!all).then(|| rows.into()) }
    }
}

fn digests(lines: &[Line<'_>]) -> Result<Vec<Vec<Digest>>, Error> {
    lines.iter().map(|line| line.source.digests().map_err(Error::source)).collect()
}

/// Turns off rules that the result need not keep.
fn ignore(settings: &mut Settings, rules: &[String]) -> Result<(), String> {
    let ignore = rules.iter().map(|text| Selector::parse(text, &rules::all())).collect::<Result<_, _>>()?;
    settings.apply(&Levels { ignore, ..Levels::default() }, Origin::Config);
    Ok(())
}

/// The source of the rows that few-shot examples name.
fn shots_source(recipe: &Recipe) -> Result<Option<&str>, Fault> {
    let Some(shots) = &recipe.few_shot else { return Ok(None) };
    let split = match &shots.split {
        Some(name) => recipe.splits.get(name.as_str()).ok_or_else(|| {
            let near = crate::diagnostic::nearest(name, recipe.splits.keys().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Fault {
                at: vec!["few_shot".to_owned(), "split".to_owned()],
                message: format!("there is no split {}{near}", crate::diagnostic::quoted(name)),
            }
        })?,
        None => match recipe.splits.values().next() {
            Some(first) => first,
            None => return Ok(None),
        },
    };
    Ok(split.source.as_deref().or_else(|| recipe.sources.keys().next().map(String::as_str)))
}

impl<'r> Line<'r> {
    fn compile(
        name: &'r str,
        source: Source,
        recipe: &'r Recipe,
        environment: &'r Environment<'r>,
        splits: Vec<usize>,
        is_shots: bool,
    ) -> Result<Self, Fault> {
        let rows = &recipe.rows;
        let at = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
        let there: Vec<String> = source.columns().iter().map(|column| column.name.clone()).collect();
        let known = Names { columns: &there, others: &[] };
        let old: Vec<String> = match &rows.select {
            Some(select) => {
                if let Some(missing) = select.iter().find(|name| !there.contains(name)) {
                    return Err(Fault { at: at(&["rows", "select"]), message: known.missing(missing) });
                }
                select.clone()
            }
            None => there.clone(),
        };
        let before = Names { columns: &old, others: &[] };
        for (key, columns) in [
            ("explode", rows.explode.iter().collect::<Vec<_>>()),
            ("group_by", rows.group_by.iter().collect()),
            ("rename", rows.rename.keys().collect()),
        ] {
            if let Some(missing) = columns.into_iter().find(|name| !old.contains(name)) {
                return Err(Fault { at: at(&["rows", key]), message: before.missing(missing) });
            }
        }
        let new: Vec<String> = old.iter().map(|name| rows.rename.get(name).unwrap_or(name).clone()).collect();
        if let Some(twice) = new.iter().enumerate().find(|(index, name)| new.iter().take(*index).any(|other| other == *name)) {
            return Err(Fault { at: at(&["rows", "rename"]), message: format!("two columns would be called `{}`", twice.1) });
        }
        let names = Names { columns: &new, others: &[] };
        let formula = |text: &'r Option<String>, key: &str, names: Names<'_>| {
            text.as_deref().map(|text| Formula::compile(environment, text, at(&["rows", key]), names)).transpose()
        };
        let filter = formula(&rows.filter, "filter", before)?;
        let filter_exploded = formula(&rows.filter_exploded, "filter_exploded", names)?;
        let renderer = Renderer::compile(environment, &recipe.example, names)?;
        let shots = match &recipe.few_shot {
            Some(shots) if is_shots => Some(Self::shots(environment, shots, &recipe.example.messages, renderer.format(), &new)?),
            _ => None,
        };

        let mut used_before = BTreeSet::new();
        filter.iter().for_each(|filter| filter.uses(&mut used_before));
        let mut used_after = BTreeSet::new();
        filter_exploded.iter().for_each(|filter| filter.uses(&mut used_after));
        let before_names = |used: &BTreeSet<String>| -> Option<BTreeSet<String>> {
            let all = used.contains("columns") && !new.iter().any(|name| name == "columns");
            (!all).then(|| new.iter().zip(&old).filter(|(new, _)| used.contains(*new)).map(|(_, old)| old.clone()).collect())
        };
        let plain = |used: &BTreeSet<String>| -> Option<BTreeSet<String>> {
            let all = used.contains("columns") && !old.iter().any(|name| name == "columns");
            (!all).then(|| used.iter().filter(|name| old.contains(name)).cloned().collect())
        };
        let join = |sets: [Option<BTreeSet<String>>; 2]| -> Option<BTreeSet<String>> {
            let [a, b] = sets;
            let mut all = a?;
            all.extend(b?);
            all.extend(rows.explode.iter().cloned());
            Some(all)
        };
        let mut choosing = join([plain(&used_before), before_names(&used_after)]);
        if let Some(columns) = &mut choosing {
            columns.extend(rows.group_by.iter().cloned());
        }
        used_after.extend(renderer.uses());
        shots.iter().for_each(|shots| shots.uses(&mut used_after));
        let making = join([Some(BTreeSet::new()), before_names(&used_after)]);
        let everything = || rows.select.is_some().then(|| old.iter().cloned().collect::<BTreeSet<_>>());
        let (choosing, making) = (choosing.or_else(everything), making.or_else(everything));
        Ok(Self { name, source, cutter: Cutter { filter, filter_exploded, rows }, renderer, shots, splits, choosing, making })
    }

    fn shots(
        environment: &'r Environment<'r>,
        shots: &'r FewShot,
        messages: &'r Option<Messages>,
        format: Format,
        columns: &[String],
    ) -> Result<MessagesOf<'r>, Fault> {
        let mut others: Vec<String> = shots.examples.iter().flat_map(|example| example.keys()).cloned().collect();
        others.sort_unstable();
        others.dedup();
        let at = || vec!["few_shot".to_owned()];
        if !format.has_messages() {
            return Err(Fault {
                at: at(),
                message: format!("lines of the format `{}` have no messages to put examples into", format.name()),
            });
        }
        let names = Names { columns, others: &others };
        match (&shots.messages, messages) {
            (Some(messages), _) => MessagesOf::compile(environment, messages, &["few_shot", "messages"], names),
            (None, Some(messages)) => MessagesOf::compile(environment, messages, &["example", "messages"], names),
            (None, None) => Err(Fault { at: at(), message: "say what is made of an example: `messages`".to_owned() }),
        }
    }
}

/// A TOML value as a value of a row.
pub(super) fn literal(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(Arc::from(text.as_str())),
        toml::Value::Integer(number) => Value::Int(*number),
        toml::Value::Float(number) => Value::Float(*number),
        toml::Value::Boolean(truth) => Value::Bool(*truth),
        toml::Value::Datetime(time) => Value::String(Arc::from(time.to_string())),
        toml::Value::Array(items) => Value::List(items.iter().map(literal).collect()),
        toml::Value::Table(table) => Value::Object(table.iter().map(|(key, value)| (Arc::from(key.as_str()), literal(value))).collect()),
    }
}
