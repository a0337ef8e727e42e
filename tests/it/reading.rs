//! Resources: read, listed, completed, followed - by those who may.

use gengfu::mcp::{Change, sessions::Limits};
use rmcp::{
    ClientHandler, RoleClient, ServiceExt,
    model::{
        ArgumentInfo, CompleteRequestParams, ReadResourceRequestParams, Reference,
        ResourceUpdatedNotificationParam, ServerNotification, SubscribeRequestParams,
        SubscriptionFilter,
    },
    service::NotificationContext,
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    doors::opened_session,
    running::{Client, ERAS, Era, ROBOT, Running, STRANGER, http_client},
    stored_day::{owner, report},
};

async fn text(client: &Client, uri: &str) -> Result<String, rmcp::ServiceError> {
    let read = client
        .read_resource(ReadResourceRequestParams::new(uri))
        .await?;
    let content = serde_json::to_value(&read.contents[0]).expect("json");
    Ok(content["text"].as_str().expect("text").to_owned())
}

#[tokio::test]
async fn the_files_of_a_day_are_read_as_they_were_written() {
    let server = Running::start().await;
    for era in ERAS {
        let client = server.client(ROBOT, era).await;
        let summary = text(&client, "gengfu://demo/2026-11-21/llm_summary.txt")
            .await
            .expect("summary");
        assert!(summary.starts_with("### 1. **镜像拉取失败"), "{summary}");
        let json = text(&client, "gengfu://demo/2026-11-21/report.json")
            .await
            .expect("report");
        let read: gengfu::model::report::Report = serde_json::from_str(&json).expect("a report");
        assert_eq!(read.incidents, report().incidents);
        assert!(
            text(&client, "gengfu://demo/days")
                .await
                .expect("days")
                .contains("2026-11-21")
        );
        assert!(
            text(&client, "gengfu://demo/alerts")
                .await
                .expect("alerts")
                .contains("alerts")
        );
        assert!(
            text(&client, "gengfu://faults")
                .await
                .expect("faults")
                .contains("image.not_found")
        );
        let listed = client.list_all_resources().await.expect("list");
        assert!(
            listed
                .iter()
                .any(|r| r.uri == "gengfu://demo/2026-11-21/report.json"),
            "{listed:?}"
        );
        assert_eq!(
            client
                .list_all_resource_templates()
                .await
                .expect("templates")
                .len(),
            6
        );
    }
}

#[tokio::test]
async fn what_a_caller_may_not_open_does_not_exist() {
    let server = Running::start().await;
    for era in ERAS {
        let client = server.client(STRANGER, era).await;
        let mine = text(&client, "gengfu://demo/2026-11-21/report.json")
            .await
            .expect_err("another owner's")
            .to_string();
        let nobodys = text(&client, "gengfu://nobody/2026-11-21/report.json")
            .await
            .expect_err("no such owner")
            .to_string();
        assert_eq!(mine.replace("demo", "nobody"), nobodys);
        let listed = client.list_all_resources().await.expect("list");
        assert!(listed.iter().all(|r| !r.uri.contains("demo")), "{listed:?}");
        for path in [
            "gengfu://demo/../demo/days",
            "gengfu://%2e%2e/days",
            "file:///etc/passwd",
        ] {
            assert!(text(&client, path).await.is_err(), "{path}");
        }
    }
}

#[tokio::test]
async fn owners_and_dates_are_completed() {
    let server = Running::start().await;
    for era in ERAS {
        let client = server.client(ROBOT, era).await;
        let template = || Reference::for_resource("gengfu://{owner}/{date}/report.json");
        let owners = CompleteRequestParams::new(template(), ArgumentInfo::new("owner", "de"));
        assert_eq!(
            client
                .complete(owners)
                .await
                .expect("complete")
                .completion
                .values,
            ["demo"]
        );
        let dates = CompleteRequestParams::new(template(), ArgumentInfo::new("date", "2026-"));
        assert_eq!(
            client
                .complete(dates)
                .await
                .expect("complete")
                .completion
                .values,
            ["2026-11-21"]
        );
    }
}

/// Passes on what a client of the handshake era is told.
#[derive(Debug, Clone)]
struct Hearing(mpsc::UnboundedSender<String>);

impl ClientHandler for Hearing {
    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        let _gone = self.0.send(params.uri);
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _gone = self.0.send("list".to_owned());
    }
}

const SUMMARY: &str = "gengfu://demo/2026-11-21/llm_summary.txt";

#[tokio::test]
#[expect(deprecated, reason = "clients of the handshake era subscribe this way")]
async fn subscribers_of_the_handshake_era_hear_of_what_they_follow() {
    let server = Running::start().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let client = Hearing(tell)
        .serve(server.transport(ROBOT))
        .await
        .expect("initialize");
    client
        .subscribe(SubscribeRequestParams::new(SUMMARY))
        .await
        .expect("subscribe");
    assert!(
        client
            .subscribe(SubscribeRequestParams::new("gengfu://x/../y"))
            .await
            .is_err()
    );

    let day = report().date;
    server
        .desk
        .changes
        .announce(Change::Report(owner("demo"), day.plus(-1)));
    server
        .desk
        .changes
        .announce(Change::NewDay(owner("demo"), day));
    assert_eq!(told.recv().await.as_deref(), Some("list"));
    assert_eq!(told.recv().await.as_deref(), Some(SUMMARY));
    let alerts = "gengfu://demo/alerts";
    client
        .subscribe(SubscribeRequestParams::new(alerts))
        .await
        .expect("subscribe");
    let changes = &server.desk.changes;
    changes.announce(Change::Alerts(owner("other")));
    changes.announce(Change::Alerts(owner("demo")));
    assert_eq!(told.recv().await.as_deref(), Some(alerts));
}

