//! How the sample cluster writes its records: the verbs of a story, in the shapes of CLS and TKE.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    cluster::{CLUSTER, Cluster, Style},
    ship::Line,
};
use crate::model::{LogKind, Moment};

impl Cluster {
    /// An access line of the edge.
    pub(super) fn access(&mut self, ms: i64, status: u16, cost_ms: u32, path: &str) {
        let at = Self::moment(ms)
            .civil()
            .strftime("%d/%b/%Y:%H:%M:%S")
            .to_string();
        let ip = format!(
            "183.{}.{}.{}",
            self.dice.roll(250),
            self.dice.roll(250),
            self.dice.roll(250)
        );
        let seconds = f64::from(cost_ms) / 1000.0;
        let line = format!(
            "{ip} - - [{at} +0800] \"GET {path} HTTP/1.1\" {status} {} \"-\" \"okhttp/4.12.0\" rt={seconds:.3}",
            200 + self.dice.roll(9000)
        );
        self.content("storefront", ms, &line);
    }

    /// One line of a service in its own style; `stack` goes below the message.
    pub(super) fn say(
        &mut self,
        service: &str,
        ms: i64,
        level: &str,
        message: &str,
        stack: Option<&str>,
    ) {
        let Some(s) = self.services.get(service) else {
            return;
        };
        let (style, trace) = (s.style, format!("{:016x}", self.dice.next()));
        let at = format!(
            "{}.{:03}+08:00",
            Self::moment(ms).civil().strftime("%Y-%m-%dT%H:%M:%S"),
            ms.rem_euclid(1000)
        );
        let below = stack.map(|s| format!("\n{s}")).unwrap_or_default();
        match style {
            Style::Nginx => self.content(
                service,
                ms,
                &format!(
                    "{} [{}] 31#31: {message}",
                    at.replace('-', "/"),
                    level.to_lowercase()
                ),
            ),
            Style::Logback => {
                let thread = 1 + self.dice.roll(40);
                self.content(service, ms, &format!("{at} {level:5} [http-nio-8080-exec-{thread}] c.d.{service}.Handler traceId={trace} - {message}{below}"));
            }
            Style::Python => self.content(
                service,
                ms,
                &format!(
                    "{} {level} {service}.worker[7]: [{trace}] {message}{below}",
                    at.replace('T', " ")
                ),
            ),
            Style::Zap => {
                let mut fields = json!({"level": level.to_lowercase(), "ts": at, "caller": "handler/http.go:71", "msg": message, "trace_id": trace});
                if let Some(stack) = stack {
                    fields["error"] = json!(stack);
                }
                self.business(service, ms, &fields);
            }
        }
    }

    fn content(&mut self, service: &str, ms: i64, text: &str) {
        self.business(service, ms, &json!({"__CONTENT__": text}));
    }

    fn business(&mut self, service: &str, ms: i64, fields: &Value) {
        let pick = self.dice.roll(1 << 20) as usize;
        let Some(s) = self.services.get(service) else {
            return;
        };
        let (pod, node) = &s.pods[pick % s.pods.len()];
        let mut line = json!({"__TIMESTAMP__": ms, "__SOURCE__": node, "__FILENAME__": format!("/var/log/pods/{}_{pod}/{service}/0.log", s.ns)});
        merge(&mut line, fields);
        line["__TAG__"] = json!({"cluster_id": CLUSTER, "namespace": s.ns, "pod_name": pod, "container_name": service, "image_name": s.image, "pod_label_app": service});
        self.line(LogKind::Business, ms, &line);
    }

