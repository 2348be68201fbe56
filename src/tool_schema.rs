//! JSON Schema as tools declare it under `parameters`: whether it is one, and whether arguments fit it.
//!
//! Such schemas come from strangers and stand in every line, so they are read where they stand, at the cost of one walk:
//! nothing is compiled, fetched or remembered, no pattern is run, and steps are counted. (A full validator has no such
//! bound: thirty levels of `anyOf` with two references each keep it busy for longer than anyone waits.) What is not
//! understood counts as right: `not`, `if`, `pattern`, `format`, references to other documents.

use crate::diagnostic::{nearest, quoted};
use crate::json::{Member, Span, Value};

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The bytes to blame.
    pub span: Span,
    /// What is wrong: "`days` must be an integer, not a string".
    pub what: String,
}

/// The types of JSON Schema, with articles.
const TYPES: [(&str, &str); 7] = [
    ("object", "an object"),
    ("array", "an array"),
    ("string", "a string"),
    ("integer", "an integer"),
    ("number", "a number"),
    ("boolean", "`true` or `false`"),
    ("null", "null"),
];

/// Names from elsewhere that are taken for types of JSON Schema.
const MISTAKEN: [(&str, &str); 12] = [
    ("int", "integer"),
    ("long", "integer"),
    ("float", "number"),
    ("double", "number"),
    ("decimal", "number"),
    ("str", "string"),
    ("text", "string"),
    ("bool", "boolean"),
    ("dict", "object"),
    ("list", "array"),
    ("tuple", "array"),
    ("none", "null"),
];

/// References that are followed in one schema to see whether they lead anywhere.
const REFERENCES: usize = 1_000;

/// The first thing in `schema` that no draft of JSON Schema allows, or a reference that leads nowhere.
pub fn fault(schema: &Value<'_>) -> Option<Misfit> {
    if schema.get("$schema").and_then(Value::as_str).is_some_and(|dialect| !dialect.contains("json-schema.org")) {
        return None;
    }
    let (mut open, mut references, mut one_base) = (vec![schema], Vec::new(), true);
    while let Some(part) = open.pop() {
        let known = open.len();
        for member in part.as_object().unwrap_or_default() {
            if let Some(fault) = keyword(member, &mut open) {
                return Some(fault);
            }
            match member.key.as_ref() {
                "$ref" if references.len() < REFERENCES => references.push(&member.value),
                // Beneath another base references count from there.
                "$id" | "id" if !std::ptr::eq(part, schema) => one_base = false,
                _ => {}
            }
        }
        if let Some(new) = open.get_mut(known..) {
            new.reverse();
        }
    }
    let leads_nowhere = |target: &&Value<'_>| target.as_str().is_some_and(|target| resolve(schema, target) == Target::Nowhere);
    let lost = references.into_iter().filter(|_| one_base).find(leads_nowhere)?;
    Some(Misfit { span: lost.span, what: format!("{} is not there", quoted(lost.as_str().unwrap_or_default())) })
}

