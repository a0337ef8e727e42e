//! The last known state of each object, per day, so that the next change of an object has a "before".

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
    /// The newest state of each object that was seen on a day before `day`.
    pub async fn states_before(&self, day: Day) -> Result<States, Error> {
        self.ask(move |c| {
            // SQLite takes the other columns from the row that holds the maximum.
            let mut find = c.prepare_cached(
                "SELECT kind, namespace, name, at_ms, body, cluster, max(day) FROM states WHERE day < ?1 GROUP BY cluster, kind, namespace, name",
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

    /// Replaces the states that a day was the last to show.
    pub async fn put_states(&self, day: Day, states: States) -> Result<(), Error> {
        self.change(move |tx| put(tx, day, &states)).await
    }
}

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
