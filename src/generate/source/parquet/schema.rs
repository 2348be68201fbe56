//! What a Parquet schema and the `huggingface` metadata beside it say together: a tree of [`Node`]s, one a column, that tells
//! how cells are put together out of leaves.

use std::sync::Arc;

use ::parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::schema::types::{SchemaDescriptor, Type};
use serde_json::Value as Json;

use super::super::ClassLabels;

/// A column or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: Arc<str>,
    /// The definition level from which it is not null.
    pub(super) defined: i16,
    pub(super) nullable: bool,
    /// The leaves below it, by their number in the file.
    pub(super) leaves: std::ops::Range<usize>,
    pub(super) shape: Shape,
}

/// How a node is put together.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Leaf(Leaf),
    Object(Vec<Node>),
    /// Items stand from definition level `defined` on; all but the first have repetition level `repeated`.
    List {
        item: Box<Node>,
        defined: i16,
        repeated: i16,
    },
    Map {
        key: Box<Node>,
        value: Option<Box<Node>>,
        defined: i16,
        repeated: i16,
    },
    Image {
        bytes: usize,
        path: usize,
    },
    /// What no text can be made of; says what it is.
    Media(String),
}

/// What the values of a leaf mean.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    Bool,
    Int,
    UInt,
    Float,
    Float16,
    Text,
    Json,
    Bytes,
    Uuid,
    Date,
    Time(Unit),
    Timestamp(Unit, Zone),
    Int96,
    Decimal(u32),
    Interval,
    /// Only nulls.
    Null,
    Label(Arc<[Arc<str>]>, ClassLabels),
}

/// How many of a unit of time make a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

/// Whether a time is one of UTC, or of no zone that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Utc,
    None,
}

/// The columns of a file. `features` are those of the `huggingface` metadata, where there are any.
pub(super) fn columns(schema: &SchemaDescriptor, features: Option<&Json>, labels: ClassLabels) -> Result<Vec<Node>, String> {
    let mut builder = Builder { leaf: 0, labels };
    let fields = schema.root_schema().get_fields();
    fields.iter().map(|field| builder.node(field, 0, 0, features.and_then(|features| features.get(field.name())))).collect()
}

impl Node {
    /// What it holds, in the words of [`super::super::Column::kind`].
    pub(super) fn kind(&self) -> String {
        match &self.shape {
            Shape::Leaf(leaf) => match leaf {
                Leaf::Bool => "true or false".to_owned(),
                Leaf::Int | Leaf::UInt => "integer".to_owned(),
                Leaf::Float | Leaf::Float16 => "number".to_owned(),
                Leaf::Text | Leaf::Uuid => "text".to_owned(),
                Leaf::Json => "JSON".to_owned(),
                Leaf::Bytes => "bytes".to_owned(),
                Leaf::Date => "date".to_owned(),
                Leaf::Time(_) => "time".to_owned(),
                Leaf::Timestamp(..) | Leaf::Int96 => "timestamp".to_owned(),
                Leaf::Decimal(_) => "decimal".to_owned(),
                Leaf::Null => "null".to_owned(),
                Leaf::Interval => "object (months, days, milliseconds)".to_owned(),
                Leaf::Label(names, _) => format!("class label ({})", listed(names.iter().map(|name| &**name))),
            },
            Shape::Object(fields) => format!("object ({})", listed(fields.iter().map(|field| &*field.name))),
            Shape::List { item, .. } => format!("list of {}", item.kind()),
            Shape::Map { value, .. } => match value {
                Some(value) => format!("map to {}", value.kind()),
                None => "map".to_owned(),
            },
            Shape::Image { .. } => "image".to_owned(),
            Shape::Media(kind) => kind.clone(),
        }
    }

    /// What in it no value can be made of: sound, films, ….
    pub(super) fn media(&self) -> Option<&str> {
        match &self.shape {
            Shape::Media(kind) => Some(kind),
            Shape::Object(fields) => fields.iter().find_map(Node::media),
            Shape::List { item, .. } => item.media(),
            Shape::Map { value, .. } => value.as_deref().and_then(Node::media),
            Shape::Leaf(_) | Shape::Image { .. } => None,
        }
    }
}

