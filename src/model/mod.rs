//! The values of the house: what a log line becomes on its way to a report, each with its invariants.
//!
//! In: nothing. Out: plain data that every other room passes on. Always true: no I/O, no clock, no randomness, and no `use` of
//! another room; whatever can be read from outside (`serde`) is checked while it is read. Does not decide anything.
//!
//! In the order of a line's walk: [`LogKind`] and [`Day`] say what is read; [`Evidence`] says where a line lies; [`record`] holds
//! what the three readers make of a line; [`shapes`] what a whole day of them looks like; [`report`] what is said about it.

mod access;
mod alias;
mod day;
mod evidence;
mod kind;
mod lang;
mod level;
mod llm_note;
mod moment;
mod object;
mod origins;
pub mod record;
pub mod report;
#[cfg(test)]
pub(crate) mod sample;
pub mod shapes;
mod text;
mod zone;

pub use access::{
    BucketUrl, Credentials, Endpoints, InvalidBucketUrl, LogPrefix, Places, of_cluster,
    with_cluster,
};
pub use alias::{InvalidAlias, OwnerAlias};
pub use day::{CELL_MS, CELLS_PER_DAY, Day, DayRange};
pub use evidence::{Evidence, EvidenceId, Origin};
pub use kind::LogKind;
pub use lang::{Lang, UnknownLang};
pub use level::{Level, Severity};
pub use moment::Moment;
pub use object::{ObjectRef, Service, workload_name};
pub use origins::Origins;
pub use text::{is_invisible, plain, visible};
pub use zone::{UnknownZone, Zone};
