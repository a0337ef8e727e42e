//! A running round, followed by whoever waits for it, and stopped by whoever does not want it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use futures::FutureExt as _;
use gengfu::{
    mcp::{Change, Rounds, sessions::Limits},
    round::{progress::Phase, tasks::Ended},
};
use rmcp::{
    ClientHandler, RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, ProgressNotificationParam},
    service::NotificationContext,
};
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::{
    running::{Era, ROBOT, Running, told},
    stored_day::owner,
};

/// Passes progress on.
struct Patient(mpsc::UnboundedSender<f64>);

impl ClientHandler for Patient {
    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        // The test has ended when nobody listens.
        let _ = self.0.send(progress.progress);
    }
}

#[tokio::test]
async fn a_caller_that_waits_hears_how_far_the_round_is() {
    let (go, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (wait, tell) = (go.clone(), begun.clone());
    let server = Running::over(Limits::default(), move |tasks, _| {
        let run = move |_, work: gengfu::round::tasks::Work| {
            let (wait, tell) = (wait.clone(), tell.clone());
            async move {
                work.progress.begin(Phase::Events, 2, 100);
                work.progress.object_done(50);
                tell.notify_one();
                wait.notified().await;
                Err("nothing there".to_owned())
            }
            .boxed()
        };
        Rounds::new(tasks, Arc::new(run))
    })
    .await;
    let (tell, mut heard) = mpsc::unbounded_channel();
    let client = Patient(tell).serve(server.transport(ROBOT)).await;
    let client = client.expect("initialize");
    let peer = client.peer().clone();
    let asking = tokio::spawn(async move {
        let arguments = json!({ "date": "2026-11-19" });
        let arguments = arguments.as_object().cloned().expect("object");
        let call = CallToolRequestParams::new("search_events").with_arguments(arguments);
        peer.call_tool(call).await
    });
    begun.notified().await;
    server.desk.changes.announce(Change::Tasks(owner("demo")));
    let far = heard.recv().await.expect("progress");
    assert!((3.0..15.0).contains(&far), "half of the events: {far}");
    go.notify_one();
    let answer = asking.await.expect("join").expect("an answer");
    assert_eq!(answer.content.len(), 1);
}

#[tokio::test]
async fn a_round_that_nobody_wants_is_stopped_and_starts_again_when_asked() {
    let rounds = Arc::new(AtomicU32::new(0));
    let count = rounds.clone();
    let server = Running::over(Limits::default(), move |tasks, _| {
        let run = move |_, work: gengfu::round::tasks::Work| {
            count.fetch_add(1, Ordering::SeqCst);
            async move {
                work.cancelled.cancelled().await;
                Err("stopped".to_owned())
            }
            .boxed()
        };
        Rounds::new(tasks, Arc::new(run))
    })
    .await;
    let client = server.client(ROBOT, Era::Handshake).await;
    told(&client, "summarize_day", json!({ "refresh": true })).await;
    let task = server
        .desk
        .rounds
        .tasks
        .newest(&owner("demo"))
        .expect("a task");
    assert_eq!(task.ended(), None);
    let (said, failed) = told(&client, "task_status", json!({ "stop": true })).await;
    assert!(!failed && said.contains("停下"), "{said}");
    assert_eq!(task.wait().await, Ended::Stopped);
    told(
        &client,
        "summarize_day",
        json!({ "refresh": true, "detail": "full" }),
    )
    .await;
    let again = server
        .desk
        .rounds
        .tasks
        .newest(&owner("demo"))
        .expect("a task");
    assert!(again.id != task.id && again.ended().is_none());
    assert_eq!(rounds.load(Ordering::SeqCst), 2);
}