/// The first dozen names: a schema may have thousands.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.take(13).collect();
    if let Some(last) = names.get_mut(12) {
        *last = "…";
    }
    names.join(", ")
}

/// Deepest nesting of a schema.
const MAX_DEPTH: i16 = 64;

struct Builder {
    /// The number of the next leaf.
    leaf: usize,
    labels: ClassLabels,
}

impl Builder {
    /// The node of a field, below what has definition and repetition levels up to `defined` and `repeated`.
    fn node(&mut self, field: &Type, defined: i16, repeated: i16, feature: Option<&Json>) -> Result<Node, String> {
        if !field.get_basic_info().has_repetition() {
            return Err(format!("the schema does not say whether {} repeats", field.name()));
        }
        match field.get_basic_info().repetition() {
            Repetition::REQUIRED => self.plain(field, defined, repeated, false, feature),
            Repetition::OPTIONAL => self.plain(field, defined + 1, repeated, true, feature),
            // A bare repeated field is a list that is never null.
            Repetition::REPEATED => {
                let start = self.leaf;
                let item = self.plain(field, defined + 1, repeated + 1, false, item_feature(feature).as_ref())?;
                let shape = Shape::List { item: Box::new(item), defined: defined + 1, repeated: repeated + 1 };
                Ok(Node { name: Arc::from(field.name()), defined, nullable: false, leaves: start..self.leaf, shape })
            }
        }
    }

    fn plain(&mut self, field: &Type, defined: i16, repeated: i16, nullable: bool, feature: Option<&Json>) -> Result<Node, String> {
        if defined > MAX_DEPTH {
            return Err(format!("its schema is nested deeper than {MAX_DEPTH} levels"));
        }
        let start = self.leaf;
        let shape = if field.is_primitive() {
            self.leaf += 1;
            Shape::Leaf(leaf(field, feature, self.labels))
        } else if is_list(field) {
            self.list(field, defined, repeated, feature)?
        } else if is_map(field) {
            self.map(field, defined, repeated)?
        } else {
            self.object(field, defined, repeated, feature)?
        };
        if start == self.leaf {
            return Err(format!("the group {} of its schema is empty", field.name()));
        }
        Ok(Node { name: Arc::from(field.name()), defined, nullable, leaves: start..self.leaf, shape })
    }

    fn object(&mut self, field: &Type, defined: i16, repeated: i16, feature: Option<&Json>) -> Result<Shape, String> {
        let start = self.leaf;
        let mut fields = Vec::new();
        for inner in field.get_fields() {
            let feature = field_feature(feature, inner.name());
            fields.push(self.node(inner, defined, repeated, feature.as_ref())?);
        }
        let kind = feature.and_then(type_of);
        if let Some(media) = kind.filter(|kind| matches!(*kind, "Audio" | "Video" | "Pdf" | "Nifti" | "Mesh")) {
            return Ok(Shape::Media(media.to_lowercase()));
        }
        let place = |name: &str, wanted: fn(&Shape) -> bool| fields.iter().position(|field| &*field.name == name && wanted(&field.shape));
        let bytes = place("bytes", |shape| matches!(shape, Shape::Leaf(Leaf::Bytes)));
        let path = place("path", |shape| matches!(shape, Shape::Leaf(Leaf::Text)));
        match (kind, bytes, path) {
            (Some("Image") | None, Some(bytes), Some(path)) if fields.len() == 2 => {
                Ok(Shape::Image { bytes: start + bytes, path: start + path })
            }
            _ => Ok(Shape::Object(fields)),
        }
    }

