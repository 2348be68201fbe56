//! The values of one leaf, batch by batch, and what each becomes. Dates, times, decimals and UUIDs become text, as Python
//! prints them: `2026-11-25`, `12:30:00.000500`, `2026-11-25T12:30:00+00:00`, `12.30`.

use std::sync::Arc;

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use ::parquet::errors::ParquetError;
use bytes::Bytes;

use super::super::jsonl::parse_value;
use super::super::{ClassLabels, Value};
use super::schema::{Leaf, Unit, Zone};

/// The values of a leaf whose type the file alone knows.
pub(super) trait Values: Send {
    /// Appends whole records to what was read; gives back how many.
    fn read(&mut self, records: usize, defined: &mut Vec<i16>, repeated: &mut Vec<i16>) -> Result<usize, ParquetError>;

    /// Passes over records; gives back how many.
    fn skip(&mut self, records: usize) -> Result<usize, ParquetError>;

    /// Forgets what was read.
    fn clear(&mut self);

    /// A value that was read; `None` when there are not so many.
    fn value(&self, index: usize, leaf: &Leaf) -> Option<Result<Value, String>>;
}

/// The reader of a column as it comes from the crate, without its type.
pub(super) fn values(reader: ColumnReader) -> Box<dyn Values> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => Typed::boxed(reader),
        ColumnReader::Int32ColumnReader(reader) => Typed::boxed(reader),
        ColumnReader::Int64ColumnReader(reader) => Typed::boxed(reader),
        ColumnReader::Int96ColumnReader(reader) => Typed::boxed(reader),
        ColumnReader::FloatColumnReader(reader) => Typed::boxed(reader),
        ColumnReader::DoubleColumnReader(reader) => Typed::boxed(reader),
        ColumnReader::ByteArrayColumnReader(reader) => Typed::boxed(reader),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => Typed::boxed(reader),
    }
}

struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

impl<T: DataType> Typed<T>
where
    T::T: Cell,
{
    fn boxed(reader: ColumnReaderImpl<T>) -> Box<dyn Values> {
        Box::new(Self { reader, values: Vec::new() })
    }
}

impl<T: DataType> Values for Typed<T>
where
    T::T: Cell,
{
    fn read(&mut self, records: usize, defined: &mut Vec<i16>, repeated: &mut Vec<i16>) -> Result<usize, ParquetError> {
        self.reader.read_records(records, Some(defined), Some(repeated), &mut self.values).map(|(records, _, _)| records)
    }

    fn skip(&mut self, records: usize) -> Result<usize, ParquetError> {
        self.reader.skip_records(records)
    }

    fn clear(&mut self) {
        self.values.clear();
    }

    fn value(&self, index: usize, leaf: &Leaf) -> Option<Result<Value, String>> {
        self.values.get(index).map(|value| value.cell(leaf))
    }
}

/// A value of a physical type.
trait Cell {
    fn cell(&self, leaf: &Leaf) -> Result<Value, String>;
}

impl Cell for bool {
    fn cell(&self, _: &Leaf) -> Result<Value, String> {
        Ok(Value::Bool(*self))
    }
}

impl Cell for i32 {
    fn cell(&self, leaf: &Leaf) -> Result<Value, String> {
        match leaf {
            Leaf::UInt => Ok(Value::Int(i64::from(self.cast_unsigned()))),
            Leaf::Date => Ok(text(date(i64::from(*self)))),
            _ => i64::from(*self).cell(leaf),
        }
    }
}

impl Cell for i64 {
    fn cell(&self, leaf: &Leaf) -> Result<Value, String> {
        Ok(match leaf {
            Leaf::UInt if *self < 0 => Value::UInt(self.cast_unsigned()),
            Leaf::Date => text(date(*self)),
            Leaf::Time(unit) => text(time(*self, *unit)),
            Leaf::Timestamp(unit, zone) => text(timestamp(*self, *unit, *zone)),
            Leaf::Decimal(scale) => text(decimal(&self.to_be_bytes(), *scale)),
            Leaf::Label(names, shown) => return label(*self, names, *shown),
            _ => Value::Int(*self),
        })
    }
}

