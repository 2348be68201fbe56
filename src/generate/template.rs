//! Templates and expressions of a recipe, compiled once and evaluated on each row. Jinja, as chat templates are, but
//! strict: what is undefined or null never becomes text by accident.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior};

use super::recipe::{self, Template};
use super::row::{Row, Value};
use super::shapes;
use crate::diagnostic::{nearest, quoted};

/// Steps of one evaluation: enough for any template, and an end to one that loops.
const FUEL: u64 = 1_000_000;

/// What templates can use beside columns.
pub(super) const BUILTINS: [&str; 5] = ["columns", "file", "index", "number", "row"];

/// An environment for templates: Python's methods, strict about what is undefined.
pub(super) fn environment<'r>() -> Environment<'r> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_fuel(Some(FUEL));
    // Errors then name what is undefined.
    environment.set_debug(true);
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "null is no text; use `default(…, true)`, or leave such rows out by `rows.filter`",
            ));
        }
        if value.downcast_object_ref::<Picture>().is_some() {
            return Err(Error::new(ErrorKind::InvalidOperation, "an image is no text; use a part { image = \"…\" }"));
        }
        if matches!(value.kind(), ValueKind::Bytes) {
            return Err(Error::new(ErrorKind::InvalidOperation, "bytes are no text"));
        }
        minijinja::escape_formatter(out, state, value)
    });
    shapes::add_filters(&mut environment);
    environment
}

/// An image within templates.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) bytes: Option<bytes::Bytes>,
    pub(super) path: Option<Arc<str>>,
}

impl Object for Picture {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        match key.as_str()? {
            "path" => Some(self.path.as_ref().map_or_else(|| minijinja::Value::from(()), |path| minijinja::Value::from(Arc::clone(path)))),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<image>")
    }
}

/// What templates see of a row: its columns, and [`BUILTINS`] unless a column is called so.
#[derive(Debug)]
pub(super) struct Scope {
    /// Column names with their values.
    pub(super) cells: Vec<(Arc<str>, minijinja::Value)>,
    /// Number of the example in its split, from 0.
    pub(super) index: u64,
    /// The same from 1; for few-shot examples that of the shot.
    pub(super) number: u64,
    /// Number of the row in its source, from 0.
    pub(super) row: u64,
    /// Where the row stands.
    pub(super) file: Arc<str>,
}

