//! Values written as JSON, compact or as Python's `json.dumps` does, with a hole where each image goes.

use super::recipe::JsonStyle;
use super::row::Value;

/// The compact text of a value; images and bytes, which JSON lacks, by their bytes. For hashes.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let mut put = |image: &Value, out: &mut Vec<u8>| {
        if let Value::Bytes(bytes) | Value::Image { bytes: Some(bytes), .. } = image {
            out.extend_from_slice(bytes);
        }
        Ok(())
    };
    let _ = write(value, JsonStyle::Compact, &mut out, &mut put);
    out
}

/// Fills the hole where an image goes, or says why it cannot.
pub(super) type Fill<'a> = dyn FnMut(&Value, &mut Vec<u8>) -> Result<(), String> + 'a;

/// Appends `value` to `out`. `image` is handed each image, and the output up to where its URL would stand.
///
/// `Err` says which value has no place in JSON, or what `image` said.
pub(super) fn write(value: &Value, style: JsonStyle, out: &mut Vec<u8>, image: &mut Fill<'_>) -> Result<(), String> {
    let (comma, colon): (&[u8], &[u8]) = match style {
        JsonStyle::Compact => (b",", b":"),
        JsonStyle::Python => (b", ", b": "),
    };
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::UInt(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Float(number) => float(*number, style, out)?,
        Value::String(text) => string(text, style, out),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(comma);
                }
                write(item, style, out, image)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(comma);
                }
                string(name, style, out);
                out.extend_from_slice(colon);
                write(member, style, out, image)?;
            }
            out.push(b'}');
        }
        Value::Bytes(_) | Value::Image { .. } => {
            out.push(b'"');
            image(value, out)?;
            out.push(b'"');
        }
    }
    Ok(())
}

pub(super) fn string(text: &str, style: JsonStyle, out: &mut Vec<u8>) {
    let from = out.len();
    // Writing to a vector cannot fail.
    let _ = serde_json::to_writer(&mut *out, text);
    if style == JsonStyle::Python && !out.get(from..).unwrap_or_default().is_ascii() {
        let escaped = String::from_utf8_lossy(out.get(from..).unwrap_or_default()).into_owned();
        out.truncate(from);
        for c in escaped.chars() {
            if c.is_ascii() {
                out.push(c as u8);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
    }
}

fn float(number: f64, style: JsonStyle, out: &mut Vec<u8>) -> Result<(), String> {
    if !number.is_finite() {
        return Err(format!("JSON has no word for {number}; leave such rows out by `rows.filter`"));
    }
    match style {
        JsonStyle::Compact => {
            let _ = serde_json::to_writer(out, &number);
        }
        JsonStyle::Python => out.extend_from_slice(python_float(number).as_bytes()),
    }
    Ok(())
}

/// Python's `repr`: the shortest digits that read back as the same number, with an exponent below 1e-4 and from 1e16.
fn python_float(number: f64) -> String {
    let shortest = format!("{number:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) || number == 0.0 {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn text(value: &Value, style: JsonStyle) -> String {
        let mut out = Vec::new();
        let hole = |_: &Value, out: &mut Vec<u8>| {
            out.extend(b"<image>");
            Ok(())
        };
        write(value, style, &mut out, &mut { hole }).expect("JSON");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn both_styles_are_what_they_say() {
        let value = Value::Object(vec![
            (Arc::from("a"), Value::List(vec![Value::Int(-1), Value::Float(2.0), Value::Null])),
            (Arc::from("é"), Value::String(Arc::from("\u{1f600}\n\u{7f}\"\u{1}"))),
            (Arc::from("i"), Value::Image { bytes: None, path: None }),
        ]);
        assert_eq!(text(&value, JsonStyle::Compact), "{\"a\":[-1,2.0,null],\"é\":\"\u{1f600}\\n\u{7f}\\\"\\u0001\",\"i\":\"<image>\"}");
        assert_eq!(
            text(&value, JsonStyle::Python),
            "{\"a\": [-1, 2.0, null], \"\\u00e9\": \"\\ud83d\\ude00\\n\u{7f}\\\"\\u0001\", \"i\": \"<image>\"}"
        );
    }

    /// From CPython 3.11: `repr` of each.
    #[test]
    fn floats_are_written_as_python_does() {
        let known = [
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9007199254740993.0, "9007199254740992.0"),
            (1e-4, "0.0001"),
            (1.5e-5, "1.5e-05"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
        ];
        for (number, expected) in known {
            assert_eq!(python_float(number), expected);
        }
        assert!(float(f64::NAN, JsonStyle::Compact, &mut Vec::new()).is_err());
    }
}
