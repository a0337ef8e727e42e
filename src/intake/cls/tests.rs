//! A stand-in of a topic that pages as the service does.

use wiremock::{Mock, Request, ResponseTemplate};

use super::*;
use crate::intake::tc3::tests::{response, signed, stand_in};

const START: i64 = 1_795_190_400_000;

fn query(limit: usize) -> Query {
    Query {
        topic: "t-1".to_owned(),
        from_ms: START,
        to_ms: START + 3_600_000,
        text: "*".to_owned(),
        limit,
        meta: Meta::default(),
    }
}

/// A topic with `total` logs, one every 100 ms, that pages as the service does: 10 000 by context and no more.
fn topic_of(total: usize) -> impl Fn(&Request) -> ResponseTemplate {
    move |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).expect("json");
        let number =
            |name: &str| usize::try_from(body[name].as_i64().unwrap_or(0)).expect("positive");
        let first = number("From")
            .saturating_sub(usize::try_from(START).expect("usize"))
            .div_ceil(100);
        let skip: usize = body["Context"]
            .as_str()
            .map_or(0, |c| c.parse().expect("context"));
        let end = total.min(first + skip + number("Limit"));
        let results: Vec<_> = (first + skip..end)
            .map(|i| json!({"Time": START + 100 * i64::try_from(i).expect("i64"), "TopicId": "t-1", "PkgId": "P", "PkgLogId": "0", "Source": "10.0.0.1",
                "LogJson": json!({"__CONTENT__": format!("line {i}"), "__TAG__": {"pod_name": "p"}}).to_string()}))
            .collect();
        let read = end - first;
        response(
            &json!({"Context": read.to_string(), "ListOver": end == total && read < 10_000 || results.is_empty(), "Results": results}),
        )
    }
}

async fn contents(total: usize, limit: usize) -> (Vec<String>, bool) {
    let (server, api) = stand_in().await;
    Mock::given(signed)
        .respond_with(topic_of(total))
        .mount(&server)
        .await;
    let page = Cls::new(api, Turns::default())
        .search(&query(limit))
        .await
        .expect("page");
    let content = |f: Found| {
        serde_json::from_str::<Value>(&f.line).expect("json")["__CONTENT__"]
            .as_str()
            .map(str::to_owned)
    };
    (
        page.found.into_iter().filter_map(content).collect(),
        page.cut,
    )
}

#[tokio::test]
async fn every_log_of_a_window_is_read_once() {
    for total in [0, 1, 999, 1000, 2500, 12_345] {
        let (lines, cut) = contents(total, 100_000).await;
        let expected: Vec<_> = (0..total).map(|i| format!("line {i}")).collect();
        assert_eq!((lines.len(), cut), (total, false));
        assert_eq!(lines, expected);
    }
}

#[tokio::test]
async fn what_the_limit_cuts_is_said() {
    assert!(!contents(50, 50).await.1);
    let (lines, cut) = contents(51, 50).await;
    assert_eq!((lines.len(), cut), (50, true));
}

#[tokio::test]
async fn a_log_looks_as_if_it_had_been_shipped() {
    let (server, api) = stand_in().await;
    Mock::given(signed)
        .respond_with(topic_of(1))
        .mount(&server)
        .await;
    let cls = Cls::new(api, Turns::default());
    let page = cls.search(&query(10)).await.expect("page");
    let line = page.found[0].line.as_bytes();
    let record = crate::intake::business::read(line).expect("record");
    assert_eq!(
        (
            record.ts_ms,
            record.text.as_ref(),
            record.source.pod.as_ref()
        ),
        (START, "line 0", "p")
    );
    let shipped = format!(
        r#"{{"__TIMESTAMP__":"{START}","__SOURCE__":"10.0.0.1","__CONTENT__":"line 0","__TAG__.pod_name":"p"}}"#
    );
    let shipped = crate::intake::business::read(shipped.as_bytes()).expect("record");
    assert_eq!(
        record.identity, shipped.identity,
        "the same evidence id from COS and CLS"
    );

    // A task that ships neither source nor tags.
    let bare = Query {
        meta: Meta {
            fields: Some(vec!["__FILENAME__".to_owned()]),
            tags: false,
        },
        ..query(10)
    };
    let page = cls.search(&bare).await.expect("page");
    let record = crate::intake::business::read(page.found[0].line.as_bytes()).expect("record");
    let shipped = format!(r#"{{"__TIMESTAMP__":{START},"__CONTENT__":"line 0"}}"#);
    let shipped = crate::intake::business::read(shipped.as_bytes()).expect("record");
    assert_eq!(record.identity, shipped.identity);
}

#[tokio::test]
async fn a_histogram_is_asked_in_the_services_own_terms() {
    let (server, api) = stand_in().await;
    let answer = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).expect("json");
        assert_eq!(request.headers["x-tc-action"], "DescribeLogHistogram");
        assert_eq!(body["SyntaxRule"], 1);
        response(&json!({"HistogramInfos": [{"Count": 3, "BTime": START}]}))
    };
    Mock::given(signed)
        .respond_with(answer)
        .mount(&server)
        .await;
    let cls = Cls::new(api, Turns::default());
    assert_eq!(
        cls.histogram(&query(1), 1000).await.expect("bars"),
        [(START, 3)]
    );
}
