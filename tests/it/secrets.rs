//! No key in any place: a morning with everything that can go wrong, then a search through all that was written, logged and answered.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use crate::running::{http_client, initialize};

/// What must be nowhere. Real in length and form, so that a rule for real ones would see them.
const SECRETS: [(&str, &str); 12] = [
    ("id", "AKIDhushhushhushhushhushhushhushhus1"),
    ("key", "hushKeyhushKeyhushKeyhushKeyhus1"),
    ("id of b", "AKIDhushhushhushhushhushhushhushhus2"),
    ("key of b", "hushKeyhushKeyhushKeyhushKeyhus2"),
    ("id of a stranger", "AKIDhushhushhushhushhushhushhushhus3"),
    ("key of a stranger", "hushKeyhushKeyhushKeyhushKeyhus3"),
    ("temporary token", "hushTokenHushTokenHushToken=="),
    ("spoken code", "hush42hush"),
    ("wrong code", "hush43hush"),
    ("bearer token", "hush-bearer-hush-bearer"),
    ("model key", "sk-hushhushhushhushhushhush"),
    (
        "master key",
        "68757368687573686875736868757368687573686875736868757368687573aa",
    ),
];

fn secret(name: &str) -> &'static str {
    let found = SECRETS.iter().find(|(n, _)| *n == name);
    found.expect("a known secret").1
}

/// A place, and what stood there.
type Place = (String, Vec<u8>);

/// Everything that came out of the program so far.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Place>>>);

impl Heard {
    fn add(&self, from: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        let mut heard = self.0.lock().expect("lock");
        heard.push((from.into(), bytes.into()));
    }
}

struct House {
    dir: TempDir,
    cos: String,
    heard: Heard,
}

impl House {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gengfu"));
        let at = |name: &str| self.dir.path().join(name).display().to_string();
        command
            .args(args)
            .env_clear()
            .env("GENGFU_LOG", "trace")
            .env("GENGFU_DATA_DIR", at("data"))
            .env("GENGFU_ENV_FILE", at("keys/.env"))
            .env("GENGFU_BUCKET", "cos://logs-1250000000")
            .env("GENGFU_COS_ENDPOINT", &self.cos)
            .env("GENGFU_CLS_ENDPOINT", &self.cos)
            .env("GENGFU_TKE_ENDPOINT", &self.cos)
            .env("TENCENTCLOUD_REGION", "ap-guangzhou")
            .env("GENGFU_MASTER_KEY", secret("master key"))
            .env(
                "GENGFU_TOKENS",
                format!("{};name=robot", secret("bearer token")),
            )
            .env("GENGFU_LLM_MODEL", "deepseek::deepseek-chat")
            .env("GENGFU_LLM_KEY", secret("model key"))
            .env("GENGFU_LLM_ENDPOINT", format!("{}/v1/", self.cos))
            .env("GENGFU_BASELINE_DAYS", "0")
            .env("GENGFU_BIND", "127.0.0.1:0")
            .current_dir(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn runs(&self, args: &[&str], input: &str) -> i32 {
        let mut child = self.command(args).spawn().expect("spawn");
        let mut stdin = child.stdin.take().expect("stdin");
        // A program that asks nothing may have ended.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("end");
        self.heard.add(format!("{args:?} stdout"), output.stdout);
        self.heard.add(format!("{args:?} stderr"), output.stderr);
        output.status.code().unwrap_or(-1)
    }

    fn names(&self, id: &str, key: &str, token: Option<&str>) {
        let token = token.map_or(String::new(), |t| format!("TENCENTCLOUD_TOKEN={t}\n"));
        let file = self.dir.path().join("keys/.env");
        std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
        let text = format!("TENCENTCLOUD_SECRET_ID={id}\nTENCENTCLOUD_SECRET_KEY={key}\n{token}");
        std::fs::write(file, text).expect("write");
    }
}

/// A running `gengfu serve`.
struct Serving {
    child: Child,
    url: String,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Serving {
    fn start(house: &House) -> Self {
        let mut child = house.command(&["serve"]).spawn().expect("spawn");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut stderr = child.stderr.take().expect("stderr");
        let heard = house.heard.clone();
        let logs = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            heard.add("serve stderr", text);
        });
        let mut line = String::new();
        stdout.read_line(&mut line).expect("address");
        let url = line.split_whitespace().last().unwrap_or_default();
        let url = url.trim_end_matches("/mcp").to_owned();
        house.heard.add("serve stdout", line);
        Self {
            child,
            url,
            readers: vec![logs],
        }
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(killed.expect("kill").success());
        self.child.wait().expect("end");
        for reader in self.readers {
            reader.join().expect("reader");
        }
    }
}

/// A cloud that refuses the first key, has nothing for the second, and forgets itself for the third.
fn cloud(request: &Request) -> ResponseTemplate {
    if request.method == wiremock::http::Method::POST {
        let refusal = json!({"Response": {"Error": {"Code": "AuthFailure.SecretIdNotFound", "Message": "no"}, "RequestId": "1"}});
        return ResponseTemplate::new(200).set_body_json(refusal);
    }
    let authorization = request.headers.get("authorization");
    let said = authorization.and_then(|v| v.to_str().ok()).unwrap_or("");
    if said.contains(secret("id of b")) {
        return ResponseTemplate::new(200).set_body_string(
            "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
        );
    }
    let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>";
    ResponseTemplate::new(403).set_body_string(body)
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// The places where a secret stands, as it is or in hexadecimal.
fn found_in(places: &[Place]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, secret) in SECRETS {
        for form in [secret.to_owned(), hex::encode(secret)] {
            let finder = memchr::memmem::Finder::new(form.as_bytes());
            let holding = places
                .iter()
                .filter(|(_, text)| finder.find(text).is_some());
            found.extend(holding.map(|(place, text)| {
                let at = finder.find(text).unwrap_or_default();
                let around = &text[at.saturating_sub(200)..(at + 60).min(text.len())];
                format!("{name} in {place}: {}", String::from_utf8_lossy(around))
            }));
        }
    }
    found
}