/// Judges one keyword of a schema, and adds the schemas under it to `open`.
fn keyword<'v, 'a>(member: &'v Member<'a>, open: &mut Vec<&'v Value<'a>>) -> Option<Misfit> {
    let (key, value) = (member.key.as_ref(), &member.value);
    let wrong = |expected: &str| Some(Misfit { span: value.span, what: format!("`{key}` must be {expected}, not {}", value.kind()) });
    let mut schemas = |items: &mut dyn Iterator<Item = (&str, &'v Value<'a>)>| {
        for (name, item) in items {
            if item.as_object().is_none() && item.as_bool().is_none() {
                return Some(Misfit {
                    span: item.span,
                    what: format!("{} must be a schema (an object), not {}", quoted(name), item.kind()),
                });
            }
            open.push(item);
        }
        None
    };
    let is_count = |value: &Value<'_>| {
        value.as_number().is_some_and(|number| number.parse::<f64>().is_ok_and(|number| number >= 0.0 && number.fract() == 0.0))
    };
    match key {
        "type" => return wrong_type(value),
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => match value.as_object() {
            Some(members) => return schemas(&mut members.iter().map(|member| (member.key.as_ref(), &member.value))),
            None => return wrong("an object of schemas"),
        },
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => match value.as_array() {
            Some([]) if key != "prefixItems" => return Some(Misfit { span: value.span, what: format!("`{key}` is empty") }),
            Some(items) => return schemas(&mut items.iter().map(|item| (key, item))),
            None => return wrong("an array of schemas"),
        },
        // A list of schemas was right up to draft 2019-09.
        "items" if value.as_array().is_some() => return schemas(&mut value.as_array().unwrap_or_default().iter().map(|item| (key, item))),
        "items"
        | "additionalItems"
        | "contains"
        | "additionalProperties"
        | "propertyNames"
        | "not"
        | "if"
        | "then"
        | "else"
        | "unevaluatedItems"
        | "unevaluatedProperties" => return schemas(&mut std::iter::once((key, value))),
        "required" if value.as_array().is_none_or(|names| names.iter().any(|name| name.as_str().is_none())) => {
            return wrong("an array of names");
        }
        "enum" if value.as_array().is_none() => return wrong("an array"),
        "$ref" | "$id" | "$schema" | "$comment" | "title" | "description" | "pattern" | "format" if value.as_str().is_none() => {
            return wrong("a string");
        }
        "minimum" | "maximum" | "multipleOf" if value.as_number().is_none() => return wrong("a number"),
        // `true` and `false` were right in draft 4, and are in OpenAPI 3.0.
        "exclusiveMinimum" | "exclusiveMaximum" if value.as_number().is_none() && value.as_bool().is_none() => return wrong("a number"),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" if !is_count(value) => {
            return wrong("a count");
        }
        "uniqueItems" if value.as_bool().is_none() => return wrong("`true` or `false`"),
        _ => {}
    }
    None
}

fn wrong_type(value: &Value<'_>) -> Option<Misfit> {
    let names = value.as_array().unwrap_or(std::slice::from_ref(value));
    let wrong = names.iter().find(|name| name.as_str().is_none_or(|name| TYPES.iter().all(|(own, _)| *own != name)));
    match wrong.map(|wrong| (wrong, wrong.as_str())) {
        Some((wrong, Some(name))) => {
            Some(Misfit { span: wrong.span, what: format!("{} is no type of JSON Schema{}", quoted(name), meant(name)) })
        }
        Some((wrong, None)) => Some(Misfit { span: wrong.span, what: format!("`type` must be the name of a type, not {}", wrong.kind()) }),
        None if names.is_empty() => Some(Misfit { span: value.span, what: "`type` is empty".to_owned() }),
        None => None,
    }
}

/// What is meant by a name that is no type: `, did you mean …?`.
fn meant(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let mistaken = MISTAKEN.iter().find(|(mistaken, _)| *mistaken == lower).map(|(_, meant)| *meant);
    let meant = mistaken.or_else(|| nearest(name, TYPES.iter().map(|(own, _)| *own)));
    meant.map(|meant| format!(" (`{meant}` is)")).unwrap_or_default()
}

/// Where a reference leads.
#[derive(Debug, PartialEq)]
enum Target<'v, 'a> {
    Schema(&'v Value<'a>),
    Nowhere,
    /// To an anchor or another document, which is not opened.
    Elsewhere,
}

fn resolve<'v, 'a>(root: &'v Value<'a>, reference: &str) -> Target<'v, 'a> {
    match reference.strip_prefix('#') {
        Some("") => Target::Schema(root),
        Some(pointer) if pointer.starts_with('/') && !pointer.contains('%') => match root.at(pointer) {
            Some(schema) => Target::Schema(schema),
            None => Target::Nowhere,
        },
        _ => Target::Elsewhere,
    }
}

/// How `arguments` break `schema`: the first fault. `None` when they fit, or when that would take too many steps to tell.
pub fn misfit(schema: &Value<'_>, arguments: &Value<'_>) -> Option<Misfit> {
    let mut fitting = Fitting { root: schema, steps: STEPS };
    match fitting.fit(schema, arguments, "", DEPTH) {
        Err(Stop::Misfit(misfit)) => Some(misfit),
        Ok(()) | Err(Stop::GaveUp) => None,
    }
}

/// Steps and nesting after which no answer is sought: some thousand times those of an ordinary call.
const STEPS: usize = 200_000;
const DEPTH: usize = 256;

enum Stop {
    Misfit(Misfit),
    GaveUp,
}

struct Fitting<'v, 'a> {
    root: &'v Value<'a>,
    steps: usize,
}

