//! Filters, wide and narrow, one and several: each leaves what passes it, in the order that everything has.

use super::{tests::doc, *};
use crate::store::{
    Doc,
    fixture::{day, open, zone},
};

/// More than either side looks at exactly.
const TEXTS: usize = 4000;

/// On two days, so that the numbers of documents are not those of texts.
async fn with_texts(dir: &std::path::Path) -> Store {
    let store = open(dir);
    let docs = (0..TEXTS).map(|n| {
        let [a, b, c] = [n % 41, n / 41 % 37, n % 31].map(|word| format!("w{word}"));
        let text = format!("{a} of {b} lost, {c} failed {n} times");
        let namespace = if n.is_multiple_of(20) { "shop" } else { "pay" };
        Doc {
            kind: LogKind::ALL[n % 3],
            what: if n.is_multiple_of(4) {
                What::Finding
            } else {
                What::Template
            },
            severity: if n.is_multiple_of(7) {
                Severity::Error
            } else {
                Severity::Info
            },
            object: format!("{b}-{}", n % 5),
            first_ms: 0,
            last_ms: i64::try_from(n).unwrap_or(0),
            ..doc(&n.to_string(), &text, namespace)
        }
    });
    let (earlier, later): (Vec<Doc>, Vec<Doc>) = docs.partition(|d| d.last_ms % 10 == 0);
    let early = [earlier, later[..50].to_vec()].concat();
    for (date, docs) in [("2026-11-20", early), ("2026-11-21", later)] {
        let put = store.replace_docs(day(date), docs).await;
        put.expect("docs");
    }
    store
}

type Passes = fn(&Hit) -> bool;

/// Filters, and which hits pass them.
fn filters(all: &Query) -> [(Query, Passes); 8] {
    let shop = |h: &Hit| h.namespace == "shop";
    let last = day("2026-11-21");
    let several: Passes = |h| {
        let failed = h.id.parse().is_ok_and(|n: usize| n.is_multiple_of(7));
        failed && h.kind == LogKind::Audit && h.namespace == "pay"
    };
    let mut of: [(Query, Passes); 8] = [
        (all.clone(), shop),
        (all.clone(), |h| h.namespace == "pay"),
        (all.clone(), |h| h.kind == LogKind::Event),
        (all.clone(), |h| h.date == day("2026-11-21")),
        (all.clone(), |h| h.what == What::Finding),
        (all.clone(), |h| h.object.contains("-4")),
        (all.clone(), |h| h.last_seen.ms >= 1000),
        (all.clone(), several),
    ];
    of[0].0.namespace = Some("shop".to_owned());
    of[1].0.namespace = Some("pay".to_owned());
    of[2].0.kind = Some(LogKind::Event);
    of[3].0.days = Some((last, last));
    of[4].0.what = vec![What::Finding];
    of[5].0.object = Some("-4".to_owned());
    (of[6].0.time, of[6].0.embedded) = (Some((1000, 9000)), true);
    (of[7].0.severity, of[7].0.kind) = (Some(Severity::Error), Some(LogKind::Audit));
    of[7].0.namespace = Some("pay".to_owned());
    of
}

#[tokio::test]
async fn a_filter_wide_or_narrow_leaves_what_passes_it_in_its_order() {
    let dir = tempfile::tempdir().expect("dir");
    let store = with_texts(dir.path()).await;
    let ask = async |query: Query, sides| {
        let found = store.ask(move |c| search(c, &query, sides, Vec::new()));
        found.await.expect("search").hits
    };
    let all = Query {
        limit: TEXTS,
        ..Query::new("w5 w9 w20 w30 w36", zone())
    };
    for sides in [Sides::Words, Sides::Vectors] {
        let unfiltered = ask(all.clone(), sides).await;
        for (at, (filter, passes)) in filters(&all).into_iter().enumerate() {
            let passing = unfiltered.iter().filter(|h| passes(h));
            let expected: Vec<&str> = passing.map(|h| &*h.id).take(10).collect();
            assert_eq!(expected.len(), 10);
            let ten = Query {
                limit: 10,
                ..filter
            };
            let found = ask(ten, sides).await;
            let found: Vec<&str> = found.iter().map(|h| &*h.id).collect();
            assert_eq!(found, expected, "{sides:?}, filter {at}");
        }
    }
}
