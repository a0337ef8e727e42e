//! One frame of an endpoint's socket, understood and answered.
//!
//! In: text. Out: what to send back, at once or after a call. Always true: an id comes back exactly as it came (hubs rewrite ids to
//! strings and use them to find the robot); no call answers with `isError`, which there makes the robot speak a fixed sentence instead
//! of ours; what is asked again - `initialize` comes once per voice session over the same socket - is answered again.

use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value, json};

use crate::mcp::tools;

/// xiaozhi.me takes no longer messages; the list of tools goes out in pages below it.
pub const PAGE_BYTES: usize = 8192;

/// What a frame asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    /// Nothing: a notification, an answer to a question that we never asked, or no JSON.
    Nothing,
    /// This goes back.
    Reply(String),
    Call(Box<Call>),
}

#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub id: Value,
    pub name: String,
    pub arguments: Map<String, Value>,
    /// `_meta`, which names device and speaker when the server is patched.
    pub meta: Map<String, Value>,
}

pub(super) fn read(text: &str) -> Asked {
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else {
        return Asked::Nothing;
    };
    let Some(id) = frame.remove("id") else {
        return Asked::Nothing;
    };
    let Some(Value::String(method)) = frame.remove("method") else {
        return Asked::Nothing;
    };
    let mut params = match frame.remove("params") {
        Some(Value::Object(params)) => params,
        _ => Map::new(),
    };
    let result = match method.as_str() {
        "initialize" => initialized(&params),
        "ping" => json!({}),
        "tools/list" => page(params.get("cursor").and_then(Value::as_str)),
        "tools/call" => {
            let mut object = |name| match params.remove(name) {
                Some(Value::Object(map)) => map,
                _ => Map::new(),
            };
            let (arguments, meta) = (object("arguments"), object("_meta"));
            let Some(Value::String(name)) = params.remove("name") else {
                return Asked::Reply(refused(&id, -32602, "a call needs the name of a tool"));
            };
            return Asked::Call(Box::new(Call {
                id,
                name,
                arguments,
                meta,
            }));
        }
        _ => return Asked::Reply(refused(&id, -32601, "only tools are served here")),
    };
    Asked::Reply(json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
}

/// The answer of a call.
pub(super) fn told(id: &Value, text: &str) -> String {
    let result = json!({"content": [{"type": "text", "text": text}]});
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

pub(super) fn refused(id: &Value, code: i32, why: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}}).to_string()
}

/// The client's version when we know it; a robot's side refuses any other.
fn initialized(params: &Map<String, Value>) -> Value {
    let wished = params.get("protocolVersion").and_then(Value::as_str);
    let version = ProtocolVersion::KNOWN_VERSIONS
        .iter()
        .map(ProtocolVersion::as_str)
        .find(|known| Some(*known) == wished)
        .unwrap_or("2024-11-05");
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "gengfu", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// The tools from `cursor` on, as many as fit into one message.
fn page(cursor: Option<&str>) -> Value {
    let all = tools::listed();
    let from = cursor
        .and_then(|c| c.parse().ok())
        .unwrap_or(0)
        .min(all.len());
    let mut tools = Vec::new();
    // The frame around the list, with an id that a hub may have made long.
    let mut bytes = 512;
    for tool in &all[from..] {
        // The rest of a tool is for people at a screen.
        let tool = json!({"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema});
        bytes += tool.to_string().len() + 1;
        if bytes > PAGE_BYTES && !tools.is_empty() {
            break;
        }
        tools.push(tool);
    }
    let next = from + tools.len();
    let mut page = json!({"tools": tools});
    if next < all.len() {
        page["nextCursor"] = next.to_string().into();
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(asked: &Value) -> Value {
        match read(&asked.to_string()) {
            Asked::Reply(text) => serde_json::from_str(&text).expect("json"),
            other => panic!("{asked}: {other:?}"),
        }
    }

    #[test]
    fn ids_come_back_as_they_came_and_unknown_parameters_do_no_harm() {
        for id in [json!(0), json!(7), json!("f3_n_1")] {
            let asked = json!({"jsonrpc": "2.0", "id": id, "method": "ping", "params": {"serialNumber": null}});
            assert_eq!(
                reply(&asked),
                json!({"jsonrpc": "2.0", "id": id, "result": {}})
            );
        }
        let asked = json!({"id": 1, "method": "resources/list"});
        assert_eq!(reply(&asked)["error"]["code"], -32601);
    }

    #[test]
    fn what_asks_for_nothing_gets_nothing() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"method":"notifications/initialized"}"#,
            r#"{"id":3,"result":{}}"#,
        ] {
            assert_eq!(read(text), Asked::Nothing, "{text}");
        }
    }

    #[test]
    fn the_version_is_the_clients_or_the_oldest() {
        for (wished, given) in [
            ("2024-11-05", "2024-11-05"),
            ("2025-06-18", "2025-06-18"),
            ("1999-01-01", "2024-11-05"),
        ] {
            let asked =
                json!({"id": 1, "method": "initialize", "params": {"protocolVersion": wished}});
            assert_eq!(reply(&asked)["result"]["protocolVersion"], given);
        }
    }

    #[test]
    fn the_list_comes_in_pages_that_fit_and_holds_every_tool_once() {
        let mut names = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let id = "0f8fad5b-d9cb-469f-a165-70867728950e_n_2";
            let asked = json!({"id": id, "method": "tools/list", "params": {"cursor": cursor}});
            let answer = reply(&asked);
            assert!(answer.to_string().len() <= PAGE_BYTES);
            for tool in answer["result"]["tools"].as_array().expect("tools") {
                names.push(tool["name"].as_str().expect("name").to_owned());
            }
            cursor = answer["result"]["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let all: Vec<String> = tools::listed().iter().map(|t| t.name.to_string()).collect();
        assert_eq!(names, all);
    }
}