impl<'v, 'a> Fitting<'v, 'a> {
    fn step(&mut self, count: usize) -> Result<(), Stop> {
        self.steps = self.steps.checked_sub(count).ok_or(Stop::GaveUp)?;
        Ok(())
    }

    /// `name` is the key under which `value` stands.
    fn fit(&mut self, schema: &'v Value<'a>, value: &Value<'_>, name: &str, depth: usize) -> Result<(), Stop> {
        let members = schema.as_object().unwrap_or_default();
        self.step(members.len() + 1)?;
        let depth = depth.checked_sub(1).ok_or(Stop::GaveUp)?;
        if schema.as_bool() == Some(false) {
            return misfits(value, format!("{} is not allowed", subject(name)));
        }
        // Beside a reference the older drafts ignore everything else: so do we.
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return match resolve(self.root, reference) {
                Target::Schema(target) => {
                    self.step(reference.len())?;
                    self.fit(target, value, name, depth)
                }
                Target::Nowhere | Target::Elsewhere => Ok(()),
            };
        }
        if value.is_null() && schema.get("nullable").and_then(Value::as_bool) == Some(true) {
            return Ok(());
        }
        if let Some(expected) = members.iter().find(|member| member.key == "type").and_then(|member| other_type(&member.value, value)) {
            return misfits(value, format!("{} must be {expected}, not {}", subject(name), value.kind()));
        }
        for member in members {
            match member.key.as_ref() {
                "enum" => self.listed(member.value.as_array().unwrap_or(&[]), value, name)?,
                "const" => self.listed(std::slice::from_ref(&member.value), value, name)?,
                "allOf" => member.value.as_array().unwrap_or_default().iter().try_for_each(|part| self.fit(part, value, name, depth))?,
                "anyOf" | "oneOf" => self.fit_any(member.value.as_array().unwrap_or_default(), value, name, depth)?,
                key => {
                    // Counting characters costs what the string is long.
                    self.step(if key.ends_with("Length") { value.span.range().len() / 64 } else { 0 })?;
                    within(key, &member.value, value).map_or(Ok(()), |what| misfits(value, format!("{} {what}", subject(name))))?;
                }
            }
        }
        if let Some(own) = value.as_object() {
            self.fit_object(schema, own, value, depth)?;
        }
        if let Some(items) = value.as_array() {
            self.fit_array(schema, items, name, depth)?;
        }
        Ok(())
    }

    fn listed(&mut self, options: &[Value<'_>], value: &Value<'_>, name: &str) -> Result<(), Stop> {
        // Comparing costs what the shorter of the two is long.
        let length = |value: &Value<'_>| value.span.range().len() / 8 + 1;
        self.step(options.iter().map(|option| length(option).min(length(value))).sum())?;
        if options.is_empty() || options.iter().any(|option| equal(option, value)) {
            return Ok(());
        }
        let shown: Vec<_> = options
            .iter()
            .take(6)
            .map(|option| option.as_str().or(option.as_number()).map_or_else(|| option.kind().to_owned(), quoted))
            .collect();
        let more = if options.len() > shown.len() { ", …" } else { "" };
        misfits(value, format!("{} must be {}{}{more}", subject(name), if options.len() > 1 { "one of " } else { "" }, shown.join(", ")))
    }

    /// One part is enough, for `oneOf` too: what is not understood here may tell several apart.
    fn fit_any(&mut self, parts: &'v [Value<'a>], value: &Value<'_>, name: &str, depth: usize) -> Result<(), Stop> {
        let mut expected = Vec::new();
        let must = format!("{} must be ", subject(name));
        let not = format!(", not {}", value.kind());
        for part in parts {
            match self.fit(part, value, name, depth) {
                Err(Stop::Misfit(misfit)) => {
                    expected.push(misfit.what.strip_prefix(&must).and_then(|what| what.strip_suffix(&not)).map(str::to_owned))
                }
                otherwise => return otherwise,
            }
        }
        match expected.into_iter().collect::<Option<Vec<String>>>() {
            Some(expected) if expected.is_empty() => Ok(()),
            Some(expected) => misfits(value, format!("{must}{}{not}", expected.join(" or "))),
            None => misfits(value, format!("{} fits none of the shapes it may have", subject(name))),
        }
    }

    fn fit_object(&mut self, schema: &'v Value<'a>, own: &[Member<'_>], value: &Value<'_>, depth: usize) -> Result<(), Stop> {
        for name in schema.get("required").and_then(Value::as_array).unwrap_or_default() {
            self.step(own.len() + 1)?;
            if let Some(name) = name.as_str().filter(|name| value.get(name).is_none()) {
                return misfits(value, format!("{} is required, and missing", quoted(name)));
            }
        }
        let declared = schema.get("properties");
        let others = schema.get("additionalProperties").filter(|_| schema.get("patternProperties").is_none());
        for member in own {
            self.step(declared.and_then(Value::as_object).map_or(0, <[_]>::len) + 1)?;
            match (declared.and_then(|declared| declared.get(&member.key)), others) {
                (Some(part), _) => self.fit(part, &member.value, &member.key, depth)?,
                (None, Some(part)) if part.as_bool() == Some(false) => {
                    return Err(Stop::Misfit(Misfit { span: member.key_span, what: format!("{} is not declared", quoted(&member.key)) }));
                }
                (None, Some(part)) => self.fit(part, &member.value, &member.key, depth)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn fit_array(&mut self, schema: &'v Value<'a>, items: &[Value<'_>], name: &str, depth: usize) -> Result<(), Stop> {
        let all = schema.get("items");
        let first = schema.get("prefixItems").or(all).and_then(Value::as_array).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let part = first.get(index).or(all.filter(|all| all.as_array().is_none()));
            part.map_or(Ok(()), |part| self.fit(part, item, name, depth))?;
        }
        Ok(())
    }
}

fn misfits<T>(value: &Value<'_>, what: String) -> Result<T, Stop> {
    Err(Stop::Misfit(Misfit { span: value.span, what }))
}

fn subject(name: &str) -> String {
    if name.is_empty() { "the object".to_owned() } else { quoted(name) }
}

/// The types `expected` allows, with articles, when `value` is of another one.
fn other_type(expected: &Value<'_>, value: &Value<'_>) -> Option<String> {
    let names = expected.as_array().unwrap_or(std::slice::from_ref(expected));
    let mut titles = Vec::new();
    for name in names {
        // A name that is no type counts as right.
        let (name, title) = TYPES.iter().find(|(own, _)| Some(*own) == name.as_str())?;
        let fits = match *name {
            "object" => value.as_object().is_some(),
            "array" => value.as_array().is_some(),
            "string" => value.as_str().is_some(),
            "boolean" => value.as_bool().is_some(),
            "null" => value.is_null(),
            "integer" => value
                .as_number()
                .is_some_and(|number| !number.contains(['.', 'e', 'E']) || number.parse::<f64>().is_ok_and(|number| number.fract() == 0.0)),
            _ => value.as_number().is_some(),
        };
        if fits {
            return None;
        }
        titles.push(*title);
    }
    (!titles.is_empty()).then(|| titles.join(" or "))
}

/// Equal as JSON Schema has it: 1 and 1.0 are the same.
fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a.as_number(), b.as_number()) {
        (Some(a), Some(b)) => a == b || (a.parse::<f64>().ok().zip(b.parse::<f64>().ok())).is_some_and(|(a, b)| a == b),
        _ => a.says_the_same(b),
    }
}

/// How `value` passes the bound that `key` sets.
fn within(key: &str, bound: &Value<'_>, value: &Value<'_>) -> Option<String> {
    let written = bound.as_number()?;
    let bound = written.parse::<f64>().ok()?;
    let number = || value.as_number()?.parse::<f64>().ok();
    let characters = || Some(value.as_str()?.chars().count() as f64);
    let items = || Some(value.as_array()?.len() as f64);
    let (is_out, words) = match key {
        "minimum" => (number()? < bound, "must be at least"),
        "maximum" => (number()? > bound, "must be at most"),
        "exclusiveMinimum" => (number()? <= bound, "must be more than"),
        "exclusiveMaximum" => (number()? >= bound, "must be less than"),
        "minLength" => (characters()? < bound, "must have at least this many characters:"),
        "maxLength" => (characters()? > bound, "must have at most this many characters:"),
        "minItems" => (items()? < bound, "must have at least this many items:"),
        "maxItems" => (items()? > bound, "must have at most this many items:"),
        _ => return None,
    };
    is_out.then(|| format!("{words} {written}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn of<T>(text: &str, look: impl FnOnce(&Value<'_>) -> T) -> T {
        look(&parse(text.as_bytes(), 128).value.expect("valid"))
    }

    /// What is at fault, and the words for it.
    fn faulty(schema: &str) -> Option<(String, String)> {
        of(schema, |value| fault(value).map(|fault| (schema[fault.span.range()].to_owned(), fault.what)))
    }

    fn broken(schema: &str, arguments: &str) -> Option<(String, String)> {
        of(schema, |schema| {
            of(arguments, |value| misfit(schema, value).map(|misfit| (arguments[misfit.span.range()].to_owned(), misfit.what)))
        })
    }

    #[test]
    fn schemas_of_all_drafts_are_schemas() {
        for schema in [
            "{}",
            r#"{"type":"object","properties":{"pair":{"type":"array","items":[{"type":"string"},{"type":"number"}]}}}"#,
            r#"{"type":"object","properties":{"n":{"type":["number","null"],"minimum":0,"exclusiveMinimum":true,"nullable":true}}}"#,
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","additionalProperties":false,"required":[]}"#,
            r#"{"$schema":"https://example.com/our-own","type":"dict"}"#,
            r#"{"type":"object","properties":{"type":{"type":"string"},"required":{"type":"boolean"},"$ref":{"type":"string"}}}"#,
            r#"{"type":"object","properties":{"a":{"$ref":"http://169.254.169.254/latest/meta-data"}}}"#,
            r##"{"$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"}}}},"$ref":"#/$defs/node"}"##,
            r##"{"type":"object","properties":{"a":{"enum":[{"$ref":"#/nowhere"}],"default":{"type":7}}}}"##,
            r##"{"properties":{"a":{"$id":"a.json","$ref":"#/definitions/b","definitions":{"b":{}}}}}"##,
        ] {
            assert_eq!(faulty(schema), None, "{schema}");
        }
    }

    #[test]
    fn faults_in_schemas_have_a_place() {
        for (schema, at, what) in [
            (r#"{"type":"object","properties":{"n":{"type":"int"}}}"#, "\"int\"", "`int` is no type of JSON Schema (`integer` is)"),
            (r#"{"type":["string","any"]}"#, "\"any\"", "`any` is no type of JSON Schema"),
            (r#"{"type":7}"#, "7", "`type` must be the name of a type, not a number"),
            (r#"{"properties":{"n":{"type":"string","required":true}}}"#, "true", "`required` must be an array of names, not `true`"),
            (r#"{"properties":{"city":"string"}}"#, "\"string\"", "`city` must be a schema (an object), not a string"),
            (r#"{"properties":["city"]}"#, "[\"city\"]", "`properties` must be an object of schemas, not an array"),
            (r#"{"anyOf":[]}"#, "[]", "`anyOf` is empty"),
            (r#"{"properties":{"n":{"minLength":-1}}}"#, "-1", "`minLength` must be a count, not a number"),
            (r##"{"properties":{"n":{"$ref":"#/$defs/n"}}}"##, "\"#/$defs/n\"", "`#/$defs/n` is not there"),
        ] {
            assert_eq!(faulty(schema), Some((at.to_owned(), what.to_owned())), "{schema}");
        }
    }

    #[test]
    fn arguments_that_fit_are_left_alone() {
        for (schema, arguments) in [
            (
                r#"{"type":"object","properties":{"days":{"type":"integer"}},"required":["days"],"additionalProperties":false}"#,
                r#"{"days":3.0}"#,
            ),
            (r#"{"properties":{"a":{"type":"string","nullable":true}}}"#, r#"{"a":null,"b":7}"#),
            (r#"{"properties":{"a":{"enum":[1,"x",null]}}}"#, r#"{"a":1.0}"#),
            (r#"{"properties":{"a":{"anyOf":[{"type":"integer"},{"type":"null"}]}}}"#, r#"{"a":null}"#),
            (r#"{"properties":{"a":{"oneOf":[{"type":"string","pattern":"^a"},{"type":"string","pattern":"^b"}]}}}"#, r#"{"a":"b"}"#),
            (
                r##"{"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}}}},"$ref":"#/$defs/n"}"##,
                r#"{"next":{"next":{}}}"#,
            ),
            (r#"{"properties":{"a":{"items":[{"type":"string"},{"type":"number"}]}}}"#, r#"{"a":["x",1,true]}"#),
            (r#"{"properties":{"a":{"type":"int"}},"patternProperties":{"^x":{}},"additionalProperties":false}"#, r#"{"a":"7","x1":1}"#),
            (r#"{"properties":{"a":{"minimum":0,"exclusiveMinimum":true}}}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(broken(schema, arguments), None, "{schema} {arguments}");
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_blamed_at_their_place() {
        let weather = r#"{"type":"object","properties":{"days":{"type":"integer","minimum":1},"unit":{"enum":["c","f"]},"at":{"type":"object","required":["city"]},"tags":{"type":"array","items":{"type":"string"},"maxItems":2},"hour":{"anyOf":[{"type":"integer"},{"type":"null"}]}},"required":["days"],"additionalProperties":false}"#;
        for (arguments, at, what) in [
            ("{}", "{}", "`days` is required, and missing"),
            (r#"{"days":"3"}"#, "\"3\"", "`days` must be an integer, not a string"),
            (r#"{"days":0}"#, "0", "`days` must be at least 1"),
            (r#"{"days":3,"unit":"k"}"#, "\"k\"", "`unit` must be one of `c`, `f`"),
            (r#"{"days":3,"city":"Lima"}"#, "\"city\"", "`city` is not declared"),
            (r#"{"days":3,"at":{}}"#, "{}", "`city` is required, and missing"),
            (r#"{"days":3,"tags":["a",7]}"#, "7", "`tags` must be a string, not a number"),
            (r#"{"days":3,"tags":["a","b","c"]}"#, r#"["a","b","c"]"#, "`tags` must have at most this many items: 2"),
            (r#"{"days":3,"hour":"x"}"#, "\"x\"", "`hour` must be an integer or null, not a string"),
        ] {
            assert_eq!(broken(weather, arguments), Some((at.to_owned(), what.to_owned())), "{arguments}");
        }
    }

    /// Schemas made to hang, to exhaust the stack or to open a connection.
    #[test]
    fn schemas_of_strangers_do_no_harm() {
        let started = std::time::Instant::now();
        let nested = |count: usize| format!("{}1{}", r#"{"a":"#.repeat(count), "}".repeat(count));
        let doubling = |keyword: &str, last: &str| {
            let levels: String = (0..30)
                .map(|n| format!(r##""a{n}":{{"{keyword}":[{{"$ref":"#/$defs/a{m}"}},{{"$ref":"#/$defs/a{m}"}}]}},"##, m = n + 1))
                .collect();
            format!(r##"{{"$defs":{{{levels}"a30":{last}}},"$ref":"#/$defs/a0"}}"##)
        };
        for schema in [
            r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##.to_owned(),
            r##"{"$ref":"#"}"##.to_owned(),
            r#"{"$ref":"file:///etc/passwd"}"#.to_owned(),
            r##"{"allOf":[{"properties":{"a":{"$ref":"#"}}},{"properties":{"a":{"$ref":"#"}}}]}"##.to_owned(),
            r##"{"anyOf":[{"properties":{"a":{"$ref":"#"}},"required":["b"]},{"properties":{"a":{"$ref":"#"}},"required":["c"]}]}"##
                .to_owned(),
            doubling("allOf", r#"{"type":"object"}"#),
            doubling("anyOf", r#"{"type":"string"}"#),
            doubling("oneOf", r#"{"type":"object"}"#),
            format!("{}{{}}{}", r#"{"items":"#.repeat(126), "}".repeat(126)),
            format!("{}{{}}{}", r#"{"anyOf":["#.repeat(63), "]}".repeat(63)),
            format!(r#"{{"enum":[{}]}}"#, vec!["\"x\""; 300_000].join(",")),
            format!(r#"{{"required":[{}]}}"#, (0..100_000).map(|n| format!("\"k{n}\"")).collect::<Vec<_>>().join(",")),
        ] {
            assert_eq!(faulty(&schema), None);
            for depth in [1, 127] {
                let _ = broken(&schema, &nested(depth));
            }
        }
        let keys: Vec<_> = (0..100_000).map(|n| format!("\"k{n}\":1")).collect();
        let schema = format!(r#"{{"properties":{{{}}}}}"#, (0..100_000).map(|n| format!("\"k{n}\":{{}}")).collect::<Vec<_>>().join(","));
        assert_eq!(broken(&schema, &format!("{{{}}}", keys.join(","))), None);
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }
}
