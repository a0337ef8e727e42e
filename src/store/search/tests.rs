//! Questions to a small store: what is found, in which order, and what the filters leave out.

use super::*;
use crate::store::{
    Doc,
    embed::Class,
    fixture::{day, digest, meta, open, zone},
};

pub(super) fn doc(id: &str, text: &str, namespace: &str) -> Doc {
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
async fn what_holds_a_number_of_the_question_comes_before_what_only_sounds_like_it() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let docs = vec![
        doc("a", "order workflow", "shop"),
        doc("b", "order order", "shop"),
        doc(
            "c",
            "no answer of the bank when we asked it to pay for order 2026112123935 a second time",
            "pay",
        ),
    ];
    let put = store.replace_docs(day("2026-11-21"), docs).await;
    put.expect("docs");
    let ask = Query::new("order 2026112123935", zone());
    let hits = store.search(ask).await.expect("search").hits;
    let found: Vec<&str> = hits.iter().map(|h| h.id.as_str()).collect();
    assert_eq!(found[0], "c", "{hits:?}");
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn of_incidents_that_fit_alike_the_last_one_is_found_first_and_one_that_fits_better_whenever_it_was()
 {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let incident = |id: &str, text: &str| Doc {
        what: What::Incident,
        ..doc(id, text, "shop")
    };
    let days = [
        (
            "2026-09-02",
            vec![
                incident("cert", "certificate of the gateway expired"),
                incident("old", "connection pool of the payment service exhausted"),
            ],
        ),
        (
            "2026-11-21",
            vec![
                incident(
                    "last",
                    "connection pool of the payment service was exhausted",
                ),
                incident("now", "route of the gateway lost"),
                doc("line", "certificate of the gateway renewed", "shop"),
            ],
        ),
    ];
    for (date, docs) in days {
        let put = store.replace_docs(day(date), docs).await;
        put.expect("docs");
    }
    for (asked, order) in [
        ("connection pool exhausted", ["last", "old"].as_slice()),
        // Newer incidents are found as well, and a template that fits nearly as well.
        ("certificate of the gateway expired", &["cert", "line"]),
    ] {
        let hits = store.search(Query::new(asked, zone())).await;
        let hits = hits.expect("search").hits;
        let ids: Vec<&str> = hits.iter().map(|h| h.id.as_str()).collect();
        assert_eq!(&ids[..order.len()], order, "{hits:?}");
    }
}

#[tokio::test]
async fn a_line_that_was_written_all_day_does_not_bury_the_finding() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let d = day("2026-11-21");
    let finding = Doc {
        what: What::Finding,
        ..doc("f1", "镜像拉取不下来，仓库里没有这个标签", "shop")
    };
    let docs = vec![
        doc("a", "镜像拉取失败 number <num>", "shop"),
        finding,
        doc("b", "GET <path> <num> <num>ms", "shop"),
    ];
    store.replace_docs(d, docs).await.expect("docs");
    let identities: Vec<u64> = (1..=30).collect();
    let event = digest(LogKind::Event, "k", &identities);
    let put = store.put_object(d, LogKind::Event, meta("k"), event).await;
    put.expect("put");
    let query = Query {
        what: vec![What::Template, What::Finding, What::Record],
        limit: 40,
        ..Query::new("镜像拉取失败", zone())
    };
    let hits = store.search(query).await.expect("search").hits;
    let records = hits.iter().filter(|h| h.what == What::Record);
    assert_eq!(records.count(), 30);
    let at = hits.iter().position(|h| h.id == "f1");
    assert!(at.is_some_and(|at| at < 3), "{at:?} of {hits:?}");
}

#[tokio::test]
async fn a_line_of_several_namespaces_is_found_in_each_of_them_on_its_newest_day() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let everywhere = || ["shop", "staging", "pay"].map(|n| doc("a", "redis pool exhausted", n));
    for date in ["2026-11-20", "2026-11-21"] {
        let put = store.replace_docs(day(date), everywhere().to_vec()).await;
        put.expect("docs");
    }
    let found = store.search(Query::new("redis pool exhausted", zone()));
    let found = found.await.expect("search");
    let places: Vec<(String, &str)> = (found.hits.iter())
        .map(|h| (h.date.to_string(), h.namespace.as_str()))
        .collect();
    let newest = ["shop", "staging", "pay"].map(|n| ("2026-11-21".to_owned(), n));
    assert_eq!(places, newest);
    assert!(!found.cut && found.total == 3, "{found:?}");
}

