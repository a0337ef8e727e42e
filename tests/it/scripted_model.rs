//! A model behind real HTTP that says what a test wrote down, and checks every request it receives.
//!
//! In: [`Answer`]s, in order; the last one is repeated. Out: OpenAI's chat format, whole or streamed, with tool calls; OpenAI's and Ollama's embeddings;
//! Ollama's own chat format, whole or streamed. What a request must never be is noted: a secret or an unmasked identifier in it, a tool's
//! result without its call or a call without its result, a tool that does more than read.

use std::{
    collections::{BTreeSet, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) const KEY: &str = "sk-test-key-of-the-model";
/// Tools of ours that a model may call; all of them only read.
const READING: [&str; 3] = ["search", "open", "pull"];

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    /// 0 is 200.
    pub status: u16,
    /// Content of the message; placeholders such as `{f1}` stand for ids.
    pub text: String,
    /// Shorthand: one claim of this text, citing `f1`, or what `cite` names.
    pub claim: String,
    pub cite: String,
    pub kind: String,
    /// Instead of a message: the raw body.
    pub body: Option<String>,
    /// Names of tools to call, all with these arguments.
    pub tools: Vec<String>,
    pub arguments: String,
    pub finish: String,
    /// Nothing is ever answered.
    pub never: bool,
    pub repeat: Option<usize>,
    /// A stream is refused.
    pub no_stream: bool,
    /// After so many characters of a stream: `breaks` ends it, `stalls` says nothing more, `errs` sends an error instead.
    pub after: usize,
    pub then: String,
}

#[derive(Default)]
pub(crate) struct Seen {
    answers: VecDeque<Answer>,
    pub requests: Vec<Value>,
    pub faults: Vec<String>,
    /// Placeholders and what they stand for.
    ids: Vec<(String, String)>,
    /// What no request may hold.
    secrets: Vec<String>,
    /// Tokens said to be used so far.
    pub tokens: u64,
}

pub(crate) type Shared = Arc<Mutex<Seen>>;

pub(crate) async fn serve(
    answers: Vec<Answer>,
    ids: Vec<(String, String)>,
    secrets: &[&str],
) -> (String, Shared) {
    let seen = Arc::new(Mutex::new(Seen {
        answers: answers.into(),
        ids,
        secrets: secrets.iter().map(|s| (*s).to_owned()).collect(),
        ..Seen::default()
    }));
    let router = Router::new().fallback(answer).with_state(seen.clone());
    (listen(router).await, seen)
}

/// Serves on a port of its own until the test ends; its address.
pub(crate) async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn answer(State(seen): State<Shared>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let authorized = request.headers().get("authorization");
    let authorized = authorized.and_then(|v| v.to_str().ok()) == Some(&format!("Bearer {KEY}"));
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await;
    let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let is_ollama = path.ends_with("/api/chat");
    let streams = body["stream"] == true;
    let (answer, text) = {
        let mut seen = seen.lock().expect("lock");
        if !is_ollama && !authorized {
            seen.faults.push("no key".to_owned());
        }
        let held = body.to_string();
        let secrets: Vec<_> = seen
            .secrets
            .iter()
            .filter(|s| held.contains(*s))
            .cloned()
            .collect();
        seen.faults
            .extend(secrets.iter().map(|s| format!("a request holds {s}")));
        if path.ends_with("/embeddings") || path.ends_with("/api/embed") {
            seen.requests.push(body.clone());
            return embedded(&body);
        }
        let faults = faults_of(&body, is_ollama);
        seen.faults.extend(faults);
        seen.requests.push(body);
        let answer = match seen.answers.len() {
            0 | 1 => seen.answers.front().cloned().unwrap_or_default(),
            _ => seen.answers.pop_front().unwrap_or_default(),
        };
        if answer.status == 0 && !answer.never {
            seen.tokens += 790;
        }
        let text = said(&answer, &seen.ids);
        (answer, text)
    };
    if answer.never {
        std::future::pending::<()>().await;
    }
    if answer.no_stream && streams {
        let refusal = json!({"error": {"message": "stream is not supported"}});
        return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
    }
    let status = match answer.status {
        0 => StatusCode::OK,
        other => StatusCode::from_u16(other).expect("status"),
    };
    if let Some(body) = answer.body {
        return (status, [("content-type", "application/json")], body).into_response();
    }
    if !status.is_success() {
        return (status, Json(json!({"error": {"message": answer.text}}))).into_response();
    }
    match (is_ollama, streams) {
        (false, false) => Json(openai(&answer, &text)).into_response(),
        (false, true) => openai_stream(&answer, &text),
        (true, false) => Json(ollama(&answer, &text, true)).into_response(),
        (true, true) => ollama_stream(&answer, &text),
    }
}

