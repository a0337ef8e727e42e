//! Incidents of earlier days: what a new one may be the same as.

use rusqlite::{Rows, Transaction, params};

use super::{
    Error, Store,
    codec::{from_json, from_name, to_json},
};
use crate::model::{Day, report::Incident};

/// An incident with the day whose newest report names it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastIncident {
    pub day: Day,
    pub incident: Incident,
}

impl Store {
    /// Incidents of the `n` calendar days before `day`, newest day first, in the order of their reports.
    pub async fn incidents_before(&self, day: Day, n: u32) -> Result<Vec<PastIncident>, Error> {
        self.ask(move |c| {
            let first = day.plus(-i32::try_from(n).unwrap_or(i32::MAX));
            let mut find = c.prepare_cached(
                "SELECT day, body FROM incidents WHERE day >= ?1 AND day < ?2 ORDER BY day DESC, position",
            )?;
            read(find.query(params![first.to_string(), day.to_string()])?)
        })
        .await
    }

    /// Every day on which an incident of this identity was seen, newest first.
    pub async fn incidents_like(&self, identity: String) -> Result<Vec<PastIncident>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT day, body FROM incidents WHERE identity = ?1 ORDER BY day DESC, position",
            )?;
            read(find.query([identity])?)
        })
        .await
    }
}

fn read(mut rows: Rows<'_>) -> Result<Vec<PastIncident>, Error> {
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let (day, body): (String, String) = (row.get(0)?, row.get(1)?);
        out.push(PastIncident {
            day: from_name(&day)?,
            incident: from_json(&body)?,
        });
    }
    Ok(out)
}

pub(super) fn put(tx: &Transaction<'_>, day: Day, incidents: &[Incident]) -> Result<(), Error> {
    let day = day.to_string();
    tx.prepare_cached("DELETE FROM incidents WHERE day = ?1")?
        .execute([&day])?;
    let mut insert =
        tx.prepare_cached("INSERT OR REPLACE INTO incidents VALUES (?1,?2,?3,?4,?5,?6,?7,?8)")?;
    for (position, i) in incidents.iter().enumerate() {
        insert.execute(params![
            day,
            i.id,
            i64::try_from(position).unwrap_or(i64::MAX),
            i.identity,
            i.root.cause,
            i.start.ms,
            i.end.map(|m| m.ms),
            to_json(i)?
        ])?;
    }
    Ok(())
}