#[tokio::test]
async fn whoever_asks_for_many_is_given_more_than_a_side_brings_at_first() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let many = CANDIDATES + 50;
    let docs = (0..many).map(|n| doc(&n.to_string(), &format!("disk{n} is full"), "shop"));
    let put = store.replace_docs(day("2026-11-21"), docs.collect()).await;
    put.expect("docs");
    let few = store.search(Query::new("disk is full", zone())).await;
    assert!(few.expect("search").cut);
    let query = Query {
        limit: 1000,
        ..Query::new("disk is full", zone())
    };
    let found = store.search(query).await.expect("search");
    assert_eq!((found.total, found.cut), (many, false));
}

#[tokio::test]
async fn a_common_word_is_looked_for_when_the_rarer_ones_stand_nowhere() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let docs = (0..1200).map(|n| doc(&n.to_string(), &format!("cache c{n} refreshed"), "shop"));
    let put = store.replace_docs(day("2026-11-21"), docs.collect()).await;
    put.expect("docs");
    let by_words = async |question: &str| {
        let query = Query::new(question, zone());
        let hits = store.ask(move |c| search(c, &query, Sides::Words, Vec::new()));
        hits.await.expect("search").hits
    };
    assert_eq!(by_words("cache evaporated").await.len(), 10);
    // What is rare is found however old it is.
    assert_eq!(by_words("cache c0").await[0].id, "0");
    // It stands on another day, and the common word on the asked one.
    let next = day("2026-11-22");
    let docs = vec![doc("next", "cache lost", "shop")];
    store.replace_docs(next, docs).await.expect("docs");
    let query = Query {
        days: Some((next, next)),
        ..Query::new("cache c0", zone())
    };
    let hits = store.ask(move |c| search(c, &query, Sides::Words, Vec::new()));
    assert_eq!(hits.await.expect("search").hits[0].id, "next");
}

/// Two texts about disks, and their numbers, by which an external embedder of three numbers is to give their vectors.
async fn without_vectors(dir: &std::path::Path) -> (Store, Vec<(i64, String)>) {
    let store = open(dir);
    let docs = vec![doc("a", "disk full", "shop"), doc("b", "disk lost", "shop")];
    let put = store.replace_docs(day("2026-11-21"), docs).await;
    put.expect("docs");
    let external = Some(("bge".to_owned(), 3));
    store.use_embedder(external).await.expect("external");
    let texts = store.unembedded(10).await.expect("texts");
    (store, texts)
}

#[tokio::test]
async fn a_vector_that_points_nowhere_is_not_found_and_harms_no_search() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, texts) = without_vectors(dir.path()).await;
    let nowhere = vec![
        (texts[0].0, vec![0.0; 3]),
        (texts[1].0, vec![0.0, 1.0, 0.0]),
    ];
    store.put_vectors(nowhere).await.expect("put");
    let query = Query {
        vector: Some(vec![0.0, 1.0, 0.0]),
        ..Query::new("x", zone())
    };
    let found = store.search(query).await.expect("search");
    assert_eq!(found.hits.len(), 1);
}

#[tokio::test]
async fn a_text_without_a_vector_is_left_out_where_only_embedded_ones_are_asked_for() {
    let dir = tempfile::tempdir().expect("dir");
    let (store, texts) = without_vectors(dir.path()).await;
    let vectors = vec![(texts[0].0, vec![1.0; 3])];
    store.put_vectors(vectors).await.expect("put");
    for (embedded, found) in [(true, 1), (false, 2)] {
        let query = Query {
            embedded,
            ..Query::new("disk", zone())
        };
        assert_eq!(store.search(query).await.expect("search").total, found);
    }
}

#[tokio::test]
async fn how_common_a_word_is_is_known_beside_an_external_embedder_too() {
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let external = Some(("bge".to_owned(), 3));
    store.use_embedder(external).await.expect("external");
    let docs = vec![doc("a", "disk full", "shop"), doc("b", "disk lost", "shop")];
    store
        .replace_docs(day("2026-11-21"), docs)
        .await
        .expect("docs");
    let frequency = store.ask(|c| {
        let weights = vectors::weights(c)?;
        Ok(weights.map(|w| w.frequency(Class::Word, "disk")))
    });
    assert_eq!(frequency.await.expect("weights"), Some(2));
}
