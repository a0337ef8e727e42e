//! Alarms as their senders post them, and changed in many ways, over a real port: right fields and the right owner, or kept as they came.

use std::{collections::BTreeMap, sync::Arc};

use gengfu::{
    alerts::{Source, bell, inbox, meaning},
    http::alerts::{Key, Webhooks},
    mcp::{Changes, Clock, Stores},
    model::{Credentials, Endpoints, Lang, LogKind, OwnerAlias, Places},
    owners::{NewOwner, Owner, Owners, PlacesIn, Settings},
    store::AlarmState,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stored_day::owner;

/// Ten seconds after the alarms began.
const NOW: i64 = 1_795_309_930_000;
const SECRET: &str = "secret-of-the-door";
const OWNERS: [&str; 4] = ["south", "west", "north", "desk"];

#[derive(Deserialize)]
struct Bodies {
    body: Vec<Body>,
}

#[derive(Deserialize)]
struct Body {
    name: String,
    source: Option<String>,
    owner: Option<String>,
    text: Option<String>,
    of: Option<String>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    #[serde(default)]
    replace: Vec<[String; 2]>,
    #[serde(default)]
    cut: usize,
    #[serde(default)]
    raw: bool,
    #[serde(default)]
    reads: BTreeMap<String, Value>,
    told: Option<String>,
    policy: Option<bool>,
}

/// A body as it is posted, and what is expected of it.
struct Sent {
    name: String,
    source: String,
    owner: String,
    text: String,
    raw: bool,
    reads: BTreeMap<String, Value>,
    told: Option<String>,
    policy: Option<bool>,
}

fn sent() -> Vec<Sent> {
    let all: Bodies = toml::from_str(include_str!("../fixtures/alarm_bodies.toml")).expect("toml");
    let one = |body: &Body| {
        let of = body.of.as_ref().unwrap_or(&body.name);
        let base = all.body.iter().find(|b| b.name == *of).expect("base");
        let mut text = base.text.clone().expect("text");
        if !body.set.is_empty() {
            let mut value: Value = serde_json::from_str(&text).expect("json");
            for (pointer, new) in &body.set {
                let (parent, name) = pointer.rsplit_once('/').expect("pointer");
                let parent = value.pointer_mut(parent).and_then(Value::as_object_mut);
                let parent = parent.expect(pointer);
                if new == "absent" {
                    parent.remove(name);
                } else {
                    parent.insert(name.to_owned(), new.clone());
                }
            }
            text = value.to_string();
        }
        for [from, to] in &body.replace {
            text = text.replace(from, to);
        }
        let length = text.chars().count() - body.cut;
        let mut reads = if body.raw {
            BTreeMap::new()
        } else {
            base.reads.clone()
        };
        reads.extend(body.reads.clone());
        Sent {
            name: body.name.clone(),
            source: base.source.clone().expect("source"),
            owner: body.owner.clone().or(base.owner.clone()).expect("owner"),
            text: text.chars().take(length).collect(),
            raw: body.raw,
            reads,
            told: body.told.clone(),
            policy: body.policy,
        }
    };
    all.body.iter().map(one).collect()
}

/// A body of which nothing is expected.
fn plain(source: &str, text: String) -> Sent {
    Sent {
        name: String::new(),
        source: source.to_owned(),
        owner: String::new(),
        text,
        raw: false,
        reads: BTreeMap::new(),
        told: None,
        policy: None,
    }
}

fn owners(dir: &TempDir) -> Owners {
    let owners = Owners::open(Settings {
        data_dir: dir.path().to_owned(),
        master_key: None,
        master_key_file: dir.path().join("master.key"),
        key: None,
        key_owner: None,
        keyless: owner("default"),
        region: String::new(),
        places: Places::default(),
        places_in: PlacesIn::default(),
        endpoints: Endpoints::default(),
        zone: "Asia/Shanghai".parse().expect("zone"),
    })
    .expect("owners");
    for (alias, cluster, bucket, region) in [
        (
            "south",
            "cls-7a1b2c3d",
            "cos://logs-1250000000",
            "ap-guangzhou",
        ),
        (
            "west",
            "cls-99999999",
            "cos://more-1250000000",
            "ap-chengdu",
        ),
        (
            "north",
            "cls-l9taan9w",
            "cos://logs-1260000000",
            "ap-nanjing",
        ),
        (
            "desk",
            "cls-00000000",
            "cos://logs-1270000000",
            "ap-beijing",
        ),
    ] {
        let places = Places {
            clusters: vec![cluster.to_owned()],
            bucket: Some(bucket.parse().expect("bucket")),
            topics: match alias {
                "south" => BTreeMap::from([(LogKind::Business, vec!["t-1".to_owned()])]),
                _ => BTreeMap::new(),
            },
            ..Places::default()
        };
        let about = Owner {
            region: region.to_owned(),
            places,
            ..Owner::default()
        };
        let key = Credentials::new(format!("AKIDtest{alias}"), format!("secret-of-{alias}"));
        let new = NewOwner {
            alias: owner(alias),
            key,
            code: None,
            about,
        };
        owners.add(new).expect("add");
    }
    owners.use_always("desk").expect("use");
    owners
}

/// A door on a port of its own, and a way to look behind it.
struct House {
    address: String,
    stores: Arc<Stores>,
    http: reqwest::Client,
    dir: TempDir,
}

impl House {
    async fn open() -> Self {
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dir = TempDir::new().expect("folder");
        let stores = Arc::new(Stores::new(dir.path()));
        let (ring, _ear) = bell();
        let key = Key {
            secret: SECRET.into(),
            sign: None,
            owner: None,
        };
        let clock = Clock::Fixed(NOW);
        let hooks = Webhooks::new(
            [key],
            stores.clone(),
            owners(&dir),
            Changes::default(),
            ring,
            clock,
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("bind");
        let address = listener.local_addr().expect("address").to_string();
        tokio::spawn(async move { axum::serve(listener, hooks.routes()).await });
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("client");
        Self {
            address,
            stores,
            http,
            dir,
        }
    }

    async fn post(&self, sent: &Sent) -> (u16, Value) {
        let url = format!("http://{}/alerts/{}/{SECRET}", self.address, sent.source);
        let answer = self.http.post(url).body(sent.text.clone()).send().await;
        let answer = answer.expect("answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("json"))
    }

    /// Whose alarms there are, each as kept.
    async fn kept(&self) -> Vec<(OwnerAlias, gengfu::store::AlarmRow)> {
        let mut kept = Vec::new();
        for alias in OWNERS.map(owner) {
            let store = self.stores.of(&alias).await.expect("store");
            let rows = store
                .alarms_in(AlarmState::Unread, 1000)
                .await
                .expect("rows");
            kept.extend(rows.into_iter().map(|row| (alias.clone(), row)));
        }
        kept
    }
}

#[tokio::test]
async fn every_body_gives_its_fields_and_its_owner_or_is_kept_as_it_came() {
    let all = sent();
    assert!(all.len() >= 7 + 30, "{}", all.len());
    for sent in all {
        let house = House::open().await;
        let (status, answer) = house.post(&sent).await;
        assert_eq!(status, 200, "{}", sent.name);
        if sent.source == "tcop" {
            assert_eq!(answer["retCode"], 0, "{}", sent.name);
        }
        let kept = house.kept().await;
        let [(whose, row)] = &kept[..] else {
            panic!("{}: {kept:?}", sent.name)
        };
        assert_eq!(whose.as_str(), sent.owner, "{}", sent.name);
        let alarm = inbox::alarm_of(row);
        if sent.raw {
            assert_eq!(alarm.source, Source::Unknown, "{}", sent.name);
            assert_eq!(
                String::from_utf8_lossy(&row.what.raw),
                sent.text,
                "{}",
                sent.name
            );
        }
        let value = json!(alarm);
        for (pointer, expected) in &sent.reads {
            let found = value.pointer(pointer).unwrap_or(&Value::Null);
            let expected = if expected == "absent" {
                &Value::Null
            } else {
                expected
            };
            assert_eq!(found, expected, "{} {pointer}", sent.name);
        }
        if let Some(told) = &sent.told {
            let words = meaning::in_words(&alarm, Lang::Zh);
            assert_eq!(words, *told, "{}", sent.name);
        }
        if let Some(policy) = sent.policy {
            let problem = meaning::policy_problem(&alarm, Lang::Zh);
            assert_eq!(problem.is_some(), policy, "{} {problem:?}", sent.name);
        }
        drop(house.dir);
    }
}

#[tokio::test]
async fn whatever_is_posted_again_in_whatever_order_is_still_one_alarm() {
    let house = House::open().await;
    let all = sent();
    let like = |name: &str| all.iter().find(|s| s.name == name).expect("body");
    let firing = like("metric of a pod");
    for (name, recovered) in [
        ("metric of a pod", false),
        ("status as a number", false),
        ("recovered, all numbers", true),
        // Repeated late by a sender, or by somebody who has seen it.
        ("metric of a pod", true),
        ("recovered, all numbers", true),
    ] {
        house.post(like(name)).await;
        let kept = house.kept().await;
        assert_eq!(kept.len(), 1, "{name}");
        assert_eq!(kept[0].1.what.recovered_ms.is_some(), recovered, "{name}");
    }
    let other = firing.text.replace("U4LkCLqoFkA5Hmksqp7HRg93", "other");
    let new_session = plain("tcop", other);
    let (_, answer) = house.post(&new_session).await;
    assert_eq!(answer["sessionId"], "other");
    assert_eq!(house.kept().await.len(), 1);
}

#[tokio::test]
async fn a_body_that_is_too_long_comes_to_whose_cluster_it_names() {
    let house = House::open().await;
    let all = sent();
    let body = all
        .iter()
        .find(|s| s.name == "metric of a pod")
        .expect("body");
    let url = format!("http://{}/alerts/tcop/{SECRET}", house.address);
    let long = format!("{}{}", body.text, " ".repeat(600 * 1024));
    let answer = house.http.post(url).body(long).send().await;
    assert_eq!(answer.expect("answer").status().as_u16(), 413);
    let kept = house.kept().await;
    assert_eq!((kept.len(), kept[0].0.as_str()), (1, "south"));
}

#[tokio::test]
async fn a_recovery_of_cls_that_comes_without_logs_ends_its_alarm() {
    let house = House::open().await;
    let all = sent();
    for name in ["cls by our template", "cls, recovered without its logs"] {
        let body = all.iter().find(|s| s.name == name).expect("body");
        house.post(body).await;
    }
    let kept = house.kept().await;
    let [(whose, row)] = &kept[..] else {
        panic!("{kept:?}")
    };
    let alarm = inbox::alarm_of(row);
    assert_eq!(
        (whose.as_str(), row.times, row.what.recovered_ms),
        ("south", 2, Some(1_795_310_820_000))
    );
    // What fired said more.
    assert_eq!(alarm.lines, ["ERROR pool exhausted"]);
    assert!(alarm.object.is_some_and(|o| o.name == "billing"));
}

#[tokio::test]
async fn each_alert_of_a_group_is_an_alarm_and_comes_to_its_own_owner() {
    let house = House::open().await;
    let alert = |status: &str, name: &str, cluster: &str| {
        json!({"status": status, "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": format!("{name}-6f7c9d8b5d-x2k8q"),
            "cluster": cluster, "instance": "10.0.9.9:8080"}, "annotations": {"summary": format!("{name} crash looping")},
            "startsAt": "2026-11-22T01:12:00Z", "endsAt": if status == "resolved" { "2026-11-22T01:20:00Z" } else { "0001-01-01T00:00:00Z" }})
    };
    let checkout = |status| alert(status, "checkout", "cls-7a1b2c3d");
    let orders = |status| alert(status, "orders", "cls-7a1b2c3d");
    let west = |status| alert(status, "orders", "cls-99999999");
    for alerts in [
        vec![checkout("firing")],
        vec![checkout("firing"), orders("firing"), west("firing")],
        vec![checkout("resolved"), orders("firing"), west("firing")],
    ] {
        let body = json!({"version": "4", "groupKey": "{}:{alertname=\"KubePodCrashLooping\"}", "status": "firing",
            "groupLabels": {"alertname": "KubePodCrashLooping"}, "commonLabels": {"alertname": "KubePodCrashLooping", "namespace": "shop"},
            "commonAnnotations": {}, "alerts": alerts});
        let sent = plain("alertmanager", body.to_string());
        assert_eq!(house.post(&sent).await.0, 200);
    }
    let kept = house.kept().await;
    let mut found = Vec::new();
    for (whose, row) in &kept {
        let alarm = inbox::alarm_of(row);
        assert!(alarm.node.is_empty(), "{}", alarm.node);
        let name = alarm.object.expect("object").name;
        found.push((whose.as_str(), name, row.what.recovered_ms.is_some()));
    }
    found.sort();
    let expected = [
        ("south", "checkout", true),
        ("south", "orders", false),
        ("west", "orders", false),
    ];
    assert_eq!(found, expected.map(|(o, n, over)| (o, n.to_owned(), over)));
}
