//! Alarms as their senders post them, and changed in many ways, over a real port: right fields and the right owner, or kept as they came.

use std::{collections::BTreeMap, sync::Arc};

use gengfu::{
    alerts::{Source, bell, inbox},
    http::alerts::{Key, Webhooks},
    mcp::{Changes, Clock, Stores},
    model::{Credentials, Endpoints, OwnerAlias, Places},
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
}

/// A body as it is posted, and what is expected of it.
struct Sent {
    name: String,
    source: String,
    owner: String,
    text: String,
    raw: bool,
    reads: BTreeMap<String, Value>,
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
        }
    };
    all.body.iter().map(one).collect()
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
    let new_session = Sent {
        text: firing.text.replace("U4LkCLqoFkA5Hmksqp7HRg93", "other"),
        name: String::new(),
        source: "tcop".to_owned(),
        owner: String::new(),
        raw: false,
        reads: BTreeMap::new(),
    };
    let (_, answer) = house.post(&new_session).await;
    assert_eq!(answer["sessionId"], "other");
    assert_eq!(house.kept().await.len(), 1);
}
