//! The change hub: other rooms say what changed, subscribers of both protocol eras hear of it.
//!
//! In: a [`Change`]. Out: a broadcast that the server's forwarders read. Always true: sending never waits, and a reader that falls
//! behind is told so (it then announces everything that its client follows, which reads again). Does not know sessions or URIs of a
//! client.

use tokio::sync::broadcast;

use crate::model::{Day, OwnerAlias};

/// A slow subscriber may fall this far behind before changes are folded into one "read again".
const CAPACITY: usize = 256;

/// Something a subscriber may want to read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A day has a newer revision of its report.
    Report(OwnerAlias, Day),
    /// An owner has a day that it had not before.
    NewDay(OwnerAlias, Day),
    /// An alarm came, was analysed or told.
    Alerts(OwnerAlias),
    /// A task of an owner began, came on or ended.
    Tasks(OwnerAlias),
}

impl Change {
    #[must_use]
    pub const fn owner(&self) -> &OwnerAlias {
        match self {
            Self::Report(owner, _)
            | Self::NewDay(owner, _)
            | Self::Alerts(owner)
            | Self::Tasks(owner) => owner,
        }
    }
}

/// Where changes are announced. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Changes(broadcast::Sender<Change>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::channel(CAPACITY).0)
    }
}

impl Changes {
    /// Tells everyone who listens; nobody listening is fine.
    pub fn announce(&self, change: Change) {
        let _nobody = self.0.send(change);
    }

    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Change> {
        self.0.subscribe()
    }
}
