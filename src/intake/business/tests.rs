//! One business line in every way that CLS ships it.

use proptest::prelude::*;

use super::*;

fn record(line: &str) -> BusinessRecord<'_> {
    read(line.as_bytes()).unwrap_or_else(|e| panic!("{e:?}: {line}"))
}

const NESTED: &str = r#"{"__TIMESTAMP__":1795276861000,"__SOURCE__":"10.0.3.17","level":"ERROR","msg":"create order failed","cost":30001,"ctx":{"order":"2026112200017","items":[1,"two"],"none":{}},"__TAG__":{"cluster_id":"cls-7a1b2c3d","namespace":"shop","pod_name":"checkout-6f7c9d8b5d-x2k8q","container_name":"checkout","pod_label_app.kubernetes.io/name":"checkout"}}"#;
const TILED: &str = r#"{"__TIMESTAMP__":"1795276861","__TAG__.pod_label_app.kubernetes.io/name":"checkout","__PKGID__":"A-1","level":"ERROR","msg":"create order failed","cost":"30001","ctx":"{ \"order\":\"2026112200017\",\"items\":[1, \"two\"],\"none\":{}}","__TAG__.cluster_id":"cls-7a1b2c3d","__TAG__.namespace":"shop","__TAG__.pod_name":"checkout-6f7c9d8b5d-x2k8q","__TAG__.container_name":"checkout","__SOURCE__":"10.0.3.17"}"#;

#[test]
fn every_way_of_shipping_gives_the_same_record() {
    let (nested, tiled) = (record(NESTED), record(TILED));
    assert_eq!(nested.identity, tiled.identity);
    assert_eq!((&nested.source, nested.ts_ms), (&tiled.source, tiled.ts_ms));
    assert_eq!(nested.fields, tiled.fields);
    assert_eq!(nested.text, "create order failed");
    assert_eq!(nested.level, Some(Level::Error));
    assert_eq!(nested.source.pod, "checkout-6f7c9d8b5d-x2k8q");
    let fields: Vec<_> = nested
        .fields
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        fields,
        [
            "cost=30001",
            "ctx.order=2026112200017",
            "ctx.items.0=1",
            "ctx.items.1=two",
            "ctx.none={}"
        ]
    );
    let other = NESTED.replace("two", "six");
    assert_ne!(record(&other).identity, nested.identity);
}

