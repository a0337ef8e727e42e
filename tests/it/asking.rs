//! What a robot hears when it asks: answers from a stored day, in both eras.

use std::time::Instant;

use gengfu::mcp::MARK;
use serde_json::{Value, json};

use crate::running::{Client, ERAS, Era, OTHER, ROBOT, Running, SCREEN, told};

const TOOLS: [&str; 11] = [
    "summarize_day",
    "analyze_business",
    "search_events",
    "search_audit",
    "trace_cause",
    "fetch_logs",
    "propose_rollback",
    "analyze_alert",
    "switch_owner_keys",
    "mark_incident",
    "task_status",
];

/// The part for the listener.
pub(crate) fn spoken(text: &str) -> &str {
    text.split(MARK).next().unwrap_or_default().trim_end()
}

pub(crate) async fn said(client: &Client, tool: &'static str, arguments: Value) -> String {
    let (text, failed) = told(client, tool, arguments).await;
    assert!(!failed, "{tool}: {text}");
    text
}

#[tokio::test]
async fn the_broadcast_names_all_six_problems_and_asks() {
    let server = Running::start().await;
    for era in ERAS {
        let client = server.client(ROBOT, era).await;
        let text = said(&client, "summarize_day", json!({})).await;
        let heard = spoken(&text);
        for name in ["checkout", "mysql", "robot", "np", "tke"] {
            assert!(heard.contains(name), "{name}: {heard}");
        }
        assert!(
            heard.chars().count() <= 400 && heard.ends_with(['?', '？']),
            "{heard}"
        );
        assert!(
            text.contains("owner=demo")
                && text.contains("date=2026-11-21")
                && text.contains("trace_cause"),
            "{text}"
        );
        client.cancel().await.expect("close");
    }
    assert_eq!(server.stop().await, 0);
}

#[tokio::test]
async fn every_tool_answers_with_every_argument_left_out() {
    let server = Running::start().await;
    for era in ERAS {
        let client = server.client(ROBOT, era).await;
        let listed = client.list_all_tools().await.expect("list");
        let mut names: Vec<&str> = listed.iter().map(|t| t.name.as_ref()).collect();
        names.sort_unstable();
        let mut expected = TOOLS;
        expected.sort_unstable();
        assert_eq!(names, expected);
        for tool in TOOLS {
            let (text, _) = told(&client, tool, json!({})).await;
            assert!(spoken(&text).ends_with(['?', '？']), "{tool}: {text}");
        }
    }
}

#[tokio::test]
async fn nonsense_gets_a_sentence_that_says_what_to_write() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    for (tool, arguments, advice) in [
        ("summarize_day", json!({ "part": "九十九" }), "参数 part"),
        (
            "summarize_day",
            json!({ "date": { "a": [1] } }),
            "参数 date",
        ),
        ("summarize_day", json!({ "kind": "weather" }), "参数 kind"),
        ("summarize_day", json!({ "detail": 7 }), "参数 detail"),
        (
            "summarize_day",
            json!({ "date": "2099-01-01" }),
            "date=2099-01-01",
        ),
        ("search_events", json!({ "start": "noonish" }), "参数 start"),
        (
            "search_events",
            json!({ "start": "11:00", "end": "10:00" }),
            "参数 end",
        ),
        ("search_audit", json!({ "limit": -3 }), "参数 limit"),
        ("fetch_logs", json!({}), "参数 kind"),
        (
            "mark_incident",
            json!({ "as": "nice", "incident": "i1" }),
            "参数 as",
        ),
        (
            "trace_cause",
            json!({ "incident": "第四十个" }),
            "incidents=i1",
        ),
    ] {
        let (text, failed) = told(&client, tool, arguments.clone()).await;
        assert!(
            failed && text.contains(advice),
            "{tool} {arguments}: {text}"
        );
        for word in ["serde", "invalid type", "expected", "Error"] {
            assert!(!text.contains(word), "{text}");
        }
    }
    // Strange but meant: not a failure.
    for (tool, arguments) in [
        (
            "summarize_day",
            json!({ "part": "2", "date": null, "kind": "", "unknown": { "x": 1 }, "refresh": "false" }),
        ),
        (
            "summarize_day",
            json!({ "date": "11月21日", "kind": "事件日志", "part": 1.0 }),
        ),
        ("search_events", json!({ "limit": "3", "object": 5 })),
    ] {
        said(&client, tool, arguments).await;
    }
}

