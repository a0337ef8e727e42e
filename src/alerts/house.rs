//! A house with a robot behind a gateway and a chat group, for the tests of what is told.
//!
//! Real files, and one server that plays gateway and chat. Asserts nothing.

use std::sync::Arc;

use jiff::{civil::Time, tz::TimeZone};
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path_regex};

use super::{
    Device, Source, Teller, Tools, inbox,
    notify::{Chats, Gateway, QuietHours, Robot, client_id},
};
use crate::{
    diagnosis::faults::Catalogue,
    model::{Lang, sample},
    round::around::ReadAround,
    store::Store,
};

pub(super) const MAC: &str = "aa:bb:cc:00:11:22";
pub(super) const MINUTE: i64 = 60_000;
pub(super) const ALARM: &str = r#"{"alarmStatus":"1","alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":{"namespace":"shop",
    "workload_kind":"Deployment","workload_name":"checkout"}},"alarmPolicyInfo":{"policyId":"POLICY","policyName":"副本不可用",
    "conditions":{"metricName":"unavailable","metricShowName":"不可用副本数","calcType":">","calcValue":"0","currentValue":"3","unit":"个"}},
    "firstOccurTime":"2026-11-21 10:30:00","recoverTime":"0"}"#;

/// A house with a robot behind a gateway and a chat group, both played by one server.
pub(super) struct House {
    pub(super) server: MockServer,
    pub(super) store: Store,
    pub(super) teller: Teller,
    _dir: tempfile::TempDir,
}

pub(super) async fn house(quiet_until: Option<i8>, is_alive: bool) -> House {
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = MockServer::start().await;
    let id = client_id(MAC);
    for (path, status, answer) in [
        (
            "^/api/devices/status$",
            200,
            json!({ id: { "exists": true, "isAlive": is_alive } }),
        ),
        (
            "^/api/commands/",
            200,
            json!({ "success": true, "data": { "content": [{ "type": "text", "text": "true" }] } }),
        ),
        ("^/robot/send$", 200, json!({ "errcode": 0 })),
    ] {
        Mock::given(path_regex(path))
            .respond_with(ResponseTemplate::new(status).set_body_json(answer))
            .mount(&server)
            .await;
    }
    let dir = tempfile::tempdir().expect("dir");
    let store = Store::open(dir.path(), &"demo".parse().expect("alias")).expect("store");
    store.put_revision(sample::report()).await.expect("report");
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("client");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let robot = Robot {
        url: SecretString::from(format!("{}/robot/send", server.uri())),
        secret: None,
        owner: None,
    };
    let tools = Tools {
        logs: None,
        chats: Chats::new(http.clone(), vec![robot], Lang::Zh),
        gateway: Some(Gateway::new(
            http,
            server.uri().parse().expect("url"),
            SecretString::from("Sign4ture"),
            zone.clone(),
        )),
        devices: vec![Device {
            id: MAC.to_owned(),
            name: "desk".to_owned(),
            owner: None,
        }],
        quiet: quiet_until.map(|hour| QuietHours {
            from: Time::constant(22, 0, 0, 0),
            to: Time::constant(hour, 0, 0, 0),
        }),
        broadcast_at: Some(Time::constant(9, 30, 0, 0)),
        zone,
        lang: Lang::Zh,
    };
    let catalogue = Catalogue::builtin().expect("catalogue");
    let teller = Teller::new(tools, Arc::new(catalogue));
    House {
        server,
        store,
        teller,
        _dir: dir,
    }
}

pub(super) fn now() -> i64 {
    sample::moment("2026-11-21T10:31:00").ms
}

impl House {
    pub(super) async fn comes(&self, policy: &str, at_ms: i64) {
        let body = ALARM.replace("POLICY", policy);
        inbox::receive(&self.store, body.as_bytes(), Source::Tcop, at_ms)
            .await
            .expect("kept");
    }

    /// The same teller with logs to read.
    pub(super) fn teller_with(&self, logs: Arc<ReadAround>) -> Teller {
        let tools = Tools {
            logs: Some(logs),
            ..self.teller.tools().clone()
        };
        let catalogue = Catalogue::builtin().expect("catalogue");
        Teller::new(tools, Arc::new(catalogue))
    }

    pub(super) async fn tend(&self, at_ms: i64) -> bool {
        self.teller
            .tend(&self.store, &|| at_ms)
            .await
            .expect("tended")
    }

    /// What was asked of a path so far.
    pub(super) async fn asked(&self, path: &str) -> Vec<Value> {
        let all = self.server.received_requests().await.expect("recorded");
        all.iter()
            .filter(|r| r.url.path().starts_with(path))
            .map(|r| r.body_json().expect("json"))
            .collect()
    }

    pub(super) async fn spoken(&self) -> Vec<String> {
        let commands = self.asked("/api/commands").await;
        let reason = |c: &Value| {
            c["payload"]["params"]["arguments"]["reason"]
                .as_str()
                .map(str::to_owned)
        };
        commands.iter().filter_map(reason).collect()
    }
}
