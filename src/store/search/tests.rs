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
}

#[tokio::test]
async fn a_wide_filter_and_a_narrow_one_find_what_would_be_found_if_there_were_nothing_else() {
    const WORDS: [&str; 6] = ["disk", "link", "node", "pool", "lease", "route"];
    let part = |n: usize, namespace: &str| {
        let [a, b, c] = [n, n / 6, n / 36].map(|n| WORDS[n % 6]);
        doc(
            &n.to_string(),
            &format!("{a} of {b} lost, {c} x{n} failed"),
            namespace,
        )
    };
    for (one_in, asked) in [(20, "few"), (20, "most"), (2, "few")] {
        let namespace = |n: usize| {
            if n.is_multiple_of(one_in) {
                "few"
            } else {
                "most"
            }
        };
        let all = (0..600).map(|n| part(n, namespace(n)));
        let alone = all.clone().filter(|d| d.namespace == asked);
        let filtered = Query {
            namespace: Some(asked.to_owned()),
            ..Query::new("which node lost its route", zone())
        };
        let unfiltered = Query {
            namespace: None,
            ..filtered.clone()
        };
        let mut found = Vec::new();
        for (docs, query) in [(all.collect(), filtered), (alone.collect(), unfiltered)] {
            let dir = tempfile::tempdir().expect("dir");
            let store = open(dir.path());
            // With weights of all texts, so that a text is as near in both.
            let everything: Vec<Doc> = (0..600).map(|n| part(n, "most")).collect();
            store
                .replace_docs(day("2026-11-20"), everything)
                .await
                .expect("docs");
            store
                .replace_docs(day("2026-11-20"), Vec::new())
                .await
                .expect("none");
            store
                .replace_docs(day("2026-11-21"), docs)
                .await
                .expect("docs");
            let hits = store.ask(move |c| search(c, &query, Sides::Vectors, Vec::new()));
            let hits = hits.await.expect("search").hits.into_iter();
            found.push(hits.map(|h| h.id).collect::<Vec<_>>());
        }
        assert!(!found[0].is_empty());
        assert_eq!(found[0], found[1], "{asked}, one in {one_in}");
    }
}