impl Object for Scope {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        if let Some((_, value)) = self.cells.iter().find(|(name, _)| &**name == key) {
            return Some(value.clone());
        }
        match key {
            "index" => Some(self.index.into()),
            "number" => Some(self.number.into()),
            "row" => Some(self.row.into()),
            "file" => Some(minijinja::Value::from(Arc::clone(&self.file))),
            "columns" => Some(minijinja::Value::from_pairs(
                self.cells.iter().map(|(name, value)| (minijinja::Value::from(Arc::clone(name)), value.clone())),
            )),
            _ => None,
        }
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

impl Scope {
    /// The scope of a whole row.
    pub(super) fn of(row: &Row, index: u64, number: u64) -> Self {
        let cells = row.cells.iter().map(|(name, value)| (Arc::clone(name), to_jinja(value))).collect();
        Self { cells, index, number, row: row.number, file: Arc::from(row.place.as_str()) }
    }
}

/// A cell as templates see it.
pub(super) fn to_jinja(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::UInt(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::String(text) => minijinja::Value::from(Arc::clone(text)),
        Value::Bytes(bytes) => minijinja::Value::from_bytes(bytes.to_vec()),
        Value::List(items) => items.iter().map(to_jinja).collect::<Vec<_>>().into(),
        Value::Object(members) => {
            minijinja::Value::from_pairs(members.iter().map(|(name, value)| (minijinja::Value::from(Arc::clone(name)), to_jinja(value))))
        }
        Value::Image { bytes, path } => minijinja::Value::from_object(Picture { bytes: bytes.clone(), path: path.clone() }),
    }
}

/// The value of an expression as it goes into a line.
pub(super) fn from_jinja(value: &minijinja::Value) -> Result<Value, String> {
    if let Some(picture) = value.downcast_object_ref::<Picture>() {
        return Ok(Value::Image { bytes: picture.bytes.clone(), path: picture.path.clone() });
    }
    Ok(match value.kind() {
        ValueKind::Undefined => return Err("the value is undefined".to_owned()),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => match (value.as_i64(), u64::try_from(value.clone())) {
            (Some(number), _) => Value::Int(number),
            (None, Ok(number)) => Value::UInt(number),
            (None, Err(_)) => return Err(format!("{value} is too large a number")),
        },
        ValueKind::Number => Value::Float(f64::try_from(value.clone()).map_err(|error| error.to_string())?),
        ValueKind::String => Value::String(value.to_str().unwrap_or_default()),
        ValueKind::Bytes => Value::Bytes(bytes::Bytes::copy_from_slice(value.as_bytes().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|error| error.to_string())?;
            Value::List(items.map(|item| from_jinja(&item)).collect::<Result<_, _>>()?)
        }
        ValueKind::Map => {
            let mut members = Vec::new();
            for key in value.try_iter().map_err(|error| error.to_string())? {
                let name = key.to_str().ok_or_else(|| format!("the key {key} is no text"))?;
                let member = value.get_item(&key).map_err(|error| error.to_string())?;
                members.push((name, from_jinja(&member).map_err(|problem| format!("{}: {problem}", quoted(&key.to_string())))?));
            }
            Value::Object(members)
        }
        kind => return Err(format!("a value of the kind `{kind}` is no JSON")),
    })
}

/// Why a template could not be compiled or evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its keys in the recipe, from the outermost: `["example", "messages", "0", "content"]`.
    pub(super) at: Vec<String>,
    /// What is wrong.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: &[&str], message: impl Into<String>) -> Self {
        Self { at: at.iter().map(|&key| key.to_owned()).collect(), message: message.into() }
    }
}

/// What a template may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    /// The columns there are, after `select` and `rename`; `None` when they are not known.
    pub(super) columns: &'a [String],
    /// Further names: keys of few-shot examples.
    pub(super) others: &'a [String],
}

impl Names<'_> {
    fn check(&self, used: impl IntoIterator<Item = String>, environment: &Environment<'_>) -> Result<(), String> {
        let mut used: Vec<String> = used.into_iter().collect();
        used.sort_unstable();
        for name in used {
            let is_known = self.columns.contains(&name)
                || self.others.contains(&name)
                || BUILTINS.contains(&&*name)
                || environment.globals().any(|(global, _)| global == name);
            if !is_known {
                return Err(self.missing(&name));
            }
        }
        Ok(())
    }

    /// What is said of a column that is not there.
    pub(super) fn missing(&self, name: &str) -> String {
        let columns = self.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
        match nearest(name, self.columns.iter().chain(self.others).map(String::as_str)) {
            Some(near) => format!("there is no column {}; did you mean `{near}`? The columns are {columns}", quoted(name)),
            None => format!("there is no column {}; the columns are {columns}", quoted(name)),
        }
    }
}

/// An expression, compiled.
pub(super) struct Formula<'r> {
    expression: Expression<'r, 'r>,
    at: Vec<String>,
}

impl<'r> Formula<'r> {
    pub(super) fn compile(environment: &'r Environment<'r>, text: &'r str, at: Vec<String>, names: Names<'_>) -> Result<Self, Fault> {
        let fault = |message: String| Fault { at: at.clone(), message };
        let expression = environment.compile_expression(text).map_err(|error| fault(explained(&error)))?;
        names.check(expression.undeclared_variables(false), environment).map_err(fault)?;
        Ok(Self { expression, at })
    }

    pub(super) fn value(&self, scope: &minijinja::Value) -> Result<Value, Fault> {
        let fault = |message: String| Fault { at: self.at.clone(), message };
        let value = self.expression.eval(scope.clone()).map_err(|error| fault(explained(&error)))?;
        from_jinja(&value).map_err(fault)
    }

    /// A fault of this expression.
    pub(super) fn fault(&self, message: String) -> Fault {
        Fault { at: self.at.clone(), message }
    }

