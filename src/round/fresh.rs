//! The part of a window that has not been shipped yet, for a question about the day.
//!
//! In: a kind, a window. Out: what CLS has of it as one more digest, and a [`Note`] of what was looked at. Always true: nothing of it is
//! stored, since it will lie in the bucket soon; a record that lies there already has the same identity; a failure is a sentence
//! beside what the bucket gave, not instead of it.

use super::{
    live::{Cut, Logs, Look, Scope},
    run::Round,
};
use crate::model::{Day, LogKind, shapes::ObjectDigest};

/// What was asked of CLS for a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// From here on CLS was asked, Unix milliseconds.
    pub from_ms: i64,
    /// Lines read.
    pub lines: u64,
    pub cut: Option<Cut>,
    /// Why it could not be asked, a sentence for the owner.
    pub failed: Option<String>,
}

/// What is not shipped yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Fresh {
    pub digest: ObjectDigest,
    pub note: Note,
}

impl Round {
    /// What CLS has of the part of a window that is not shipped; `None` when all of it is, or nobody can be asked.
    pub async fn fresh(
        &self,
        day: Day,
        kind: LogKind,
        from_ms: i64,
        to_ms: i64,
        scope: Scope,
    ) -> Option<Fresh> {
        let (note, logs) = self.unshipped(kind, from_ms, to_ms, scope).await?;
        let range = day.range(&self.judge.zone);
        let digest = logs.map(|logs| logs.digest(&range)).unwrap_or_default();
        Some(Fresh { digest, note })
    }

    /// The lines of the unshipped part, when there is one.
    pub(super) async fn unshipped(
        &self,
        kind: LogKind,
        from_ms: i64,
        to_ms: i64,
        scope: Scope,
    ) -> Option<(Note, Option<Logs>)> {
        let live = self.live.as_ref().filter(|live| live.has(kind))?;
        let to_ms = to_ms.min(self.now_ms);
        if from_ms >= to_ms {
            return None;
        }
        let from_ms = from_ms.max(live.unshipped_from(kind, self.now_ms).await);
        if from_ms >= to_ms {
            return None;
        }
        let mut note = Note {
            from_ms,
            lines: 0,
            cut: None,
            failed: None,
        };
        match live.search(&Look::of(kind, from_ms, to_ms, scope)).await {
            Ok(logs) => {
                (note.lines, note.cut) = (logs.len() as u64, logs.cut);
                Some((note, Some(logs)))
            }
            Err(error) => {
                tracing::warn!(owner = %self.store.owner(), %kind, %error, "could not ask for logs that are not shipped yet");
                note.failed = Some(error.in_words(self.judge.lang));
                Some((note, None))
            }
        }
    }
}