    /// A list in any of its forms on disk: `list.element`, and the older `array` and `name_tuple`, where the repeated group is
    /// itself the item (parquet-format, LogicalTypes.md, "Backward-compatibility rules").
    fn list(&mut self, field: &Type, defined: i16, repeated: i16, feature: Option<&Json>) -> Result<Shape, String> {
        let [middle, ..] = field.get_fields() else { return Err(format!("the list `{}` has no items", field.name())) };
        let (defined, repeated) = (defined + 1, repeated + 1);
        let feature = item_feature(feature);
        let is_item = middle.is_primitive() || {
            let fields = middle.get_fields();
            fields.len() != 1
                || middle.name() == "array"
                || middle.name() == format!("{}_tuple", field.name())
                || only_repeated(middle).is_some()
        };
        let item = match middle.is_group().then(|| middle.get_fields()) {
            Some([inner]) if !is_item => self.node(inner, defined, repeated, feature.as_ref())?,
            _ => self.plain(middle, defined, repeated, false, feature.as_ref())?,
        };
        Ok(Shape::List { item: Box::new(item), defined, repeated })
    }

    fn map(&mut self, field: &Type, defined: i16, repeated: i16) -> Result<Shape, String> {
        let entries = field.get_fields().first().map_or(&[][..], |entry| entry.get_fields());
        let [key, ..] = entries else { return Err(format!("the map `{}` has no keys", field.name())) };
        let (defined, repeated) = (defined + 1, repeated + 1);
        let key = Box::new(self.node(key, defined, repeated, None)?);
        let value = entries.get(1).map(|value| self.node(value, defined, repeated, None).map(Box::new)).transpose()?;
        Ok(Shape::Map { key, value, defined, repeated })
    }
}

fn only_repeated(field: &Type) -> Option<&Type> {
    match field.get_fields() {
        [only] if only.get_basic_info().has_repetition() && only.get_basic_info().repetition() == Repetition::REPEATED => Some(only),
        _ => None,
    }
}

fn is_list(field: &Type) -> bool {
    let info = field.get_basic_info();
    let is_said = info.converted_type() == ConvertedType::LIST || matches!(info.logical_type_ref(), Some(LogicalType::List));
    is_said && only_repeated(field).is_some()
}

fn is_map(field: &Type) -> bool {
    let info = field.get_basic_info();
    let is_said = matches!(info.converted_type(), ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE)
        || matches!(info.logical_type_ref(), Some(LogicalType::Map));
    is_said && only_repeated(field).is_some_and(|entries| entries.is_group() && matches!(entries.get_fields().len(), 1 | 2))
}

/// The name of a feature's type; an object of features has none.
fn type_of(feature: &Json) -> Option<&str> {
    feature.get("_type").and_then(Json::as_str)
}

/// The feature of a list's items: `{"feature": …, "_type": "List"}`, or `[…]` as older versions write it.
fn item_feature(feature: Option<&Json>) -> Option<Json> {
    let feature = feature?;
    feature.get(0).or_else(|| type_of(feature).and_then(|_| feature.get("feature"))).cloned()
}

/// The feature of a struct's field. A `Sequence` of a struct is stored as a struct of lists.
fn field_feature(feature: Option<&Json>, name: &str) -> Option<Json> {
    let feature = feature?;
    match type_of(feature) {
        None => feature.get(name).cloned(),
        Some(kind) => {
            let inner = feature.get("feature").filter(|inner| type_of(inner).is_none())?.get(name)?;
            Some(serde_json::json!({ "_type": kind, "feature": inner }))
        }
    }
}

fn leaf(field: &Type, feature: Option<&Json>, labels: ClassLabels) -> Leaf {
    let info = field.get_basic_info();
    let physical = field.get_physical_type();
    let kind = feature.and_then(type_of);
    let is_whole = matches!(physical, Physical::INT32 | Physical::INT64);
    if let Some(names) = feature.filter(|_| kind == Some("ClassLabel") && is_whole).and_then(|feature| feature.get("names")?.as_array()) {
        let names = names.iter().map(|name| Arc::from(name.as_str().unwrap_or_default())).collect();
        return Leaf::Label(names, labels);
    }
    if kind == Some("Json") && physical == Physical::BYTE_ARRAY {
        return Leaf::Json;
    }
    logical(field, physical).or_else(|| converted(info.converted_type(), field, physical)).unwrap_or(match physical {
        Physical::BOOLEAN => Leaf::Bool,
        Physical::INT32 | Physical::INT64 => Leaf::Int,
        Physical::INT96 => Leaf::Int96,
        Physical::FLOAT | Physical::DOUBLE => Leaf::Float,
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => Leaf::Bytes,
    })
}

