//! Alarms fetched where none can be pushed to us: no public address.
//!
//! In: a key's door to the API, a store, now. Out: how many alarms were new. Always true: what was fetched is in the inbox before it is
//! noted as fetched, so that a killed process fetches it again and the inbox knows it; at the very first look what is older than
//! [`FRESH_MS`] is history and told to nobody; a pasted webhook and a poll of one alarm are one alarm as far as policy and
//! dimensions agree. Decides nothing about telling.

mod history;
mod topic;

use serde::{Deserialize, Serialize};

use crate::{
    intake::tc3,
    store::{self, Arrival, Delivery},
};

pub(super) use history::read;
pub use history::{histories, may_be_fetched};
pub use topic::topic;

/// Whoever starts the program wants to hear of what is wrong now.
pub const FRESH_MS: i64 = 30 * 60 * 1000;

/// The room in the store's facts.
const ROOM: &str = "alarms";

/// Why nothing could be fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Service(#[from] tc3::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What was fetched so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Everything before this was seen, Unix milliseconds; 0 before the first look.
    until_ms: i64,
    /// Marks of what was seen after that, with when it was.
    seen: Vec<(String, i64)>,
}

impl Place {
    fn is_first(&self) -> bool {
        self.until_ms == 0
    }

    /// False when this mark was seen before.
    fn add(&mut self, mark: String, at_ms: i64) -> bool {
        let is_new = !self.seen.iter().any(|(seen, _)| *seen == mark);
        if is_new {
            self.seen.push((mark, at_ms));
        }
        is_new
    }

    fn forget(&mut self, before_ms: i64) {
        self.seen.retain(|(_, at_ms)| *at_ms >= before_ms);
    }
}

/// How many of these somebody has to be told of.
fn news(deliveries: &[Delivery]) -> usize {
    deliveries
        .iter()
        .filter(|d| d.arrival == Arrival::New)
        .count()
}
