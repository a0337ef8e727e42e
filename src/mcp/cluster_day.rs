//! What the cluster did on a day, and who changed what: ready to be searched by a call.
//!
//! In: the day's digests and the states before it, from the store, and what is not shipped yet. Out: [`ClusterDay`]. Always true: it
//! shows the objects that are in the manifest now, so a day that is still being read grows; a record that is shipped and asked for is one. The newest few days are kept, since a robot asks about one day again
//! and again. Searches nothing itself.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use super::{context::Call, fresh::ToldLines, trouble::Trouble};
use crate::{
    diagnosis::changes,
    mining::series,
    model::{
        Day, EvidenceId, LogKind, OwnerAlias,
        report::ChangeNote,
        shapes::{DayShapes, EventSeries, ObjectDigest},
    },
    round::clusters,
};

/// Two owners' days, or a day and the one before it.
const KEPT_DAYS: usize = 4;

/// Events folded by uid, and allowed changes by time.
#[derive(Debug)]
pub(super) struct ClusterDay {
    pub(super) events: Vec<EventSeries>,
    pub(super) changes: Vec<Changed>,
    /// Writes that the API server refused.
    pub(super) refused: usize,
}

/// A change, and whether anything set it off.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) note: ChangeNote,
    /// False for what controllers did because of another change in the list.
    pub(super) is_root: bool,
    /// How many writes of controllers it set off.
    pub(super) set_off: usize,
}

#[derive(Debug)]
struct Kept {
    owner: OwnerAlias,
    day: Day,
    objects: usize,
    found: Arc<ClusterDay>,
}

/// The days looked at last.
#[derive(Debug, Default)]
pub struct ClusterDays {
    days: Mutex<VecDeque<Kept>>,
    /// Lines that answers named.
    pub(super) told: ToldLines,
}

impl ClusterDays {
    /// The day as far as it is read now, and `fresh` records that are not shipped yet.
    pub(super) async fn of(
        &self,
        call: &Call,
        day: Day,
        fresh: Option<ObjectDigest>,
    ) -> Result<Arc<ClusterDay>, Trouble> {
        let objects = call.store.manifest(day).await?.len();
        let fresh = fresh.filter(|f| f.counts.records > 0);
        if objects == 0 && fresh.is_none() {
            return Err(Trouble::NoLogs(day));
        }
        if fresh.is_none()
            && let Some(kept) = self.kept(&call.owner, day, objects)
        {
            return Ok(kept);
        }
        let is_lasting = fresh.is_none();
        let (digests, states) = (
            call.store.digests(day).await?,
            call.store.states_before(day).await?,
        );
        let range = call.range(day);
        let reading = move || {
            let of = |kind: LogKind| {
                digests
                    .iter()
                    .filter(move |(k, _)| *k == kind)
                    .map(|(_, d)| d)
            };
            let fresh = fresh.unwrap_or_default();
            let shipped = of(LogKind::Audit).flat_map(|d| &d.writes);
            let writes = each_once(shipped.chain(&fresh.writes), |w| w.id);
            let shipped = of(LogKind::Event).flat_map(|d| &d.events);
            let events = each_once(shipped.chain(&fresh.events), |e| e.id);
            let mut shapes = DayShapes {
                events: series::fold(events.into_iter().cloned().map(Box::new).collect(), &range),
                writes: writes.into_iter().cloned().collect(),
                ..DayShapes::default()
            };
            clusters::name_objects(&mut shapes);
            let understood = changes::changes(&shapes.writes, &states);
            let changed = |c: &changes::Change<'_>| Changed {
                note: c.note(&range.zone),
                is_root: c.set_off_by.is_none(),
                set_off: c.cascade.len(),
            };
            let (told, refused) = (
                understood.all.iter().map(changed).collect(),
                understood.refused.len(),
            );
            ClusterDay {
                changes: told,
                refused,
                events: shapes.events,
            }
        };
        // Differences of thousands of objects: not on the threads that answer others.
        let found = tokio::task::spawn_blocking(reading)
            .await
            .map_err(|_| crate::store::Error::Stopped)?;
        let found = Arc::new(found);
        if !is_lasting {
            return Ok(found);
        }
        let mut kept = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|k| !(k.owner == call.owner && k.day == day));
        kept.truncate(KEPT_DAYS - 1);
        kept.push_front(Kept {
            owner: call.owner.clone(),
            day,
            objects,
            found: found.clone(),
        });
        Ok(found)
    }

    fn kept(&self, owner: &OwnerAlias, day: Day, objects: usize) -> Option<Arc<ClusterDay>> {
        let kept = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |k: &&Kept| k.owner == *owner && k.day == day && k.objects == objects;
        kept.iter().find(same).map(|k| k.found.clone())
    }
}

/// What is asked for may have been shipped meanwhile.
fn each_once<'a, T>(
    records: impl Iterator<Item = &'a T>,
    id: impl Fn(&T) -> EvidenceId,
) -> Vec<&'a T> {
    let mut seen = HashSet::new();
    records.filter(|r| seen.insert(id(r))).collect()
}
