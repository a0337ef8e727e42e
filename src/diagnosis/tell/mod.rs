//! Roots as the report tells them: incidents with their findings, the chain from what users saw to what set it off, and what to do.
//!
//! In: the chosen roots. Out: the [`Diagnosis`]. Always true: findings and incidents are sorted by weight and numbered in that order,
//! and no two incidents have the same title. Does not decide anything about causes.

mod alternatives;
pub(super) mod essence;
mod findings;
mod recovery;

use super::{
    Diagnosis, Input,
    chain::{Root, Search, Tier},
    changes::Change,
    faults::Fault,
    is_seen, rollback,
    symptoms::Symptom,
};
use crate::model::{
    Lang, LogKind, Moment, ObjectRef, Severity,
    report::{
        ActorKind, ChainLink, ChangeNote, Chronic, Finding, Incident, Root as Place, SameAs,
        Status, Verdict,
    },
};
use findings::Findings;

/// Chronic matters that are listed.
const CHRONIC: usize = 20;
/// Records named of each.
const CHRONIC_EVIDENCE: usize = 3;
/// An incident of so many days ago may still be the same one.
const SAME_WITHIN_DAYS: i32 = 7;

pub(super) fn tell(input: &Input<'_>, search: Search<'_>, roots: &[Root]) -> Diagnosis {
    let mut findings = Findings::new(input, search);
    let mut incidents: Vec<Incident> = roots
        .iter()
        .map(|root| incident(input, search, roots, root, &mut findings))
        .collect();
    incidents.sort_by(|a, b| {
        let key = |i: &Incident| {
            (
                std::cmp::Reverse(i.severity),
                // What is over can wait for what is not.
                i.status == Status::Recovered,
                i.root.cause == "unknown",
                i.start.ms,
                i.identity.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    tell_apart(&mut incidents);
    findings.add_the_rest(roots);
    let findings = findings.number(&mut incidents);
    for (n, incident) in incidents.iter_mut().enumerate() {
        incident.id = format!("i{}", n + 1);
    }
    let anything = LogKind::ALL.into_iter().any(|kind| is_seen(input, kind));
    Diagnosis {
        verdict: match (anything, incidents.is_empty()) {
            (false, _) => Verdict::Unknown,
            (true, true) => Verdict::Healthy,
            (true, false) => Verdict::Incidents,
        },
        findings,
        incidents,
        chronic: chronic(search, input),
    }
}

fn incident(
    input: &Input<'_>,
    search: Search<'_>,
    all: &[Root],
    root: &Root,
    findings: &mut Findings<'_>,
) -> Incident {
    let fault = &search.catalogue.faults()[root.at.fault];
    let change = root
        .at
        .cause
        .as_ref()
        .map(|c| &search.scene.changes.all[c.change]);
    let lang = input.lang;
    let moment = |ms: i64| Moment::new(ms, &input.range.zone);
    let undo = change.map(|c| {
        rollback::propose(
            c,
            search.scene.changes,
            search.scene.objects,
            &input.range.zone,
            lang,
        )
    });
    let carried = root.at.carried.map(|n| search.carried[n].incident);
    let ids = findings.of_root(root);
    let ended = recovery::end_of(search, root);
    let detail = (fault.coarse() != fault.code).then(|| fault.code.clone());
    let identity = identity(fault.coarse(), &root.at.object);
    let fix = fault.fix.iter().map(|p| p.of(lang).to_owned()).collect();
    let told = Incident {
        id: String::new(),
        title: title(input, fault, &root.at.object),
        root: Place {
            cause: fault.coarse().to_owned(),
            detail,
            object: root.at.object.clone(),
        },
        confidence: confidence(search, root),
        severity: fault.severity,
        start: moment(start_of(search, root)),
        end: ended.end_ms.map(moment),
        chain: chain(&ids),
        findings: ids.into_iter().map(|(_, id)| id).collect(),
        affected: root.affected.clone(),
        change: change.map(|c| telling_first(c.note(&input.range.zone), fault)),
        alternatives: alternatives::of(input, search, all, root),
        fix,
        no_rollback: match &undo {
            Some(Ok(_)) => None,
            Some(Err(reason)) => Some(reason.told(lang).to_owned()),
            None => Some(fault.rollback.of(lang).to_owned()),
        },
        rollback: undo.and_then(Result::ok),
        missing: missing(input, root, change),
        status: ended.status,
        checked_at: Some(moment(search.seen_until_ms)),
        recovered_by: ended
            .by
            .map(|i| search.scene.changes.all[i].note(&input.range.zone)),
        same_as: same_as(input, &identity),
        alerts: Vec::new(),
        identity,
    };
    match carried {
        Some(before) => going_on(told, before, search, lang),
        None => told,
    }
}

/// An incident that goes on keeps its beginning and its change, and its rollback as long as nobody touched the object today.
fn going_on(told: Incident, before: &Incident, search: Search<'_>, lang: Lang) -> Incident {
    let mended = |object: &ObjectRef| {
        let mut today = search.scene.changes.of(object);
        today.any(|(_, change)| {
            let people = matches!(change.actor, ActorKind::Human | ActorKind::Pipeline);
            people && change.what.has_effect()
        })
    };
    let touched = before.change.as_ref().is_some_and(|c| mended(&c.object));
    let since = lang.pick(
        "改动之后这个对象今天又被改过,不能照原样撤销",
        "the object was changed again, so the change cannot simply be taken back",
    );
    Incident {
        start: before.start,
        confidence: before.confidence,
        change: before.change.clone(),
        rollback: before.rollback.clone().filter(|_| !touched),
        no_rollback: if touched {
            Some(since.to_owned())
        } else {
            before.no_rollback.clone()
        },
        missing: before.missing.clone(),
        ..told
    }
}

/// A change with the field first that brought the fault about.
fn telling_first(mut note: ChangeNote, fault: &Fault) -> ChangeNote {
    if let Some(part) = &fault.telling {
        note.diff.sort_by_key(|field| !field.path.contains(part));
    }
    note
}

/// When the first of its own symptoms shows, which is not before its cause: the same errors may have had another one until then.
fn start_of(search: Search<'_>, root: &Root) -> i64 {
    let own = root.at.own.iter().map(|i| search.symptoms[*i].from_ms);
    let first = own.min().unwrap_or(root.at.from_ms);
    let cause = root.at.cause.as_ref();
    let change = cause.map(|c| search.scene.changes.all[c.change].at_ms);
    first.max(change.unwrap_or(first))
}

/// Stated 0.9 shall mean right nine times of ten; the figures are those measured on generated days with a known truth.
fn confidence(search: Search<'_>, root: &Root) -> f64 {
    let code = &search.catalogue.faults()[root.at.fault].code;
    if code == "unknown" {
        return 0.3;
    }
    match root.at.tier {
        Tier::NamedAndChanged => 0.97,
        Tier::Changed => 0.93,
        Tier::Named => 0.92,
        Tier::Hinted => 0.6,
        Tier::Unknown => 0.4,
    }
}

fn title(input: &Input<'_>, fault: &Fault, object: &ObjectRef) -> String {
    let name = &object.name;
    let what = fault.name.of(input.lang);
    input
        .lang
        .pick(format!("{name} {what}"), format!("{name}: {what}"))
}

/// Titles that two incidents share get the namespace, then the hour, then a number.
fn tell_apart(incidents: &mut [Incident]) {
    for pass in 0..3 {
        let titles: Vec<String> = incidents.iter().map(|i| i.title.clone()).collect();
        for (n, incident) in incidents.iter_mut().enumerate() {
            if titles
                .iter()
                .enumerate()
                .any(|(m, t)| m != n && *t == incident.title)
            {
                incident.title = match pass {
                    0 => format!("{}/{}", incident.root.object.namespace, incident.title),
                    1 => format!("{} ({})", incident.title, incident.start.hour_minute()),
                    _ => format!("{} #{}", incident.title, n + 1),
                };
            }
        }
    }
}

/// From what users saw to what set it off: the loudest business finding, what the cluster did, who changed what.
fn chain(ids: &[(LogKind, String)]) -> Vec<ChainLink> {
    let mut out = Vec::new();
    for kind in LogKind::ALL {
        let links = ids.iter().filter(|(k, _)| *k == kind).take(3);
        out.extend(links.map(|(kind, id)| ChainLink {
            kind: *kind,
            finding: id.clone(),
        }));
    }
    out
}

/// Evidence that would decide but is not there.
fn missing(input: &Input<'_>, root: &Root, change: Option<&Change<'_>>) -> Vec<String> {
    let mut out = Vec::new();
    for kind in LogKind::ALL {
        if !is_seen(input, kind) {
            out.push(
                input
                    .lang
                    .pick(format!("没有{}", kind.zh()), format!("no {kind} log")),
            );
        }
    }
    if change.is_some_and(Change::before_unknown) {
        out.push(
            input
                .lang
                .pick(
                    "日志里没有改动之前的内容,不知道改了哪里",
                    "the logs do not hold the state before the change, so what it changed is not known",
                )
                .to_owned(),
        );
    }
    if change.is_some_and(|c| c.after_unseen) {
        out.push(
            input
                .lang
                .pick(
                    "审计日志缺少改动之前的写入记录,不知道改动前的内容",
                    "writes before the change are missing from the audit log, so the state before it is not known",
                )
                .to_owned(),
        );
    }
    if change.is_some_and(Change::body_hidden) {
        out.push(
            input
                .lang
                .pick(
                    "审计日志没有记下改动的内容",
                    "the audit log does not show what was changed",
                )
                .to_owned(),
        );
    }
    if root.at.tier >= Tier::Hinted {
        out.push(
            input
                .lang
                .pick(
                    "没有能证实原因的报错或改动",
                    "no error or change that proves the cause",
                )
                .to_owned(),
        );
    }
    out
}

/// Stable over days: a hash of cause and object.
fn identity(cause: &str, object: &ObjectRef) -> String {
    let text = format!(
        "{cause}\n{}\n{}\n{}",
        object.kind, object.namespace, object.name
    );
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

fn same_as(input: &Input<'_>, identity: &str) -> Option<SameAs> {
    let today = crate::model::Day::of(input.range.start_ms, &input.range.zone);
    let same: Vec<_> = input
        .earlier
        .iter()
        .filter(|e| {
            e.identity == identity && e.date < today && e.date >= today.plus(-SAME_WITHIN_DAYS)
        })
        .collect();
    let latest = same.iter().max_by_key(|e| e.date)?;
    let mut days_in_row = 1;
    while same.iter().any(|e| e.date == today.plus(-days_in_row)) {
        days_in_row += 1;
    }
    Some(SameAs {
        date: latest.date,
        id: latest.id.clone(),
        days_in_row: u32::try_from(days_in_row).unwrap_or(1),
    })
}

fn chronic(search: Search<'_>, input: &Input<'_>) -> Vec<Chronic> {
    // What lines say in several stretches of the day is one matter.
    let same = |a: &Symptom, b: &Symptom| {
        let lines = a.kind == LogKind::Business && b.kind == LogKind::Business;
        lines
            && a.object == b.object
            && a.blamed == b.blamed
            && a.what == b.what
            && a.faults == b.faults
    };
    let mut found: Vec<Vec<&Symptom>> = Vec::new();
    for s in search.symptoms.iter().filter(|s| s.chronic) {
        match found.iter_mut().find(|of| same(of[0], s)) {
            Some(of) => of.push(s),
            None => found.push(vec![s]),
        }
    }
    let mut out: Vec<Chronic> = found
        .into_iter()
        .map(|of| {
            let s = of[0];
            let evidence = of.iter().flat_map(|s| &s.evidence);
            Chronic {
                kind: s.kind,
                title: findings::title(input, search, s, findings::shown(search.catalogue, s)),
                object: s.object.clone(),
                count: of.iter().map(|s| s.count).sum(),
                baseline: of.iter().map(|s| findings::usual(input, s)).sum(),
                evidence: evidence.take(CHRONIC_EVIDENCE).copied().collect(),
            }
        })
        .collect();
    out.sort_by(|a, b| (b.count, &a.title).cmp(&(a.count, &b.title)));
    out.truncate(CHRONIC);
    out
}

/// A finding's weight in the order of the report.
fn rank(finding: &Finding) -> (std::cmp::Reverse<Severity>, i64) {
    (std::cmp::Reverse(finding.severity), finding.first_seen.ms)
}
