//! The ways to a person that are not an answer: a chat group, a robot that is woken.
//!
//! In: a text made for the way. Out: what became of it ([`Outcome`](crate::store::Outcome)). Always true: no address, token or secret
//! stands in any error or log line. When to say something and what is for `teller`.

mod chat;
mod gateway;
mod quiet;

pub use chat::{Chats, Robot};
pub use gateway::{Error as GatewayError, Gateway, LONGEST_REASON, client_id, reason};
pub use quiet::QuietHours;
