//! Vectors from an external model, where one is configured.
//!
//! In: the owner's store, an embedder, a budget. Out: texts with vectors of that embedder, or the built-in ones again and the reason why.
//! Always true: the store's vectors are all of one embedder. Texts go out masked, unless the embedder is the operator's own. When
//! the budget ends first, the newest texts have vectors and the older ones get theirs another night.

use std::collections::BTreeMap;

use tracing::warn;

use crate::{
    llm::{Budget, Error, Llm, Mask, estimate_tokens},
    model::report::Report,
    store::{self, Store},
};

use super::material::question;

/// Texts taken from the store at once; the embedder is asked in smaller batches.
const TEXTS: u32 = 100;
/// Kept of the budget for what will be asked about the incidents.
const QUESTIONS_TOKENS: u64 = 2_000;
/// A text whose vector tells how long the embedder's vectors are.
const PROBE: &str = "Back-off pulling image";

/// How far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Every text has a vector.
    Whole,
    /// The budget ended; the older texts have none yet.
    Begun,
    /// The embedder failed, and the built-in one is used instead.
    Failed(Error),
}

/// Gives every text that is new a vector of the external embedder.
pub async fn keep_up(
    store: &Store,
    embedder: &Llm,
    budget: &mut Budget,
) -> Result<Kept, store::Error> {
    if embedder.is_off() {
        store.use_embedder(None).await?;
        return Ok(Kept::Whole);
    }
    match external(store, embedder, budget).await {
        Ok(kept) => Ok(kept),
        Err(Failure::Store(error)) => Err(error),
        Err(Failure::Model(error)) => {
            warn!(error = %error, embedder = %embedder.name(), "the embedder failed; the built-in one is used");
            store.use_embedder(None).await?;
            Ok(Kept::Failed(error))
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

async fn external(store: &Store, embedder: &Llm, budget: &mut Budget) -> Result<Kept, Failure> {
    let mut mask = Mask::new(embedder.is_private());
    let probe = embedder.embed(&[PROBE.to_owned()], budget).await?;
    let dimension = probe.first().map_or(0, Vec::len);
    store
        .use_embedder(Some((embedder.name(), dimension)))
        .await?;
    loop {
        let texts = store.unembedded(TEXTS).await?;
        if texts.is_empty() {
            return Ok(Kept::Whole);
        }
        let masked: Vec<String> = texts.iter().map(|(_, text)| mask.hide(text)).collect();
        let tokens: u64 = masked.iter().map(|t| estimate_tokens(t)).sum();
        if tokens + QUESTIONS_TOKENS > budget.tokens_left() {
            return Ok(Kept::Begun);
        }
        let vectors = match embedder.embed(&masked, budget).await {
            Err(Error::OutOfTime) => return Ok(Kept::Begun),
            other => other?,
        };
        if vectors.iter().any(|v| v.len() != dimension) {
            return Err(Error::Unreadable.into());
        }
        let numbered = texts.iter().map(|(id, _)| *id).zip(vectors);
        store.put_vectors(numbered.collect()).await?;
    }
}
