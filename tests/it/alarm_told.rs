//! After an alarm: what "it" means when the day was looked at again meanwhile, and that a cause which stands is told at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::FutureExt as _;
use gengfu::{
    alerts::{Source, inbox},
    mcp::{Rounds, sessions},
    round::around::Seen,
};
use serde_json::json;

use crate::{
    running::{Era, ROBOT, Running, TEN_O_CLOCK, told},
    stored_day::{self, owner},
};

const ALARM: &str = r#"{"alarmStatus":"1","alarmObjInfo":{"region":"gz","dimensions":{"namespace":"shop","workload_kind":"Deployment","workload_name":"checkout"}},
    "alarmPolicyInfo":{"policyId":"p-1","policyName":"副本不可用","conditions":{"metricName":"u","metricShowName":"不可用副本数","calcType":">","calcValue":"0","currentValue":"3"}},
    "firstOccurTime":"2026-11-22 09:58:00","recoverTime":"0"}"#;

/// A server that counts how often it reads logs for an alarm, and finds in them what the sample day knows.
async fn server(looks: &Arc<AtomicUsize>) -> Running {
    let looks = looks.clone();
    Running::over(sessions::Limits::default(), move |tasks, stores| {
        let run = Arc::new(|_, _| async { Ok(()) }.boxed());
        Rounds::new(tasks, run).with_around(Arc::new(move |alias, _| {
            let (looks, stores) = (looks.clone(), stores.clone());
            async move {
                looks.fetch_add(1, Ordering::SeqCst);
                let mut report = stored_day::report();
                report.date = report.date.plus(1);
                for incident in &mut report.incidents {
                    incident.end = None;
                }
                let store = stores.of(&alias).await.map_err(|e| e.to_string())?;
                let kept = store.put_revision(report.clone()).await;
                report.revision = kept.map_err(|e| e.to_string())?;
                Ok(Seen {
                    reports: vec![report],
                    ..Seen::default()
                })
            }
            .boxed()
        }))
    })
    .await
}

#[tokio::test]
async fn it_is_the_incident_that_was_told_whatever_number_it_has_now() {
    let looks = Arc::new(AtomicUsize::new(0));
    let server = server(&looks).await;
    let store = server.desk.stores.of(&owner("demo")).await.expect("store");
    let kept = inbox::receive(&store, ALARM.as_bytes(), Source::Tcop, TEN_O_CLOCK).await;
    kept.expect("kept");
    let client = server.client(ROBOT, Era::Handshake).await;
    for looked in [1, 1] {
        let (text, failed) = told(&client, "analyze_alert", json!({"alert": "1"})).await;
        assert!(
            !failed && text.contains("checkout") && text.contains("原因是"),
            "{text}"
        );
        // The cause stands: nothing is read again for it.
        assert_eq!(looks.load(Ordering::SeqCst), looked);
    }
    // Another look at the day finds the same problems in another order.
    let day = "2026-11-22".parse().expect("day");
    let mut again = store.report(day).await.expect("ask").expect("report");
    again.incidents.reverse();
    for (n, incident) in again.incidents.iter_mut().enumerate() {
        incident.id = format!("i{}", n + 1);
    }
    assert_ne!(again.incidents[0].root.object.name, "checkout");
    store.put_revision(again).await.expect("revision");
    let (text, _) = told(&client, "propose_rollback", json!({})).await;
    assert!(text.contains("checkout"), "{text}");
    // What is no problem any more is not taken for another one.
    let mut none = store.report(day).await.expect("ask").expect("report");
    none.incidents.retain(|i| i.root.object.name != "checkout");
    store.put_revision(none).await.expect("revision");
    let (text, _) = told(&client, "propose_rollback", json!({})).await;
    assert!(
        !text.contains("checkout") && text.contains("没有讲过"),
        "{text}"
    );
}