async fn ask(
    house: &House,
    serving: &Serving,
    what: &str,
    body: Value,
    session: Option<&str>,
) -> reqwest::Response {
    let mut request = http_client()
        .post(format!("{}/mcp", serving.url))
        .bearer_auth(secret("bearer token"))
        .header("accept", "application/json, text/event-stream")
        .json(&body);
    if let Some(session) = session {
        request = request
            .header("mcp-session-id", session)
            .header("mcp-protocol-version", "2025-06-18");
    }
    let answer = request.send().await.expect("answer");
    house
        .heard
        .add(format!("{what} headers"), format!("{:?}", answer.headers()));
    answer
}

async fn morning(house: &House, serving: &Serving) {
    let begun = ask(house, serving, "initialize", initialize(), None).await;
    let session = begun.headers()["mcp-session-id"]
        .to_str()
        .expect("text")
        .to_owned();
    let call = |tool: &'static str, arguments: Value| {
        let session = session.clone();
        async move {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
            let answer = ask(house, serving, tool, body, Some(&session)).await;
            let text = answer.text().await.expect("body");
            house.heard.add(format!("answer of {tool}"), text.clone());
            text
        }
    };
    let wrong = call(
        "switch_owner_keys",
        json!({"owner": "b", "code": secret("wrong code")}),
    )
    .await;
    assert!(wrong.contains("口令不对"), "{wrong}");
    let right = call(
        "switch_owner_keys",
        json!({"owner": "b", "code": secret("spoken code")}),
    )
    .await;
    assert!(right.contains("owner=b"), "{right}");
    for tool in [
        "summarize_day",
        "task_status",
        "search_events",
        "search_audit",
        "analyze_business",
        "trace_cause",
        "propose_rollback",
        "analyze_alert",
    ] {
        call(tool, json!({})).await;
    }
    call("fetch_logs", json!({"kind": "event", "date": "nonsense"})).await;
    // The file is rewritten in two steps, then for somebody whom nobody knows, with a token.
    house.names(secret("id of b"), secret("key"), None);
    house.names(
        secret("id of a stranger"),
        secret("key of a stranger"),
        Some(secret("temporary token")),
    );
    let stranger = call("switch_owner_keys", json!({})).await;
    assert!(stranger.contains("owner=owner-"), "{stranger}");
    call("summarize_day", json!({})).await;
    for path in ["/metrics", "/", "/healthz", "/readyz"] {
        let url = format!("{}{path}", serving.url);
        let answer = http_client()
            .get(url)
            .bearer_auth(secret("bearer token"))
            .send()
            .await;
        let text = answer.expect("answer").text().await.expect("body");
        house.heard.add(path, text);
    }
    let refused = http_client()
        .post(format!("{}/mcp", serving.url))
        .bearer_auth(format!("{}x", secret("bearer token")))
        .json(&initialize())
        .send();
    let text = refused.await.expect("answer").text().await.expect("body");
    house.heard.add("a wrong token", text);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_whole_morning_with_failures_no_key_is_anywhere() {
    let cos = MockServer::start().await;
    Mock::given(any()).respond_with(cloud).mount(&cos).await;
    let house = House {
        dir: TempDir::new().expect("folder"),
        cos: cos.uri(),
        heard: Heard::default(),
    };
    house.names(secret("id"), secret("key"), None);
    let b = format!("b,{},{}", secret("id of b"), secret("key of b"));
    let csv = format!(
        "alias,secret_id,secret_key,code,bucket\n{b},{},cos://logs-1250000000\n",
        secret("spoken code")
    );
    let broken = format!(
        "alias,secret_id,secret_key,bucket\na/b,{},{},s3://x\n",
        secret("id"),
        secret("key")
    );
    let pair = |id: &str, key: &str| format!("{}\n{}\n\n", secret(id), secret(key));
    tokio::task::block_in_place(|| {
        assert_eq!(house.runs(&["owner", "import", "--csv", "-"], &broken), 2);
        assert_eq!(house.runs(&["owner", "import", "--csv", "-"], &csv), 0);
        assert_eq!(house.runs(&["owner", "add", "c"], &pair("id", "key")), 0);
        assert_ne!(house.runs(&["owner", "add", "c"], &pair("id", "key")), 0);
        assert_eq!(house.runs(&["owner", "rotate", "c"], &pair("id", "key")), 0);
        assert_eq!(house.runs(&["owner", "list", "--json"], ""), 0);
        assert_eq!(
            house.runs(&["run", "--owner", "c", "--date", "2026-11-21"], ""),
            1
        );
        assert_eq!(
            house.runs(&["run", "--owner", "b", "--date", "2026-11-21"], ""),
            3
        );
        assert_ne!(house.runs(&["doctor"], ""), 0);
    });
    let serving = Serving::start(&house);
    morning(&house, &serving).await;
    tokio::task::block_in_place(|| serving.stop());

    let mut files = Vec::new();
    files_below(&house.dir.path().join("data"), &mut files);
    assert!(files.len() > 5, "{files:?}");
    let mut places = house.heard.0.lock().expect("lock").clone();
    for file in files {
        let bytes = std::fs::read(&file).expect("file");
        places.push((file.display().to_string(), bytes));
    }
    let logged: usize = places.iter().map(|(_, text)| text.len()).sum();
    assert!(logged > 20_000, "a trace of everything, not {logged} bytes");
    let found = found_in(&places);
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