fn said(answer: &Answer, ids: &[(String, String)]) -> String {
    let mut text = answer.text.clone();
    if !answer.claim.is_empty() {
        let or = |value: &str, other: &str| {
            if value.is_empty() {
                other.to_owned()
            } else {
                value.to_owned()
            }
        };
        let (cite, kind) = (or(&answer.cite, "f1"), or(&answer.kind, "observed"));
        text = json!({"claims": [{"text": answer.claim, "kind": kind, "findings": [cite], "evidence": [format!("{{{cite}}}")]}]}).to_string();
    }
    for (name, id) in ids {
        text = text.replace(name, id);
    }
    text.repeat(answer.repeat.unwrap_or(1))
}

fn arguments(answer: &Answer) -> &str {
    match answer.arguments.as_str() {
        "" => "{}",
        other => other,
    }
}

fn calls(answer: &Answer) -> Vec<Value> {
    let calls = answer.tools.iter().enumerate();
    calls
        .map(|(n, name)| {
            json!({"index": n, "id": format!("call_{n}"), "type": "function",
                "function": {"name": name, "arguments": arguments(answer)}})
        })
        .collect()
}

fn finish(answer: &Answer) -> &str {
    match (answer.finish.as_str(), answer.tools.is_empty()) {
        ("", true) => "stop",
        ("", false) => "tool_calls",
        (other, _) => other,
    }
}

