//! What a question is told of the minutes that are not shipped yet.
//!
//! In: a window; a [`Note`] of what CLS was asked. Out: records, and facts of the answer. Always true: from when on CLS was asked, what was
//! cut and what failed are said; nothing is said where nothing was asked. Evidence that an answer named opens for as long as it is remembered
//! ([`ToldLines`]), whether or not the store has kept it.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use super::{Answer, context::Call};
use crate::{
    model::{Day, EvidenceId, LogKind, Moment, OwnerAlias, record::Kept, shapes::ObjectDigest},
    round::fresh::Note,
};

/// Asks for what is not shipped yet of a window.
pub(super) async fn ask(
    call: &Call,
    day: Day,
    kind: LogKind,
    window: (i64, i64),
) -> (Option<ObjectDigest>, Option<Note>) {
    let rounds = &call.desk.rounds;
    let fresh = rounds.fresh(&call.owner, day, kind, window).await;
    let (digest, note) = fresh.map(|f| (f.digest, f.note)).unzip();
    if let Some(digest) = &digest {
        remember(call, &digest.kept);
    }
    (digest, note)
}

/// Remembers which lines an answer may have named: those of CLS lie in no bucket yet, and of the bucket's few are kept.
pub(super) fn remember(call: &Call, lines: &[Kept]) {
    call.desk.days.told.remember(&call.owner, lines);
}

/// The remembered ones of these lines.
pub(super) fn recall(call: &Call, ids: &[EvidenceId]) -> Vec<Kept> {
    call.desk.days.told.recall(&call.owner, ids)
}

/// Lines are remembered until so many newer ones came.
const REMEMBERED: usize = 2_000;

/// Lines that answers named, newest last.
#[derive(Debug, Default)]
pub(super) struct ToldLines(Mutex<VecDeque<(OwnerAlias, Kept)>>);

impl ToldLines {
    fn remember(&self, owner: &OwnerAlias, lines: &[Kept]) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here: HashSet<EvidenceId> = told
            .iter()
            .filter(|(of, _)| of == owner)
            .map(|(_, kept)| kept.id)
            .collect();
        let new = lines.iter().filter(|k| !here.contains(&k.id));
        told.extend(new.map(|k| (owner.clone(), k.clone())));
        let surplus = told.len().saturating_sub(REMEMBERED);
        told.drain(..surplus);
    }

    fn recall(&self, owner: &OwnerAlias, ids: &[EvidenceId]) -> Vec<Kept> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |(of, kept): &&(OwnerAlias, Kept)| of == owner && ids.contains(&kept.id);
        told.iter()
            .filter(wanted)
            .map(|(_, kept)| kept.clone())
            .collect()
    }
}

/// Adds what was asked to an answer.
pub(super) fn noted(answer: Answer, call: &Call, note: Option<&Note>) -> Answer {
    let Some(note) = note else {
        return answer;
    };
    let from = Moment::new(note.from_ms, &call.desk.zone);
    let mut answer = answer
        .fact("live_from", from)
        .fact("live_lines", note.lines);
    if let Some(cut) = note.cut {
        let of = cut.of.map_or_else(|| "?".to_owned(), |n| n.to_string());
        answer = answer.fact("live_cut", format!("{} of {of} lines read", cut.read));
    }
    match &note.failed {
        Some(sentence) => answer.fact("live_failed", sentence),
        None => answer,
    }
}