/// Every part ends by asking whether to go on; then "go on" must.
#[tokio::test]
async fn going_on_tells_the_part_after_the_one_that_was_heard() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let mut parts = Vec::new();
    for part in 1..=4 {
        let robot = json!({ "part": part, "device_id": "one by one" });
        let text = said(&client, "summarize_day", robot).await;
        parts.push(spoken(&text).to_owned());
    }
    let first = json!({ "part": "1 概述", "device_id": "on and on" });
    let mut heard = vec![said(&client, "summarize_day", first).await];
    for words in ["继续", "下一部分", "continue", "继续"] {
        let robot = json!({ "part": words, "device_id": "on and on" });
        heard.push(said(&client, "summarize_day", robot).await);
    }
    let heard: Vec<&str> = heard.iter().map(|text| spoken(text)).collect();
    assert_eq!(heard[..4], parts);
    assert!(heard[4].contains("都播报完了"), "{}", heard[4]);
}

#[tokio::test]
async fn it_and_the_second_one_mean_what_was_told() {
    let server = Running::start().await;
    for era in ERAS {
        let client = server.client(ROBOT, era).await;
        let robot = |extra: Value| {
            let mut arguments = json!({ "device_id": format!("{era:?}") });
            arguments
                .as_object_mut()
                .expect("object")
                .extend(extra.as_object().expect("object").clone());
            arguments
        };
        let nothing = told(&client, "trace_cause", robot(json!({}))).await;
        assert!(nothing.1, "{nothing:?}");
        said(&client, "summarize_day", robot(json!({}))).await;
        let second = said(
            &client,
            "trace_cause",
            robot(json!({ "incident": "第二个" })),
        )
        .await;
        assert!(second.contains("StatefulSet data/mysql"), "{second}");
        let first = said(
            &client,
            "trace_cause",
            robot(json!({ "incident": "第一个" })),
        )
        .await;
        assert!(
            first.contains("Deployment shop/checkout") && first.contains("cause=image.not_found"),
            "{first}"
        );
        let rollback = said(&client, "propose_rollback", robot(json!({}))).await;
        assert!(
            rollback.contains("incident=i1") && !spoken(&rollback).contains("kubectl -n"),
            "{rollback}"
        );
    }
    // Another robot has been told nothing.
    let client = server.client(OTHER, Era::Handshake).await;
    let (text, failed) = told(
        &client,
        "propose_rollback",
        json!({ "device_id": "another" }),
    )
    .await;
    assert!(failed, "{text}");
}

#[tokio::test]
async fn events_are_grouped_by_workload_and_found_by_meaning() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Sessionless).await;
    let text = said(
        &client,
        "search_events",
        json!({ "date": "昨天", "object": "checkout" }),
    )
    .await;
    assert!(
        text.contains("total=1;") && text.contains("event:"),
        "{text}"
    );
    assert!(
        text.contains("search_audit{"),
        "the next kind is named with its arguments: {text}"
    );
    let by_meaning = said(&client, "search_events", json!({ "query": "镜像拉取失败" })).await;
    assert!(by_meaning.contains("total=1;"), "{by_meaning}");
    let none = said(
        &client,
        "search_events",
        json!({ "start": "03:00", "end": "04:00" }),
    )
    .await;
    assert!(none.contains("total=0"), "{none}");
}

#[tokio::test]
async fn who_changed_what_from_what_to_what() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let text = said(
        &client,
        "search_audit",
        json!({ "object": "checkout", "verb": "改" }),
    )
    .await;
    assert!(
        text.contains("100012347138 patch Deployment shop/checkout"),
        "{text}"
    );
    assert!(text.contains("/spec/template/spec/containers/0/image: shop/checkout:v2.4.0 -> shop/checkout:v2.4.1-rc9"), "{text}");
    let none = said(&client, "search_audit", json!({ "user": "nobody" })).await;
    assert!(none.contains("total=0"), "{none}");
}