impl Cell for Int96 {
    fn cell(&self, _: &Leaf) -> Result<Value, String> {
        // Nanoseconds of a day and a Julian day; 2,440,588 is that of 1970-01-01.
        let [low, high, day] = self.data() else { return Err("an INT96 of the wrong size".to_owned()) };
        let days = i64::from(day.cast_signed()) - 2_440_588;
        let nanos = i64::from(*high) << 32 | i64::from(*low);
        Ok(text(format!("{}T{}", date(days + nanos.div_euclid(86_400_000_000_000)), time(nanos, Unit::Nanos))))
    }
}

impl Cell for f32 {
    fn cell(&self, _: &Leaf) -> Result<Value, String> {
        Ok(Value::Float(f64::from(*self)))
    }
}

impl Cell for f64 {
    fn cell(&self, _: &Leaf) -> Result<Value, String> {
        Ok(Value::Float(*self))
    }
}

impl Cell for ByteArray {
    fn cell(&self, leaf: &Leaf) -> Result<Value, String> {
        bytes_cell(self.data(), leaf)
    }
}

impl Cell for FixedLenByteArray {
    fn cell(&self, leaf: &Leaf) -> Result<Value, String> {
        bytes_cell(self.data(), leaf)
    }
}

fn bytes_cell(data: &[u8], leaf: &Leaf) -> Result<Value, String> {
    Ok(match leaf {
        Leaf::Text => Value::String(Arc::from(std::str::from_utf8(data).map_err(|_| "text that is not UTF-8")?)),
        Leaf::Json => parse_value(data).map_err(|(message, offset)| format!("JSON, byte {offset}: {message}"))?,
        Leaf::Decimal(_) if data.len() > 128 => return Err("a decimal of more than 128 bytes".to_owned()),
        Leaf::Decimal(scale) => text(decimal(data, *scale)),
        Leaf::Uuid => text(uuid(data)),
        Leaf::Float16 => Value::Float(half(data)?),
        Leaf::Interval => interval(data)?,
        // A copy: a slice would keep its whole page, maybe 100 MB, in memory for as long as the row lives.
        _ => Value::Bytes(Bytes::copy_from_slice(data)),
    })
}

fn text(text: String) -> Value {
    Value::String(Arc::from(text))
}

/// Hugging Face `datasets` write -1 where a label is missing, in test splits above all.
fn label(number: i64, names: &[Arc<str>], shown: ClassLabels) -> Result<Value, String> {
    let name = usize::try_from(number).ok().and_then(|index| names.get(index));
    match (number, name, shown) {
        (-1, _, _) => Ok(Value::Null),
        (_, Some(name), ClassLabels::Names) => Ok(Value::String(Arc::clone(name))),
        (_, Some(_), ClassLabels::Numbers) => Ok(Value::Int(number)),
        (_, None, _) => Err(format!("class label {number}, where there are {}", names.len())),
    }
}