    /// `times` more occurrences of an event; the record carries the cumulative count.
    #[expect(
        clippy::too_many_arguments,
        reason = "an event has these parts, and a story names them in this order"
    )]
    pub(super) fn event(
        &mut self,
        ms: i64,
        object: (&str, &str, &str),
        warning: bool,
        reason: &str,
        component: &str,
        message: &str,
        times: u64,
    ) {
        let (kind, ns, name) = object;
        let uid = self.dice.uuid();
        let series = self
            .events
            .entry((
                format!("{kind}/{ns}/{name}"),
                reason.to_owned(),
                message.to_owned(),
            ))
            .or_insert((uid, ms, 0));
        series.2 += times;
        let (uid, first, count) = series.clone();
        let event = json!({"metadata": {"name": format!("{name}.{:016x}", first), "namespace": if ns.is_empty() { "default" } else { ns }, "uid": uid,
                "resourceVersion": self.next_version(), "creationTimestamp": utc(first)},
            "involvedObject": {"kind": kind, "namespace": ns, "name": name, "apiVersion": "v1"},
            "reason": reason, "message": message, "source": {"component": component}, "firstTimestamp": utc(first), "lastTimestamp": utc(ms),
            "count": count, "type": if warning { "Warning" } else { "Normal" }, "reportingComponent": component});
        self.line(LogKind::Event, ms, &json!({"__TIMESTAMP__": ms, "__SOURCE__": "10.20.0.2", "clusterId": CLUSTER, "verb": "UPDATED", "event": event}));
    }

    /// A request that the API server carried out. `resource` is (plural, group), `object` (namespace, name).
    #[expect(
        clippy::too_many_arguments,
        reason = "an audit record has these parts, and a story names them in this order"
    )]
    pub(super) fn audit(
        &mut self,
        ms: i64,
        who: (&str, &str),
        verb: &str,
        resource: (&str, &str),
        object: (&str, &str),
        code: u16,
        request: &Value,
        response: &Value,
    ) {
        let (plural, group) = resource;
        let (ns, name) = object;
        let record = json!({"__TIMESTAMP__": ms, "__SOURCE__": "10.20.0.2", "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
            "auditID": self.dice.uuid(), "stage": "ResponseComplete", "requestURI": format!("/apis/{group}/v1/namespaces/{ns}/{plural}/{name}"), "verb": verb,
            "user": {"username": who.0, "uid": "", "groups": ["system:authenticated"]}, "sourceIPs": ["10.20.0.200"], "userAgent": who.1,
            "objectRef": {"resource": plural, "namespace": ns, "name": name, "apiGroup": group, "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": code}, "requestObject": request, "responseObject": response,
            "requestReceivedTimestamp": utc(ms), "stageTimestamp": utc(ms), "annotations": {"authorization.k8s.io/decision": "allow"}});
        self.line(LogKind::Audit, ms, &record);
    }

    pub(super) fn refuse(&mut self, ms: i64, user: &str, resource: (&str, &str), message: &str) {
        let record = json!({"__TIMESTAMP__": ms, "__SOURCE__": "10.20.0.2", "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request",
            "auditID": self.dice.uuid(), "stage": "ResponseComplete", "requestURI": format!("/apis/{}/v1/{}", resource.1, resource.0), "verb": "list",
            "user": {"username": user, "groups": ["system:serviceaccounts", "system:authenticated"]}, "sourceIPs": ["10.20.0.12"], "userAgent": "kube-state-metrics/v2.5.0",
            "objectRef": {"resource": resource.0, "apiGroup": resource.1, "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "status": "Failure", "reason": "Forbidden", "message": message, "code": 403},
            "requestReceivedTimestamp": utc(ms), "stageTimestamp": utc(ms), "annotations": {"authorization.k8s.io/decision": "forbid"}});
        self.line(LogKind::Audit, ms, &record);
    }

    pub(super) fn moment(ms: i64) -> Moment {
        Moment::new(ms, &jiff::tz::TimeZone::fixed(jiff::tz::offset(8)))
    }

    fn line(&mut self, kind: LogKind, ms: i64, record: &Value) {
        self.out.push(Line {
            kind,
            ms,
            text: record.to_string(),
        });
    }
}

pub(super) fn utc(ms: i64) -> String {
    Timestamp::from_millisecond(ms - ms.rem_euclid(1000))
        .map(|t| t.to_string())
        .unwrap_or_default()
}

fn merge(into: &mut Value, other: &Value) {
    if let (Value::Object(into), Value::Object(other)) = (into, other) {
        into.extend(other.clone());
    }
}
