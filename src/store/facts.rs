//! Small things other rooms remember: a value by room and name.

use rusqlite::{OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Error, Store,
    codec::{from_json, to_json},
};

impl Store {
    pub async fn fact<T: DeserializeOwned + Send + 'static>(
        &self,
        room: &'static str,
        name: String,
    ) -> Result<Option<T>, Error> {
        self.ask(move |c| {
            let text: Option<String> = c
                .prepare_cached("SELECT value FROM facts WHERE room = ?1 AND name = ?2")?
                .query_row(params![room, name], |r| r.get(0))
                .optional()?;
            text.map(|t| from_json(&t)).transpose()
        })
        .await
    }

    pub async fn put_fact<T: Serialize>(
        &self,
        room: &'static str,
        name: String,
        value: &T,
    ) -> Result<(), Error> {
        let value = to_json(value)?;
        self.change(move |tx| {
            tx.prepare_cached("INSERT OR REPLACE INTO facts VALUES (?1,?2,?3)")?
                .execute(params![room, name, value])?;
            Ok(())
        })
        .await
    }
}
