//! The signs of the vectors, packed: what a question is held against before any exact distance.
//!
//! In: vectors with the ids of their texts; then a question's vector. Out: the texts that lie most its way. One bit a number is 32 times
//! less to read than the vectors are. The question keeps its numbers: a sign that it hardly cares about counts hardly, which finds more of
//! the nearest than counting equal signs does (asymmetric distance; Gordo et al., "Asymmetric Distances for Binary Embeddings", 2014).
//!
//! sqlite-vec has bit vectors too and picks the best of them one by one: of 100,000 the best 100 took longer than a whole answer may, and
//! this takes 2 ms for any number. `benches/search.rs` says how many of the exactly nearest are found.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use crate::store::Error;

/// Vectors in a row of the table: few rows to step through, and not much to write again when one vector is added.
const BLOCK: usize = 1024;

/// Adds vectors to the table; what was added is there after [`close`](Self::close).
#[derive(Debug)]
pub(super) struct Packer<'a> {
    tx: &'a Transaction<'a>,
    block: i64,
    ids: Vec<u8>,
    bits: Vec<u8>,
    /// Whether anything was added since the block was read or written.
    changed: bool,
}

impl<'a> Packer<'a> {
    /// Goes on where the last block has room.
    pub(super) fn open(tx: &'a Transaction<'a>) -> Result<Self, Error> {
        let last = tx
            .prepare_cached("SELECT block, ids, bits FROM signs ORDER BY block DESC LIMIT 1")?
            .query_row([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()?;
        let (block, ids, bits) = last.unwrap_or_default();
        let mut packer = Self {
            tx,
            block,
            ids,
            bits,
            changed: false,
        };
        packer.go_on_when_full();
        Ok(packer)
    }

    pub(super) fn add(&mut self, id: i64, vector: &[f32]) -> Result<(), Error> {
        self.changed = true;
        self.ids.extend(id.to_le_bytes());
        self.bits.extend(vector.chunks(8).map(signs));
        if self.count() == BLOCK {
            self.write()?;
            self.go_on_when_full();
        }
        Ok(())
    }

    pub(super) fn close(mut self) -> Result<(), Error> {
        if self.changed { self.write() } else { Ok(()) }
    }

    fn count(&self) -> usize {
        self.ids.len() / size_of::<i64>()
    }

    fn write(&mut self) -> Result<(), Error> {
        self.changed = false;
        self.tx
            .prepare_cached("INSERT OR REPLACE INTO signs VALUES (?1, ?2, ?3)")?
            .execute(params![self.block, self.ids, self.bits])?;
        Ok(())
    }

    fn go_on_when_full(&mut self) {
        if self.count() >= BLOCK {
            self.block += 1;
            self.ids.clear();
            self.bits.clear();
        }
    }
}

/// A bit for each of at most eight numbers: whether it is above zero.
fn signs(numbers: &[f32]) -> u8 {
    let each = numbers.iter().enumerate();
    each.fold(0, |bits, (at, x)| bits | u8::from(*x > 0.0) << at)
}

/// How much each text lies the way of a question; more is better.
#[derive(Debug)]
pub(in crate::store) struct Likeness(Vec<(i32, i64)>);

impl Likeness {
    /// Of all texts to `query`.
    pub(in crate::store) fn to(c: &Connection, query: &[f32]) -> Result<Self, Error> {
        let table = Table::of(query);
        let mut found = Vec::new();
        let mut find = c.prepare_cached("SELECT ids, bits FROM signs ORDER BY block")?;
        let mut rows = find.query([])?;
        while let Some(row) = rows.next()? {
            let ids = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            let bits = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let each = bits.chunks_exact(table.0.len());
            let each = ids.as_chunks().0.iter().zip(each);
            found.extend(each.map(|(id, signs)| (table.likeness(signs), i64::from_le_bytes(*id))));
        }
        Ok(Self(found))
    }

    /// Only of the texts that `keep` names.
    pub(in crate::store) fn keep(mut self, keep: impl Fn(i64) -> bool) -> Self {
        self.0.retain(|(_, id)| keep(*id));
        self
    }

    /// The `limit` best, in their order.
    pub(in crate::store) fn best(&mut self, limit: usize) -> Vec<i64> {
        let before = |(likeness, id): &(i32, i64)| (Reverse(*likeness), *id);
        let found = &mut self.0;
        let limit = limit.min(found.len());
        if limit < found.len() {
            found.select_nth_unstable_by_key(limit, before);
        }
        found[..limit].sort_unstable_by_key(before);
        found[..limit].iter().map(|(_, id)| *id).collect()
    }
}

/// What each byte of signs is worth at each of its places, for one question: a look-up instead of eight additions.
struct Table(Vec<[i16; 256]>);

impl Table {
    /// The numbers of a unit vector in 2048ths: eight of them fit into 16 bits, and their rest is far below what a sign leaves out.
    const SCALE: f32 = 2048.0;

    fn of(query: &[f32]) -> Self {
        let norm = query.iter().map(|x| x * x).sum::<f32>().sqrt();
        let eights = query.chunks(8).map(|eight| {
            let mut worth = [0; 256];
            for (signs, worth) in (0_u8..=255).zip(&mut worth) {
                let signed = eight
                    .iter()
                    .enumerate()
                    .map(|(at, x)| if signs >> at & 1 == 1 { *x } else { -*x });
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "eight numbers of a unit vector add up to less than three"
                )]
                {
                    *worth = (signed.sum::<f32>() / norm * Self::SCALE).round() as i16;
                }
            }
            worth
        });
        Self(eights.collect())
    }

    fn likeness(&self, signs: &[u8]) -> i32 {
        let each = self.0.iter().zip(signs);
        each.map(|(worth, byte)| i32::from(worth[usize::from(*byte)]))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::open;

    #[test]
    fn a_table_adds_the_numbers_of_a_question_with_the_signs_of_a_vector() {
        let query = [0.5, -0.5, 0.1, 0.0, 0.5, 0.2, -0.1, 0.3, 0.3];
        let table = Table::of(&query);
        let norm = query.iter().map(|x| x * x).sum::<f32>().sqrt();
        let mut vector = query;
        for _ in 0..vector.len() {
            vector.rotate_left(1);
            let packed: Vec<u8> = vector.chunks(8).map(signs).collect();
            let added = query.iter().zip(&vector);
            let added: f32 = added.map(|(q, v)| if *v > 0.0 { *q } else { -*q }).sum();
            let likeness = table.likeness(&packed) as f32 / Table::SCALE;
            assert!((likeness - added / norm).abs() < 0.001, "{vector:?}");
        }
    }

    #[tokio::test]
    async fn vectors_that_come_in_several_goes_are_all_found_once() {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        let go = |ids: std::ops::Range<i64>| {
            store.change(move |tx| {
                let mut packer = Packer::open(tx)?;
                for id in ids {
                    packer.add(id, &[1.0, -1.0, id as f32 - 1500.5])?;
                }
                packer.close()
            })
        };
        for ids in [0..0, 0..1, 1..1024, 1024..3000, 3000..3000, 3000..3001] {
            go(ids).await.expect("added");
        }
        let ask = |query: [f32; 3], limit| {
            let ask =
                store.ask(move |c| Ok(Likeness::to(c, &query)?.keep(|id| id % 2 == 0).best(limit)));
            async move { ask.await.expect("found") }
        };
        let all = ask([1.0, 0.0, 0.0], 5000).await;
        assert_eq!(all, (0..=3000).step_by(2).collect::<Vec<_>>());
        assert_eq!(ask([0.0, 0.1, 1.0], 2).await, [1502, 1504]);
    }
}
