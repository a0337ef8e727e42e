//! The webhooks from outside: what is kept, refused and answered.

use axum::{body::to_bytes, http::Request};
use tower::ServiceExt as _;

use super::*;
use crate::{
    alerts::{Ear, bell},
    http::alarm_body::BODY_BYTES,
    model::{Endpoints, Places},
    owners::Settings,
};

const SECRET: &str = "s3cret-of-the-door";
const NOW: i64 = 1_795_309_930_000;
const ALARM: &str = r#"{"sessionId":"U4Lk_-9","alarmStatus":"1","alarmType":"metric","alarmObjInfo":{"region":"gz","dimensions":
    {"tke_cluster_instance_id":"cls-7a1b2c3d","namespace":"shop","workload_name":"checkout"}},"alarmPolicyInfo":{"policyId":"p-1",
    "policyName":"mem","conditions":{"metricName":"m","calcType":">","calcValue":"90","currentValue":"97"}},"firstOccurTime":"2026-11-22 09:12:00","recoverTime":"0"}"#;

struct House {
    hooks: Webhooks,
    stores: Arc<Stores>,
    ear: Ear,
    hears: tokio::sync::broadcast::Receiver<Change>,
    _data: tempfile::TempDir,
}

fn house() -> House {
    let data = tempfile::tempdir().expect("folder");
    let stores = Arc::new(Stores::new(data.path()));
    let owners = Owners::open(Settings {
        keyless: "default".parse().expect("alias"),
        data_dir: data.path().to_owned(),
        master_key: None,
        key_owner: None,
        master_key_file: data.path().join("master.key"),
        key: None,
        region: String::new(),
        places_in: crate::owners::PlacesIn::default(),
        places: Places::default(),
        endpoints: Endpoints::default(),
        zone: crate::model::Zone::default(),
    })
    .expect("owners");
    let (ring, ear) = bell();
    let changes = Changes::default();
    let key = |secret: &str, sign: Option<&str>, owner: Option<&str>| Key {
        secret: SecretString::from(secret),
        sign: sign.map(SecretString::from),
        owner: owner.map(|o| o.parse().expect("alias")),
    };
    let secrets = [
        key(SECRET, None, Some("demo")),
        key("strict", Some("signing-key"), Some("demo")),
        key("nobody", None, None),
    ];
    let hooks = Webhooks::new(
        secrets,
        stores.clone(),
        owners,
        changes.clone(),
        ring,
        Clock::Fixed(NOW),
    );
    House {
        hooks,
        stores,
        ear,
        hears: changes.listen(),
        _data: data,
    }
}

impl House {
    async fn call(
        &self,
        method: &str,
        path: &str,
        password: Option<&str>,
        body: &str,
    ) -> (u16, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(password) = password {
            let basic = format!("Basic {}", STANDARD.encode(format!("tcop:{password}")));
            request = request.header(header::AUTHORIZATION, basic);
        }
        let request = request.body(Body::from(body.to_owned())).expect("request");
        let answer = self
            .hooks
            .clone()
            .routes()
            .oneshot(request)
            .await
            .expect("answer");
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 16).await.expect("body");
        (status, String::from_utf8(body.to_vec()).expect("utf-8"))
    }

    async fn kept(&self) -> usize {
        let store = self
            .stores
            .of(&"demo".parse().expect("alias"))
            .await
            .expect("store");
        inbox::unread(&store, NOW).await.expect("unread").len()
    }
}

