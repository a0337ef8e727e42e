//! Whose data a call sees, asked of the owners room in its own terms.
//!
//! In: where a call comes from. Out: an [`Asker`], and the owner in force for it. Always true: nobody sees an owner outside of the
//! token's list. The rule itself is [`crate::owners::switch`].

use super::{Access, Origin, trouble::Trouble};
use crate::{
    model::OwnerAlias,
    owners::{Asker, Owners, Whose},
};

pub(super) fn asker(origin: &Origin) -> Asker<'_> {
    Asker {
        token: &origin.caller.name,
        session: origin.session.as_deref(),
        device: origin.device.as_deref(),
        speaker: origin.speaker.as_deref(),
        client: origin.client.as_deref(),
        owners: match &origin.caller.access {
            Access::All => &[],
            Access::Only(owners) => owners,
        },
    }
}

/// The owner of a call; counts as use of its scope.
pub(super) fn whose(owners: &Owners, origin: &Origin, now_ms: i64) -> Result<Whose, Trouble> {
    let whose = owners
        .owner_of(&asker(origin), now_ms)?
        .ok_or(Trouble::NoOwner)?;
    if origin.caller.access.allows(&whose.owner) {
        Ok(whose)
    } else {
        Err(Trouble::NotYours(whose.owner))
    }
}

/// The same for whoever follows a call beside its answer: counts as no use, and nothing is told by it.
pub(super) fn followed(owners: &Owners, origin: &Origin, now_ms: i64) -> Option<OwnerAlias> {
    let whose = owners.owner_behind(&asker(origin), now_ms).ok()??;
    origin
        .caller
        .access
        .allows(&whose.owner)
        .then_some(whose.owner)
}
