//! The minutes that are not shipped yet: asked of CLS, and told as if they had been shipped.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use gengfu::{
    demo,
    model::{Day, LogKind, Origin},
    round::live::{Look, MOST_BUSINESS, Scope},
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    cloud::{Cloud, Log, as_log},
    over_bucket::{self, Manner},
    running::{Client, Era, ROBOT, Running, SCREEN, told},
};

/// The day on which the server's clock stands.
const TODAY: &str = "2026-11-22";
const HOUR_MS: i64 = 3_600_000;

fn today() -> gengfu::model::DayRange {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    TODAY.parse::<Day>().expect("day").range(&zone)
}

/// Objects below a folder.
fn objects(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("list") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            objects(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Takes what was shipped after `hour` out of the bucket; returns its lines and those of the hour before, by kind.
fn unship(bucket: &Path, hour: i64) -> Vec<(LogKind, Value)> {
    let mut lines = Vec::new();
    for kind in LogKind::ALL {
        let mut all = Vec::new();
        objects(&bucket.join(kind.as_str()), &mut all);
        for path in all {
            let name = path.file_name().and_then(|n| n.to_str()).expect("name");
            let (date, shipped) = (&name[..8], &name[8..12]);
            let (date, shipped): (i64, i64) =
                (date.parse().expect("date"), shipped.parse().expect("time"));
            let later_than =
                |hour: i64| date > 20_261_122 || date == 20_261_122 && shipped > hour * 100;
            if !later_than(hour - 1) {
                continue;
            }
            let mut text = String::new();
            let file = fs::File::open(&path).expect("open");
            let mut gzip = flate2::read::MultiGzDecoder::new(file);
            gzip.read_to_string(&mut text).expect("gzip");
            let read = |line: &str| (kind, serde_json::from_str(line).expect("json"));
            lines.extend(text.lines().map(read));
            if later_than(hour) {
                fs::remove_file(path).expect("remove");
            }
        }
    }
    lines
}

/// Moves what was shipped after `hour` from a bucket into the topics; a little of what was shipped before is there, too.
pub(crate) fn ship_until(bucket: &Path, cloud: &Cloud, hour: i64, range: &gengfu::model::DayRange) {
    for (kind, line) in unship(bucket, hour) {
        cloud.put(kind, vec![as_log(&line)]);
    }
    cloud.ship_until(range.start_ms + hour * HOUR_MS);
}

/// What an answer says behind `name=`.
fn fact<'t>(text: &'t str, name: &str) -> &'t str {
    let start = format!("{name}=");
    assert!(text.contains(&start), "{name} in {text}");
    let (_, rest) = text.split_once(&start).expect("asserted");
    rest.split(';').next().unwrap_or_default()
}

/// A server whose bucket has the whole day, and one that was shipped until noon and can ask for the rest at three o'clock.
async fn two_servers() -> (Running, Running, Cloud, [TempDir; 2]) {
    let dirs = [(), ()].map(|()| TempDir::new().expect("folder"));
    let range = today();
    for dir in &dirs {
        let bucket = dir.path().join("bucket");
        demo::lay(&bucket, TODAY.parse().expect("day"), &range.zone).expect("lay");
    }
    let cloud = Cloud::start().await;
    ship_until(&dirs[1].path().join("bucket"), &cloud, 12, &range);
    let shipped = over_bucket::serve(dirs[0].path(), Manner::default()).await;
    let manner = Manner {
        live: Some((cloud.live(), range.start_ms + 15 * HOUR_MS)),
        ..Manner::default()
    };
    let asking = over_bucket::serve(dirs[1].path(), manner).await;
    (shipped, asking, cloud, dirs)
}