    pub(super) fn is_true(&self, scope: &minijinja::Value) -> Result<bool, Fault> {
        let fault = |message: String| Fault { at: self.at.clone(), message };
        let value = self.expression.eval(scope.clone()).map_err(|error| fault(explained(&error)))?;
        if value.is_undefined() {
            return Err(fault("the value is undefined".to_owned()));
        }
        Ok(value.is_true())
    }

    /// The columns and other names that it uses.
    pub(super) fn uses(&self, used: &mut std::collections::BTreeSet<String>) {
        used.extend(self.expression.undeclared_variables(false));
    }
}

/// A [`Template`], compiled.
pub(super) enum Compiled<'r> {
    Text(minijinja::Template<'r, 'r>, Vec<String>),
    Formula(Formula<'r>),
    List(Vec<Self>),
    Table(Vec<(Arc<str>, Self)>),
    /// A part of a message that is an image.
    Image {
        image: Formula<'r>,
        detail: Option<Box<Self>>,
    },
    Constant(Value),
}

impl<'r> Compiled<'r> {
    pub(super) fn compile(
        environment: &'r Environment<'r>,
        template: &'r Template,
        at: Vec<String>,
        names: Names<'_>,
    ) -> Result<Self, Fault> {
        Self::of(environment, &template.0, at, names, false)
    }

    /// As [`Self::compile`], for the content of a message: a list holds parts.
    pub(super) fn content(
        environment: &'r Environment<'r>,
        template: &'r Template,
        at: Vec<String>,
        names: Names<'_>,
    ) -> Result<Self, Fault> {
        Self::of(environment, &template.0, at, names, true)
    }

    fn of(
        environment: &'r Environment<'r>,
        value: &'r toml::Value,
        at: Vec<String>,
        names: Names<'_>,
        is_content: bool,
    ) -> Result<Self, Fault> {
        let below = |key: &str| at.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
        Ok(match value {
            toml::Value::String(text) => Self::text(environment, text, at, names)?,
            toml::Value::Integer(number) => Self::Constant(Value::Int(*number)),
            toml::Value::Float(number) => Self::Constant(Value::Float(*number)),
            toml::Value::Boolean(truth) => Self::Constant(Value::Bool(*truth)),
            toml::Value::Datetime(time) => Self::Constant(Value::String(Arc::from(time.to_string()))),
            toml::Value::Array(items) => {
                let items = items.iter().enumerate().map(|(index, item)| match item.as_table() {
                    Some(part) if is_content && !part.contains_key("type") && recipe::expression(part).is_none() => {
                        Self::part(environment, part, below(&index.to_string()), names)
                    }
                    _ => Self::of(environment, item, below(&index.to_string()), names, false),
                });
                Self::List(items.collect::<Result<_, _>>()?)
            }
            toml::Value::Table(table) => match recipe::expression(table) {
                Some(text) => Self::Formula(Formula::compile(environment, text, below("expr"), names)?),
                None => {
                    let members = table
                        .iter()
                        .map(|(key, member)| Ok((Arc::from(key.as_str()), Self::of(environment, member, below(key), names, false)?)));
                    Self::Table(members.collect::<Result<_, _>>()?)
                }
            },
        })
    }

    pub(super) fn text(environment: &'r Environment<'r>, text: &'r str, at: Vec<String>, names: Names<'_>) -> Result<Self, Fault> {
        let fault = |message: String| Fault { at: at.clone(), message };
        if !text.contains("{{") && !text.contains("{%") && !text.contains("{#") {
            return Ok(Self::Constant(Value::String(Arc::from(text))));
        }
        let template = environment.template_from_str(text).map_err(|error| fault(explained(&error)))?;
        names.check(template.undeclared_variables(false), environment).map_err(fault)?;
        Ok(Self::Text(template, at))
    }

