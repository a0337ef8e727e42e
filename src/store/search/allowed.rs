//! Which texts a question may find at all.
//!
//! In: the filters of a question. Out: a condition on the ids of texts that both sides of a search ask. A narrow filter is answered once,
//! by a list; of a wide one the list would be long, and each text that either side considers is looked at instead.

use rusqlite::{Connection, ToSql};
use rustc_hash::FxHashSet;

use super::filter::{Filter, borrowed};
use crate::store::{Error, codec::to_json};

/// Texts that are looked at to tell a wide filter from a narrow one.
const SAMPLE: u32 = 64;
/// Share of the texts from which on a filter is wide.
const WIDE: f64 = 0.25;

pub(super) enum Allowed<'f> {
    All,
    /// About this share of the texts.
    Many(&'f Filter, f64),
    Few {
        texts: FxHashSet<i64>,
        json: String,
    },
}

impl<'f> Allowed<'f> {
    pub(super) fn by(c: &Connection, filter: &'f Filter) -> Result<Self, Error> {
        if filter.is_empty() {
            return Ok(Self::All);
        }
        let share = share_of(c, filter)?;
        if share >= WIDE {
            return Ok(Self::Many(filter, share));
        }
        let mut find =
            c.prepare_cached(&format!("SELECT text FROM docs WHERE {}", filter.condition))?;
        let named = filter.named(&[]);
        let rows = find.query_map(borrowed(&named).as_slice(), |r| r.get(0))?;
        let texts: FxHashSet<i64> = rows.collect::<Result<_, _>>()?;
        let json = to_json(&texts)?;
        Ok(Self::Few { texts, json })
    }

    /// The condition that the text of number `id`, which must say its table, is allowed. Its values are those of [`Self::named`].
    pub(super) fn condition(&self, id: &str) -> String {
        match self {
            Self::All => "1".to_owned(),
            Self::Many(filter, _) => filter.on_text(id),
            // The plus keeps SQLite from asking the other side of the statement once for each that is allowed.
            Self::Few { .. } => format!("+{id} IN (SELECT value FROM json_each(:allowed))"),
        }
    }

    pub(super) fn named<'a>(
        &'a self,
        more: &[(&'a str, &'a dyn ToSql)],
    ) -> Vec<(String, &'a dyn ToSql)> {
        let mut named: Vec<(String, &dyn ToSql)> = match self {
            Self::All => Vec::new(),
            Self::Many(filter, _) => filter.named(&[]),
            Self::Few { json, .. } => vec![(":allowed".to_owned(), json)],
        };
        named.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), *value)),
        );
        named
    }
}

/// The share of the texts that a filter lets through, by some of them from all over the table.
fn share_of(c: &Connection, filter: &Filter) -> Result<f64, Error> {
    let last: i64 = c
        .prepare_cached("SELECT coalesce(max(id), 0) FROM texts")?
        .query_row([], |r| r.get(0))?;
    let spread = (1..=SAMPLE).map(|n| last * i64::from(n) / i64::from(SAMPLE));
    let spread = to_json(&spread.collect::<Vec<_>>())?;
    let named = filter.named(&[(":spread", &spread)]);
    let mut find = c.prepare_cached(&format!(
        "SELECT count(*) FROM json_each(:spread) AS some WHERE {}",
        filter.on_text("some.value")
    ))?;
    let through: u32 = find.query_row(borrowed(&named).as_slice(), |r| r.get(0))?;
    Ok(f64::from(through) / f64::from(SAMPLE))
}
