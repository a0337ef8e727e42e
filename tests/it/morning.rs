//! The morning on which today's owner is somebody else: the key in `.env` is rewritten while yesterday's owner is being told.

use std::sync::atomic::Ordering;

use gengfu::{
    demo,
    mcp::MARK,
    model::Day,
    owners::{env_sync::Names, env_watch::Watched},
    round::{
        ledger,
        tasks::{Ended, Urgency},
    },
};
use jiff::tz::TimeZone;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    over_bucket::{self, Manner},
    running::{Era, ROBOT, Running, TEN_O_CLOCK, told},
    stored_day::owner,
};

const DAY: &str = "2026-11-21";
/// What only the report of `demo` speaks of, and what only the bucket of `other` holds.
const OF_DEMO: &str = "v2.4.1-rc9";
const OF_OTHER: &str = "billing";

/// Voiceprint recognition, which has heard somebody.
struct Voiceprint {
    watched: Watched,
    file: std::path::PathBuf,
}

impl Voiceprint {
    fn of(server: &Running) -> Self {
        let file = server.data.path().join("keys.env");
        let names = Names {
            id: vec!["TENCENTCLOUD_SECRET_ID".to_owned()],
            key: vec!["TENCENTCLOUD_SECRET_KEY".to_owned()],
        };
        Self {
            watched: Watched::new(server.desk.owners.clone(), file.clone(), names),
            file,
        }
    }

    /// Rewrites the file, and the server sees it, as its follower does.
    async fn hears(&mut self, server: &Running, alias: &str) {
        let text = format!(
            "TENCENTCLOUD_SECRET_ID=AKIDtest{alias}\nTENCENTCLOUD_SECRET_KEY=secret-of-{alias}\n"
        );
        std::fs::write(&self.file, text).expect("write");
        let mut now_ms = server.clock.load(Ordering::SeqCst);
        assert!(self.watched.look(now_ms).await.is_none(), "not settled");
        now_ms = server.clock.fetch_add(1_000, Ordering::SeqCst) + 1_000;
        let change = self.watched.look(now_ms).await.expect("a change");
        let yesterday = server.desk.today().plus(-1);
        server
            .desk
            .rounds
            .begin_unless_told(&server.desk.stores, &change.owner, yesterday)
            .await;
    }
}

#[tokio::test]
async fn whoever_the_file_names_is_heard_at_once_and_hears_nobody_else() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let day: Day = DAY.parse().expect("day");
    demo::lay(&dir.path().join("other/bucket"), day, &zone).expect("lay");
    let manner = Manner {
        apart: true,
        ..Manner::default()
    };
    let server = over_bucket::serve(dir.path(), manner).await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let mut voiceprint = Voiceprint::of(&server);

    let (first, _) = told(&client, "summarize_day", json!({ "part": 1 })).await;
    assert!(first.contains("owner=demo"), "{first}");

    // In the middle of the report somebody else comes.
    voiceprint.hears(&server, "other").await;
    let task = server.desk.rounds.running(&owner("other"), day);
    let (told_now, failed) = told(&client, "summarize_day", json!({})).await;
    assert!(
        !failed && told_now.starts_with("这是李四的日志。"),
        "{told_now}"
    );
    assert_eq!(task.expect("queued").wait().await, Ended::Done);
    for (tool, arguments) in [
        ("summarize_day", json!({})),
        ("summarize_day", json!({ "part": 2 })),
        ("summarize_day", json!({ "detail": "full" })),
        ("search_events", json!({})),
        ("search_audit", json!({})),
        ("trace_cause", json!({ "from": "event" })),
        ("analyze_business", json!({})),
        ("propose_rollback", json!({})),
        ("fetch_logs", json!({ "kind": "event" })),
        ("task_status", json!({})),
    ] {
        let (text, _) = told(&client, tool, arguments).await;
        assert!(text.contains("owner=other"), "{tool}: {text}");
        assert!(!text.contains(OF_DEMO), "{tool}: {text}");
        assert!(!text.starts_with("这是"), "said once: {text}");
    }
    let (report, _) = told(&client, "summarize_day", json!({})).await;
    assert!(report.contains(OF_OTHER), "{report}");

    server.clock.fetch_add(1_000, Ordering::SeqCst);
    // By voice back to the first, until nobody has asked for half an hour.
    let (back, _) = told(&client, "switch_owner_keys", json!({ "owner": "演示" })).await;
    assert!(
        back.contains("演示") && back.contains("owner=demo"),
        "{back}"
    );
    let (again, _) = told(&client, "summarize_day", json!({})).await;
    assert!(again.starts_with("这是演示的日志。"), "{again}");
    assert!(
        again.contains(OF_DEMO) && !again.contains(OF_OTHER),
        "{again}"
    );
    server.clock.fetch_add(29 * 60_000, Ordering::SeqCst);
    let (still, _) = told(&client, "summarize_day", json!({ "part": 1 })).await;
    assert!(still.contains("owner=demo"), "{still}");
    server.clock.fetch_add(30 * 60_000, Ordering::SeqCst);
    let (after, _) = told(&client, "summarize_day", json!({})).await;
    assert!(after.starts_with("这是李四的日志。"), "{after}");
    assert!(
        after.contains(OF_OTHER) && !after.contains(OF_DEMO),
        "{after}"
    );
    assert!(server.clock.load(Ordering::SeqCst) > TEN_O_CLOCK);
    client.cancel().await.expect("end");
    server.stop().await;
}

#[tokio::test]
async fn why_there_is_no_report_is_short_for_the_ear_and_whole_for_the_model() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let day: Day = "2026-11-15".parse().expect("day");
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let why = "没有找到新主人的日志桶。密钥缺少权限 cls:DescribeShippers。知道桶名的话，执行 gengfu owner set owner-eae90573be --bucket cos://<桶名-appid>。";
    ledger::begin(&store, day, Urgency::Nightly, 0)
        .await
        .expect("begin");
    ledger::end(&store, day, ledger::Outcome::Failed(why), 1)
        .await
        .expect("end");
    let (text, _) = told(&client, "summarize_day", json!({ "date": day.to_string() })).await;
    let (spoken, aside) = text.split_once(MARK).expect("two parts");
    assert!(
        spoken.contains("上一次没有分析成，没有找到新主人的日志桶"),
        "{spoken}"
    );
    assert!(
        !spoken.contains("owner-") && !spoken.contains("权限"),
        "{spoken}"
    );
    for whole in [
        "cls:DescribeShippers",
        "gengfu owner set owner-eae90573be --bucket cos://",
    ] {
        assert!(aside.contains(whole), "{whole}: {aside}");
    }
    client.cancel().await.expect("end");
    server.stop().await;
}

#[tokio::test]
async fn a_voice_is_asked_about_and_not_believed() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let ask = json!({ "part": 1, "speaker": "李四" });
    let (text, _) = told(&client, "summarize_day", ask).await;
    assert!(text.contains("owner=demo"), "{text}");
    let aside = text.split(MARK).nth(1).unwrap_or_default();
    assert!(
        aside.contains("李四") && aside.contains("switch_owner_keys"),
        "{aside}"
    );
    let (own, _) = told(
        &client,
        "summarize_day",
        json!({ "part": 1, "speaker": "演示" }),
    )
    .await;
    assert!(!own.contains("switch_owner_keys"), "{own}");
    client.cancel().await.expect("end");
    server.stop().await;
}
