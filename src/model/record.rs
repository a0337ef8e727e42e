//! What the readers make of one line of the event and audit logs, and what is kept of a line. Redaction has happened: nothing here
//! holds a secret.
//!
//! What is only counted borrows from its line, as business records do (`intake::business`); the rest is little and owned.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EvidenceId, LogKind, ObjectRef, Origin};

/// Why a line is not a record. The number of these per reason is part of the coverage; none stops a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// Not a JSON object.
    NotJson,
    /// JSON without a readable `__TIMESTAMP__`.
    NoTimestamp,
    /// Longer than the limit of a line.
    TooLong,
    /// Nested deeper than the limit.
    TooDeep,
    /// The last line of an object that was cut: its end is missing.
    Cut,
    /// A JSON object with a time, but not a record of the kind it was shipped as (an event without `involvedObject` and so on).
    WrongKind,
}

/// One Kubernetes Event record. Several records share a `uid`: an event is updated with a growing cumulative `count`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    pub id: EvidenceId,
    pub ts_ms: i64,
    pub cluster: String,
    /// `metadata.uid` of the Event.
    pub uid: String,
    pub object: ObjectRef,
    pub object_uid: String,
    /// The container named by `fieldPath`, or empty.
    pub container: String,
    pub reason: String,
    pub message: String,
    /// `type` is `Warning`.
    pub warning: bool,
    pub component: String,
    pub host: String,
    pub first_ms: i64,
    pub last_ms: i64,
    /// Cumulative since `first_ms`.
    pub count: u64,
}

/// What an audit record is to us.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditRecord<'a> {
    /// A request that changes desired state (spec, data, rules, labels, scale, create, delete), whether it was allowed or not.
    Write(Box<AuditWrite>),
    /// Everything else: reads, watches, leases, status, endpoints, events, access and token reviews.
    Call(Box<AuditCall<'a>>),
}

/// Who made a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Actor {
    /// `user.username`, or the impersonated user with the real one in `by`.
    pub user: String,
    pub groups: Vec<String>,
    pub agent: String,
    pub ip: String,
    /// The real user when another one was impersonated.
    pub by: Option<String>,
}

/// A request that changes desired state, in full and redacted.
///
/// Bodies of Secrets and ConfigMaps never get here: their `data` values are replaced by hashes. `managedFields` is dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditWrite {
    pub id: EvidenceId,
    pub ts_ms: i64,
    pub cluster: String,
    pub audit_id: String,
    pub actor: Actor,
    pub verb: String,
    /// With `kind` as in `Deployment`, resolved from the resource; the plural resource name when it is unknown.
    pub object: ObjectRef,
    pub resource: String,
    pub subresource: String,
    pub api_group: String,
    /// HTTP status of the answer; 0 when the record has none.
    pub code: u16,
    pub reason: String,
    pub message: String,
    /// Whether `requestObject`/`responseObject` were logged at all (audit level `Metadata` has none). Shared, since the state that a write
    /// leaves often is its answer, and a large day has many.
    pub request: Option<Arc<Value>>,
    pub response: Option<Arc<Value>>,
}

impl AuditWrite {
    /// Whether the API server carried it out.
    #[must_use]
    pub const fn allowed(&self) -> bool {
        self.code < 400
    }
}

/// A request that is only counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCall<'a> {
    pub id: EvidenceId,
    pub ts_ms: i64,
    pub user: Cow<'a, str>,
    pub verb: Cow<'a, str>,
    /// Resource with subresource, as in `nodes/status`.
    pub resource: Cow<'a, str>,
    pub namespace: Cow<'a, str>,
    pub name: Cow<'a, str>,
    pub code: u16,
    pub reason: Cow<'a, str>,
    /// Only kept for refused requests; empty otherwise.
    pub message: Cow<'a, str>,
    pub agent: Cow<'a, str>,
}

/// A record that is kept with its redacted line, so that evidence opens after the object has expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub id: EvidenceId,
    pub ts_ms: i64,
    pub origin: Origin,
    pub sha256: String,
    pub namespace: String,
    /// Name of the pod, of the event's object or of the written object.
    pub object: String,
    /// What a person reads: the message, `reason object: message`, or `user verb object`.
    pub text: String,
    /// The whole line, redacted.
    pub line: String,
}

impl Kept {
    #[must_use]
    pub const fn kind(&self) -> LogKind {
        self.id.kind
    }
}
