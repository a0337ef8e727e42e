//! The round of the night: one day of one owner from bucket to the two files.
//!
//! [`schedule`] says when; [`pull`] reads a part of a day and [`lines`] its lines for a question; [`tasks`] runs it in the background; [`progress`] tells how far it is; [`files`] writes what is read in the morning.

mod clock;
mod earlier;
mod error;
pub mod files;
pub mod judge;
pub mod lines;
pub mod progress;
pub mod pull;
mod read;
pub mod run;
pub mod schedule;
pub mod source;
pub mod tasks;
pub use error::Error;
pub use run::Round;