fn openai(answer: &Answer, text: &str) -> Value {
    let mut message = json!({"role": "assistant", "content": text});
    if !answer.tools.is_empty() {
        message["tool_calls"] = calls(answer).into();
    }
    json!({"id": "1", "object": "chat.completion", "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish(answer)}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 90, "total_tokens": 790}})
}

/// A few characters at a time, so that words and names arrive in pieces.
fn pieces(answer: &Answer, text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let whole = match answer.then.as_str() {
        "" => chars.len(),
        _ => answer.after.min(chars.len()),
    };
    chars[..whole]
        .chunks(7)
        .map(|c| c.iter().collect())
        .collect()
}

fn openai_stream(answer: &Answer, text: &str) -> Response {
    let event = |value: &Value| format!("data: {value}\n\n");
    let chunk = |delta: Value, finish: Value| json!({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let mut events = vec![event(&chunk(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    ))];
    for piece in pieces(answer, text) {
        events.push(event(&chunk(json!({"content": piece}), Value::Null)));
    }
    // The arguments of a call arrive in pieces as well.
    for (n, mut call) in calls(answer).into_iter().enumerate() {
        let whole: Vec<char> = arguments(answer).chars().collect();
        call["function"]["arguments"] = json!("");
        events.push(event(&chunk(json!({"tool_calls": [call]}), Value::Null)));
        for piece in whole.chunks(5) {
            let part: String = piece.iter().collect();
            let delta = json!({"tool_calls": [{"index": n, "function": {"arguments": part}}]});
            events.push(event(&chunk(delta, Value::Null)));
        }
    }
    if answer.then.is_empty() {
        events.push(event(&chunk(json!({}), finish(answer).into())));
        let usage = json!({"prompt_tokens": 700, "completion_tokens": 90, "total_tokens": 790});
        events.push(event(&json!({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [], "usage": usage})));
        events.push("data: [DONE]\n\n".to_owned());
    }
    if answer.then == "errs" {
        events.push(event(
            &json!({"error": {"message": "overloaded", "type": "server_error"}}),
        ));
    }
    streamed(answer, events, "text/event-stream")
}

fn ollama(answer: &Answer, text: &str, done: bool) -> Value {
    let mut message = json!({"role": "assistant", "content": text});
    if done && !answer.tools.is_empty() {
        let parsed: Value = serde_json::from_str(arguments(answer)).unwrap_or_default();
        let calls = answer.tools.iter();
        let calls: Vec<Value> = calls
            .map(|name| json!({"function": {"name": name, "arguments": parsed}}))
            .collect();
        message["tool_calls"] = calls.into();
    }
    let mut body = json!({"model": "m", "message": message, "done": done});
    if done {
        body["done_reason"] = finish(answer).into();
        body["prompt_eval_count"] = 700.into();
        body["eval_count"] = 90.into();
    }
    body
}

fn ollama_stream(answer: &Answer, text: &str) -> Response {
    let line = |value: &Value| format!("{value}\n");
    let pieces = pieces(answer, text);
    let mut lines: Vec<String> = pieces
        .iter()
        .map(|p| line(&ollama(answer, p, false)))
        .collect();
    if answer.then.is_empty() {
        lines.push(line(&ollama(answer, "", true)));
    }
    streamed(answer, lines, "application/x-ndjson")
}

fn streamed(answer: &Answer, parts: Vec<String>, kind: &str) -> Response {
    let parts = stream::iter(parts.into_iter().map(Ok::<_, Infallible>));
    let body = match answer.then.as_str() {
        "stalls" => Body::from_stream(parts.chain(stream::pending())),
        _ => Body::from_stream(parts),
    };
    ([("content-type", kind.to_owned())], body).into_response()
}

fn embedded(body: &Value) -> Response {
    let texts = body["input"].as_array().cloned().unwrap_or_default();
    let vectors: Vec<Value> = (0..texts.len()).map(|i| json!([i as f64, 1.0])).collect();
    let data: Vec<Value> = vectors
        .iter()
        .enumerate()
        .map(|(i, v)| json!({"object": "embedding", "index": i, "embedding": v}))
        .collect();
    Json(
        json!({"object": "list", "data": data, "embeddings": vectors, "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3}}),
    )
    .into_response()
}

/// What a request must never be.
fn faults_of(body: &Value, is_ollama: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let roles: Vec<&str> = messages.iter().filter_map(|m| m["role"].as_str()).collect();
    if !matches!(roles.as_slice(), ["system", "user", ..]) {
        faults.push("does not begin with a system and a user message".to_owned());
    }
    if !roles.last().is_some_and(|r| matches!(*r, "user" | "tool")) {
        faults.push("ends with neither a question nor a result".to_owned());
    }
    let offered = body["tools"].as_array().cloned().unwrap_or_default();
    for tool in &offered {
        let name = tool["function"]["name"].as_str().unwrap_or_default();
        if !READING.contains(&name) {
            faults.push(format!("offers {name}"));
        }
    }
    if offered.is_empty() && roles.contains(&"tool") {
        faults.push("a tool's result although no tool is offered".to_owned());
    }
    // Every call is followed by its result, and no result comes without its call.
    let mut open: BTreeSet<String> = BTreeSet::new();
    let mut waiting = 0;
    for message in &messages {
        if let Some(calls) = message["tool_calls"].as_array() {
            open = calls
                .iter()
                .filter_map(|c| Some(c["id"].as_str()?.to_owned()))
                .collect();
            waiting = calls.len();
        } else if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !is_ollama && !open.remove(id) || waiting == 0 {
                faults.push(format!("a result without its call {id}"));
            }
            waiting = waiting.saturating_sub(1);
        } else if waiting > 0 {
            faults.push("a call without its result".to_owned());
        }
    }
    if waiting > 0 {
        faults.push("a call without its result at the end".to_owned());
    }
    if body["stream"] == true && !is_ollama && body["stream_options"]["include_usage"] != true {
        faults.push("a stream that does not tell what it used".to_owned());
    }
    let text = body.to_string();
    if text.contains('\u{202e}') || text.contains('\u{200b}') {
        faults.push("invisible characters in a request".to_owned());
    }
    faults
}
