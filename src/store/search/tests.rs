//! Questions to a small store: what is found, in which order, and what the filters leave out.

use super::*;
use crate::store::{
    Doc,
    fixture::{day, digest, meta, open, zone},
};

fn doc(id: &str, text: &str, namespace: &str) -> Doc {
    Doc {
        id: id.to_owned(),
        what: What::Template,
        kind: LogKind::Business,
        text: text.to_owned(),
        subject: "checkout".to_owned(),
        namespace: namespace.to_owned(),
        object: "checkout".to_owned(),
        severity: Severity::Error,
        count: 3,
        first_ms: 10,
        last_ms: 20,
    }
}

#[tokio::test]
async fn a_spoken_question_finds_the_english_line_and_filters_hold() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let d = day("2026-11-21");
    let docs = vec![
        doc("a", "Back-off pulling image <path>", "shop"),
        doc("b", "GET <path> <num> <num>ms", "shop"),
        doc(
            "c",
            "0/<num> nodes are available: Insufficient memory",
            "pay",
        ),
    ];
    store.replace_docs(d, docs.clone()).await.expect("docs");
    store.replace_docs(d, docs).await.expect("docs again");
    let event = digest(LogKind::Event, "k", &[5]);
    store
        .put_object(d, LogKind::Event, meta("k"), event)
        .await
        .expect("put");

    let ask = |text: &str| Query::new(text, zone());
    let hits = store.search(ask("镜像拉不下来了")).await.expect("search");
    assert_eq!(hits.hits[0].id, "a");
    let hits = store.search(ask("内存不够调度失败")).await.expect("search");
    assert_eq!(hits.hits[0].id, "c");
    let in_shop = Query {
        namespace: Some("shop".to_owned()),
        ..ask("内存不够调度失败")
    };
    let hits = store.search(in_shop).await.expect("search");
    assert!(hits.hits.iter().all(|h| h.namespace == "shop"), "{hits:?}");
    let records = Query {
        what: vec![What::Record],
        ..ask("镜像拉取")
    };
    let hits = store.search(records).await.expect("search");
    assert_eq!(hits.hits[0].id, "event:0000000000000005");
    let all = store.search(ask("")).await.expect("search");
    assert_eq!(all.total, 3);
}

#[tokio::test]
async fn of_incidents_that_fit_alike_the_last_one_is_found_first_and_one_that_fits_better_whenever_it_was()
 {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let incidents = [
        (
            "2026-09-02",
            "old",
            "connection pool of the payment service exhausted",
        ),
        (
            "2026-10-20",
            "last",
            "connection pool of the payment service was exhausted",
        ),
        ("2026-11-21", "now", "certificate of the gateway expired"),
    ];
    for (date, id, text) in incidents {
        let incident = Doc {
            what: What::Incident,
            ..doc(id, text, "shop")
        };
        let docs = store.replace_docs(day(date), vec![incident]).await;
        docs.expect("docs");
    }
    for (asked, order) in [
        ("connection pool exhausted", ["last", "old"].as_slice()),
        ("certificate expired", &["now"]),
    ] {
        let hits = store.search(Query::new(asked, zone())).await;
        let hits = hits.expect("search").hits;
        let ids: Vec<&str> = hits.iter().map(|h| h.id.as_str()).collect();
        assert_eq!(&ids[..order.len()], order, "{hits:?}");
    }
}