/// More changes at once than wait for a reader; the first of them is an alarm.
fn flood(server: &Running) {
    let changes = &server.desk.changes;
    changes.announce(Change::Alerts(owner("demo")));
    for _ in 0..600 {
        changes.announce(Change::Tasks(owner("other")));
    }
}

#[tokio::test]
#[expect(deprecated, reason = "clients of the handshake era subscribe this way")]
async fn whoever_fell_behind_hears_of_everything_that_it_follows() {
    let server = Running::start().await;
    let alerts = "gengfu://demo/alerts";
    let (tell, mut told) = mpsc::unbounded_channel();
    let client = Hearing(tell).serve(server.transport(ROBOT)).await;
    let client = client.expect("initialize");
    let asked = client.subscribe(SubscribeRequestParams::new(alerts)).await;
    asked.expect("subscribe");
    let filter = SubscriptionFilter::builder().resource_subscriptions([alerts]);
    let sessionless = server.client(ROBOT, Era::Sessionless).await;
    let listening = sessionless.listen(filter.build()).await;
    let mut listening = listening.expect("listen");
    // Nothing else runs on this thread meanwhile.
    flood(&server);
    assert_eq!(told.recv().await.as_deref(), Some("list"));
    assert_eq!(told.recv().await.as_deref(), Some(alerts));
    let news = listening
        .next()
        .await
        .expect("stream")
        .expect("notification");
    assert!(
        matches!(&news, ServerNotification::ResourceUpdatedNotification(n) if n.params.uri == alerts),
        "{news:?}"
    );
}

fn everything() -> SubscriptionFilter {
    SubscriptionFilter::builder()
        .resource_subscriptions(["gengfu://demo/alerts", "gengfu://demo/tasks"])
        .resources_list_changed()
        .build()
}

#[tokio::test]
async fn listeners_of_the_sessionless_era_hear_of_what_they_follow_and_may_open() {
    let server = Running::start().await;
    let filter = || {
        SubscriptionFilter::builder()
            .resource_subscriptions([SUMMARY])
            .build()
    };
    let mine = server.client(ROBOT, Era::Sessionless).await;
    let strange = server.client(STRANGER, Era::Sessionless).await;
    let mut hears = mine.listen(filter()).await.expect("listen");
    let mut deaf = strange.listen(filter()).await.expect("listen");

    server
        .desk
        .changes
        .announce(Change::Report(owner("demo"), report().date));
    let first = hears.next().await.expect("stream").expect("notification");
    assert!(
        matches!(first, ServerNotification::ResourceUpdatedNotification(n) if n.params.uri == SUMMARY)
    );
    // A new alarm and a round that comes on, each at its address.
    let alive = mine.listen(everything()).await;
    let mut alive = alive.expect("listen");
    let changes = &server.desk.changes;
    for (change, uri) in [
        (Change::Alerts(owner("demo")), "gengfu://demo/alerts"),
        (Change::Tasks(owner("demo")), "gengfu://demo/tasks"),
    ] {
        changes.announce(change);
        let news = alive.next().await.expect("stream").expect("notification");
        assert!(
            matches!(&news, ServerNotification::ResourceUpdatedNotification(n) if n.params.uri == uri),
            "{news:?}"
        );
    }
    changes.announce(Change::NewDay(owner("demo"), report().date));
    let news = alive.next().await.expect("stream").expect("notification");
    assert!(matches!(
        news,
        ServerNotification::ResourceListChangedNotification(_)
    ));
    drop(alive);
    // The stranger hears of nothing until the house closes.
    assert_eq!(server.stop().await, 0);
    assert!(deaf.next().await.is_ok_and(|n| n.is_none()));
}

#[tokio::test]
async fn a_session_that_comes_back_follows_what_it_followed() {
    let limits = Limits {
        live: 1,
        remembered: 100,
    };
    let server = Running::with(limits).await;
    let (first, _) = opened_session(&server, ROBOT).await;
    let ask = json!({"jsonrpc": "2.0", "id": 8, "method": "resources/subscribe", "params": {"uri": "gengfu://demo/alerts"}});
    let asked = server.post(ROBOT, Some(&first), &ask).send().await;
    assert_eq!(asked.expect("subscribe").status(), 200);
    opened_session(&server, ROBOT).await;
    // Closed by the other one; listening brings it back.
    let listening = http_client().get(server.url("/mcp")).bearer_auth(ROBOT);
    let listening = listening
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &first);
    let mut listening = listening.send().await.expect("get");
    assert_eq!(listening.status(), 200);
    let changes = &server.desk.changes;
    changes.announce(Change::Alerts(owner("demo")));
    let mut text = String::new();
    while !text.contains("gengfu://demo/alerts") {
        let chunk = listening.chunk().await.expect("read").expect("open");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
}
