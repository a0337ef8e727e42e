//! The round of the night: one day of one owner from bucket to the two files.
//!
//! [`schedule`] says when; [`pull`] reads a part of a day and [`lines`] its lines for a question; [`live`] asks CLS for what is not in
//! the bucket yet, [`around`] puts both together around an alarm, [`beside`] around a line; [`still`] looks whether a day's problems are
//! still so; [`tasks`] runs it in the background and [`ledger`] remembers it; [`progress`] tells how far it is; [`files`] writes what is
//! read in the morning.

pub mod around;
pub mod beside;
mod clock;
pub mod clusters;
mod earlier;
mod error;
mod fetch;
pub mod files;
pub mod fresh;
pub mod judge;
pub mod ledger;
pub mod lines;
pub mod live;
pub mod progress;
pub mod pull;
mod read;
pub mod run;
pub mod schedule;
mod shipped;
pub mod source;
pub mod still;
pub mod tasks;
mod turns;
mod workers;
pub use error::Error;
pub use run::Round;
pub use workers::Workers;
