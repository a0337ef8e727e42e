//! How well spoken questions find what answers them, on `tests/fixtures/questions.toml`: offline, by words, by vectors, by both.

use serde::Deserialize;

use super::{
    Doc, Query, What,
    fixture::{day, open, zone},
    search::{Sides, search},
};
use crate::model::{LogKind, Severity};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    text: Vec<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "named as in the file")]
struct Text {
    id: String,
    subject: String,
    text: String,
    #[serde(default)]
    tune: Vec<String>,
    #[serde(default)]
    judge: Vec<String>,
}

/// How one way of searching did.
#[derive(Debug, Default)]
struct Score {
    first: f64,
    five: f64,
    /// Mean of 1 / rank within the first ten.
    mrr: f64,
}

async fn measure(
    store: &super::Store,
    questions: &[(String, String)],
    sides: Sides,
    misses: &mut Vec<String>,
) -> Score {
    let mut done = Score::default();
    let share = 1.0 / questions.len() as f64;
    for (question, answer) in questions {
        let query = Query::new(question, zone());
        let hits = store
            .ask(move |c| search(c, &query, sides, Vec::new()))
            .await
            .expect("search");
        let rank = hits.hits.iter().position(|h| h.id == *answer);
        if let Some(rank) = rank {
            done.mrr += share / (rank + 1) as f64;
            done.first += if rank == 0 { share } else { 0.0 };
            done.five += if rank < 5 { share } else { 0.0 };
        }
        if rank.is_none_or(|r| r > 0) {
            let ids = hits.hits.iter().map(|h| h.id.as_str());
            let first: Vec<&str> = ids.take(5).collect();
            misses.push(format!("{sides:?} {question} -> {answer}, found {first:?}"));
        }
    }
    done
}

#[tokio::test]
async fn spoken_questions_find_their_answers() {
    let text = include_str!("../../tests/fixtures/questions.toml");
    let fixture: Fixture = toml::from_str(text).expect("fixture");
    let dir = tempfile::tempdir().expect("dir");
    let store = open(dir.path());
    let docs = fixture.text.iter().map(|t| Doc {
        id: t.id.clone(),
        what: What::Template,
        kind: LogKind::Business,
        text: t.text.clone(),
        subject: t.subject.clone(),
        namespace: String::new(),
        object: String::new(),
        severity: Severity::Info,
        count: 1,
        first_ms: 0,
        last_ms: 0,
    });
    store
        .replace_docs(day("2026-11-21"), docs.collect())
        .await
        .expect("docs");
    let of = |pick: fn(&Text) -> &Vec<String>| -> Vec<(String, String)> {
        let each = fixture.text.iter();
        each.flat_map(|t| pick(t).iter().map(|q| (q.clone(), t.id.clone())))
            .collect()
    };
    let (tune, judge) = (of(|t| &t.tune), of(|t| &t.judge));
    assert!(tune.len() + judge.len() >= 200 && judge.len() >= tune.len());
    for (name, questions) in [("tune", &tune), ("judge", &judge)] {
        let mut misses = Vec::new();
        let words = measure(&store, questions, Sides::Words, &mut misses).await;
        let vectors = measure(&store, questions, Sides::Vectors, &mut misses).await;
        let both = measure(&store, questions, Sides::Both, &mut misses).await;
        if name == "tune" {
            for miss in &misses {
                println!("missed: {miss}");
            }
        }
        println!("{name}: words {words:.3?}, vectors {vectors:.3?}, both {both:.3?}");
        assert!(both.five >= 0.90);
        assert!(both.five >= words.five && both.five >= vectors.five);
        // The tuning half has no answer left that words alone do not bring among the first five; the other has no such ceiling.
        if name == "judge" {
            assert!(both.five > words.five && both.five > vectors.five);
        } else {
            assert!(both.mrr > words.mrr && both.mrr > vectors.mrr);
        }
    }
}
