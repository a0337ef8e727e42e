//! Vectors of the texts, made by the built-in embedder or by an external one.
//!
//! In: texts, or vectors of them. Out: the tables `vectors`, whose distances sqlite-vec measures, and `signs`, which is read first. Always
//! true: all vectors are of the embedder that `embedder` names, and each is in both tables. Rows are never deleted one by one: the tables are
//! made again.

mod signs;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    Error, Store,
    embed::{self, Analyzer, Weights},
};
pub(super) use signs::Likeness;
use signs::Packer;

/// The embedder the vectors are of.
#[derive(Debug)]
pub(super) struct Embedder {
    pub(super) name: String,
    pub(super) dimension: usize,
    texts: u64,
    weights: Vec<u8>,
}

impl Store {
    /// Switches to an external embedder of `dimension`, or back to the built-in one (`None`). Vectors of another embedder are
    /// dropped, those that this one made before are taken from the cache; [`Store::unembedded`] then lists what is to be embedded.
    pub async fn use_embedder(&self, external: Option<(String, usize)>) -> Result<(), Error> {
        self.change(move |tx| {
            let (name, dimension) =
                external.unwrap_or((embed::name().to_owned(), embed::DIMENSION));
            if current(tx)?.is_some_and(|e| e.name == name && e.dimension == dimension) {
                return Ok(());
            }
            reset(tx, &name, dimension, 0, &[])?;
            from_cache(tx, &name, dimension)?;
            keep_up(tx)
        })
        .await
    }

