//! What clients are shown, held as snapshots and against the budget.

use serde_json::Value;

use super::{Tool, listed};

/// Tokens of a text, counted on the safe side: one for a Chinese character, one for four others.
fn tokens(text: &str) -> usize {
    let wide = text.chars().filter(|c| !c.is_ascii()).count();
    wide + (text.chars().count() - wide).div_ceil(4)
}

#[test]
fn the_list_of_tools_is_a_decision() {
    for tool in listed() {
        let shown = serde_json::to_string_pretty(tool).expect("json");
        insta::assert_snapshot!(format!("tool_{}", tool.name), shown);
    }
}

#[test]
fn a_robot_can_afford_the_tools() {
    let mut total = 0;
    for tool in listed() {
        let schema = serde_json::to_string(&tool.input_schema).expect("json");
        let description = tool.description.as_deref().unwrap_or_default();
        total += tokens(&tool.name) + tokens(description) + tokens(&schema);
    }
    assert!(total < 3000, "{total} tokens");
}

#[test]
fn every_tool_is_plain_enough_for_every_model() {
    for tool in listed() {
        assert!(!tool.name.starts_with("mcp_"), "{}", tool.name);
        assert!(tool.output_schema.is_none());
        assert!(
            tool.description
                .as_deref()
                .is_some_and(|d| d.starts_with("【K8s集群日志】")),
            "{}",
            tool.name
        );
        assert!(tool.title.as_deref().is_some_and(str::is_ascii));
        let hints = tool.annotations.as_ref().expect("annotations");
        assert!(hints.read_only_hint.is_some() && hints.destructive_hint == Some(false));
        assert!(hints.idempotent_hint.is_some() && hints.open_world_hint.is_some());
        assert_eq!(tool.input_schema["type"], "object");
        let properties = tool.input_schema["properties"]
            .as_object()
            .expect("properties");
        for required in ["device_id", "speaker"] {
            assert!(properties.contains_key(required), "{}", tool.name);
        }
        for (name, property) in properties {
            let plain = ["string", "integer", "boolean"].map(Value::from);
            assert!(
                plain.contains(&property["type"]),
                "{}.{name}: {property}",
                tool.name
            );
            for key in property.as_object().expect("object").keys() {
                assert!(
                    ["type", "description", "enum"].contains(&key.as_str()),
                    "{}.{name}.{key}",
                    tool.name
                );
            }
        }
        let schema = serde_json::to_string(&tool.input_schema).expect("json");
        for word in [
            "$ref", "$schema", "$defs", "oneOf", "anyOf", "format", "null",
        ] {
            assert!(!schema.contains(word), "{}: {word}", tool.name);
        }
    }
}

#[test]
fn a_tool_is_found_by_its_name() {
    for tool in Tool::ALL {
        assert_eq!(Tool::named(tool.name()), Some(tool));
    }
    assert_eq!(Tool::named("mcp_summarize_day"), None);
}