/// The day that lies `days` after 1970-01-01 in the proleptic Gregorian calendar, counted from 0000-03-01 as in
/// [`crate::target::Date::from_unix`], and before that year too.
fn date(days: i64) -> String {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

impl Unit {
    fn per_second(self) -> i64 {
        match self {
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }
}

/// The time of day; whole days aside. A fraction has six digits, or nine where six do not hold it.
fn time(value: i64, unit: Unit) -> String {
    let per_second = unit.per_second();
    let seconds = value.div_euclid(per_second).rem_euclid(86_400);
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let whole = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (nanos, nanos % 1_000) {
        (0, _) => whole,
        (_, 0) => format!("{whole}.{:06}", nanos / 1_000),
        _ => format!("{whole}.{nanos:09}"),
    }
}

fn timestamp(value: i64, unit: Unit, zone: Zone) -> String {
    let zone = if zone == Zone::Utc { "+00:00" } else { "" };
    format!("{}T{}{zone}", date(value.div_euclid(unit.per_second() * 86_400)), time(value, unit))
}

/// A big-endian two's complement number of any length with `scale` digits behind the point.
fn decimal(bytes: &[u8], scale: u32) -> String {
    let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut magnitude = bytes.to_vec();
    if is_negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            let (sum, over) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (sum, over);
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|&byte| byte != 0) {
        let mut rest = 0_u32;
        for byte in &mut magnitude {
            let value = rest << 8 | u32::from(*byte);
            (*byte, rest) = ((value / 10) as u8, value % 10);
        }
        digits.push(char::from(b'0' + rest as u8));
    }
    let scale = scale as usize;
    while digits.len() <= scale {
        digits.push('0');
    }
    let mut text: String = if is_negative { "-".to_owned() } else { String::new() };
    for (place, digit) in digits.iter().enumerate().rev() {
        text.push(*digit);
        if place == scale && scale > 0 {
            text.push('.');
        }
    }
    text
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// IEEE 754 binary16, little-endian.
fn half(bytes: &[u8]) -> Result<f64, String> {
    let bytes: [u8; 2] = bytes.try_into().map_err(|_| "a half float that has not two bytes")?;
    let bits = u16::from_le_bytes(bytes);
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match (exponent, fraction) {
        (0, _) => fraction * 2_f64.powi(-24),
        (31, 0.0) => f64::INFINITY,
        (31, _) => f64::NAN,
        _ => (1.0 + fraction / 1_024.0) * 2_f64.powi(exponent - 15),
    };
    Ok(if bits & 0x8000 == 0 { magnitude } else { -magnitude })
}

/// Three little-endian numbers.
fn interval(bytes: &[u8]) -> Result<Value, String> {
    let part = |from: usize| bytes.get(from..from + 4).and_then(|part| part.try_into().ok()).map(u32::from_le_bytes);
    let (Some(months), Some(days), Some(millis)) = (part(0), part(4), part(8)) else {
        return Err("an interval that has not twelve bytes".to_owned());
    };
    let members = [("months", months), ("days", days), ("milliseconds", millis)];
    Ok(Value::Object(members.into_iter().map(|(name, value)| (Arc::from(name), Value::Int(i64::from(value)))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_those_of_python() {
        for (days, expected) in
            [(0, "1970-01-01"), (-1, "1969-12-31"), (20_782, "2026-11-25"), (-719_162, "0001-01-01"), (2_932_896, "9999-12-31")]
        {
            assert_eq!(date(days), expected);
        }
        assert_eq!(timestamp(-1, Unit::Micros, Zone::None), "1969-12-31T23:59:59.999999");
        assert_eq!(timestamp(1_500, Unit::Millis, Zone::Utc), "1970-01-01T00:00:01.500000+00:00");
        assert_eq!(time(86_399_000_000_001, Unit::Nanos), "23:59:59.000000001");
        assert!(date(i64::MAX / 2_000_000).len() > 4, "no overflow");
    }

    #[test]
    fn decimals_keep_every_digit() {
        for (bytes, scale, expected) in [
            (&1_230_i64.to_be_bytes()[..], 2, "12.30"),
            (&(-5_i64).to_be_bytes(), 2, "-0.05"),
            (&[0], 0, "0"),
            (&[0xff], 0, "-1"),
            (&[0x80], 3, "-0.128"),
            (&i128::MAX.to_be_bytes(), 0, "170141183460469231731687303715884105727"),
            (&i128::MIN.to_be_bytes(), 38, "-1.70141183460469231731687303715884105728"),
            (&[], 1, "0.0"),
        ] {
            assert_eq!(decimal(bytes, scale), expected);
        }
    }

    #[test]
    fn halves_are_exact() {
        for (bits, expected) in [(0x3c00_u16, 1.0), (0xc000, -2.0), (0x0001, 2_f64.powi(-24)), (0x7bff, 65_504.0), (0x7c00, f64::INFINITY)]
        {
            assert_eq!(half(&bits.to_le_bytes()), Ok(expected));
        }
        assert!(half(&0x7e00_u16.to_le_bytes()).is_ok_and(f64::is_nan));
    }

    #[test]
    fn a_missing_label_is_null_and_a_wrong_one_an_error() {
        let names = [Arc::from("cat"), Arc::from("dog")];
        assert_eq!(label(1, &names, ClassLabels::Names), Ok(Value::String("dog".into())));
        assert_eq!(label(1, &names, ClassLabels::Numbers), Ok(Value::Int(1)));
        assert_eq!(label(-1, &names, ClassLabels::Names), Ok(Value::Null));
        assert_eq!(label(2, &names, ClassLabels::Names), Err("class label 2, where there are 2".to_owned()));
    }
}
