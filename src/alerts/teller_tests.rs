//! Alarms and the morning, told over real files and stand-ins of gateway and chat.

use jiff::civil::Time;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path_regex};

use super::*;
use crate::{
    alerts::{OpenStore, Source, bell, notify::Robot, watch},
    model::sample,
    round::around::Seen,
};

const MAC: &str = "aa:bb:cc:00:11:22";
const MINUTE: i64 = 60_000;
const ALARM: &str = r#"{"alarmStatus":"1","alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":{"namespace":"shop",
    "workload_kind":"Deployment","workload_name":"checkout"}},"alarmPolicyInfo":{"policyId":"POLICY","policyName":"副本不可用",
    "conditions":{"metricName":"unavailable","metricShowName":"不可用副本数","calcType":">","calcValue":"0","currentValue":"3","unit":"个"}},
    "firstOccurTime":"2026-11-21 10:30:00","recoverTime":"0"}"#;

/// A house with a robot behind a gateway and a chat group, both played by one server.
struct House {
    server: MockServer,
    store: Store,
    teller: Teller,
    _dir: tempfile::TempDir,
}

async fn house(quiet_until: Option<i8>, is_alive: bool) -> House {
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = MockServer::start().await;
    let id = super::super::notify::client_id(MAC);
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

fn now() -> i64 {
    sample::moment("2026-11-21T10:31:00").ms
}

impl House {
    async fn comes(&self, policy: &str, at_ms: i64) {
        let body = ALARM.replace("POLICY", policy);
        inbox::receive(&self.store, body.as_bytes(), Source::Tcop, at_ms)
            .await
            .expect("kept");
    }

    async fn tend(&self, at_ms: i64) -> bool {
        self.teller.tend(&self.store, at_ms).await.expect("tended")
    }

    /// What was asked of a path so far.
    async fn asked(&self, path: &str) -> Vec<Value> {
        let all = self.server.received_requests().await.expect("recorded");
        all.iter()
            .filter(|r| r.url.path().starts_with(path))
            .map(|r| r.body_json().expect("json"))
            .collect()
    }

    async fn spoken(&self) -> Vec<String> {
        let commands = self.asked("/api/commands").await;
        let reason = |c: &Value| {
            c["payload"]["params"]["arguments"]["reason"]
                .as_str()
                .map(str::to_owned)
        };
        commands.iter().filter_map(reason).collect()
    }
}

#[tokio::test]
async fn a_new_alarm_is_analysed_written_and_spoken_with_its_cause_once() {
    let house = house(None, false).await;
    house.comes("p-1", now()).await;
    assert!(house.tend(now()).await);
    let spoken = house.spoken().await;
    let [reason] = &spoken[..] else {
        panic!("{spoken:?}")
    };
    assert!(
        reason.starts_with("[device_call]") && reason.contains("checkout"),
        "{reason}"
    );
    assert!(
        reason.chars().count() <= 150 && reason.ends_with('？'),
        "{reason}"
    );
    let written = house.asked("/robot/send").await;
    assert!(
        written[0]["markdown"]["text"]
            .as_str()
            .is_some_and(|t| t.contains("checkout") && t.contains("回滚")),
        "{written:?}"
    );
    let row = house.store.alarm(1).await.expect("ask").expect("row");
    assert_eq!(row.state, AlarmState::Told);
    assert_eq!(row.analysis.expect("analysis")["conclusion"], "incident");
    assert!(!house.tend(now() + 10 * MINUTE).await);
    assert_eq!(
        (
            house.spoken().await.len(),
            house.asked("/robot/send").await.len()
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn a_storm_is_one_message_and_one_sentence() {
    let house = house(None, false).await;
    for n in 0..7 {
        house.comes(&format!("p-{n}"), now() + n).await;
    }
    house.tend(now() + MINUTE).await;
    let spoken = house.spoken().await;
    assert!(
        spoken.len() == 1 && spoken[0].contains("7条告警"),
        "{spoken:?}"
    );
    let written = house.asked("/robot/send").await;
    assert_eq!(written.len(), 1);
    assert!(
        written[0]["markdown"]["text"]
            .as_str()
            .is_some_and(|t| t.contains("还有2条"))
    );
}

#[tokio::test]
async fn alarms_that_come_one_by_one_are_written_together_after_three_messages() {
    let house = house(None, false).await;
    for n in 0..6 {
        house.comes(&format!("p-{n}"), now() + n * 1000).await;
        house.tend(now() + n * 1000).await;
    }
    assert_eq!(house.asked("/robot/send").await.len(), 3);
    house.tend(now() + MINUTE + 6000).await;
    let written = house.asked("/robot/send").await;
    assert_eq!(written.len(), 4);
    let last = written[3]["markdown"]["text"].as_str().expect("text");
    assert_eq!(last.matches("副本不可用").count(), 3, "{last}");
}

#[tokio::test]
async fn the_next_alarm_waits_for_the_interval() {
    let house = house(None, false).await;
    for (policy, minute, spoken) in [("p-1", 0, 1), ("p-2", 1, 1), ("p-3", 2, 1)] {
        house.comes(policy, now() + minute * MINUTE).await;
        house.tend(now() + minute * MINUTE).await;
        assert_eq!(house.spoken().await.len(), spoken, "{policy}");
    }
    house.tend(now() + 6 * MINUTE).await;
    let spoken = house.spoken().await;
    assert!(
        spoken.len() == 2 && spoken[1].contains("2条告警"),
        "{spoken:?}"
    );
}

#[tokio::test]
async fn nobody_is_woken_at_night_by_a_recovery_or_while_talking() {
    for (hours, is_alive, recovered) in [
        (Some(11), false, "0"),
        (None, true, "0"),
        (None, false, "2026-11-21 10:40:00"),
    ] {
        let house = house(hours, is_alive).await;
        let body = ALARM.replace(
            r#""recoverTime":"0""#,
            &format!(r#""recoverTime":"{recovered}""#),
        );
        inbox::receive(&house.store, body.as_bytes(), Source::Tcop, now())
            .await
            .expect("kept");
        house.tend(now()).await;
        assert!(
            house.spoken().await.is_empty(),
            "{hours:?} {is_alive} {recovered}"
        );
        let row = house.store.alarm(1).await.expect("ask").expect("row");
        assert!(row.state == AlarmState::Unread && row.analysis.is_some());
    }
    // In the morning it is told after all.
    let house = house(Some(11), false).await;
    house.comes("p-1", now()).await;
    house.tend(now()).await;
    house.tend(now() + 30 * MINUTE).await;
    assert_eq!(
        (
            house.spoken().await.len(),
            house.asked("/robot/send").await.len()
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn what_a_killed_process_was_about_to_say_is_not_said_again_but_the_rest_is_done() {
    let house = house(None, false).await;
    house.comes("p-1", now()).await;
    let claimed = line(WAKEUP, MAC, "alarm:1", now(), "…");
    assert!(house.store.claim_told_line(claimed).await.expect("claim"));
    house.tend(now() + 10 * MINUTE).await;
    assert!(house.spoken().await.is_empty());
    assert_eq!(house.asked("/robot/send").await.len(), 1);
    assert!(
        house
            .store
            .alarm(1)
            .await
            .expect("ask")
            .expect("row")
            .analysis
            .is_some()
    );
}

#[tokio::test]
async fn the_morning_is_announced_once() {
    let house = house(None, false).await;
    let ten = sample::morning().ms;
    for (at_ms, times) in [
        (ten - 60 * MINUTE, 0),
        (ten, 1),
        (ten + MINUTE, 1),
        (ten + 300 * MINUTE, 1),
    ] {
        house.tend(at_ms).await;
        assert_eq!(house.spoken().await.len(), times);
    }
    let spoken = house.spoken().await;
    assert!(
        spoken.len() == 1 && spoken[0].ends_with("要不要开始播报？"),
        "{spoken:?}"
    );
}

#[tokio::test]
async fn who_asked_for_quiet_or_was_told_already_is_not_woken_in_the_morning() {
    let today: crate::model::Day = "2026-11-22".parse().expect("day");
    let robot = "robot\u{1f}device\u{1f}aa:bb:cc:00:11:22";
    for (device, why, spared) in [
        (robot, "asked", true),
        // Somebody whose robot does not say which one it is.
        ("robot", "asked", true),
        // The context source was first.
        ("aa:bb:cc:00:11:22", "offered", true),
        ("robot\u{1f}device\u{1f}aa:bb:cc:00:11:33", "asked", false),
        ("aa:bb:cc:00:11:33", "offered", false),
    ] {
        let house = house(None, false).await;
        let quiet = house
            .store
            .put_quiet(device.to_owned(), today, why.to_owned());
        quiet.await.expect("quiet");
        house.tend(sample::morning().ms).await;
        assert_eq!(house.spoken().await.is_empty(), spared, "{device} {why}");
    }
    let house = house(None, false).await;
    let told = store::Told {
        day: today.plus(-1),
        incident: "i1".to_owned(),
        listed: Vec::new(),
        part: 4,
        revision: 2,
        at_ms: 1,
    };
    house
        .store
        .put_told(robot.to_owned(), told)
        .await
        .expect("told");
    house.tend(sample::morning().ms).await;
    assert!(house.spoken().await.is_empty());
}

#[tokio::test]
async fn whoever_rings_is_tended_until_the_house_is_closed() {
    let house = house(None, false).await;
    house.comes("p-1", now()).await;
    let (ring, ear) = bell();
    let (store, stop) = (house.store.clone(), CancellationToken::new());
    let (told, mut hears) = tokio::sync::mpsc::channel(1);
    let open: Arc<OpenStore> = Arc::new(move |_| {
        let store = store.clone();
        Box::pin(async move { Ok(store) })
    });
    let changed = move |owner| drop(told.try_send(owner));
    let watching = tokio::spawn(watch(
        house.teller.clone(),
        ear,
        open,
        Vec::new,
        now,
        changed,
        stop.clone(),
    ));
    ring.ring("demo".parse().expect("alias"));
    assert_eq!(
        hears.recv().await.map(|o| o.to_string()).as_deref(),
        Some("demo")
    );
    assert_eq!(house.spoken().await.len(), 1);
    stop.cancel();
    watching.await.expect("ends");
}

#[tokio::test]
async fn a_slow_owner_keeps_nobody_waiting_and_what_comes_meanwhile_is_worked_on_too() {
    let house = house(None, false).await;
    let dir = tempfile::tempdir().expect("dir");
    let alias = |name: &str| name.parse::<OwnerAlias>().expect("alias");
    let store = |name: &str| Store::open(dir.path(), &alias(name)).expect("store");
    let (quick, slow) = (store("quick"), store("slow"));
    let (asking, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let answers = Arc::new(tokio::sync::Semaphore::new(0));
    let waiting = answers.clone();
    let logs: Arc<ReadAround> = Arc::new(move |owner: OwnerAlias, _| {
        let (asking, waiting) = (asking.clone(), waiting.clone());
        Box::pin(async move {
            asking.send(owner.clone()).expect("the test listens");
            if owner.as_str() == "slow" {
                waiting.acquire().await.expect("open").forget();
            }
            Ok(Seen::default())
        })
    });
    let tools = Tools {
        logs: Some(logs),
        ..house.teller.tools().clone()
    };
    let catalogue = Catalogue::builtin().expect("catalogue");
    let teller = Teller::new(tools, Arc::new(catalogue));
    // A day that nobody has read.
    let comes = async |store: &Store, policy: &str| {
        let body = ALARM.replace("POLICY", policy).replace("11-21", "11-25");
        let kept = inbox::receive(store, body.as_bytes(), Source::Tcop, now());
        kept.await.expect("kept");
    };
    comes(&quick, "p-1").await;
    comes(&slow, "p-1").await;
    let stores = [quick.clone(), slow.clone()];
    let open: Arc<OpenStore> = Arc::new(move |owner| {
        let store = stores[usize::from(owner.as_str() == "slow")].clone();
        Box::pin(async move { Ok(store) })
    });
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let changed = move |owner: OwnerAlias| drop(told.send(owner.to_string()));
    let ((ring, ear), stop) = (bell(), CancellationToken::new());
    let watching = watch(teller, ear, open, Vec::new, now, changed, stop.clone());
    let watching = tokio::spawn(watching);
    ring.ring(alias("slow"));
    assert_eq!(asked.recv().await, Some(alias("slow")));
    ring.ring(alias("quick"));
    assert_eq!(asked.recv().await, Some(alias("quick")));
    assert_eq!(hears.recv().await.as_deref(), Some("quick"));
    // Another alarm of the slow one comes while the first is worked on.
    comes(&slow, "p-2").await;
    ring.ring(alias("slow"));
    answers.add_permits(2);
    for _ in 0..2 {
        assert_eq!(hears.recv().await.as_deref(), Some("slow"));
    }
    for id in [1, 2] {
        let row = slow.alarm(id).await.expect("ask").expect("row");
        assert!(row.analysis.is_some(), "{id}");
    }
    stop.cancel();
    watching.await.expect("ends");
}
