//! Where alarms arrive: a body becomes a stored alarm before its sender gets an answer.
//!
//! In: the bytes of a webhook and where they came from. Out: a [`Delivery`], which says whether this was news. Always true: a body is
//! redacted before anything of it is kept; one that nobody can read is kept as it came; notifications of one alarm, its recovery
//! and its flapping are one alarm. Analyses and tells nothing: that comes afterwards.

use std::collections::BTreeMap;

use super::{Alarm, Analysis, Broken, Source, State, apart, read};
use crate::{
    intake::redact,
    model::OwnerAlias,
    store::{self, AlarmRow, AlarmState, Delivery, NewAlarm, Store},
};

/// An alarm that begins anew within this time is the same trouble; a policy evaluates every minute to every five.
pub const FLAPPING_MS: i64 = 30 * 60 * 1000;

/// Unread alarms older than this are history: they are answered when asked for, but nobody is woken by them.
pub const NEWS_MS: i64 = 24 * 3600 * 1000;

/// Of a body that did not come whole, this much is kept.
const BEGINNING: usize = 4096;

/// Alarms looked at in one go; a storm beyond this is told by its number.
pub const MOST_UNREAD: u32 = 500;

/// A body that was read, not yet kept: one alarm or several.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    alarms: Vec<(Alarm, String)>,
    source: Source,
    received_ms: i64,
}

/// Reads a body. Whose alarm it is may depend on what it says, so keeping it is a step of its own.
#[must_use]
pub fn open(body: &[u8], source: Source, received_ms: i64) -> Opened {
    let whole = redact::line(body);
    let mut parts = apart(&whole);
    if parts.is_empty() {
        parts.push(whole);
    }
    let one = |raw: String| (read(raw.as_bytes(), received_ms).harmless(), raw);
    Opened {
        alarms: parts.into_iter().map(one).collect(),
        source,
        received_ms,
    }
}

/// What somebody pasted or spoke: one alarm, which is not kept.
#[must_use]
pub fn pasted(text: &[u8], now_ms: i64) -> Alarm {
    read(redact::line(text).as_bytes(), now_ms).harmless()
}

/// What there is of a body that did not come whole; the rest is gone, but that it came is not.
#[must_use]
pub fn open_broken(beginning: &[u8], why: Broken, source: Source, received_ms: i64) -> Opened {
    let raw = redact::line(&beginning[..beginning.len().min(BEGINNING)]);
    Opened {
        alarms: vec![(Alarm::broken(&raw, why, received_ms).harmless(), raw)],
        source,
        received_ms,
    }
}

impl Opened {
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter().map(|(alarm, _)| alarm)
    }

    /// The alarms of each owner; `None` when one is nobody's.
    pub fn by_owner(
        self,
        owner_of: impl Fn(&Alarm) -> Option<OwnerAlias>,
    ) -> Option<BTreeMap<OwnerAlias, Self>> {
        let mut owners: BTreeMap<OwnerAlias, Self> = BTreeMap::new();
        for (alarm, raw) in self.alarms {
            let owned = owners.entry(owner_of(&alarm)?).or_insert_with(|| Self {
                alarms: Vec::new(),
                source: self.source,
                received_ms: self.received_ms,
            });
            owned.alarms.push((alarm, raw));
        }
        Some(owners)
    }

    /// Stores all or nothing; when this returns, a killed process still knows them.
    pub async fn keep(self, store: &Store) -> Result<Vec<Delivery>, store::Error> {
        let (source, received_ms) = (self.source, self.received_ms);
        let row = |(alarm, raw): (Alarm, String)| {
            let object = alarm.object.as_ref().map(ToString::to_string);
            NewAlarm {
                source: source.as_str().to_owned(),
                kin: alarm.kin(),
                policy: alarm.policy.clone(),
                object: object.unwrap_or_else(|| alarm.subject()),
                severity: name_of(alarm.severity()).to_owned(),
                // A sender's clock may run ahead; what has begun has begun.
                first_ms: alarm.first_ms.min(received_ms),
                last_ms: received_ms,
                recovered_ms: alarm.recovered_ms,
                alarm: serde_json::to_value(&alarm).unwrap_or_default(),
                raw: raw.into_bytes(),
            }
        };
        let rows = self.alarms.into_iter().map(row).collect();
        store.put_alarms(rows, FLAPPING_MS).await
    }
}

