//! The MCP face: tools, resources and prompts over stored days, for the xiaozhi server, Claude and any other client.
//!
//! In: authenticated requests (from `http`) and frames (from a xiaozhi endpoint). Out: texts. Always true: a failure that a caller can
//! act on is a text that says what to do; a protocol error is for an unknown tool or resource only.
//!
//! - [`Desk`]: what every call holds; [`Caller`]: who calls;
//! - [`service()`]: the transport, with [`sessions`], [`Changes`] for subscribers and [`Stop`] for the end;
//! - [`serve_endpoint`]: the other wire, for a robot whose side cannot dial in;
//! - [`Address`]: the resources.

mod about;
mod answer;
mod args;
mod beside;
mod call;
mod caller;
mod calls;
mod changes;
mod chat;
mod cluster_day;
mod context;
mod desk;
mod endpoint;
mod follow;
mod fresh;
mod going_on;
mod marked;
pub mod marking;
mod matching;
mod pick;
mod prompts;
mod pulled;
mod resources;
mod rounds;
mod running;
mod server;
mod service;
pub mod sessions;
mod stop;
mod stores;
mod table;
mod told_incident;
mod tools;
mod traced;
mod trouble;
mod unnumbered;
mod uri;
mod whose;
mod window;

pub use answer::{Answer, MARK};
pub use caller::{Access, Caller, ENDPOINT_BYTES, Origin, Wire};
pub use calls::Calls;
pub use changes::{Change, Changes};
pub use chat::{Chat, SendChat};
pub use cluster_day::ClusterDays;
pub use context::scope;
pub use desk::{Clock, Desk};
pub use endpoint::{Endpoint, PAGE_BYTES, serve as serve_endpoint};
pub use marked::{settling, without_settled};
pub use rounds::{ReadBeside, ReadFresh, ReadLines, Rounds, RunRound};
pub use server::Server;
pub use service::service;
pub use stop::Stop;
pub use stores::Stores;
pub use uri::{Address, File, NoSuchAddress};
