//! The JSON Schema of the configuration, for editors. What the types of `config.rs` leave open (which rules, formats and
//! methods there are) is filled in from the tables that say so.

use std::borrow::Cow;

use clap::ValueEnum as _;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use tunelint::output::OutputFormat;
use tunelint::rule::Severity;
use tunelint::rules;

use crate::cli::{Images, Method};
use crate::config::Config;

/// JSON Schema 2020-12 of a `tunelint.toml`.
pub(crate) fn of_configuration() -> Value {
    schemars::schema_for!(Config).to_value()
}

pub(crate) fn severity(_: &mut SchemaGenerator) -> Schema {
    one_of(Severity::ALL.map(Severity::name))
}

pub(crate) fn output_format(_: &mut SchemaGenerator) -> Schema {
    one_of(OutputFormat::ALL.map(|(name, _)| name))
}

pub(crate) fn method(_: &mut SchemaGenerator) -> Schema {
    one_of(names(Method::value_variants()))
}

pub(crate) fn images(_: &mut SchemaGenerator) -> Schema {
    one_of(names(Images::value_variants()))
}

pub(crate) fn selectors(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": generator.subschema_for::<Selector>() })
}

pub(crate) fn selectors_by_glob(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": selectors(generator) })
}

pub(crate) fn levels(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Levels>()
}

/// A code or the beginning of one, or `ALL`.
const BY_CODE: &str = "^([A-Za-z][0-9]{0,3}|ALL)$";

/// Which rules are meant.
struct Selector;

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = rules::all().into_iter().map(|rule| rule.name).collect();
        json_schema!({ "type": "string", "anyOf": [{ "enum": names }, { "pattern": BY_CODE }] })
    }
}

/// Levels of single rules.
struct Levels;

impl JsonSchema for Levels {
    fn schema_name() -> Cow<'static, str> {
        "Levels".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let levels = ["off", "info", "warning", "error"];
        // The names stand one by one, so that an editor completes them and says what each is about.
        let named = rules::all().into_iter().map(|rule| {
            let about = format!("{}: {}", rule.code, rule.summary());
            (rule.name.to_owned(), json!({ "enum": levels, "description": about }))
        });
        json_schema!({
            "type": "object",
            "properties": Value::Object(named.collect()),
            "patternProperties": { (BY_CODE): { "enum": levels } },
            "additionalProperties": false,
        })
    }
}

fn one_of(names: impl IntoIterator<Item = impl Into<Value>>) -> Schema {
    let names: Vec<Value> = names.into_iter().map(Into::into).collect();
    json_schema!({ "enum": names })
}

fn names<T: clap::ValueEnum>(values: &[T]) -> Vec<String> {
    values.iter().filter_map(|value| Some(value.to_possible_value()?.get_name().to_owned())).collect()
}
