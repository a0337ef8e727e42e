//! Vectors from an external model, where one is configured.
//!
//! In: the owner's store, an embedder, a budget. Out: texts with vectors of that embedder, or the built-in ones again and the reason why.
//! Always true: the store's vectors are all of one embedder. Texts go out masked, unless the embedder is the operator's own.

use std::collections::BTreeMap;

use tracing::warn;

use crate::{
    llm::{Budget, Error, Llm, Mask},
    model::report::Report,
    store::{self, Store},
};

use super::material::question;

/// Texts taken from the store at once; the embedder is asked in smaller batches.
const TEXTS: u32 = 200;
/// A text whose vector tells how long the embedder's vectors are.
const PROBE: &str = "Back-off pulling image";

/// Gives every text that is new a vector of the external embedder. `Some`: it failed, and the built-in one is used instead.
pub async fn keep_up(
    store: &Store,
    embedder: &Llm,
    budget: &mut Budget,
) -> Result<Option<Error>, store::Error> {
    if embedder.is_off() {
        store.use_embedder(None).await?;
        return Ok(None);
    }
    match external(store, embedder, budget).await {
        Ok(()) => Ok(None),
        Err(Failure::Store(error)) => Err(error),
        Err(Failure::Model(error)) => {
            warn!(error = %error, embedder = %embedder.name(), "the embedder failed; the built-in one is used");
            store.use_embedder(None).await?;
            Ok(Some(error))
        }
    }
}

/// Vectors of what is asked about each incident, by incident id; empty with the built-in embedder, which the store asks itself.
pub async fn questions(
    report: &Report,
    embedder: &Llm,
    budget: &mut Budget,
) -> Result<BTreeMap<String, Vec<f32>>, Error> {
    if embedder.is_off() || report.incidents.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut mask = Mask::new(embedder.is_private());
    let asked = report.incidents.iter();
    let texts: Vec<String> = asked.map(|i| mask.hide(&question(i))).collect();
    let vectors = embedder.embed(&texts, budget).await?;
    let ids = report.incidents.iter().map(|i| i.id.clone());
    Ok(ids.zip(vectors).collect())
}

enum Failure {
    Store(store::Error),
    Model(Error),
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Model(error)
    }
}

async fn external(store: &Store, embedder: &Llm, budget: &mut Budget) -> Result<(), Failure> {
    let mut mask = Mask::new(embedder.is_private());
    let probe = embedder.embed(&[PROBE.to_owned()], budget).await?;
    let dimension = probe.first().map_or(0, Vec::len);
    store
        .use_embedder(Some((embedder.name(), dimension)))
        .await?;
    loop {
        let texts = store.unembedded(TEXTS).await?;
        if texts.is_empty() {
            return Ok(());
        }
        let masked: Vec<String> = texts.iter().map(|(_, text)| mask.hide(text)).collect();
        let vectors = embedder.embed(&masked, budget).await?;
        if vectors.iter().any(|v| v.len() != dimension) {
            return Err(Error::Unreadable.into());
        }
        let numbered = texts.iter().map(|(id, _)| *id).zip(vectors);
        store.put_vectors(numbered.collect()).await?;
    }
}