/// Opens and keeps.
pub async fn receive(
    store: &Store,
    body: &[u8],
    source: Source,
    received_ms: i64,
) -> Result<Vec<Delivery>, store::Error> {
    open(body, source, received_ms).keep(store).await
}

/// What nobody was told yet and is still news, newest first.
pub async fn unread(store: &Store, now_ms: i64) -> Result<Vec<AlarmRow>, store::Error> {
    let mut rows = store.alarms_in(AlarmState::Unread, MOST_UNREAD).await?;
    rows.retain(|row| row.what.last_ms > now_ms - NEWS_MS);
    Ok(rows)
}

/// The alarm in a row, and whether it is over: a body that was overtaken by its recovery does not know. A row of an older program whose
/// value has another shape is read from its body again.
#[must_use]
pub fn alarm_of(row: &AlarmRow) -> Alarm {
    let alarm: Alarm = serde_json::from_value(row.what.alarm.clone())
        .unwrap_or_else(|_| read(&row.what.raw, row.what.first_ms).harmless());
    let recovered_ms = row.what.recovered_ms;
    Alarm {
        state: match recovered_ms {
            Some(_) => State::Recovered,
            None => State::Firing,
        },
        recovered_ms,
        ..alarm
    }
}

/// What was made of the alarm when it came, and whether it is over now. `None` when it is about something else by now.
#[must_use]
pub fn analysis_of(row: &AlarmRow) -> Option<Analysis> {
    let mut analysis: Analysis = serde_json::from_value(row.analysis.clone()?).ok()?;
    let alarm = alarm_of(row);
    if (&analysis.alarm.object, &analysis.alarm.name) != (&alarm.object, &alarm.name) {
        return None;
    }
    analysis.alarm.state = alarm.state;
    analysis.alarm.recovered_ms = alarm.recovered_ms;
    Some(analysis)
}

