//! One incident told: cause, who changed what, what to do, and "要不要回滚?".
//!
//! In: a report, one of its incidents and an [`Ask`]. Out: [`Told`]. Commands are never spoken: [`rollback`] says in one sentence what
//! would be undone, the exact commands are for a screen ([`Detail::Full`]) or the user's chat.

use crate::model::{
    Lang, LogKind,
    report::{Claim, ClaimKind, Incident, Report, Rollback},
};

use super::{
    BRIEF_CHARS, NORMAL_CHARS,
    ask::{Ask, Detail, NextStep, Told, chars},
    broadcast::join,
    chain,
    change::{change_said, object, spoken_kinds},
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

/// The first sentence of a model about it, which was held against the records; what it concludes is told as a guess.
fn by_model(report: &Report, incident: &Incident, lang: Lang) -> Option<(u8, String)> {
    let about = |c: &&Claim| c.by_model && c.findings.iter().any(|f| incident.findings.contains(f));
    let is_chinese = |c: char| matches!(c, '\u{4e00}'..='\u{9fff}');
    let speaks = |c: &&Claim| c.text.contains(is_chinese) == (lang == Lang::Zh);
    let claim = report.claims.iter().filter(about).find(speaks)?;
    let before = match claim.kind {
        ClaimKind::Inferred => lang.pick("推测，", "a guess, "),
        ClaimKind::Observed => "",
    };
    let text = clean(&claim.text, lang);
    Some((3, led(before, fit(&text, 60, lang))))
}

/// A clause behind the words that lead to it; nothing when there is none.
fn led(words: &str, clause: &str) -> String {
    if clause.is_empty() {
        return String::new();
    }
    format!("{words}{clause}")
}

fn is_unsure(incident: &Incident) -> bool {
    incident.root.cause == "unknown" || incident.confidence < 0.5
}

/// Says in one sentence what would be undone, or why nothing can be; nothing is executed.
#[must_use]
pub fn rollback(report: &Report, incident: &Incident, ask: &Ask) -> Told {
    let lang = ask.lang;
    let Some(plan) = &incident.rollback else {
        let why = incident
            .no_rollback
            .as_deref()
            .map(|w| clean(w, lang))
            .filter(|w| !w.is_empty());
        let why = why.unwrap_or_else(|| {
            lang.pick("没有找到引发它的改动", "no change set it off")
                .to_owned()
        });
        // What says how to take it back does not say that it cannot be.
        let says_so = why.contains(lang.pick("回滚", "roll"))
            || [lang.pick("改回", "back"), lang.pick("恢复", "undo")]
                .iter()
                .any(|w| why.contains(w));
        let before = lang.pick(
            "这个问题不能靠回滚解决，",
            "a rollback does not help here, ",
        );
        let before = if says_so { "" } else { before };
        let mut said = vec![(0, led(before, fit(&why, 70, lang)))];
        said.extend(incident.fix.first().map(|f| {
            let fix = clean(f, lang);
            let fix = fit(&fix, 100, lang);
            (1, led(lang.pick("可以", "instead, "), fix))
        }));
        let question = lang.pick("要不要我再查查原因", "shall I look further into the cause");
        return told(report, incident, fitted(said, question, NORMAL_CHARS, ask));
    };
    if ask.detail == Detail::Full {
        return told(report, incident, full::rollback(plan, lang));
    }
    if plan.command.is_empty() {
        return by_hand(report, incident, plan, ask);
    }
    let mut said = vec![(
        0,
        led(
            lang.pick("回滚会", "a rollback would "),
            fit(&clean(&spoken_kinds(&plan.what, lang), lang), 80, lang),
        ),
    )];
    let list = |items: &[String], most| {
        items
            .iter()
            .map(|s| fit(&clean(before_command(s), lang), 60, lang).to_owned())
            .filter(|s| !s.is_empty())
            .take(most)
            .collect::<Vec<_>>()
            .join(lang.pick("，", ", "))
    };
    let preconditions = list(&plan.preconditions, 2);
    if !preconditions.is_empty() {
        said.push((
            2,
            lang.pick("动手前先确认", "first make sure that ")
                .to_owned()
                + &preconditions,
        ));
    }
    if !plan.blast_radius.is_empty() {
        said.push((
            1,
            led(
                lang.pick("影响是", "a rollback means: "),
                fit(
                    &clean(&spoken_kinds(&plan.blast_radius, lang), lang),
                    80,
                    lang,
                ),
            ),
        ));
    }
    let verify = list(&plan.verify, 2);
    if !verify.is_empty() {
        said.push((
            3,
            lang.pick("做完确认", "afterwards check ").to_owned() + &verify,
        ));
    }
    said.push((
        4,
        lang.pick("我不会替你执行", "I will not run it for you")
            .to_owned(),
    ));
    let question = lang.pick(
        "要不要把具体命令发给你",
        "shall I send you the exact commands",
    );
    let limit = if ask.detail == Detail::Brief {
        BRIEF_CHARS
    } else {
        NORMAL_CHARS
    };
    told(report, incident, fitted(said, question, limit, ask))
}

/// Why no command undoes the change, and what a person can do instead.
fn by_hand(report: &Report, incident: &Incident, plan: &Rollback, ask: &Ask) -> Told {
    let lang = ask.lang;
    let why = plan.preconditions.first().map(|w| clean(w, lang));
    let why = why.unwrap_or_else(|| {
        lang.pick("日志里给不出回滚命令", "the logs give no command for it")
            .to_owned()
    });
    let mut said = vec![(0, fit(&why, 120, lang).to_owned())];
    said.extend(incident.first_step().map(|step| {
        let step = clean(step, lang);
        let step = fit(&step, 100, lang);
        (1, led(lang.pick("可以", "what helps, "), step))
    }));
    let question = lang.pick("要不要看更详细的证据", "shall I go into the evidence");
    told(report, incident, fitted(said, question, NORMAL_CHARS, ask))
}

/// The words of an item before its command, which is for the eyes.
fn before_command(item: &str) -> &str {
    const COMMAND: &str = "kubectl ";
    let is_command = |at: &usize| item[at + COMMAND.len()..].starts_with(|c: char| c.is_ascii());
    let at = item.find(COMMAND).filter(is_command);
    at.map_or(item, |at| &item[..at])
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

fn told(report: &Report, incident: &Incident, text: String) -> Told {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_not_spoken() {
        assert_eq!(
            before_command("没有人再改过它：kubectl -n pay get deployment billing"),
            "没有人再改过它："
        );
        assert_eq!(before_command("kubectl -n pay rollout status"), "");
        assert_eq!(
            before_command("kubectl 连的是集群 cls-1"),
            "kubectl 连的是集群 cls-1"
        );
    }
}
