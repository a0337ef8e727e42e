//! A minimal MCP client that asks a server what a robot or Claude would ask, and names the step that fails.
//!
//! In: the URL of an MCP server and a token. Out: the steps that went well, and the one that did not. Speaks streamable HTTP as of
//! 2025-06-18, with plain JSON or an event stream as the answer. Does not keep the session.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// xiaozhi gives `initialize` and the list ten seconds together; a call thirty.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Characters of an answer that are shown.
const SHOWN: usize = 60;

/// What was asked, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Connect,
    Initialize,
    List,
    Call,
}

impl Step {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Initialize => "initialize",
            Self::List => "tools/list",
            Self::Call => "tools/call summarize_day",
        }
    }
}

/// A step that went well: how long it took, and something of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    pub step: Step,
    pub elapsed_ms: u128,
    pub note: String,
}

/// The step that did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    pub step: Step,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    pub what: String,
}

/// Asks `initialize`, `tools/list` and one call.
pub async fn probe(url: &str, token: Option<&str>) -> (Vec<Passed>, Option<Stuck>) {
    let mut passed = Vec::new();
    let stuck = steps(url, token, &mut passed).await.err();
    (passed, stuck)
}

async fn steps(url: &str, token: Option<&str>, passed: &mut Vec<Passed>) -> Result<(), Stuck> {
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build();
    let mut line = Line {
        http: client.map_err(|e| stuck(Step::Connect, None, e.to_string()))?,
        url: url.to_owned(),
        token: token.map(str::to_owned),
        session: None,
    };
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "gengfu-connect", "version": env!("CARGO_PKG_VERSION")}}});
    let answer = line.ask(Step::Initialize, &hello, passed).await?;
    note(passed, answer.pointer("/serverInfo/name"));
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    line.send(Step::Initialize, &initialized).await?;
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let answer = line.ask(Step::List, &list, passed).await?;
    let tools = answer
        .get("tools")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    if tools == 0 {
        return Err(stuck(
            Step::List,
            None,
            "the server lists no tools".to_owned(),
        ));
    }
    note(passed, Some(&json!(format!("{tools} tools"))));
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "summarize_day", "arguments": {"detail": "brief"}}});
    let answer = line.ask(Step::Call, &call, passed).await?;
    note(passed, answer.pointer("/content/0/text"));
    Ok(())
}

fn note(passed: &mut [Passed], of: Option<&Value>) {
    if let (Some(last), Some(Value::String(text))) = (passed.last_mut(), of) {
        last.note = text
            .chars()
            .filter(|c| !c.is_control())
            .take(SHOWN)
            .collect();
    }
}

fn stuck(step: Step, status: Option<u16>, what: String) -> Stuck {
    Stuck { step, status, what }
}

struct Line {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
    session: Option<String>,
}

impl Line {
    /// Sends a request and returns its `result`.
    async fn ask(
        &mut self,
        step: Step,
        message: &Value,
        passed: &mut Vec<Passed>,
    ) -> Result<Value, Stuck> {
        let start = Instant::now();
        let text = self.send(step, message).await?;
        let answer = message_in(&text)
            .ok_or_else(|| stuck(step, Some(200), "the answer is not JSON-RPC".to_owned()))?;
        if let Some(error) = answer.get("error") {
            let what = error
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or("an error without a message");
            return Err(stuck(step, Some(200), what.to_owned()));
        }
        passed.push(Passed {
            step,
            elapsed_ms: start.elapsed().as_millis(),
            note: String::new(),
        });
        Ok(answer.get("result").cloned().unwrap_or_default())
    }

    /// Sends a message and returns the body of the answer.
    async fn send(&mut self, step: Step, message: &Value) -> Result<String, Stuck> {
        let mut request = self
            .http
            .post(&self.url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(message.to_string());
        if step != Step::Initialize || message.get("id").is_none() {
            request = request.header("mcp-protocol-version", "2025-06-18");
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        let response = request.send().await.map_err(|e| {
            let step = if e.is_connect() { Step::Connect } else { step };
            let what = if e.is_timeout() {
                "no answer in ten seconds".to_owned()
            } else {
                e.without_url().to_string()
            };
            stuck(step, None, what)
        })?;
        if let Some(session) = response
            .headers()
            .get("mcp-session-id")
            .and_then(|v| v.to_str().ok())
        {
            self.session = Some(session.to_owned());
        }
        let status = response.status();
        let text = response
            .text()
            .await
            .map_err(|e| stuck(step, Some(status.as_u16()), e.without_url().to_string()))?;
        if !status.is_success() {
            let what = text.chars().filter(|c| !c.is_control()).take(300).collect();
            return Err(stuck(step, Some(status.as_u16()), what));
        }
        Ok(text)
    }
}

/// The JSON-RPC answer in a body: the body itself, or the last `data:` of an event stream that is one.
fn message_in(body: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(body) {
        return Some(value);
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let mut messages = data.filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok());
    messages.rfind(|m| m.get("result").is_some() || m.get("error").is_some())
}

#[cfg(test)]
mod tests {
    use wiremock::{Mock, MockServer, Request, ResponseTemplate};

    use super::*;

    fn server(request: &Request) -> ResponseTemplate {
        if request
            .headers
            .get("authorization")
            .is_none_or(|v| v != "Bearer right")
        {
            return ResponseTemplate::new(401).set_body_string("this server wants a token");
        }
        let asked: Value = serde_json::from_slice(&request.body).expect("json");
        let result = match asked["method"].as_str().expect("method") {
            "initialize" => json!({"serverInfo": {"name": "gengfu"}}),
            "tools/list" => json!({"tools": [{"name": "summarize_day"}]}),
            "tools/call" => json!({"content": [{"type": "text", "text": "昨天一切正常。\n"}]}),
            _ => return ResponseTemplate::new(202),
        };
        let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}).to_string();
        if asked["method"] == "tools/call" {
            return ResponseTemplate::new(200)
                .set_body_string(format!(": hello\nevent: message\ndata: {answer}\n\n"));
        }
        ResponseTemplate::new(200)
            .insert_header("mcp-session-id", "s1")
            .set_body_string(answer)
    }

    #[tokio::test]
    async fn three_steps_go_well_and_a_wrong_token_is_named_at_the_first() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mock = MockServer::start().await;
        Mock::given(wiremock::matchers::any())
            .respond_with(server)
            .mount(&mock)
            .await;
        let (passed, failed) = probe(&mock.uri(), Some("right")).await;
        let notes: Vec<_> = passed.iter().map(|p| p.note.as_str()).collect();
        assert_eq!(
            (notes, failed),
            (vec!["gengfu", "1 tools", "昨天一切正常。"], None)
        );

        let (passed, failed) = probe(&mock.uri(), Some("wrong")).await;
        let failed = failed.expect("stuck");
        assert_eq!(
            (passed.len(), failed.step, failed.status),
            (0, Step::Initialize, Some(401))
        );
        drop(mock);
        let (_, failed) = probe("http://127.0.0.1:9/mcp", None).await;
        assert_eq!(failed.expect("stuck").step, Step::Connect);
    }
}