const fn name_of(severity: crate::model::Severity) -> &'static str {
    use crate::model::Severity::{Critical, Error, Info, Warning};
    match severity {
        Info => "info",
        Warning => "warning",
        Error => "error",
        Critical => "critical",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Arrival;

    const NOW: i64 = 1_795_309_930_000;

    fn store(dir: &tempfile::TempDir) -> Store {
        Store::open(dir.path(), &"demo".parse().expect("alias")).expect("store")
    }

    fn body(session: &str, recovered: &str) -> Vec<u8> {
        json!({"sessionId": session, "alarmStatus": if recovered == "0" { "1" } else { "0" }, "alarmType": "metric",
            "alarmObjInfo": {"region": "gz", "uin": "100000000001", "dimensions": {"tke_cluster_instance_id": "cls-7a1b2c3d",
                "namespace": "shop", "workload_kind": "Deployment", "workload_name": "checkout"}},
            "alarmPolicyInfo": {"policyId": "policy-n4exeh88", "policyName": "pod 内存利用率", "conditions": {"metricName": "K8sPodRateMemNoCacheLimit",
                "metricShowName": "Pod 内存利用率", "calcType": ">", "calcValue": "90", "currentValue": "97.2", "unit": "%"}},
            "firstOccurTime": "2026-11-22 09:12:00", "durationTime": 180, "recoverTime": recovered}).to_string().into_bytes()
    }

    #[tokio::test]
    async fn an_alarm_is_news_once_and_its_recovery_is_matched() {
        let dir = tempfile::tempdir().expect("dir");
        let store = store(&dir);
        let mut arrivals = Vec::new();
        for (session, recovered) in [("a", "0"), ("b", "0"), ("c", "2026-11-22 09:27:00")] {
            let put = receive(&store, &body(session, recovered), Source::Tcop, NOW).await;
            arrivals.push(put.expect("stored")[0].arrival);
        }
        assert_eq!(arrivals, [Arrival::New, Arrival::Again, Arrival::Recovery]);
        let rows = unread(&store, NOW).await.expect("unread");
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(
            (row.times, row.what.recovered_ms),
            (3, Some(1_795_310_820_000))
        );
        assert_eq!(alarm_of(row).account, "100000000001");
        // Repeated late, it does not fire again.
        let put = receive(&store, &body("d", "0"), Source::Tcop, NOW).await;
        assert_eq!(put.expect("stored")[0].arrival, Arrival::Again);
        let row = store.alarm(1).await.expect("ask").expect("row");
        let alarm = alarm_of(&row);
        assert_eq!(
            (alarm.state, alarm.recovered_ms),
            (State::Recovered, Some(1_795_310_820_000))
        );
        assert!(unread(&store, NOW + NEWS_MS).await.expect("old").is_empty());
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_kept_without_its_secrets() {
        let dir = tempfile::tempdir().expect("dir");
        let store = store(&dir);
        for body in [
            &br#"{"alarm": "x", "password": "hunter2hunter2", "note": "missing quote}"#[..],
            b"\xff\xfe\x00",
            b"db password=hunter2hunter2 is wrong\xe2\x80\xae",
        ] {
            receive(&store, body, Source::Cls, NOW).await.expect("kept");
        }
        let rows = unread(&store, NOW).await.expect("unread");
        assert_eq!(rows.len(), 3);
        for row in rows {
            let (raw, alarm) = (String::from_utf8_lossy(&row.what.raw), alarm_of(&row));
            assert!(
                !raw.contains("hunter2") && !alarm.text.contains("hunter2"),
                "{raw}"
            );
            assert!(!alarm.text.contains('\u{202e}'));
            assert_eq!(alarm.source, Source::Unknown);
        }
    }

    #[tokio::test]
    async fn a_restart_forgets_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let first = store(&dir);
        receive(&first, &body("a", "0"), Source::Tcop, NOW)
            .await
            .expect("kept");
        drop(first);
        let again = store(&dir);
        assert_eq!(unread(&again, NOW).await.expect("unread").len(), 1);
        let put = receive(&again, &body("b", "0"), Source::Tcop, NOW)
            .await
            .expect("kept");
        assert_eq!(
            (put[0].id, put[0].times, put[0].arrival),
            (1, 2, Arrival::Again)
        );
    }

    #[tokio::test]
    async fn what_joins_a_group_of_alerts_is_news_and_each_ends_by_itself() {
        use Arrival::{Again, New, Recovery};
        let dir = tempfile::tempdir().expect("dir");
        let store = store(&dir);
        let alert = |status: &str, pod: &str| {
            json!({"status": status, "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": pod}, "annotations": {},
                "startsAt": "2026-11-22T01:12:00Z", "endsAt": if status == "resolved" { "2026-11-22T01:20:00Z" } else { "0001-01-01T00:00:00Z" }})
        };
        let a = |status| alert(status, "checkout-6f7c9d8b5d-x2k8q");
        let b = |status| alert(status, "orders-6f7c9d8b5d-x2k8q");
        for (status, alerts, expected) in [
            ("firing", vec![a("firing")], vec![(1, New)]),
            (
                "firing",
                vec![a("firing"), b("firing")],
                vec![(1, Again), (2, New)],
            ),
            (
                "firing",
                vec![a("resolved"), b("firing")],
                vec![(1, Recovery), (2, Again)],
            ),
        ] {
            let shared = if alerts.len() == 1 {
                alerts[0]["labels"].clone()
            } else {
                json!({"alertname": "KubePodCrashLooping", "namespace": "shop"})
            };
            let body = json!({"version": "4", "groupKey": "{}:{}", "status": status, "groupLabels": {"alertname": "KubePodCrashLooping"},
                "commonLabels": shared, "commonAnnotations": {}, "alerts": alerts}).to_string();
            let put = receive(&store, body.as_bytes(), Source::Alertmanager, NOW).await;
            let put: Vec<(i64, Arrival)> = put
                .expect("kept")
                .iter()
                .map(|d| (d.id, d.arrival))
                .collect();
            assert_eq!(put, expected);
        }
        for (id, name, is_over) in [(1, "checkout", true), (2, "orders", false)] {
            let row = store.alarm(id).await.expect("ask").expect("row");
            let alarm = alarm_of(&row);
            assert_eq!(alarm.object.expect("object").name, name);
            assert_eq!(row.what.recovered_ms.is_some(), is_over, "{name}");
            // The row's own body is read as this alarm again.
            let again = read(&row.what.raw, NOW);
            assert_eq!(again.kin(), row.what.kin, "{name}");
        }
    }
}
