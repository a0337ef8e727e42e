//! What every call needs at hand: the clock, the language, the owners' data, the rounds, the change hub, the stop.
//!
//! In: built once by `app`. Out: shared by reference with all calls. Always true: no call has any other way to the outside. Holds
//! nothing that belongs to one session.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{Timestamp, tz::TimeZone};

use super::{Changes, Chat, Rounds, Stop, Stores, calls::Calls, cluster_day::ClusterDays};
use crate::{
    model::{Day, Lang, Moment},
    owners::Owners,
};

/// See the module's head.
#[derive(Debug)]
pub struct Desk {
    pub clock: Clock,
    pub zone: TimeZone,
    pub lang: Lang,
    pub stores: Arc<Stores>,
    pub owners: Owners,
    pub rounds: Rounds,
    pub chat: Chat,
    pub changes: Changes,
    pub stop: Stop,
    pub calls: Calls,
    pub days: ClusterDays,
}

/// Where "now" comes from.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    #[default]
    System,
    /// Stands still at these Unix milliseconds; for tests.
    Fixed(i64),
    /// Is moved by hand; for tests.
    Hand(&'static AtomicI64),
}

impl Clock {
    /// Unix milliseconds.
    #[must_use]
    pub fn now_ms(self) -> i64 {
        match self {
            Self::System => Timestamp::now().as_millisecond(),
            Self::Fixed(ms) => ms,
            Self::Hand(ms) => ms.load(Ordering::SeqCst),
        }
    }
}

impl Desk {
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::new(self.clock.now_ms(), &self.zone)
    }

    /// Today, where the owner's clusters are.
    #[must_use]
    pub fn today(&self) -> Day {
        Day::of(self.clock.now_ms(), &self.zone)
    }
}
