//! One line of the kube-apiserver's audit log to an [`AuditRecord`].
//!
//! In: a JSON line with an audit.k8s.io/v1 `Event`, nested parts structured or escaped. Out: a write with its bodies, or a call
//! that is only counted. Always true: the identity is that of `auditID` and `stage`; `managedFields` is gone; values of Secrets
//! and ConfigMaps are hashes; no body holds a secret. A body that was cut (CLS cuts lines at 1 MB) is no body. Does not compare
//! states: what a write changed is found by diagnosis.

mod body;
mod class;

use std::{borrow::Cow, sync::Arc};

use super::{
    identity,
    json::{self, Node},
    redact,
};
use crate::model::{
    EvidenceId, LogKind, ObjectRef,
    record::{Actor, AuditCall, AuditRecord, AuditWrite, Rejection},
};

/// Reads one line.
pub fn read(line: &[u8]) -> Result<AuditRecord<'_>, Rejection> {
    let mut parts = Parts::default();
    json::for_each_field(line, |key, node| parts.take(&key, node))?;
    let ts_ms = parts.ts_ms.ok_or(Rejection::NoTimestamp)?;
    if parts.audit_id.is_empty() || parts.verb.is_empty() {
        return Err(Rejection::WrongKind);
    }
    let id = EvidenceId {
        kind: LogKind::Audit,
        hash: identity::of_parts([parts.audit_id.as_ref(), parts.stage.as_ref()]),
    };
    Ok(if class::is_write(&parts) {
        AuditRecord::Write(Box::new(parts.write(id, ts_ms)))
    } else {
        AuditRecord::Call(Box::new(parts.call(id, ts_ms)))
    })
}

/// The fields we use, as they stand in the line.
#[derive(Debug, Default)]
struct Parts<'a> {
    ts_ms: Option<i64>,
    cluster: Cow<'a, str>,
    audit_id: Cow<'a, str>,
    stage: Cow<'a, str>,
    verb: Cow<'a, str>,
    uri: Cow<'a, str>,
    agent: Cow<'a, str>,
    ips: Raw<'a>,
    user: Cow<'a, str>,
    groups: Raw<'a>,
    impersonated: Cow<'a, str>,
    impersonated_groups: Raw<'a>,
    resource: Cow<'a, str>,
    subresource: Cow<'a, str>,
    api_group: Cow<'a, str>,
    namespace: Cow<'a, str>,
    name: Cow<'a, str>,
    code: u16,
    reason: Cow<'a, str>,
    message: Cow<'a, str>,
    request: Raw<'a>,
    response: Raw<'a>,
}

/// A value as it stands in its line. Most records are calls, of which nobody asks for lists and bodies.
type Raw<'a> = Cow<'a, str>;

impl<'a> Parts<'a> {
    fn take(&mut self, key: &str, node: Node<'a>) {
        match key {
            "__TIMESTAMP__" => self.ts_ms = node.as_time(),
            "auditID" => self.audit_id = node.text(),
            "stage" => self.stage = node.text(),
            "verb" => self.verb = node.text(),
            "requestURI" => self.uri = node.text(),
            "userAgent" => self.agent = node.text(),
            "clusterId" | "cluster_id" => self.cluster = node.text(),
            "sourceIPs" => self.ips = Cow::Borrowed(node.raw()),
            "requestObject" => self.request = Cow::Borrowed(node.raw()),
            "responseObject" => self.response = Cow::Borrowed(node.raw()),
            "user" | "impersonatedUser" | "objectRef" | "responseStatus" | "__TAG__" => {
                if let Some(text) = node.escaped() {
                    // Half an object says less, nothing wrong: each field stands for itself.
                    let _: Result<(), Rejection> =
                        json::for_each_field(text.as_bytes(), |inner, node| {
                            self.part(key, &inner, &node, |text| Cow::Owned(text.into_owned()));
                        });
                } else {
                    for (inner, node) in node.fields() {
                        self.part(key, &inner, &node, |text| text);
                    }
                }
            }
            flat => {
                if let Some((outer, inner)) = flat.split_once('.') {
                    self.part(outer, inner, &node, |text| text);
                }
            }
        }
    }

