//! What else it could have been, and why it was not.

use super::{Input, Search};
use crate::{
    diagnosis::{
        chain::Root,
        changes::{Change, ChangeClass},
    },
    model::{
        Lang, ObjectRef,
        report::{ActorKind, Alternative},
    },
};

/// Changes this long before an incident are looked at.
const LOOK_BACK_MS: i64 = 4 * 3_600_000;
/// How many are listed.
const LISTED: usize = 8;
/// A change so short before cannot be said to have been followed by good times.
const AT_ONCE_MINUTES: i64 = 10;
/// Records named of each.
const EVIDENCE: usize = 3;

pub(super) fn of(
    input: &Input<'_>,
    search: Search<'_>,
    all: &[Root],
    root: &Root,
) -> Vec<Alternative> {
    let mut out = siblings(input, search, root);
    out.extend(given_up(input, search, root));
    out.extend(changes(input, search, all, root));
    let mut seen: Vec<(String, Option<ObjectRef>)> = Vec::new();
    out.retain(|a| {
        let key = (a.cause.clone(), a.object.clone());
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    out.truncate(LISTED);
    out
}

/// Other faults that the same records may show.
fn siblings(input: &Input<'_>, search: Search<'_>, root: &Root) -> Vec<Alternative> {
    let faults = search.catalogue.faults();
    let chosen = &faults[root.at.fault];
    let mut out: Vec<Alternative> = Vec::new();
    let own = root.at.own.iter().map(|i| &search.symptoms[*i]);
    for (symptom, suspect) in own.flat_map(|s| s.faults.iter().map(move |f| (s, f))) {
        let fault = &faults[suspect.fault];
        if fault.coarse() != chosen.coarse() && !out.iter().any(|a| a.cause == fault.coarse()) {
            out.push(Alternative {
                cause: fault.coarse().to_owned(),
                object: None,
                why_not: fault.tell.of(input.lang).to_owned(),
                evidence: symptom.evidence.iter().take(EVIDENCE).copied().collect(),
            });
        }
    }
    out
}

/// Candidates that this root explains as well.
fn given_up(input: &Input<'_>, search: Search<'_>, root: &Root) -> Vec<Alternative> {
    let faults = search.catalogue.faults();
    let chosen = &faults[root.at.fault];
    let name = &root.at.object.name;
    let why = match input.lang {
        Lang::Zh => format!("是 {name} {}的结果", chosen.name.0),
        Lang::En => format!("follows from {name}: {}", chosen.name.1),
    };
    root.instead_of
        .iter()
        .filter(|c| faults[c.fault].coarse() != chosen.coarse() || c.object != root.at.object)
        .map(|c| Alternative {
            cause: faults[c.fault].coarse().to_owned(),
            object: Some(c.object.clone()),
            why_not: why.clone(),
            evidence: {
                let own = c.own.iter().flat_map(|i| &search.symptoms[*i].evidence);
                own.take(EVIDENCE).copied().collect()
            },
        })
        .collect()
}

/// What people changed shortly before, and why it is not blamed.
fn changes(input: &Input<'_>, search: Search<'_>, all: &[Root], root: &Root) -> Vec<Alternative> {
    let blamed = |index: usize| {
        all.iter()
            .any(|r| r.at.cause.as_ref().is_some_and(|c| c.change == index))
    };
    let start = root.at.from_ms;
    let mut out: Vec<(bool, i64, Alternative)> = Vec::new();
    for (index, change) in search.scene.changes.roots() {
        let people = matches!(change.actor, ActorKind::Human | ActorKind::Pipeline);
        let before = (start - LOOK_BACK_MS..start).contains(&change.at_ms);
        if !people || !before || blamed(index) || change.what == ChangeClass::Nothing {
            continue;
        }
        let near = root.affected.contains(&change.object);
        let alternative = Alternative {
            cause: "change".to_owned(),
            object: Some(change.object.clone()),
            why_not: why_not(input, change, near, start),
            evidence: vec![change.id()],
        };
        out.push((!near, start - change.at_ms, alternative));
    }
    out.sort_by_key(|(far, gap, _)| (*far, *gap));
    out.into_iter().map(|(_, _, a)| a).collect()
}

fn why_not(input: &Input<'_>, change: &Change<'_>, near: bool, start: i64) -> String {
    let minutes = (start - change.at_ms) / 60_000;
    let lang = input.lang;
    if !change.what.has_effect() {
        return lang
            .pick(
                "只改了标签或注解，对运行没有影响",
                "only labels or annotations, without effect",
            )
            .to_owned();
    }
    if near && change.before_unknown() {
        return lang
            .pick(
                "改动之前的内容没有记录，说不准改了什么",
                "what stood there before is not on record, so what it changed is unknown",
            )
            .to_owned();
    }
    if near && minutes < AT_ONCE_MINUTES {
        return lang
            .pick(
                "时间挨着，但改的不是出错的地方",
                "at about the same time, but it touches another field",
            )
            .to_owned();
    }
    if near {
        return lang.pick(
            format!("早了 {minutes} 分钟，之后一直正常，改的也不是出错的地方"),
            format!(
                "{minutes} minutes earlier, all was well afterwards, and it touches another field"
            ),
        );
    }
    lang.pick(
        "日志里看不出改的对象和这个问题有联系".to_owned(),
        "the logs show no link between the changed object and this".to_owned(),
    )
}
