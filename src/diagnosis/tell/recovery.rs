//! Whether an incident is over, since when, and who ended it.

use crate::{
    diagnosis::{
        chain::{Root, Search},
        changes::ChangeClass,
        symptoms::Symptom,
    },
    model::report::{ActorKind, Status},
};

/// Silence this long means over: back-off of retries ends at ten to fifteen minutes.
const SILENT_MS: i64 = 25 * 60_000;
/// Whoever ended it did so at most this long before the last symptom, or after it.
const UNDONE_BEFORE_MS: i64 = 15 * 60_000;
/// A pause of two hours within an incident means that it came again.
const AGAIN_MS: i64 = 2 * 3_600_000;

/// How an incident ended, if it did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) end_ms: Option<i64>,
    pub(super) status: Status,
    /// Index of the change that ended it.
    pub(super) by: Option<usize>,
}

pub(super) fn end_of(search: Search<'_>, root: &Root) -> Ended {
    let own = || root.at.own.iter().map(|i| &search.symptoms[*i]);
    let last = own().map(Symptom::until_ms).max().unwrap_or(root.at.to_ms);
    let undone = undone(search, root, last);
    // A state is told when it begins and when it ends; silence in between is not its end.
    let is_state = !search.catalogue.faults()[root.at.fault].ends.is_empty();
    let told = own().any(|s| s.over_ms == Some(last));
    let holds = is_state && own().any(|s| s.object == root.at.object && s.over_ms.is_none());
    let over = !holds && (told || search.seen_until_ms - last > SILENT_MS);
    let mut cells: Vec<u16> = own().flat_map(|s| s.cells.iter().map(|c| c.0)).collect();
    cells.sort_unstable();
    let pause = u16::try_from(AGAIN_MS / crate::model::CELL_MS).unwrap_or(u16::MAX);
    let again = cells.windows(2).any(|w| w[1] - w[0] > pause);
    Ended {
        end_ms: over.then_some(last),
        status: match (over, again) {
            (true, _) => Status::Recovered,
            (false, true) => Status::Recurred,
            (false, false) => Status::Ongoing,
        },
        by: undone.filter(|_| over),
    }
}

/// The change of the causing or the suffering object that came when the symptoms stopped.
fn undone(search: Search<'_>, root: &Root, last_ms: i64) -> Option<usize> {
    let changes = search.scene.changes;
    let cause = root.at.cause.as_ref();
    let began = cause.map_or(root.at.from_ms, |c| changes.all[c.change].at_ms);
    let blamed = cause.map(|c| &changes.all[c.change].object);
    let carried = root.at.carried.map(|n| search.carried[n].incident);
    let blamed_before = carried.and_then(|i| i.change.as_ref()).map(|c| &c.object);
    let mut places = vec![&root.at.object];
    places.extend(blamed.or(blamed_before));
    let near = |at: i64| {
        at > began && at >= last_ms - UNDONE_BEFORE_MS && at <= last_ms + UNDONE_BEFORE_MS
    };
    let people = |kind: ActorKind| matches!(kind, ActorKind::Human | ActorKind::Pipeline);
    places
        .into_iter()
        .flat_map(|object| changes.of(object))
        .filter(|(_, c)| near(c.at_ms) && people(c.actor) && c.what > ChangeClass::Label)
        .map(|(index, _)| index)
        .next()
}