    /// `{ text = "…" }` or `{ image = "…", detail = "…" }`.
    fn part(environment: &'r Environment<'r>, part: &'r toml::Table, at: Vec<String>, names: Names<'_>) -> Result<Self, Fault> {
        let below = |key: &str| at.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
        let known = if part.contains_key("image") { ["image", "detail"] } else { ["text", "text"] };
        if let Some(key) = part.keys().find(|key| !known.contains(&key.as_str())) {
            let message = format!("a part has `text`, or `image` and perhaps `detail`, or a `type` of its own; not {}", quoted(key));
            return Err(Fault { at: below(key), message });
        }
        match (part.get("text"), part.get("image")) {
            (_, Some(toml::Value::String(image))) => {
                let detail = part.get("detail").map(|detail| Self::of(environment, detail, below("detail"), names, false).map(Box::new));
                Ok(Self::Image { image: Formula::compile(environment, image, below("image"), names)?, detail: detail.transpose()? })
            }
            (Some(text), None) => {
                let text = Self::of(environment, text, below("text"), names, false)?;
                Ok(Self::Table(vec![(Arc::from("type"), Self::Constant(Value::String(Arc::from("text")))), (Arc::from("text"), text)]))
            }
            _ => Err(Fault { at, message: "a part has `text`, or `image` with an expression such as a column".to_owned() }),
        }
    }

    pub(super) fn value(&self, scope: &minijinja::Value) -> Result<Value, Fault> {
        Ok(match self {
            Self::Text(template, at) => {
                let text = template.render(scope.clone()).map_err(|error| Fault { at: at.clone(), message: explained(&error) })?;
                Value::String(Arc::from(text))
            }
            Self::Formula(formula) => formula.value(scope)?,
            Self::List(items) => Value::List(items.iter().map(|item| item.value(scope)).collect::<Result<_, _>>()?),
            Self::Table(members) => {
                Value::Object(members.iter().map(|(key, member)| Ok((Arc::clone(key), member.value(scope)?))).collect::<Result<_, _>>()?)
            }
            Self::Image { image, detail } => {
                let at = || image.at.clone();
                let image = match image.value(scope)? {
                    Value::Bytes(bytes) => Value::Image { bytes: Some(bytes), path: None },
                    image @ (Value::Image { .. } | Value::String(_)) => image,
                    other => {
                        return Err(Fault { at: at(), message: format!("{} is no image, and neither its path nor its URL", other.kind()) });
                    }
                };
                let detail = detail.as_ref().map(|detail| detail.value(scope)).transpose()?;
                image_part(image, detail)
            }
            Self::Constant(value) => value.clone(),
        })
    }

    /// The columns and other names that it uses.
    pub(super) fn uses(&self, used: &mut std::collections::BTreeSet<String>) {
        match self {
            Self::Text(template, _) => used.extend(template.undeclared_variables(false)),
            Self::Formula(formula) => formula.uses(used),
            Self::List(items) => items.iter().for_each(|item| item.uses(used)),
            Self::Table(members) => members.iter().for_each(|(_, member)| member.uses(used)),
            Self::Image { image, detail } => {
                image.uses(used);
                if let Some(detail) = detail {
                    detail.uses(used);
                }
            }
            Self::Constant(_) => {}
        }
    }
}

/// A content part that shows `url`: an image, or a path or URL.
pub(super) fn image_part(url: Value, detail: Option<Value>) -> Value {
    let mut inner = vec![(Arc::from("url"), url)];
    inner.extend(detail.map(|detail| (Arc::from("detail"), detail)));
    Value::Object(vec![(Arc::from("type"), Value::String(Arc::from("image_url"))), (Arc::from("image_url"), Value::Object(inner))])
}

/// An error in words of ours: without the kind in front, which says nothing to whoever wrote the recipe.
fn explained(error: &Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let mut message = match error.kind() {
        ErrorKind::UndefinedError => error.detail().map_or_else(|| "a value is undefined".to_owned(), str::to_owned),
        ErrorKind::OutOfFuel => "the template does not come to an end".to_owned(),
        ErrorKind::SyntaxError => format!("not a valid template: {detail}"),
        _ => detail,
    };
    if let Some(source) = std::error::Error::source(error) {
        message = format!("{message}: {source}");
    }
    message
}
