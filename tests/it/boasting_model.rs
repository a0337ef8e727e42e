//! A model that says what it is shown and what nobody saw, and an embedder beside it.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State};
use serde_json::{Value, json};

use crate::scripted_model::listen;

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: Vec<String>,
    pub(crate) texts: usize,
    fails: bool,
}

pub(crate) type Shared = Arc<Mutex<Seen>>;

/// A model that says of the first finding it is shown how often it was seen, and of another service what nobody saw; an embedder beside it.
pub(crate) async fn serve(fails: bool) -> (String, Shared) {
    let seen: Shared = Arc::new(Mutex::new(Seen {
        fails,
        ..Seen::default()
    }));
    let router = Router::new()
        .route("/v1/chat/completions", axum::routing::post(chat))
        .route("/v1/embeddings", axum::routing::post(embed))
        .route("/api/embed", axum::routing::post(embed))
        .with_state(seen.clone());
    (listen(router).await, seen)
}

async fn chat(State(seen): State<Shared>, Json(body): Json<Value>) -> Json<Value> {
    let user = body["messages"][1]["content"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let label = |start: &str| {
        let blocks = user
            .split("<<<")
            .skip(1)
            .filter_map(|b| b.split_whitespace().nth(1));
        blocks
            .into_iter()
            .find(|l| l.starts_with(start))
            .map(str::to_owned)
    };
    let count = user
        .split("count: ")
        .nth(1)
        .and_then(|t| t.split([',', '\n']).next())
        .map(str::to_owned);
    let record = ["business:", "event:", "audit:"]
        .into_iter()
        .find_map(label);
    let text = match (label("f"), record, count) {
        (Some(finding), Some(record), Some(count)) => json!({"claims": [
            {"text": format!("这样的记录当天一共有 {count} 次"), "kind": "observed", "findings": [finding], "evidence": [record]},
            {"text": "ledger-api 也失败了 4242 次", "kind": "observed", "findings": [finding], "evidence": [record]},
        ]}),
        _ => json!({"claims": []}),
    };
    seen.lock().expect("lock").requests.push(user);
    Json(
        json!({"id": "1", "object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 700, "completion_tokens": 90, "total_tokens": 790},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text.to_string()}, "finish_reason": "stop"}]}),
    )
}

async fn embed(
    State(seen): State<Shared>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, axum::http::StatusCode> {
    let mut seen = seen.lock().expect("lock");
    let texts = body["input"].as_array().cloned().unwrap_or_default();
    seen.texts += texts.len();
    if seen.fails && seen.texts > 30 {
        return Err(axum::http::StatusCode::UNAUTHORIZED);
    }
    let vector = |t: &Value| {
        let text = t.as_str().unwrap_or_default();
        let of = |c: char| text.chars().filter(|x| *x == c).count() as f64 + 0.1;
        json!([
            of('a'),
            of('e'),
            of('o'),
            of('i'),
            of('n'),
            of('r'),
            of('t'),
            of('s')
        ])
    };
    let vectors: Vec<Value> = texts.iter().map(vector).collect();
    let data: Vec<Value> = vectors
        .iter()
        .enumerate()
        .map(|(n, v)| json!({"object": "embedding", "index": n, "embedding": v}))
        .collect();
    Ok(Json(
        json!({"object": "list", "model": "m", "data": data, "embeddings": vectors, "usage": {"prompt_tokens": 3, "total_tokens": 3}}),
    ))
}
