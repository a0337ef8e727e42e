//! SQLite, one folder per owner: what a day leaves behind, and finding it again.
//!
//! In: digests of bucket objects, counted days, reports, documents. Out: the same, and search hits. [`Store`] is the handle; it
//! cannot be made without its owner, is cheap to clone, and every call is one transaction on a thread of its own. Only this room
//! speaks SQL. It decides nothing: what a day means is `diagnosis`' business.
//!
//! # Invariants
//! - One bucket object is one transaction of the day file ([`day_file`]); everything in `owner.db` that belongs to a day is
//!   replaced as a whole. So whatever a crash left is healed by doing it again.
//! - One process writes an owner's data; any number read it.

mod alarms;
mod baseline;
mod claims;
mod codec;
pub mod day_file;
mod docs;
pub mod embed;
mod error;
mod evaluation;
mod facts;
#[cfg(test)]
mod fixture;
mod fold;
mod handle;
mod incidents;
mod kept;
mod lane;
mod lock;
mod marks;
#[cfg(test)]
mod recall;
mod reindex;
mod reports;
mod schema;
mod search;
mod states;
mod tasks;
mod telling;
mod told;
mod vec_extension;
mod vectors;

pub use alarms::{AlarmRow, AlarmState, Arrival, Delivery, NewAlarm};
pub use claims::Claims;
pub use day_file::{ManifestRow, ObjectMeta};
pub use docs::{Doc, What, docs_of};
pub use error::Error;
pub use evaluation::{Evaluation, Judgement};
pub use fold::Sum;
pub use handle::{Store, check, folder_of, move_owner};
pub use incidents::PastIncident;
pub use marks::{Mark, NewMark, Verdict};
pub use search::{Hit, Hits, Query};
pub use tasks::{TaskRow, TaskState};
pub use telling::{Outcome, ToldLine};
pub use told::Told;