    /// A field of a nested part. `own` decides whether it may be borrowed.
    fn part<'n>(
        &mut self,
        outer: &str,
        inner: &str,
        node: &Node<'n>,
        own: impl Fn(Cow<'n, str>) -> Cow<'a, str>,
    ) {
        let text = |node: &Node<'n>| own(node.text());
        match (outer, inner) {
            ("user", "username") => self.user = text(node),
            ("user", "groups") => self.groups = own(node.raw().into()),
            ("impersonatedUser", "username") => self.impersonated = text(node),
            ("impersonatedUser", "groups") => self.impersonated_groups = own(node.raw().into()),
            ("objectRef", "resource") => self.resource = text(node),
            ("objectRef", "subresource") => self.subresource = text(node),
            ("objectRef", "apiGroup") => self.api_group = text(node),
            ("objectRef", "namespace") => self.namespace = text(node),
            ("objectRef", "name") => self.name = text(node),
            ("responseStatus", "code") => self.code = text(node).parse().unwrap_or(0),
            ("responseStatus", "reason") => self.reason = text(node),
            ("responseStatus", "message") => self.message = text(node),
            ("__TAG__", "cluster_id") => self.cluster = text(node),
            _ => {}
        }
    }

    fn write(self, id: EvidenceId, ts_ms: i64) -> AuditWrite {
        let light = class::is_made_by_controller(&self);
        let read = |raw: &Raw<'_>| body::read(&json::nested(raw)?, &self.resource, light);
        let (mut request, response) = (read(&self.request), read(&self.response));
        let bodies = [response.as_ref(), request.as_ref()];
        let kind = class::kind_of(&self.resource)
            .map(str::to_owned)
            .or_else(|| bodies.into_iter().flatten().find_map(body::kind))
            .unwrap_or_else(|| self.resource.clone().into_owned());
        // A create has no name in its URI: the body has it, with what the server appended to `generateName`.
        let name = match self.name.as_ref() {
            "" => bodies
                .into_iter()
                .flatten()
                .find_map(body::name)
                .unwrap_or_default(),
            name => name.to_owned(),
        };
        // What a controller asked for is what it got, and pods are most of what is written.
        let made = matches!(self.verb.as_ref(), "create" | "update");
        if light && made && response.as_ref().is_some_and(|b| body::is_whole(b, &kind)) {
            request = None;
        }
        let (user, groups, by) = if self.impersonated.is_empty() {
            (self.user, self.groups, None)
        } else {
            let by = Some(self.user.into_owned());
            (self.impersonated, self.impersonated_groups, by)
        };
        AuditWrite {
            id,
            ts_ms,
            cluster: self.cluster.into_owned(),
            audit_id: self.audit_id.into_owned(),
            actor: Actor {
                user: user.into_owned(),
                groups: strings(&groups),
                agent: self.agent.into_owned(),
                ip: strings(&self.ips).into_iter().next().unwrap_or_default(),
                by,
            },
            verb: self.verb.into_owned(),
            object: ObjectRef::new(kind, self.namespace, name),
            resource: self.resource.into_owned(),
            subresource: self.subresource.into_owned(),
            api_group: self.api_group.into_owned(),
            code: self.code,
            reason: self.reason.into_owned(),
            message: redact::cow(self.message).into_owned(),
            request: request.map(Arc::new),
            response: response.map(Arc::new),
        }
    }

    fn call(self, id: EvidenceId, ts_ms: i64) -> AuditCall<'a> {
        let resource = match (self.resource.as_ref(), self.subresource.as_ref()) {
            // A path such as `/healthz`: its query is of no interest.
            ("", _) => match self.uri {
                Cow::Borrowed(uri) => Cow::Borrowed(path(uri)),
                Cow::Owned(uri) => Cow::Owned(path(&uri).to_owned()),
            },
            (_, "") => self.resource,
            (resource, sub) => Cow::Owned(format!("{resource}/{sub}")),
        };
        AuditCall {
            id,
            ts_ms,
            user: self.user,
            verb: self.verb,
            resource,
            namespace: self.namespace,
            name: redact::cow(self.name),
            code: self.code,
            reason: self.reason,
            message: if self.code >= 400 {
                redact::cow(self.message)
            } else {
                Cow::Borrowed("")
            },
            agent: self.agent,
        }
    }
}

fn path(uri: &str) -> &str {
    uri.split('?').next().unwrap_or_default()
}

/// The strings of an array, structured or escaped.
fn strings(raw: &str) -> Vec<String> {
    json::nested(raw)
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
