//! The catalogue as it is written: the fields of `faults.toml`, one to one.
//!
//! In: TOML. Out: values as they stand. Always true: a field nobody knows is a mistake. What they mean, and whether they go together, is
//! [`super::load`]'s.

use serde::Deserialize;

use super::{CallMode, Pair, Quantity, Relation, RootIs, Sign, Where};
use crate::{diagnosis::changes::ChangeClass, model::Severity};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub(super) mode: Vec<RawMode>,
    pub(super) fault: Vec<RawFault>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMode {
    pub(super) name: CallMode,
    pub(super) text: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of its own in the file, and none excludes another"
)]
pub(super) struct RawFault {
    pub(super) code: String,
    pub(super) name: Pair,
    pub(super) severity: Option<Severity>,
    pub(super) sign: Option<Sign>,
    pub(super) tell: Option<Pair>,
    pub(super) say: Option<Pair>,
    pub(super) confirm: Option<Vec<Pair>>,
    pub(super) fix: Option<Vec<Pair>>,
    pub(super) rollback: Option<Pair>,
    pub(super) verify: Option<Vec<Pair>>,
    #[serde(default)]
    pub(super) event: Vec<RawEvent>,
    #[serde(default)]
    pub(super) text: Vec<RawText>,
    #[serde(default)]
    pub(super) server: Vec<RawText>,
    #[serde(default)]
    pub(super) refusal: Vec<String>,
    pub(super) calls: Option<Vec<CallMode>>,
    pub(super) makes: Option<Vec<CallMode>>,
    #[serde(default)]
    pub(super) follows: bool,
    pub(super) job: Option<String>,
    #[serde(default)]
    pub(super) over: Vec<String>,
    #[serde(default)]
    pub(super) under: Vec<String>,
    #[serde(default)]
    pub(super) slow: bool,
    #[serde(default)]
    pub(super) of_callee: bool,
    #[serde(default)]
    pub(super) messenger: bool,
    pub(super) ends: Option<Vec<String>>,
    pub(super) cause: Option<Vec<RawChange>>,
    pub(super) telling: Option<String>,
    pub(super) shared: Option<(String, String, String)>,
}

/// A pattern, alone or with what must not be there.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawText {
    Is(String),
    But(RawBut),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBut {
    pub(super) is: String,
    pub(super) not: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvent {
    #[serde(default)]
    pub(super) reason: Vec<String>,
    #[serde(default)]
    pub(super) kind: Vec<String>,
    pub(super) on: Option<String>,
    pub(super) message: Option<String>,
    pub(super) not: Option<String>,
    pub(super) names: Option<String>,
    #[serde(default)]
    pub(super) object: Where,
    pub(super) sign: Option<Sign>,
    #[serde(default)]
    pub(super) pinned: bool,
    #[serde(default)]
    pub(super) last: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChange {
    pub(super) class: Vec<ChangeClass>,
    #[serde(default)]
    pub(super) kind: Vec<String>,
    pub(super) of: Relation,
    pub(super) root: RootIs,
    #[serde(default)]
    pub(super) must: bool,
    pub(super) lowered: Option<Quantity>,
    #[serde(default)]
    pub(super) strong: bool,
    pub(super) name: Option<String>,
    pub(super) value: Option<String>,
    pub(super) field: Option<String>,
}
