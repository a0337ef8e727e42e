//! The last known state of each object, per day, so that the next change of an object has a "before".
//!
//! In: what a day leaves of each cluster, whole: what it did not touch is carried on. Out: the newest of these before a day. Always true: what
//! a day deleted or let go is not known the day after; a day's states are those that its own past shows, never its future; an object's are
//! kept for as long as a day whose lines are here may be judged against them. Does not say what is worth keeping (`diagnosis::changes`).

use std::sync::Arc;

use rusqlite::{Transaction, params};

use super::{
    Error, Store,
    codec::{pack, unpack},
};
use crate::model::{
    Day, ObjectRef,
    shapes::{State, States},
};

impl Store {
    /// What the newest day before `day` left of each cluster. A cluster that was not seen for a day is as it was left before.
    pub async fn states_before(&self, day: Day) -> Result<States, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT s.kind, s.namespace, s.name, s.at_ms, s.body, s.cluster
                 FROM (SELECT cluster, max(day) AS day FROM states WHERE day < ?1 GROUP BY cluster) newest
                 JOIN states s ON s.cluster = newest.cluster AND s.day = newest.day",
            )?;
            let mut rows = find.query([day.to_string()])?;
            let mut states = States::new();
            while let Some(row) = rows.next()? {
                let object = ObjectRef {
                    kind: row.get(0)?,
                    namespace: row.get(1)?,
                    name: row.get(2)?,
                    cluster: row.get(5)?,
                };
                let body = Arc::new(unpack(row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?)?);
                states.insert(object, State { at_ms: row.get(3)?, body });
            }
            Ok(states)
        })
        .await
    }
}

/// Replaces the states that a day left.
pub(super) fn put(tx: &Transaction<'_>, day: Day, states: &States) -> Result<(), Error> {
    let day = day.to_string();
    tx.prepare_cached("DELETE FROM states WHERE day = ?1")?
        .execute([&day])?;
    let mut insert = tx.prepare_cached("INSERT INTO states VALUES (?1,?2,?3,?4,?5,?6,?7)")?;
    for (object, state) in states {
        insert.execute(params![
            object.cluster,
            object.kind,
            object.namespace,
            object.name,
            day,
            state.at_ms,
            pack(&*state.body)?
        ])?;
    }
    Ok(())
}

/// Removes states that only days before `day` are judged against.
pub(super) fn retire_before(tx: &Transaction<'_>, day: Day) -> Result<(), Error> {
    tx.prepare_cached(
        "DELETE FROM states WHERE day < (SELECT max(day) FROM states newer WHERE newer.cluster = states.cluster AND newer.day <= ?1)",
    )?
    .execute([day.to_string()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        model::LogKind,
        store::fixture::{day, digest, meta, open},
    };

    /// Pods, each as `cluster/name`.
    async fn leave(store: &Store, date: &str, pods: &[&str]) {
        let state = |pod: &&str| {
            let (cluster, name) = pod.split_once('/').expect("a cluster");
            let object = ObjectRef {
                cluster: cluster.to_owned(),
                ..ObjectRef::new("Pod", "shop", name)
            };
            let body = Arc::new(json!({ "seen": date }));
            (object, State { at_ms: 0, body })
        };
        let (day, states) = (day(date), pods.iter().map(state).collect());
        let kept = store.change(move |tx| put(tx, day, &states)).await;
        kept.expect("kept");
    }

    async fn known(store: &Store, date: &str) -> Vec<String> {
        let states = store.states_before(day(date)).await.expect("states");
        let of = |(object, state): (&ObjectRef, &State)| {
            format!(
                "{}/{} {}",
                object.cluster,
                object.name,
                state.body["seen"].as_str().expect("date")
            )
        };
        let mut known: Vec<String> = states.iter().map(of).collect();
        known.sort();
        known
    }

    #[tokio::test]
    async fn what_a_day_let_go_is_not_known_the_day_after() {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path());
        leave(&store, "2026-11-19", &["a/one", "a/two", "b/one"]).await;
        leave(&store, "2026-11-20", &["a/two"]).await;
        leave(&store, "2026-11-22", &["a/three"]).await;
        assert!(known(&store, "2026-11-19").await.is_empty());
        // The other cluster was not seen that day.
        let after = ["a/two 2026-11-20", "b/one 2026-11-19"];
        assert_eq!(known(&store, "2026-11-21").await, after);
        assert_eq!(known(&store, "2026-11-22").await, after);
    }

    #[tokio::test]
    async fn states_go_when_no_day_with_lines_is_judged_against_them() {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path());
        for (date, pod) in [
            ("2026-11-19", "a/one"),
            ("2026-11-20", "a/two"),
            ("2026-11-21", "a/three"),
        ] {
            leave(&store, date, &[pod]).await;
        }
        leave(&store, "2026-11-18", &["b/one"]).await;
        let kind = LogKind::Event;
        let digest = digest(kind, "k", &[1]);
        let put = store.put_object(day("2026-11-20"), kind, meta("k"), digest);
        put.await.expect("stored");
        store.retire_day(day("2026-11-20")).await.expect("retired");
        assert_eq!(known(&store, "2026-11-20").await, ["b/one 2026-11-18"]);
        let next = ["a/two 2026-11-20", "b/one 2026-11-18"];
        assert_eq!(known(&store, "2026-11-21").await, next);
    }
}