#[tokio::test]
async fn a_screen_gets_tables_with_evidence() {
    let server = Running::start().await;
    let client = server.client(SCREEN, Era::Handshake).await;
    let lines = said(&client, "fetch_logs", json!({ "kind": "event" })).await;
    assert!(lines.contains("| event:0000000000000001 |"), "{lines}");
    let one = said(
        &client,
        "fetch_logs",
        json!({ "kind": "event", "keyword": "audit:00000000000077ab" }),
    )
    .await;
    assert!(
        one.contains("kind=audit") && one.contains("total=1"),
        "{one}"
    );
    let page = said(
        &client,
        "fetch_logs",
        json!({ "kind": "event", "limit": 2 }),
    )
    .await;
    assert!(
        page.contains("not_shown=1; cursor=2") || page.contains("not_shown=1;cursor=2"),
        "{page}"
    );
    let day = said(&client, "summarize_day", json!({})).await;
    assert!(day.contains("| i1 |"), "{day}");
}

#[tokio::test]
async fn a_settled_incident_is_not_told_again_until_it_is_taken_back() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    said(&client, "summarize_day", json!({})).await;
    said(
        &client,
        "mark_incident",
        json!({ "incident": "第一个", "as": "正常不用再报" }),
    )
    .await;
    let without = said(&client, "summarize_day", json!({})).await;
    assert!(
        without.contains("marked_not_told=1") && !spoken(&without).contains("checkout"),
        "{without}"
    );
    assert!(
        said(&client, "mark_incident", json!({ "as": "list" }))
            .await
            .contains("checkout")
    );
    said(
        &client,
        "mark_incident",
        json!({ "incident": "i1", "as": "undo" }),
    )
    .await;
    assert!(spoken(&said(&client, "summarize_day", json!({})).await).contains("checkout"));
}

#[tokio::test]
async fn a_day_never_run_starts_one_round_and_says_so_at_once() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let asked = Instant::now();
    let text = said(&client, "summarize_day", json!({ "date": "前天" })).await;
    assert!(asked.elapsed().as_secs() < 1, "{:?}", asked.elapsed());
    assert!(
        text.contains("task=t1") && text.contains("task_status{\"task\":\"t1\"}"),
        "{text}"
    );
    let again = said(&client, "summarize_day", json!({ "date": "2026-11-20" })).await;
    assert!(again.contains("task=t1"), "{again}");
    let status = said(&client, "task_status", json!({})).await;
    assert!(
        status.contains("task=t1") && status.contains("date=2026-11-20"),
        "{status}"
    );
}

#[tokio::test]
async fn a_pasted_alarm_without_meaning_is_said_to_be_a_wrong_policy() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Sessionless).await;
    let pasted = "集群ID cls-l9taan9w, CPU总配置 > 0核, 当前数值 3.859核(CPU总配置), 地域 南京, 触发时间 2025-07-29 12:17:00, 告警级别 -, 恢复时间";
    let text = said(&client, "analyze_alert", json!({ "text": pasted })).await;
    assert!(spoken(&text).contains("策略"), "{text}");
    let none = said(&client, "analyze_alert", json!({})).await;
    assert!(spoken(&none).contains("没有收到告警"), "{none}");
}

#[tokio::test]
async fn prompts_are_served_with_their_arguments() {
    let server = Running::start().await;
    for era in ERAS {
        let client = server.client(ROBOT, era).await;
        let names: Vec<String> = client
            .list_all_prompts()
            .await
            .expect("prompts")
            .into_iter()
            .map(|p| p.name)
            .collect();
        for name in ["broadcast", "follow_up", "trace", "alert", "switch_owner"] {
            assert!(names.iter().any(|n| n == name), "{names:?}");
        }
        let values = json!({ "date": "{{ 7 * 7 }}" });
        let request = rmcp::model::GetPromptRequestParams::new("broadcast")
            .with_arguments(values.as_object().expect("object").clone());
        let got = serde_json::to_string(&client.get_prompt(request).await.expect("prompt"))
            .expect("json");
        assert!(
            got.contains("{{ 7 * 7 }}") && got.contains("summarize_day"),
            "{got}"
        );
    }
}

#[tokio::test]
async fn an_unknown_tool_is_the_only_protocol_error() {
    let server = Running::start().await;
    let client = server.client(ROBOT, Era::Handshake).await;
    let request = rmcp::model::CallToolRequestParams::new("get_weather");
    assert!(client.call_tool(request).await.is_err());
}
