//! Alarms told over real files and stand-ins of gateway and chat.

use serde_json::json;
use wiremock::{Mock, ResponseTemplate, matchers::path_regex};

use super::*;
use crate::alerts::{
    Source,
    house::{ALARM, MAC, MINUTE, house, now},
};

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