#[tokio::test]
async fn an_alarm_is_stored_before_its_sender_gets_the_answer_it_waits_for() {
    let mut house = house();
    let path = format!("/alerts/tcop/{SECRET}");
    let (status, answer) = house.call("POST", &path, None, ALARM).await;
    assert_eq!(
        (status, answer.as_str()),
        (200, r#"{"sessionId":"U4Lk_-9","retCode":0}"#)
    );
    assert_eq!(house.kept().await, 1);
    assert_eq!(house.ear.next().await.expect("ring").as_str(), "demo");
    let change = house.hears.try_recv();
    assert_eq!(change, Ok(Change::Alerts("demo".parse().expect("alias"))));
    // The sender repeats itself: no second alarm.
    house.call("POST", &path, None, ALARM).await;
    assert_eq!(house.kept().await, 1);
    let (status, _) = house
        .call(
            "POST",
            "/alerts/tcop",
            Some(SECRET),
            &ALARM.replace("p-1", "p-2"),
        )
        .await;
    assert_eq!((status, house.kept().await), (200, 2));
}

#[tokio::test]
async fn the_wrong_secret_opens_no_door_and_leaves_nothing_behind() {
    let house = house();
    for (path, password) in [
        ("/alerts/tcop/s3cret-of-the-doo", None),
        ("/alerts/tcop/s3cret-of-the-doors", None),
        ("/alerts/tcop", None),
        ("/alerts/tcop", Some("wrong")),
        ("/alerts/smoke/none", None),
    ] {
        let (status, answer) = house.call("POST", path, password, ALARM).await;
        assert_eq!((status, answer.as_str()), (401, ""), "{path}");
    }
    assert_eq!(house.kept().await, 0);
    let (status, _) = house.call("POST", "/alerts/tcop/nobody", None, ALARM).await;
    assert_eq!(status, 503, "an alarm without an owner is asked for again");
}

#[tokio::test]
async fn the_call_that_verifies_an_address_passes_and_is_no_alarm() {
    let house = house();
    for source in ["tcop", "cls", "alertmanager"] {
        let path = format!("/alerts/{source}/{SECRET}");
        for (method, body) in [
            ("GET", ""),
            ("HEAD", ""),
            ("POST", ""),
            ("POST", " {} "),
            ("POST", r#"{"ValidationCode":"q8-echo-me"}"#),
            ("POST", r#"{"code":"<b>echo</b>"}"#),
        ] {
            let (status, answer) = house.call(method, &path, None, body).await;
            assert_eq!(status, 200, "{method} {source}");
            let wants = body.contains("q8");
            assert_eq!(answer.contains(r#""ValidationCode":"q8-echo-me""#), wants);
            assert!(!answer.contains("<b>"), "{answer}");
        }
    }
    assert_eq!(house.kept().await, 0);
    let (status, _) = house
        .call("DELETE", &format!("/alerts/tcop/{SECRET}"), None, "")
        .await;
    assert_eq!((status, house.kept().await), (405, 0));
    // What merely ends in "code" is no code to be seen.
    for (kept, body) in [
        r#"{"errorCode":"DiskFull","statusCode":500}"#,
        r#"{"code":"a","verifyCode":"b"}"#,
        r#"{"code":{"deep":1}}"#,
    ]
    .into_iter()
    .enumerate()
    {
        house
            .call("POST", &format!("/alerts/tcop/{SECRET}"), None, body)
            .await;
        assert_eq!(house.kept().await, kept + 1, "{body}");
    }
}

#[tokio::test]
async fn broken_bodies_are_kept_and_nothing_is_reflected() {
    let house = house();
    let path = format!("/alerts/tcop/{SECRET}");
    for (i, body) in [
        r#"{"sessionId":"<script>alert(1)</script>","alarm":"#,
        r#"{"sessionId":"<script>alert(1)</script>"}"#,
        "[[[[[[",
        "just words \u{202e} backwards",
    ]
    .into_iter()
    .enumerate()
    {
        let (status, answer) = house.call("POST", &path, None, body).await;
        assert_eq!(
            (status, answer.as_str()),
            (200, r#"{"sessionId":"","retCode":0}"#)
        );
        assert_eq!(house.kept().await, i + 1);
    }
    let before = house.kept().await;
    for (head, more) in [("big", 1), ("bigger", 2), ("bigger", 2)] {
        let body = format!("{head} {}", "x".repeat(BODY_BYTES));
        let (status, _) = house.call("POST", &path, None, &body).await;
        assert_eq!(status, 413);
        // That it came is known, and what is repeated is one.
        assert_eq!(house.kept().await, before + more, "{head}");
    }
    let store = house.stores.of(&"demo".parse().expect("alias")).await;
    let rows = inbox::unread(&store.expect("store"), NOW).await;
    let rows = rows.expect("unread");
    let told = |r: &&crate::store::AlarmRow| inbox::alarm_of(r).text.starts_with("bigger");
    let broken = rows.iter().find(told);
    let broken = broken.expect("the one that was too long");
    assert_eq!((broken.times, broken.what.raw.len()), (2, 4096));
    let alarm = inbox::alarm_of(broken);
    let words = crate::alerts::meaning::in_words(&alarm, crate::model::Lang::Zh);
    assert!(
        words.starts_with("来了一条太长的告警,只留下了开头,bigger"),
        "{words}"
    );
}

#[tokio::test]
async fn an_alarm_of_cls_that_is_forged_or_replayed_stays_outside() {
    let house = house();
    // HMAC-SHA256 of the time with each key, as CLS writes it; computed with Python.
    let body = |sig: &str, time: &str| {
        format!(
            r#"{{"kind":"cls_alarm","alarmId":"a-{time}","topicId":"t","notifyType":1,"sig":"{sig}","notifyTime":"{time}"}}"#
        )
    };
    let now = "2026-11-22 09:12:00";
    let (own, strict) = (
        "AD429BFFAC6D864F487254D6AB9DE1887DA23B4AE6A0BFDF71FB9C687867BED3",
        "9F2B36E3A09531477E35BECDE78FB836DE17CED679B90B9F43069531351C7B5F",
    );
    for (door, sig, time, status, kept) in [
        (SECRET, own, now, 200, 1),
        (SECRET, strict, now, 401, 1),
        ("strict", strict, now, 200, 1),
        ("strict", own, now, 401, 1),
        ("strict", "", now, 401, 1),
        ("strict", strict, "2026-11-22 09:11:00", 401, 1),
        (SECRET, "", "2026-11-22 09:10:00", 200, 2),
        (
            "strict",
            "BD1ACC0E95F1C6B575717595BFDE71947716E0421E9507C0CE800A78AA7773E4",
            "2026-11-22 08:12:00",
            401,
            2,
        ),
    ] {
        let path = format!("/alerts/cls/{door}");
        let (answered, _) = house.call("POST", &path, None, &body(sig, time)).await;
        assert_eq!(
            (answered, house.kept().await),
            (status, kept),
            "{door} {sig} {time}"
        );
    }
    // The door beside it is no way around.
    let broken = r#"{"kind":"cls_alarm","alarm":"a "quoted" name"}"#;
    for unsigned in [body("", now), broken.to_owned()] {
        let answer = house.call("POST", "/alerts/tcop/strict", None, &unsigned);
        assert_eq!((answer.await.0, house.kept().await), (401, 2), "{unsigned}");
    }
    // Nor is a body that is too long.
    let long = |sig: &str| {
        body(sig, now).replace(
            '}',
            &format!(",\"queryLog\":\"{}\"}}", "x".repeat(BODY_BYTES)),
        )
    };
    for door in ["/alerts/cls/strict", "/alerts/tcop/strict"] {
        let answer = house.call("POST", door, None, &long("")).await;
        assert_eq!((answer.0, house.kept().await), (401, 2), "{door}");
    }
    let signed = long(strict);
    let answer = house.call("POST", "/alerts/cls/strict", None, &signed);
    assert_eq!((answer.await.0, house.kept().await), (413, 3));
    // An address is tried without any signature.
    let tried = house.call("POST", "/alerts/cls/strict", None, "").await;
    assert_eq!((tried.0, house.kept().await), (200, 3));
}

#[tokio::test]
async fn a_flood_is_told_to_wait() {
    let house = house();
    let door = house.hooks.door(SECRET).expect("door");
    *door.rate.lock().expect("lock") = Rate::per_minute(2, NOW);
    let path = format!("/alerts/cls/{SECRET}");
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(house.call("POST", &path, None, "x").await.0);
    }
    assert_eq!(answers, [200, 200, 429]);
}