    /// Up to `limit` texts that have no vector of the present embedder yet, the newest first, with the number to give back.
    pub async fn unembedded(&self, limit: u32) -> Result<Vec<(i64, String)>, Error> {
        self.ask(move |c| {
            let mut find = c.prepare_cached(
                "SELECT id, subject || ' ' || text FROM texts WHERE id NOT IN (SELECT id FROM vectors) ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = find.query_map([limit], |r| Ok((r.get(0)?, r.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Gives vectors of the external embedder back. Vectors of another width are refused.
    pub async fn put_vectors(&self, vectors: Vec<(i64, Vec<f32>)>) -> Result<(), Error> {
        self.change(move |tx| {
            let (name, dimension) =
                current(tx)?.map_or_else(Default::default, |e| (e.name, e.dimension));
            let mut signs = Packer::open(tx)?;
            for (id, v) in &vectors {
                if v.len() != dimension {
                    return Err(Error::Corrupt(format!(
                        "vector of {} numbers for an embedder of {dimension}",
                        v.len()
                    )));
                }
                put(tx, &mut signs, *id, v)?;
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO embedded SELECT ?1, hash, ?3 FROM texts WHERE id = ?2",
                )?
                .execute(params![name, id, bytes(v)])?;
            }
            signs.close()
        })
        .await
    }
}

/// Embeds the texts that are new, with the built-in embedder. Weights are learned anew, and all vectors of this embedder made again, when the
/// texts have doubled since, or when half of them were in use no more and went.
pub(super) fn keep_up(tx: &Transaction<'_>) -> Result<(), Error> {
    drop_orphans(tx)?;
    let embedder = current(tx)?;
    let external = (embedder.as_ref()).is_some_and(|e| !embed::is_built_in(&e.name));
    let texts = count(tx, "SELECT count(*) FROM texts")?;
    let analyzer = Analyzer::built_in();
    let weights = match embedder {
        // An older version of the built-in embedder is another one.
        Some(e) if (external || e.name == embed::name()) && e.texts > 0 && texts < 2 * e.texts => {
            Weights::from_bytes(&e.weights)
        }
        _ => None,
    };
    let weights = if let Some(known) = weights {
        known
    } else {
        let learned = learn(tx, analyzer)?;
        let bytes = learned.to_bytes();
        if external {
            // Full text asks how common a word is, whoever makes the vectors.
            tx.execute(
                "UPDATE embedder SET texts = ?1, weights = ?2",
                params![texts.cast_signed(), bytes],
            )?;
        } else {
            reset(tx, embed::name(), embed::DIMENSION, texts, &bytes)?;
        }
        learned
    };
    if external {
        return Ok(());
    }
    let mut signs = Packer::open(tx)?;
    each_text(
        tx,
        "SELECT id, subject, text FROM texts WHERE id NOT IN (SELECT id FROM vectors)",
        |id, subject, text| {
            let v = weights.embed(analyzer, &format!("{subject} {text}"));
            put(tx, &mut signs, id, &v)
        },
    )?;
    signs.close()
}

fn learn(tx: &Transaction<'_>, analyzer: &Analyzer) -> Result<Weights, Error> {
    let mut weights = Weights::default();
    each_text(
        tx,
        "SELECT id, subject, text FROM texts",
        |_, subject, text| {
            weights.learn(analyzer, &format!("{subject} {text}"));
            Ok(())
        },
    )?;
    Ok(weights)
}

/// Learns the weights anew, by today's lexicon, and makes the vectors of the built-in embedder again; nothing where there are none.
pub(super) fn make_anew(tx: &Transaction<'_>) -> Result<(), Error> {
    if tx.execute("UPDATE embedder SET texts = 0", [])? > 0 {
        keep_up(tx)?;
    }
    Ok(())
}

/// Whether the vectors are of the built-in embedder in another version: no question of this one can be held against them.
pub(super) fn of_another_version(c: &Connection) -> Result<bool, Error> {
    let embedder = current(c)?;
    Ok(embedder.is_some_and(|e| embed::is_built_in(&e.name) && e.name != embed::name()))
}

/// Whether there are vectors whose signs nobody has packed: an earlier version of this program kept them elsewhere.
pub(super) fn are_unsigned(c: &Connection) -> Result<bool, Error> {
    let unsigned = "SELECT EXISTS (SELECT 1 FROM vectors) AND NOT EXISTS (SELECT 1 FROM signs)";
    Ok(count(c, unsigned)? > 0)
}

/// Packs the signs of all vectors.
pub(super) fn sign(tx: &Transaction<'_>) -> Result<(), Error> {
    tx.execute("DELETE FROM signs", [])?;
    let mut signs = Packer::open(tx)?;
    let mut find = tx.prepare("SELECT id, v FROM vectors ORDER BY id")?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let v = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        signs.add(row.get(0)?, &floats(v))?;
    }
    signs.close()
}

/// How rare the terms of the owner's texts are; `None` before any text came.
pub(super) fn weights(c: &Connection) -> Result<Option<Weights>, Error> {
    Ok(current(c)?.and_then(|e| Weights::from_bytes(&e.weights)))
}

/// The vector of a question by the built-in embedder; `None` when the vectors are another embedder's.
pub(super) fn embed_query(c: &Connection, text: &str) -> Result<Option<Vec<f32>>, Error> {
    let Some(e) = current(c)?.filter(|e| e.name == embed::name()) else {
        return Ok(None);
    };
    let weights = Weights::from_bytes(&e.weights).unwrap_or_default();
    Ok(Some(weights.embed_question(Analyzer::built_in(), text)))
}

fn current(c: &Connection) -> Result<Option<Embedder>, Error> {
    Ok(
        c.prepare_cached("SELECT name, dimension, texts, weights FROM embedder")?
            .query_row([], |r| {
                Ok(Embedder {
                    name: r.get(0)?,
                    dimension: usize::try_from(r.get::<_, i64>(1)?).unwrap_or(0),
                    texts: r.get::<_, i64>(2)?.cast_unsigned(),
                    weights: r.get(3)?,
                })
            })
            .optional()?,
    )
}

fn reset(
    tx: &Transaction<'_>,
    name: &str,
    dimension: usize,
    texts: u64,
    weights: &[u8],
) -> Result<(), Error> {
    tx.execute_batch("DELETE FROM vectors; DELETE FROM signs;")?;
    tx.prepare_cached("INSERT OR REPLACE INTO embedder VALUES (1,?1,?2,?3,?4)")?
        .execute(params![
            name,
            i64::try_from(dimension).unwrap_or(0),
            texts.cast_signed(),
            weights
        ])?;
    Ok(())
}

fn put(tx: &Transaction<'_>, signs: &mut Packer<'_>, id: i64, v: &[f32]) -> Result<(), Error> {
    tx.prepare_cached("INSERT INTO vectors VALUES (?1, ?2)")?
        .execute(params![id, bytes(v)])?;
    signs.add(id, v)
}

/// Takes over what the embedder made of these texts before. Of several external models only the present one's vectors are kept.
fn from_cache(tx: &Transaction<'_>, name: &str, dimension: usize) -> Result<(), Error> {
    if name == embed::name() {
        return Ok(());
    }
    tx.execute("DELETE FROM embedded WHERE model <> ?1", [name])?;
    let known: Vec<(i64, Vec<u8>)> = tx
        .prepare(
            "SELECT t.id, e.v FROM texts t JOIN embedded e ON e.hash = t.hash WHERE e.model = ?1",
        )?
        .query_map([name], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut signs = Packer::open(tx)?;
    for (id, v) in known {
        let v = floats(&v);
        if v.len() == dimension {
            put(tx, &mut signs, id, &v)?;
        }
    }
    signs.close()
}

/// Drops texts that no day uses, once they are many, with their vectors. Weights are then to be learned anew.
fn drop_orphans(tx: &Transaction<'_>) -> Result<(), Error> {
    const ORPHANS: &str = "SELECT id FROM texts WHERE id NOT IN (SELECT text FROM docs)";
    let orphans = count(tx, &format!("SELECT count(*) FROM ({ORPHANS})"))?;
    let texts = count(tx, "SELECT count(*) FROM texts")?;
    if orphans * 2 <= texts || texts == 0 {
        return Ok(());
    }
    tx.execute_batch(&format!(
        "DELETE FROM texts_fts WHERE rowid IN ({ORPHANS}); DELETE FROM texts WHERE id IN ({ORPHANS});"
    ))?;
    tx.execute_batch("DELETE FROM embedded WHERE hash NOT IN (SELECT hash FROM texts)")?;
    if let Some(e) = current(tx)? {
        // Those of the built-in embedder are made again with the new weights.
        let kept: Vec<(i64, Vec<u8>)> = tx
            .prepare("SELECT id, v FROM vectors WHERE ?1 AND id IN (SELECT id FROM texts)")?
            .query_map([!embed::is_built_in(&e.name)], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        reset(tx, &e.name, e.dimension, 0, &[])?;
        let mut signs = Packer::open(tx)?;
        for (id, v) in kept {
            put(tx, &mut signs, id, &floats(&v))?;
        }
        signs.close()?;
    }
    Ok(())
}

pub(super) fn each_text(
    tx: &Transaction<'_>,
    sql: &str,
    mut f: impl FnMut(i64, &str, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    // Read whole: the loop's body writes to the tables that the query reads.
    let rows: Vec<(i64, String, String)> = tx
        .prepare(sql)?
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, subject, text) in rows {
        f(id, &subject, &text)?;
    }
    Ok(())
}

fn count(c: &Connection, sql: &str) -> Result<u64, Error> {
    let n: i64 = c.prepare_cached(sql)?.query_row([], |r| r.get(0))?;
    Ok(n.cast_unsigned())
}

pub(super) fn bytes(v: &[f32]) -> Vec<u8> {
    v.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn floats(blob: &[u8]) -> Vec<f32> {
    let numbers = blob.as_chunks::<4>().0;
    numbers.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{LogKind, Severity},
        store::{
            Doc, What,
            fixture::{day, open},
        },
    };

    fn doc(id: &str, text: &str) -> Doc {
        Doc {
            id: id.to_owned(),
            what: What::Template,
            kind: LogKind::Business,
            text: text.to_owned(),
            subject: "cart".to_owned(),
            namespace: "shop".to_owned(),
            object: "cart".to_owned(),
            severity: Severity::Info,
            count: 1,
            first_ms: 0,
            last_ms: 0,
        }
    }

    #[tokio::test]
    async fn a_model_that_comes_back_finds_its_vectors() {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        let d = day("2026-11-21");
        let docs = vec![doc("a", "disk full"), doc("b", "link down")];
        store.replace_docs(d, docs).await.expect("docs");
        let model = || Some(("bge".to_owned(), 8));
        store.use_embedder(model()).await.expect("external");
        let wanted = store.unembedded(10).await.expect("texts");
        assert_eq!(wanted.len(), 2);
        // Killed after the first batch: only the rest is asked for again.
        let first = vec![(wanted[0].0, vec![1.0; 8])];
        store.put_vectors(first).await.expect("put");
        assert_eq!(store.unembedded(10).await.expect("texts"), wanted[1..]);
        let second = vec![(wanted[1].0, vec![-1.0; 8])];
        store.put_vectors(second).await.expect("put");
        store.use_embedder(None).await.expect("built in");
        store.use_embedder(model()).await.expect("external again");
        assert!(store.unembedded(10).await.expect("texts").is_empty());
        let other = Some(("other".to_owned(), 8));
        store.use_embedder(other).await.expect("another model");
        assert_eq!(store.unembedded(10).await.expect("texts").len(), 2);
    }
}