#[tokio::test]
async fn what_is_not_shipped_is_told_as_if_it_were() {
    let (shipped, asking, cloud, _dirs) = two_servers().await;
    let clients = [
        shipped.client(ROBOT, Era::Handshake).await,
        asking.client(ROBOT, Era::Handshake).await,
    ];
    let window = json!({"date": TODAY, "start": "09:00", "end": "15:00", "limit": 200});
    let with = |name: &str, value: &str| {
        let mut window = window.clone();
        window[name] = value.into();
        window
    };
    let mut questions: Vec<(&str, Value, &str)> = LogKind::ALL
        .into_iter()
        .map(|kind| ("fetch_logs", with("kind", kind.as_str()), "evidence"))
        .collect();
    questions.push(("search_events", window.clone(), "evidence"));
    questions.push(("search_audit", window.clone(), "changes"));
    for (tool, arguments, ids) in questions {
        let [mut one, mut other] = [String::new(), String::new()];
        for (client, text) in clients.iter().zip([&mut one, &mut other]) {
            loop {
                *text = told(client, tool, arguments.clone()).await.0;
                // A busy machine may need longer than a robot waits; the same question goes on with the same work.
                if !text.contains("task_status") {
                    break;
                }
            }
        }
        assert_ne!(fact(&one, "total"), "0", "{tool}: {one}");
        for name in ["total", ids] {
            assert_eq!(fact(&one, name), fact(&other, name), "{tool} {arguments}");
        }
        assert!(!one.contains("live_from"), "{one}");
        assert_eq!(fact(&other, "live_from"), "2026-11-22T11:55:00+08:00");
        assert_ne!(fact(&other, "live_lines"), "0");
    }
    assert_eq!(cloud.forged(), 0);
    // How far shipping is, is asked once for each topic.
    assert_eq!(cloud.times("DescribeShipperTasks"), 3);
}

/// What `fetch_logs` answers; a busy machine may need longer than a robot waits, and the same question goes on with the same work.
async fn lines(client: &Client, arguments: &Value) -> String {
    loop {
        let (text, _) = told(client, "fetch_logs", arguments.clone()).await;
        if !text.contains("task_status") {
            return text;
        }
    }
}

/// Evidence of the business lines of the last hour that is not shipped.
async fn last_hour(client: &Client) -> Vec<String> {
    let window =
        json!({"date": TODAY, "kind": "business", "start": "14:00", "end": "15:00", "limit": 200});
    let text = lines(client, &window).await;
    let ids = fact(&text, "evidence").split(',');
    ids.map(str::to_owned).collect()
}

fn open(id: &str) -> Value {
    json!({"date": TODAY, "kind": "business", "keyword": id})
}

#[tokio::test]
async fn a_line_that_is_opened_comes_with_what_stands_around_it() {
    let (shipped, asking, cloud, _dirs) = two_servers().await;
    let clients = [
        shipped.client(ROBOT, Era::Handshake).await,
        asking.client(ROBOT, Era::Handshake).await,
    ];
    let ids = last_hour(&clients[1]).await;
    assert_eq!(ids, last_hour(&clients[0]).await);
    let mut in_objects = 0;
    for id in ids.iter().step_by(5) {
        let [in_bucket, in_cls] = [&clients[0], &clients[1]].map(|client| async {
            let text = lines(client, &open(id)).await;
            assert_eq!(fact(&text, "evidence"), id);
            let ids = |name: &str| -> Vec<String> {
                let there = text.contains(&format!("{name}="));
                let ids = there.then(|| fact(&text, name).split(','));
                ids.into_iter().flatten().map(str::to_owned).collect()
            };
            (ids("before"), ids("after"), text.clone())
        });
        let ((before, after, text), (of_file, rest_of_file, live)) =
            (in_bucket.await, in_cls.await);
        // CLS gives the file, however many objects it will lie in.
        assert!(of_file.ends_with(&before), "{text} {live}");
        assert!(rest_of_file.starts_with(&after), "{text} {live}");
        assert!(
            live.contains("它前面一条是") && live.contains("后面一条是"),
            "{live}"
        );
        in_objects += before.len() + after.len();
        // A line beside it opens like any other.
        let next = lines(&clients[1], &open(&of_file[0])).await;
        assert_eq!(fact(&next, "total"), "1");
    }
    assert!(in_objects > 0);
    assert!(cloud.times("DescribeLogContext") > 0 && cloud.forged() == 0);

    let screen = asking.client(SCREEN, Era::Handshake).await;
    let id = &ids[ids.len() / 2];
    let text = lines(&screen, &open(id)).await;
    let rows: Vec<&str> = text
        .lines()
        .filter(|l| l.starts_with("| business:"))
        .collect();
    assert!(rows.len() > 10, "{text}");
    let itself = rows.iter().position(|row| row.contains(id));
    assert!(itself.is_some_and(|at| at > 0), "{text}");
}

