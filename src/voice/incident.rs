//! One incident told: cause, who changed what, what to do, and "要不要回滚?".
//!
//! In: a report, one of its incidents and an [`Ask`]. Out: [`Told`]. What a model said is told as the model's.

use crate::model::{
    Lang, LogKind,
    report::{Claim, ClaimKind, Incident, Report},
};

use super::{
    BRIEF_CHARS, NORMAL_CHARS,
    ask::{Ask, Detail, NextStep, Told, chars},
    broadcast::join,
    chain,
    change::{change_said, object},
    full,
    phrase::{kind_name, relative_time, standing, title},
    speak::{clean, fit},
};

/// Tells one incident: what the logs show of it, then why.
#[must_use]
pub fn incident(report: &Report, incident: &Incident, ask: &Ask) -> Told {
    one(report, incident, None, ask)
}

/// Tells one incident in the order in which its kinds of log were followed: what the asked kind shows, then what the others do.
#[must_use]
pub fn followed(report: &Report, incident: &Incident, order: [LogKind; 3], ask: &Ask) -> Told {
    one(report, incident, Some(order), ask)
}

fn one(report: &Report, incident: &Incident, order: Option<[LogKind; 3]>, ask: &Ask) -> Told {
    if ask.detail == Detail::Full {
        return told(report, incident, full::incident(report, incident, ask.lang));
    }
    let lang = ask.lang;
    let title = title(incident, lang, 80);
    let sep = lang.pick("，", ", ");
    // In the order of the telling; the number says what is left out first when it does not fit (0: never).
    let mut said = vec![(0, format!("{}{sep}{}", title, standing(incident, ask)))];
    let start = relative_time(incident.start, ask.now, lang);
    // A change of the same minutes tells the time as well.
    let told_by_change = incident.change.as_ref();
    let told_by_change =
        told_by_change.is_some_and(|c| relative_time(c.at, ask.now, lang) == start);
    if !told_by_change {
        said.push((
            5,
            lang.pick(format!("{start}开始"), format!("it began {start}")),
        ));
    }
    if let Some(order) = order {
        for (place, kind) in order.into_iter().enumerate() {
            if kind == LogKind::Audit {
                said.extend(why(report, incident, ask));
            } else if let Some(shown) = chain::shown(report, incident, kind, ask) {
                // What was asked for is left out last.
                said.push((if place == 0 { 1 } else { 4 }, shown));
            } else if place == 0 && !chain::has(incident, kind) {
                let name = kind_name(kind, lang);
                let nothing = lang.pick(
                    format!("{name}里没有它的记录"),
                    format!("the {name} shows nothing of it"),
                );
                said.push((1, nothing));
            }
        }
    } else {
        said.extend(chain::all(report, incident, ask).map(|s| (4, s)));
        said.extend(why(report, incident, ask));
    }
    let others = incident.affected.iter();
    let others: Vec<_> = others.filter(|o| **o != incident.root.object).collect();
    if !others.is_empty() {
        let names: Vec<_> = others.iter().take(3).map(|o| object(o, lang)).collect();
        let more = others.len().saturating_sub(3);
        let more = if more > 0 {
            lang.pick(format!("等{}个", more + 3), format!(" and {more} more"))
        } else {
            String::new()
        };
        said.push((
            6,
            lang.pick("受影响的有", "affected: ").to_owned()
                + &names.join(lang.pick("、", ", "))
                + &more,
        ));
    }
    if let Some(fix) = incident.fix.first().filter(|_| !incident.is_mended()) {
        said.push((
            1,
            led(
                lang.pick("建议", "to fix it: "),
                fit(&clean(fix, lang), 100, lang),
            ),
        ));
    }
    if let Some(missing) = incident.missing.first() {
        said.push((
            7,
            led(
                lang.pick("还缺证据，", "evidence is missing: "),
                fit(&clean(missing, lang), 60, lang),
            ),
        ));
    }
    let question = match incident.ready_rollback() {
        Some(_) => lang.pick("要不要回滚", "shall I prepare a rollback"),
        None => lang.pick("要不要看更详细的证据", "shall I go into the evidence"),
    };
    let limit = if ask.detail == Detail::Brief {
        BRIEF_CHARS
    } else {
        NORMAL_CHARS
    };
    told(report, incident, fitted(said, question, limit, ask))
}