#[test]
fn a_message_is_found_wherever_the_collector_put_it() {
    for (line, text) in [
        (
            r#"{"__TIMESTAMP__":1,"__CONTENT__":"plain \"text\"\n"}"#,
            "plain \"text\"",
        ),
        (
            r#"{"__TIMESTAMP__":1,"__CONTENT__":"\ufeff\u001b[1;31mERROR\u001b[0m \u001b[36mpool\u001b[0m is empty, pass\u001b[0mword=hunter22\u001b[0m"}"#,
            "ERROR pool is empty, password=<secret>",
        ),
        (r#"{"__TIMESTAMP__":1,"LogParseFailure":"raw"}"#, "raw"),
        (r#"{"__TIMESTAMP__":1,"__RAWLOG__":"raw"}"#, "raw"),
        (
            r#"{"__TIMESTAMP__":1,"log":"line\n","stream":"stderr","kubernetes":{"pod_name":"a-0"}}"#,
            "line",
        ),
        (
            r#"{"log":"line\n","stream":"stderr","time":"2026-11-21T15:58:03.1Z"}"#,
            "line",
        ),
        (
            r#"{"__TIMESTAMP__":1,"__CONTENT__":"{\"level\":50,\"msg\":\"boom\",\"stack\":\"at f\"}"}"#,
            "boom\nat f",
        ),
        (
            r#"{"__TIMESTAMP__":1,"method":"GET","status":200}"#,
            "method=GET status=200",
        ),
        (
            r#"{"__TIMESTAMP__":1,"__CONTENT__":"{not json}"}"#,
            "{not json}",
        ),
    ] {
        assert_eq!(record(line).text, text, "{line}");
    }
}

#[test]
fn the_path_of_the_file_stands_in_for_missing_tags() {
    for file in [
        "/var/log/pods/shop_checkout-x2k8q_1f0c0d3e/web/0.log",
        "/var/log/containers/checkout-x2k8q_shop_web-0a1b2c.log",
    ] {
        let line = format!(r#"{{"__TIMESTAMP__":1,"__FILENAME__":"{file}","__CONTENT__":"x"}}"#);
        let source = record(&line).source;
        assert_eq!(
            (
                source.namespace.as_ref(),
                source.pod.as_ref(),
                source.container.as_ref()
            ),
            ("shop", "checkout-x2k8q", "web")
        );
    }
}

#[test]
fn a_plain_line_is_borrowed() {
    let line = r#"{"__TIMESTAMP__":1,"__CONTENT__":"积分结算完成, 共处理566条"}"#;
    assert!(matches!(record(line).text, Cow::Borrowed(_)));
    assert_eq!(read(br#"{"msg":"x"}"#), Err(Rejection::NoTimestamp));
}

/// Lines that end with tags, nested or flat, and lines in which something is wrong before them.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let head = prop::sample::select(vec![
        r#"{"__TIMESTAMP__":1,"__CONTENT__":"a""#,
        r#"{"__TIMESTAMP__":2,"__CONTENT__":"b \",\"__TAG__\":{}","level":"WARN""#,
        r#"{"__TIMESTAMP__":3,"in":{"k":[1]"#,
        r#"{"__TIMESTAMP__":4,"open":"#,
        r#"{"__TIMESTAMP__":5,"#,
        "{",
        r#"{"__TIMESTAMP__":6}"#,
        r#"{"__TIMESTAMP__":7,"__CONTENT__":"c"} "#,
        "{\"__TIMESTAMP__\":8,\"__CONTENT__\":\"\u{1}\"",
    ]);
    let rest = prop::sample::select(vec![
        r#","__TAG__":{"pod_name":"p-1","namespace":"shop"}}"#,
        r#","__TAG__":{"pod_name":"p-2","namespace":"shop"}}"#,
        r#","__TAG__.pod_name":"p-1","__TAG__.namespace":"shop"}"#,
        r#","__TAG__":{"pod_name":"p-1"},"level":"ERROR"}"#,
        r#","__TAG__":{"pod_name":"p-1"}}}"#,
        r#","__TAG__":{"pod_name":"p-1"}"#,
        r#","__TAG__":1}"#,
        "}",
    ]);
    prop::collection::vec(
        (head, rest).prop_map(|(head, rest)| format!("{head}{rest}")),
        1..40,
    )
}

#[test]
fn tags_whose_hash_is_zero_are_no_other_line_s_and_many_pods_fit_into_little_room() {
    // Made for it: its xxh3 is 0.
    let crafted = r#","__TAG__":{"pod_name":"evil-0","namespace":"xx","z":"NrPvkQCQ8tmypjy1j15cIehBSmM0oIgW1gH3rQ9OrGQEFoBZ7hlkTiaclyxxxxxxxxxxxxx"}}"#;
    let line = format!(r#"{{"__TIMESTAMP__":1,"__CONTENT__":"x"{crafted}"#);
    let other = r#"{"__TIMESTAMP__":1,"__CONTENT__":"y","__FILENAME__":"/var/log/pods/pay_api-0_1/c/0.log"}"#;
    let mut reader = Reader::default();
    for line in [&line, other, &line, other] {
        assert_eq!(reader.read(line.as_bytes()), read(line.as_bytes()));
    }
    for pod in 0..20_000 {
        let line = format!(
            r#"{{"__TIMESTAMP__":1,"__CONTENT__":"x","__TAG__":{{"pod_name":"p-{pod}","of":"{}"}}}}"#,
            "o".repeat(1000)
        );
        for _ in 0..2 {
            assert_eq!(reader.read(line.as_bytes()), read(line.as_bytes()));
        }
        assert!(reader.known.bytes() <= source::MOST_BYTES);
    }
}

proptest! {
    #[test]
    fn a_reader_that_knows_many_lines_reads_each_as_if_it_were_the_first(lines in lines()) {
        let mut reader = Reader::default();
        for line in &lines {
            let (with, without) = (reader.read(line.as_bytes()), read(line.as_bytes()));
            prop_assert_eq!(&with, &without, "{}", line);
            let valid = serde_json::from_str::<serde_json::Value>(line).is_ok();
            prop_assert_eq!(with == Err(Rejection::NotJson), !valid, "{}", line);
        }
    }
}
