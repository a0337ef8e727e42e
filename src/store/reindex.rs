//! Brings the search index to this program's way of reading texts.
//!
//! In: an owner's database whose texts another version analysed. Out: the same texts, embedded and indexed anew. Always true: the vectors,
//! and the concepts that full text looks for, are of the lexicon that questions are read with; a question looks for the concept alone
//! where the lexicon knows one, so a text that was indexed without it would be found by neither side.
//! Vectors of an external embedder are left alone.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{
    Error,
    docs::index,
    vectors::{self, each_text},
};

/// Indexes every text anew when another version of the built-in embedder did it; else costs one look.
pub(super) fn bring_up_to_date(conn: &mut Connection) -> Result<(), Error> {
    if !vectors::of_another_version(conn)? {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    vectors::keep_up(&tx)?;
    let texts = index_all(&tx)?;
    tx.commit()?;
    tracing::info!(
        texts,
        "search index was made by another version, made it anew"
    );
    Ok(())
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
            Doc, Query, What,
            fixture::{day, open, zone},
            search::{Sides, search},
        },
    };

    #[tokio::test]
    async fn what_an_older_version_indexed_is_found_by_either_side_after_the_upgrade() {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        let text = "镜像拉取失败";
        let doc = Doc {
            id: "a".to_owned(),
            what: What::Template,
            kind: LogKind::Business,
            text: text.to_owned(),
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
        // As left by a version whose lexicon knew no word of the text.
        let aged = store.change(|tx| {
            tx.execute_batch(
                "UPDATE embedder SET name = 'built-in-1'; DELETE FROM vectors; DELETE FROM vectors_bit;
                 INSERT OR REPLACE INTO texts_fts (rowid, body, sounds, concepts) SELECT id, '', '', '' FROM texts",
            )?;
            Ok(())
        });
        aged.await.expect("aged");
        drop(store);

        let store = open(dir.path());
        for sides in [Sides::Vectors, Sides::Words] {
            let query = Query::new(text, zone());
            let found = store.ask(move |c| search(c, &query, sides, Vec::new()));
            let hits = found.await.expect("search").hits;
            assert_eq!(hits.len(), 1, "{sides:?}");
            assert_eq!(hits[0].id, "a");
        }
    }
}