/// The change that set it off, or that none is known, with a guess.
fn why(report: &Report, incident: &Incident, ask: &Ask) -> Vec<(u8, String)> {
    let lang = ask.lang;
    if let Some(change) = &incident.change {
        let cause = if incident.is_sure() {
            lang.pick("原因是", "the cause: ")
        } else {
            lang.pick("原因多半是", "most likely the cause: ")
        };
        let mut said = vec![(0, cause.to_owned() + &change_said(change, ask, true))];
        said.extend(by_model(report, incident, lang));
        return said;
    }
    if !is_unsure(incident) {
        let none = lang.pick(
            "日志里没有找到引发它的改动",
            "no change in the logs set it off",
        );
        let mut said = vec![(2, none.to_owned())];
        said.extend(by_model(report, incident, lang));
        return said;
    }
    let unsure = lang.pick("原因还不能确定", "the cause is not certain yet");
    let mut said = vec![(1, unsure.to_owned())];
    let guess = report.claims.iter().find(|c| {
        c.kind == ClaimKind::Inferred && c.findings.iter().any(|f| incident.findings.contains(f))
    });
    said.extend(guess.map(|g| {
        let text = clean(&g.text, lang);
        (
            2,
            led(lang.pick("推测，", "a guess, "), fit(&text, 60, lang)),
        )
    }));
    said
}

/// The first sentence of a model about it, which was held against the records; it is told as the model's, and a conclusion as a guess.
fn by_model(report: &Report, incident: &Incident, lang: Lang) -> Option<(u8, String)> {
    let about = |c: &&Claim| c.by_model && c.findings.iter().any(|f| incident.findings.contains(f));
    let is_chinese = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}');
    let speaks = |c: &&Claim| c.text.contains(is_chinese) == (lang == Lang::Zh);
    let claim = report.claims.iter().filter(about).find(speaks)?;
    let before = match claim.kind {
        ClaimKind::Inferred => lang.pick("模型推测，", "the model guesses, "),
        ClaimKind::Observed => lang.pick("模型认为，", "the model says, "),
    };
    let text = clean(&claim.text, lang);
    Some((3, led(before, fit(&text, 60, lang))))
}

/// A clause behind the words that lead to it; nothing when there is none.
pub(super) fn led(words: &str, clause: &str) -> String {
    if clause.is_empty() {
        return String::new();
    }
    format!("{words}{clause}")
}

fn is_unsure(incident: &Incident) -> bool {
    incident.root.cause == "unknown" || incident.confidence < 0.5
}

/// Leaves out the least important sentences until the text fits.
pub(super) fn fitted(
    mut said: Vec<(u8, String)>,
    question: &str,
    limit: usize,
    ask: &Ask,
) -> String {
    let (lang, limit) = (ask.lang, ask.room(limit));
    loop {
        let text = join(
            &said.iter().map(|s| s.1.clone()).collect::<Vec<_>>(),
            question,
            lang,
        );
        if text.chars().count() <= limit {
            return text;
        }
        let least = said
            .iter()
            .enumerate()
            .filter(|(_, s)| s.0 > 0)
            .max_by_key(|(_, s)| s.0);
        let Some((at, _)) = least else { break };
        said.remove(at);
    }
    // Only what must be told is left: it shares the room evenly.
    let room = limit.saturating_sub(question.chars().count() + 2) / said.len().max(1);
    let cut: Vec<_> = said
        .iter()
        .map(|s| fit(&s.1, room.saturating_sub(2) / chars(1, lang), lang).to_owned())
        .collect();
    join(&cut, question, lang)
}

pub(super) fn told(report: &Report, incident: &Incident, text: String) -> Told {
    let date = report.date.to_string();
    let mut next = Vec::new();
    let step = |tool| {
        NextStep::new(
            tool,
            [("date", date.clone()), ("incident", incident.id.clone())],
        )
    };
    if incident.ready_rollback().is_some() {
        next.push(step("propose_rollback"));
    }
    next.push(step("trace_cause"));
    let o = &incident.root.object;
    next.push(NextStep::new(
        "search_audit",
        [
            ("date", date.clone()),
            ("object", o.name.clone()),
            ("namespace", o.namespace.clone()),
        ],
    ));
    next.push(NextStep::new(
        "search_events",
        [
            ("date", date.clone()),
            ("object", o.name.clone()),
            ("namespace", o.namespace.clone()),
        ],
    ));
    Told {
        told: text,
        next,
        incidents: vec![incident.id.clone()],
        ..Told::default()
    }
}
