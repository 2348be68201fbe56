//! Arguments against the parameters of their tool: the same verdict as the jsonschema crate, on random schemas. Our own
//! walk stands beside it because strangers' schemas can make a full validator run for ever.

use proptest::prelude::*;
use serde_json::{Value, json};
use tunelint::json::parse;
use tunelint::tool_schema::{fault, misfit};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        prop_oneof![Just(0.5), Just(2.0), Just(-1.5)].prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

fn schema() -> impl Strategy<Value = Value> {
    let kind = prop_oneof![
        prop::sample::select(vec!["string", "integer", "number", "boolean", "null", "array", "object"]).prop_map(Value::from),
        Just(json!(["string", "null"])),
        Just(json!(["integer", "array"])),
    ];
    let leaf = prop_oneof![
        Just(json!({})),
        Just(json!(true)),
        kind.clone().prop_map(|kind| json!({ "type": kind })),
        prop::collection::vec(scalar(), 1..4).prop_map(|options| json!({ "enum": options })),
        scalar().prop_map(|only| json!({ "const": only })),
        (-2_i64..3).prop_map(|least| json!({ "minimum": least })),
        (-2_i64..3).prop_map(|most| json!({ "type": "number", "exclusiveMaximum": most })),
        (0_u64..3).prop_map(|most| json!({ "type": "string", "maxLength": most })),
        (0_u64..3).prop_map(|least| json!({ "type": "array", "minItems": least })),
    ];
    leaf.prop_recursive(3, 24, 3, |inner| {
        let properties = prop::collection::btree_map("[abc]", inner.clone(), 0..3);
        let required = prop::collection::btree_set("[abc]", 0..3);
        prop_oneof![
            (properties, required, prop_oneof![Just(None), Just(Some(json!(false))), inner.clone().prop_map(Some)]).prop_map(
                |(properties, required, rest)| {
                    let mut schema = json!({ "type": "object", "properties": properties, "required": required });
                    if let Some(rest) = rest {
                        schema["additionalProperties"] = rest;
                    }
                    schema
                }
            ),
            inner.clone().prop_map(|items| json!({ "type": "array", "items": items })),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|parts| json!({ "anyOf": parts })),
            prop::collection::vec(inner, 1..3).prop_map(|parts| json!({ "allOf": parts })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn same_verdict_as_jsonschema(schema in schema(), value in value()) {
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let (schema_text, value_text) = (schema.to_string(), value.to_string());
        let (ours, arguments) = (parse(schema_text.as_bytes(), 128), parse(value_text.as_bytes(), 128));
        let (ours, arguments) = (ours.value.expect("JSON"), arguments.value.expect("JSON"));
        if schema.is_object() {
            prop_assert!(fault(&ours).is_none(), "{schema}: {:?}", fault(&ours));
        }
        prop_assert_eq!(misfit(&ours, &arguments).is_none(), validator.is_valid(&value), "{} against {}", value, schema);
    }
}