#[tokio::test]
async fn a_line_is_told_alone_where_its_neighbours_may_not_be_asked_for() {
    let (_, asking, cloud, _dirs) = two_servers().await;
    cloud.refuse("DescribeLogContext");
    let client = asking.client(ROBOT, Era::Handshake).await;
    let ids = last_hour(&client).await;
    let (text, failed) = told(&client, "fetch_logs", open(&ids[0])).await;
    assert!(!failed && fact(&text, "total") == "1", "{text}");
    let why = fact(&text, "beside_failed");
    assert!(why.contains("cls:DescribeLogContext"), "{text}");
}

#[tokio::test]
async fn a_wrong_key_is_said_beside_what_the_bucket_gave() {
    let dir = TempDir::new().expect("folder");
    let range = today();
    let bucket = dir.path().join("bucket");
    demo::lay(&bucket, TODAY.parse().expect("day"), &range.zone).expect("lay");
    let cloud = Cloud::start().await;
    let live = cloud.live_with("AnotherKey");
    let manner = Manner {
        live: Some((live, range.start_ms + 15 * HOUR_MS)),
        ..Manner::default()
    };
    let server = over_bucket::serve(dir.path(), manner).await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let ask = json!({"date": TODAY, "kind": "event", "start": "09:00", "end": "15:00"});
    let (text, failed) = told(&client, "fetch_logs", ask).await;
    assert!(!failed && fact(&text, "total") != "0", "{text}");
    assert!(fact(&text, "live_failed").contains("SecretKey"), "{text}");
    assert!(cloud.forged() > 0);
}

#[tokio::test]
async fn around_an_alarm_business_lines_are_cut_and_their_words_are_not() {
    let cloud = Cloud::start().await;
    let range = today();
    let (from_ms, to_ms) = (range.start_ms, range.start_ms + HOUR_MS / 2);
    let line = |i: i64| {
        let word = if i % 4000 == 3999 { " needle" } else { "" };
        let tags = json!({"namespace": "shop", "pod_name": "cart-0", "container_name": "cart"});
        Log {
            ms: from_ms + i * 100,
            fields: json!({"__CONTENT__": format!("line {i}{word}"), "__TAG__": tags}),
            ..Log::default()
        }
    };
    cloud.put(LogKind::Business, (0..12_000).map(line).collect());
    let write = |i: i64, verb: &str| {
        let fields = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": format!("a-{i}"), "stage": "ResponseComplete",
            "verb": verb, "user": {"username": "u"}, "responseStatus": {"code": 200},
            "objectRef": {"resource": "deployments", "apiGroup": "apps", "namespace": "shop", "name": "cart"}});
        Log {
            ms: from_ms + i,
            fields,
            ..Log::default()
        }
    };
    cloud.put(
        LogKind::Audit,
        vec![write(1, "patch"), write(2, "get"), write(3, "delete")],
    );

    let asked = cloud.live();
    let look = |kind, scope| Look::of(kind, from_ms, to_ms, scope);
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    for (scope, read) in [
        (Scope::Words(words(&["needle"])), 10_001),
        (Scope::Around(words(&["needle|nothing"])), 3),
    ] {
        let business = asked.search(&look(LogKind::Business, scope)).await;
        let business = business.expect("answer");
        let cut = business.cut.expect("more than are read");
        assert_eq!((cut.read, cut.of), (read, Some(12_000)));
        let kept = business.kept();
        let needles: Vec<&str> = kept
            .iter()
            .map(|k| k.text.as_str())
            .filter(|text| text.contains("needle"))
            .collect();
        assert_eq!(
            needles,
            ["line 3999 needle", "line 7999 needle", "line 11999 needle"]
        );
        assert!(matches!(&kept[0].origin, Origin::Cls { topic, .. } if topic == "topic-business"));
    }
    let writes = asked.search(&look(LogKind::Audit, Scope::Writes)).await;
    let writes = writes.expect("answer");
    assert_eq!((writes.kept().len(), writes.cut), (2, None));
    let digest = writes.digest(&range);
    assert_eq!((digest.writes.len(), digest.counts.records), (2, 2));
    let events = asked.search(&look(LogKind::Event, Scope::Whole)).await;
    assert!(events.expect("answer").is_empty());

    let whole = Look::of(LogKind::Business, from_ms, to_ms, Scope::Whole);
    let logs = asked.search(&whole).await.expect("answer");
    assert_eq!(
        (logs.len(), logs.cut.map(|c| c.of)),
        (MOST_BUSINESS, Some(Some(12_000)))
    );
}