/// Arrow's widest decimal has 76 digits.
fn decimal_leaf(scale: i32) -> Option<Leaf> {
    u32::try_from(scale).ok().filter(|scale| *scale <= 1_000).map(Leaf::Decimal)
}

fn unit(unit: &TimeUnit) -> Unit {
    match unit {
        TimeUnit::MILLIS => Unit::Millis,
        TimeUnit::MICROS => Unit::Micros,
        TimeUnit::NANOS => Unit::Nanos,
    }
}

/// What the logical type says, where it goes with the physical one.
fn logical(field: &Type, physical: Physical) -> Option<Leaf> {
    let is_whole = matches!(physical, Physical::INT32 | Physical::INT64);
    let is_bytes = physical == Physical::BYTE_ARRAY;
    let is_fixed = physical == Physical::FIXED_LEN_BYTE_ARRAY;
    match field.get_basic_info().logical_type_ref()? {
        LogicalType::String | LogicalType::Enum if is_bytes => Some(Leaf::Text),
        LogicalType::Json if is_bytes => Some(Leaf::Json),
        LogicalType::Decimal(decimal) if is_whole || is_bytes || is_fixed => decimal_leaf(decimal.scale),
        LogicalType::Date if physical == Physical::INT32 => Some(Leaf::Date),
        LogicalType::Time(time) if is_whole => Some(Leaf::Time(unit(&time.unit))),
        LogicalType::Timestamp(time) if physical == Physical::INT64 => {
            Some(Leaf::Timestamp(unit(&time.unit), if time.is_adjusted_to_u_t_c { Zone::Utc } else { Zone::None }))
        }
        LogicalType::Integer(int) if is_whole => Some(if int.is_signed { Leaf::Int } else { Leaf::UInt }),
        LogicalType::Uuid if is_fixed => Some(Leaf::Uuid),
        LogicalType::Float16 if is_fixed => Some(Leaf::Float16),
        LogicalType::Unknown => Some(Leaf::Null),
        _ => None,
    }
}

/// The same from the older annotations, which come alone in old files.
fn converted(kind: ConvertedType, field: &Type, physical: Physical) -> Option<Leaf> {
    let is_whole = matches!(physical, Physical::INT32 | Physical::INT64);
    match (kind, physical) {
        (ConvertedType::UTF8 | ConvertedType::ENUM, Physical::BYTE_ARRAY) => Some(Leaf::Text),
        (ConvertedType::JSON, Physical::BYTE_ARRAY) => Some(Leaf::Json),
        (ConvertedType::DECIMAL, Physical::INT32 | Physical::INT64 | Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY) => {
            decimal_leaf(field.get_scale())
        }
        (ConvertedType::DATE, Physical::INT32) => Some(Leaf::Date),
        (ConvertedType::TIME_MILLIS, _) if is_whole => Some(Leaf::Time(Unit::Millis)),
        (ConvertedType::TIME_MICROS, _) if is_whole => Some(Leaf::Time(Unit::Micros)),
        // The older annotations mean instants of UTC (parquet-format, LogicalTypes.md, "Deprecated timestamp ConvertedType").
        (ConvertedType::TIMESTAMP_MILLIS, Physical::INT64) => Some(Leaf::Timestamp(Unit::Millis, Zone::Utc)),
        (ConvertedType::TIMESTAMP_MICROS, Physical::INT64) => Some(Leaf::Timestamp(Unit::Micros, Zone::Utc)),
        (ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64, _) if is_whole => {
            Some(Leaf::UInt)
        }
        (ConvertedType::INTERVAL, Physical::FIXED_LEN_BYTE_ARRAY) => Some(Leaf::Interval),
        _ => None,
    }
}
