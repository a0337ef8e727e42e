//! Brings the search index to this program's way of reading texts and of keeping vectors.
//!
//! In: an owner's database whose texts another version analysed. Out: the same texts, embedded and indexed anew, and signs of all vectors. Always true: the vectors,
//! and the concepts that full text looks for, are of the lexicon that questions are read with; a question looks for the concept alone
//! where the lexicon knows one, so a text that was indexed without it would be found by neither side.
//! Vectors of an external embedder are left alone, which know of no lexicon; its texts are indexed anew all the same.

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::{
    Error,
    codec::{from_json, to_json},
    docs::index,
    embed,
    vectors::{self, each_text},
};

/// The fact that says by which version the texts were indexed.
const INDEXED_BY: [&str; 2] = ["search", "indexed_by"];

/// Packs the signs of the vectors where an upgrade left that to do, and indexes every text anew when another version of the built-in embedder
/// did it; else costs a look.
pub(super) fn bring_up_to_date(conn: &mut Connection) -> Result<(), Error> {
    if vectors::are_unsigned(conn)? {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        vectors::sign(&tx)?;
        tx.commit()?;
    }
    let by = indexed_by(conn)?;
    if by.as_deref() == Some(embed::name()) && !vectors::of_another_version(conn)? {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    vectors::make_anew(&tx)?;
    let texts = index_all(&tx)?;
    tx.prepare_cached("INSERT OR REPLACE INTO facts VALUES (?1,?2,?3)")?
        .execute([INDEXED_BY[0], INDEXED_BY[1], &to_json(&embed::name())?])?;
    tx.commit()?;
    if texts > 0 {
        tracing::info!(
            texts,
            "search index was made by another version, made it anew"
        );
    }
    Ok(())
}

fn indexed_by(c: &Connection) -> Result<Option<String>, Error> {
    let found: Option<String> = c
        .prepare_cached("SELECT value FROM facts WHERE room = ?1 AND name = ?2")?
        .query_row(INDEXED_BY, |r| r.get(0))
        .optional()?;
    found.map(|text| from_json(&text)).transpose()
}

fn index_all(tx: &Transaction<'_>) -> Result<u64, Error> {
    tx.execute_batch("INSERT INTO texts_fts (texts_fts) VALUES ('delete-all')")?;
    let mut texts = 0;
    each_text(
        tx,
        "SELECT id, subject, text FROM texts",
        |id, subject, text| {
            texts += 1;
            index(tx, id, subject, text)
        },
    )?;
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use crate::{
        model::{LogKind, Severity},
        store::{
            Doc, Query, Store, What,
            fixture::{day, open, zone},
            search::{Sides, search},
        },
    };

    const TEXT: &str = "镜像拉取失败";

    /// A store with one text.
    async fn with_text(dir: &std::path::Path) -> Store {
        let store = open(dir);
        let doc = Doc {
            id: "a".to_owned(),
            what: What::Template,
            kind: LogKind::Business,
            text: TEXT.to_owned(),
            subject: String::new(),
            namespace: "shop".to_owned(),
            object: "cart".to_owned(),
            severity: Severity::Error,
            count: 1,
            first_ms: 0,
            last_ms: 0,
        };
        let put = store.replace_docs(day("2026-11-21"), vec![doc]).await;
        put.expect("docs");
        store
    }

    async fn found(store: &Store, sides: Sides, vector: Option<Vec<f32>>) -> Vec<String> {
        let query = Query {
            vector,
            ..Query::new(TEXT, zone())
        };
        let found = store.ask(move |c| search(c, &query, sides, Vec::new()));
        let hits = found.await.expect("search").hits;
        hits.into_iter().map(|h| h.id).collect()
    }

    #[tokio::test]
    async fn what_an_older_version_indexed_is_found_by_either_side_after_the_upgrade() {
        let dir = tempfile::tempdir().expect("dir");
        let store = with_text(dir.path()).await;
        // As left by a version whose lexicon knew no word of the text.
        let aged = store.change(|tx| {
            tx.execute_batch(
                "UPDATE embedder SET name = 'built-in-1'; DELETE FROM vectors; DELETE FROM signs;
                 INSERT OR REPLACE INTO texts_fts (rowid, body, sounds, concepts) SELECT id, '', '', '' FROM texts",
            )?;
            Ok(())
        });
        aged.await.expect("aged");
        drop(store);

        let store = open(dir.path());
        for sides in [Sides::Vectors, Sides::Words] {
            assert_eq!(found(&store, sides, None).await, ["a"], "{sides:?}");
        }
    }

    #[tokio::test]
    async fn vectors_whose_signs_lay_elsewhere_are_found_after_the_upgrade() {
        let dir = tempfile::tempdir().expect("dir");
        let store = with_text(dir.path()).await;
        let emptied = store.change(|tx| Ok(tx.execute_batch("DELETE FROM signs")?));
        emptied.await.expect("emptied");
        assert!(found(&store, Sides::Vectors, None).await.is_empty());
        drop(store);

        let store = open(dir.path());
        assert_eq!(found(&store, Sides::Vectors, None).await, ["a"]);
    }

    #[tokio::test]
    async fn texts_of_an_external_embedder_are_found_by_the_words_of_a_new_lexicon_and_keep_their_vectors()
     {
        let dir = tempfile::tempdir().expect("dir");
        let store = with_text(dir.path()).await;
        let external = Some(("bge".to_owned(), 8));
        store.use_embedder(external).await.expect("external");
        let wanted = store.unembedded(10).await.expect("texts");
        let vectors = vec![(wanted[0].0, vec![1.0; 8])];
        store.put_vectors(vectors).await.expect("put");
        // As left by a version whose lexicon knew no word of the text.
        let aged = store.change(|tx| {
            tx.execute_batch(
                "UPDATE facts SET value = '\"built-in-1\"' WHERE room = 'search';
                 INSERT OR REPLACE INTO texts_fts (rowid, body, sounds, concepts) SELECT id, '', '', '' FROM texts",
            )?;
            Ok(())
        });
        aged.await.expect("aged");
        assert!(found(&store, Sides::Words, None).await.is_empty());
        drop(store);

        let store = open(dir.path());
        assert_eq!(found(&store, Sides::Words, None).await, ["a"]);
        let vector = Some(vec![1.0; 8]);
        assert_eq!(found(&store, Sides::Vectors, vector).await, ["a"]);
        assert!(store.unembedded(10).await.expect("texts").is_empty());
    }
}
