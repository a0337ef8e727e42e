//! The real program, killed between its answer to a sender and the analysis: the alarm is analysed and told once, and once only.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{any, path_regex},
};

const SECRET: &str = "secret-of-the-door";
const MAC: &str = "aa:bb:cc:00:11:22";
/// Longer than any test: whoever waits for it is killed first.
const NEVER: Duration = Duration::from_hours(1);

/// Answers, and says that it was asked.
struct Told {
    answer: ResponseTemplate,
    heard: UnboundedSender<Value>,
}

impl Respond for Told {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = request.body_json().unwrap_or_default();
        self.heard.send(body).expect("the test listens");
        self.answer.clone()
    }
}

fn told(answer: ResponseTemplate) -> (Told, UnboundedReceiver<Value>) {
    let (heard, receiver) = unbounded_channel();
    (Told { answer, heard }, receiver)
}

/// The log service, as it never answers, or has nothing.
async fn logs(answer: ResponseTemplate) -> (MockServer, UnboundedReceiver<Value>) {
    let server = MockServer::start().await;
    let (told, asked) = told(answer);
    Mock::given(any()).respond_with(told).mount(&server).await;
    (server, asked)
}

/// A gateway with one idle robot, and a chat group.
struct World {
    server: MockServer,
    spoken: UnboundedReceiver<Value>,
    written: UnboundedReceiver<Value>,
}

impl World {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let mac = MAC.replace(':', "_");
        let id = format!("GID_default@@@{mac}@@@{mac}");
        let state = json!({ id: { "exists": true, "isAlive": false } });
        Mock::given(path_regex("^/api/devices/status$"))
            .respond_with(ResponseTemplate::new(200).set_body_json(state))
            .mount(&server)
            .await;
        let said =
            json!({ "success": true, "data": { "content": [{ "type": "text", "text": "true" }] } });
        let (speaking, spoken) = told(ResponseTemplate::new(200).set_body_json(said));
        Mock::given(path_regex("^/api/commands/"))
            .respond_with(speaking)
            .mount(&server)
            .await;
        let (writing, written) =
            told(ResponseTemplate::new(200).set_body_json(json!({ "errcode": 0 })));
        Mock::given(path_regex("^/robot/send$"))
            .respond_with(writing)
            .mount(&server)
            .await;
        Self {
            server,
            spoken,
            written,
        }
    }
}

/// A running program, which ends with this value.
struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    fn start(dir: &TempDir, vars: &BTreeMap<&str, String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gengfu"))
            .arg("serve")
            .env_clear()
            .env("GENGFU_LOG", "off")
            .envs(vars)
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start");
        let said = BufReader::new(child.stdout.take().expect("stdout"));
        let line = said.lines().next().expect("a line").expect("utf-8");
        let (_, address) = line.split_once("http://").expect("address");
        let address = address.trim_end_matches("/mcp");
        Self {
            url: format!("http://{address}/alerts/tcop/{SECRET}"),
            child,
        }
    }

    /// As a machine that loses its power.
    fn kill(&mut self) {
        // It has ended already, then.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn alarm(policy: &str) -> Value {
    let now = jiff::tz::offset(8).to_datetime(jiff::Timestamp::now());
    json!({"sessionId": policy, "alarmStatus": "1", "alarmType": "metric",
        "alarmObjInfo": {"region": "gz", "dimensions": {"namespace": "shop", "workload_kind": "Deployment", "workload_name": "checkout"}},
        "alarmPolicyInfo": {"policyId": policy, "policyName": format!("副本不可用 {policy}"), "conditions": {"metricName": "unavailable",
            "metricShowName": "不可用副本数", "calcType": ">", "calcValue": "0", "currentValue": "3", "unit": "个"}},
        "firstOccurTime": now.strftime("%Y-%m-%d %H:%M:%S").to_string(), "recoverTime": "0"})
}

async fn post(server: &Server, policy: &str) {
    let http = reqwest::Client::builder().no_proxy().build();
    let answer = http.expect("client").post(&server.url).json(&alarm(policy));
    let answer = answer.send().await.expect("answer");
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.expect("json");
    assert_eq!(answer, json!({ "sessionId": policy, "retCode": 0 }));
}

#[tokio::test]
async fn an_alarm_that_was_answered_is_analysed_and_told_once_whatever_happens_in_between() {
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dir = TempDir::new().expect("folder");
    std::fs::create_dir(dir.path().join("bucket")).expect("bucket");
    let mut world = World::new().await;
    let (silent, mut asked) = logs(ResponseTemplate::new(200).set_delay(NEVER)).await;
    let bucket = format!("file://{}", dir.path().join("bucket").display());
    let gateway = world.server.uri();
    let mut vars: BTreeMap<&str, String> = [
        ("GENGFU_BUCKET", bucket.as_str()),
        ("GENGFU_BIND", "127.0.0.1:0"),
        ("GENGFU_ALERT_SECRET", SECRET),
        ("GENGFU_ALARM_POLL", "off"),
        ("GENGFU_QUIET_HOURS", "off"),
        ("GENGFU_GATEWAY_URL", &gateway),
        ("GENGFU_GATEWAY_KEY", "Sign4tureKey!"),
        ("GENGFU_DEVICES", MAC),
        ("GENGFU_CHAT_WEBHOOK", &format!("{gateway}/robot/send")),
        ("GENGFU_EVENT_TOPIC", "topic-event"),
        ("GENGFU_CLS_ENDPOINT", &silent.uri()),
        ("TENCENTCLOUD_SECRET_ID", "AKIDEXAMPLE"),
        ("TENCENTCLOUD_SECRET_KEY", "SecretKeyExample"),
        ("TENCENTCLOUD_REGION", "ap-guangzhou"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.to_owned()))
    .collect();

    let mut first = Server::start(&dir, &vars);
    post(&first, "p-1").await;
    // The analysis has begun: it waits for logs.
    asked.recv().await.expect("asked for logs");
    first.kill();
    assert!(world.spoken.try_recv().is_err() && world.written.try_recv().is_err());

    let nothing = json!({"Response": {"Results": [], "ListOver": true, "Context": "", "HistogramInfos": [], "Shippers": [], "TotalCount": 0}});
    let (empty, _asked) = logs(ResponseTemplate::new(200).set_body_json(nothing)).await;
    vars.insert("GENGFU_CLS_ENDPOINT", empty.uri());
    let mut second = Server::start(&dir, &vars);
    let spoken = world.spoken.recv().await.expect("spoken");
    let reason = &spoken["payload"]["params"]["arguments"]["reason"];
    let reason = reason.as_str().expect("text");
    assert!(
        reason.starts_with("[device_call]") && reason.contains("p-1"),
        "{reason}"
    );
    let written = world.written.recv().await.expect("written");
    assert!(written.to_string().contains("p-1"), "{written}");
    second.kill();

    // Once more, with another alarm, so that the work of this start is seen to be done.
    let third = Server::start(&dir, &vars);
    post(&third, "p-2").await;
    let written = world.written.recv().await.expect("written").to_string();
    assert!(
        written.contains("p-2") && !written.contains("p-1"),
        "{written}"
    );
    drop(third);
    assert!(world.spoken.try_recv().is_err() && world.written.try_recv().is_err());
    drop(silent);
}
