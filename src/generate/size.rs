//! Sizes as people write them: `512MB`, `1 GB`, `300 KiB`, or bytes.

use schemars::JsonSchema;
use serde::Deserialize;

/// A number of bytes. `kB`, `MB` and `GB` are decimal, as providers state their limits; `KiB`, `MiB` and `GiB` binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Size(pub u64);

impl TryFrom<toml::Value> for Size {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let bytes = match &value {
            toml::Value::Integer(bytes) => u64::try_from(*bytes).ok(),
            toml::Value::String(text) => parse(text),
            _ => None,
        };
        bytes.map(Self).ok_or_else(|| {
            format!("{}: a size is a text such as \"512MB\" or \"1 GiB\", or a number of bytes", super::recipe::shown(&value))
        })
    }
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(unit_at)?;
    let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    let number: f64 = number.trim().parse().ok()?;
    (number >= 0.0 && number.is_finite()).then_some((number * scale as f64) as u64)
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A size, such as \"512MB\", or a number of bytes.",
            "oneOf": [{ "type": "string", "pattern": "^[0-9.]+ *[A-Za-z]*$" }, { "type": "integer", "minimum": 0 }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(parse("512MB"), Some(512_000_000));
        assert_eq!(parse(" 1.5 GiB "), Some(1_610_612_736));
        assert_eq!(parse("77"), Some(77));
        assert_eq!(parse("many"), None);
        assert_eq!(parse("1 parsec"), None);
        assert_eq!(parse("-1MB"), None);
    }
}
