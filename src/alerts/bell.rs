//! The bell at the door: an alarm of this owner has come.
//!
//! In: owners. Out: the same, to the one who listens. Always true: ringing never waits. A ring that finds the line full is lost, and
//! nothing with it: the alarm is stored, and the listener looks at every owner from time to time.

use tokio::sync::mpsc;

use crate::model::OwnerAlias;

/// Owners that may ring while one alarm is being worked on.
const WAITING: usize = 64;

/// Rings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bell(mpsc::Sender<OwnerAlias>);

/// Hears the bell.
#[derive(Debug)]
pub struct Ear(mpsc::Receiver<OwnerAlias>);

/// A bell and the one who hears it.
#[must_use]
pub fn bell() -> (Bell, Ear) {
    let (ring, hear) = mpsc::channel(WAITING);
    (Bell(ring), Ear(hear))
}

impl Bell {
    pub fn ring(&self, owner: OwnerAlias) {
        if self.0.try_send(owner).is_err() {
            tracing::debug!("nobody could hear the bell; the alarm waits in its store");
        }
    }
}

impl Ear {
    /// The next owner; `None` when no bell is left.
    pub async fn next(&mut self) -> Option<OwnerAlias> {
        self.0.recv().await
    }
}
