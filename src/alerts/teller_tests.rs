//! Alarms told over real files and stand-ins of gateway and chat.

use std::sync::Mutex;

use serde_json::json;
use wiremock::{Mock, Request, Respond, ResponseTemplate, matchers::path_regex};

use super::*;
use crate::{
    alerts::{
        Source, Waking, at_wake,
        house::{ALARM, House, MAC, MINUTE, house, now},
    },
    round::around::Seen,
    store::AlarmState,
};

/// What the robot's server is told when it asks at a wake.
async fn asked_at_wake(store: &Store, at_ms: i64) -> Vec<String> {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let waking = Waking {
        device: MAC,
        scopes: &[],
    };
    let now = Moment::new(at_ms, &zone);
    let woken = at_wake(store, waking, now, &zone, Lang::Zh).await;
    let lines = woken.expect("woken").lines.into_iter();
    lines.map(|(_, line)| line).collect()
}

/// A gateway that wakes the robot, whose server asks what there is before the call returns.
struct Awoken(Store, Arc<Mutex<Vec<String>>>);

impl Respond for Awoken {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let Self(store, heard) = self;
        let asking = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let lines = runtime
                .expect("runtime")
                .block_on(asked_at_wake(store, now()));
            heard.lock().expect("lock").extend(lines);
        };
        std::thread::scope(|s| s.spawn(asking).join()).expect("asked");
        let content = json!([{ "type": "text", "text": "true" }]);
        ResponseTemplate::new(200)
            .set_body_json(json!({ "success": true, "data": { "content": content } }))
    }
}

#[tokio::test]
async fn a_robot_that_is_woken_for_an_alarm_is_not_told_of_it_by_its_server_too() {
    let house = house(None, false).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    Mock::given(path_regex("^/api/commands/"))
        .respond_with(Awoken(house.store.clone(), heard.clone()))
        .with_priority(1)
        .mount(&house.server)
        .await;
    house.comes("p-1", now()).await;
    house.comes("p-2", now()).await;
    house.tend(now()).await;
    assert_eq!(house.spoken().await.len(), 1);
    let heard = heard.lock().expect("lock").clone();
    assert_eq!(heard, Vec::<String>::new());
    // A process that was killed long ago while it woke a robot is no reason to be silent.
    house.comes("p-3", now()).await;
    let claimed = line(WAKEUP, MAC, "alarm:3", now() - 2 * MINUTE, "…");
    assert!(house.store.claim_told_line(claimed).await.expect("claim"));
    let lines = asked_at_wake(&house.store, now()).await;
    assert!(lines.len() == 1 && lines[0].contains("1条"), "{lines:?}");
}

/// An alarm of a day that nobody has read, and a teller for which `meanwhile` happens while the logs are read.
async fn tended_while<F>(house: &House, meanwhile: impl Fn(Store) -> F + Send + Sync + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let body = ALARM.replace("11-21", "11-25");
    let kept = inbox::receive(&house.store, body.as_bytes(), Source::Tcop, now());
    kept.await.expect("kept");
    let store = house.store.clone();
    let logs: Arc<ReadAround> = Arc::new(move |_, _| {
        let happens = meanwhile(store.clone());
        Box::pin(async move {
            happens.await;
            Ok(Seen::default())
        })
    });
    let teller = house.teller_with(logs);
    teller.tend(&house.store, &now).await.expect("tended");
}

#[tokio::test]
async fn what_ended_or_was_heard_while_the_logs_were_read_is_not_told() {
    let house_1 = house(None, false).await;
    let recovery = |store: Store| async move {
        let body = ALARM.replace("11-21", "11-25").replace(
            r#""recoverTime":"0""#,
            r#""recoverTime":"2026-11-25 10:40:00""#,
        );
        let kept = inbox::receive(&store, body.as_bytes(), Source::Tcop, now());
        kept.await.expect("kept");
    };
    tended_while(&house_1, recovery).await;
    assert!(house_1.spoken().await.is_empty());
    assert!(house_1.asked("/robot/send").await.is_empty());

    let house_2 = house(None, false).await;
    let wake = |store: Store| async move {
        assert_eq!(asked_at_wake(&store, now()).await.len(), 1);
    };
    tended_while(&house_2, wake).await;
    assert!(house_2.spoken().await.is_empty());

    let house_3 = house(None, false).await;
    let heard = |store: Store| async move {
        let heard = store.set_alarm_state(1, AlarmState::Acknowledged);
        heard.await.expect("heard");
    };
    tended_while(&house_3, heard).await;
    assert!(house_3.spoken().await.is_empty());
    house_3.store.mark_told(vec![1]).await.expect("marked");
    let row = house_3.store.alarm(1).await.expect("ask").expect("row");
    assert_eq!(row.state, AlarmState::Acknowledged);
}

#[tokio::test]
async fn what_was_analysed_while_it_fired_is_told_as_over_when_it_is() {
    let house = house(Some(11), false).await;
    house.comes("p-1", now()).await;
    house.tend(now()).await;
    let recovered = ALARM.replace("POLICY", "p-1").replace(
        r#""recoverTime":"0""#,
        r#""recoverTime":"2026-11-21 10:40:00""#,
    );
    let kept = inbox::receive(&house.store, recovered.as_bytes(), Source::Tcop, now());
    kept.await.expect("kept");
    let lines = asked_at_wake(&house.store, now() + MINUTE).await;
    assert!(
        lines.len() == 1 && lines[0].contains("已经恢复") && lines[0].contains("原因是"),
        "{lines:?}"
    );
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
async fn what_was_told_one_way_is_still_told_the_other() {
    let house = house(None, false).await;
    // The gateway does not know whether the robot spoke; the chat is out of order, once.
    for (path, status, answer) in [
        (
            "^/api/commands/",
            500,
            json!({ "success": false, "error": "timeout" }),
        ),
        (
            "^/robot/send$",
            500,
            json!({ "errcode": -1, "errmsg": "system busy" }),
        ),
    ] {
        Mock::given(path_regex(path))
            .respond_with(ResponseTemplate::new(status).set_body_json(answer))
            .up_to_n_times(1)
            .with_priority(1)
            .mount(&house.server)
            .await;
    }
    house.comes("p-1", now()).await;
    house.tend(now()).await;
    let state = async || house.store.alarm(1).await.expect("ask").expect("row").state;
    assert_eq!(state().await, AlarmState::Told);
    for minute in [1, 2, 30] {
        house.tend(now() + minute * MINUTE).await;
    }
    let written = house.asked("/robot/send").await.len();
    assert_eq!((house.spoken().await.len(), written), (1, 2));
    // The context source was first, and a process was killed before it had analysed.
    house.comes("p-2", now() + 31 * MINUTE).await;
    let told = house.store.set_alarm_state(2, AlarmState::Told);
    told.await.expect("told");
    house.tend(now() + 32 * MINUTE).await;
    assert_eq!(house.asked("/robot/send").await.len(), 3);
    let row = house.store.alarm(2).await.expect("ask").expect("row");
    assert!(row.analysis.is_some());
    // Who has heard it in full needs no message.
    house.comes("p-3", now() + 33 * MINUTE).await;
    let heard = house.store.set_alarm_state(3, AlarmState::Acknowledged);
    heard.await.expect("heard");
    house.tend(now() + 34 * MINUTE).await;
    assert_eq!(house.asked("/robot/send").await.len(), 3);
}
