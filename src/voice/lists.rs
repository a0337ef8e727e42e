//! Lists told: changes, events, search hits, nothing found, progress of a round, an alarm.
//!
//! In: the few facts each needs, as values. Out: spoken text that names at most three items, counts the rest aloud and ends
//! with a question. The items themselves are for a screen; the caller adds them in full form.

use crate::model::{Lang, LogKind, Moment, ObjectRef, report::ChangeNote};

use super::{
    BRIEF_CHARS, NORMAL_CHARS,
    ask::{Ask, Detail, chars},
    change::{change_said, object},
    gist::gist,
    incident::fitted,
    phrase::{about, kind_name, relative_time},
    speak::{clauses, clean, clip, without_ids},
};

/// Items of a list that are told one by one; the ear keeps no more.
const TOLD_ITEMS: usize = 3;

/// One group of like events.
#[derive(Debug, Clone)]
pub struct EventFacts<'a> {
    pub object: &'a ObjectRef,
    pub reason: &'a str,
    pub message: &'a str,
    /// What the catalogue calls it, in the listener's language.
    pub fault: Option<&'a str>,
    pub count: u64,
    pub last: Moment,
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Hits<'a> {
    /// `None`: over all kinds.
    pub kind: Option<LogKind>,
    pub total: u64,
    /// There are more than anybody counted; these are the closest.
    pub closest: bool,
    /// Text and time of the best few.
    pub best: Vec<(&'a str, Option<Moment>)>,
    /// The lines next to the only one.
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

/// How far a running round is.
#[derive(Debug, Clone, Default)]
pub struct Progress<'a> {
    /// Objects read and listed, per kind.
    pub read: Vec<(LogKind, u64, u64)>,
    pub done: bool,
    /// Why it stopped, when it failed.
    pub failed: Option<&'a str>,
    /// Why the one before it failed, which is being made up for.
    pub failed_before: Option<&'a str>,
    /// The most important thing known so far.
    pub headline: Option<&'a str>,
    pub problems: usize,
    /// Roughly how long it will still take.
    pub seconds_left: Option<u64>,
}

/// An alarm and what was made of it.
#[derive(Debug, Clone, Default)]
pub struct AlarmFacts<'a> {
    pub title: &'a str,
    /// What the alarm says in plain words.
    pub meaning: &'a str,
    /// How often it came before, and why.
    pub past: Option<&'a str>,
    /// Title of the incident that explains it.
    pub cause: Option<&'a str>,
    /// What the logs say of it, where that is no known fault.
    pub reported: Option<&'a str>,
    /// What came of looking at the logs, where they show nothing.
    pub seen: Option<&'a str>,
    /// What may have to do with it, where no cause is known.
    pub suspect: Option<&'a ChangeNote>,
    pub measures: &'a [String],
    /// What is wrong with the alarm policy itself.
    pub policy_problem: Option<&'a str>,
    pub recovered: bool,
}

/// Who changed what, newest or most important first; `total` may exceed the slice.
#[must_use]
pub fn changes(list: &[ChangeNote], total: u64, ask: &Ask) -> String {
    let lang = ask.lang;
    if list.is_empty() {
        return nothing(Some(LogKind::Audit), "", ask);
    }
    let mut said = vec![(
        1,
        lang.pick(
            format!("查到{}处改动", about(total, lang)),
            format!("{} changes found", about(total, lang)),
        ),
    )];
    said.extend(
        list.iter()
            .take(TOLD_ITEMS)
            .zip([0, 3, 4])
            .map(|(c, p)| (p, change_said(c, ask, true))),
    );
    rest(&mut said, total, list.len(), "处", lang);
    finish(
        said,
        lang.pick("要不要看它引起了什么", "shall I check what it led to"),
        ask,
    )
}

/// What the cluster did, the most important group first.
#[must_use]
pub fn events(list: &[EventFacts<'_>], total: u64, ask: &Ask) -> String {
    let lang = ask.lang;
    if list.is_empty() {
        return nothing(Some(LogKind::Event), "", ask);
    }
    let mut said = vec![(
        1,
        lang.pick(
            format!("查到{}组事件", about(total, lang)),
            format!("{} groups of events found", about(total, lang)),
        ),
    )];
    said.extend(list.iter().take(TOLD_ITEMS).zip([0, 3, 4]).map(|(e, p)| {
        // A message of a controller is for the eyes; what is known of it has a name.
        let what = match e.fault {
            Some(fault) => clean(fault, lang),
            None => [
                clean(e.reason, lang),
                clauses(&clean(e.message, lang), 50).to_owned(),
            ]
            .join(lang.pick("，", ", ")),
        };
        let (name, n, at) = (
            object(e.object, lang),
            about(e.count, lang),
            relative_time(e.last, ask.now, lang),
        );
        (
            p,
            lang.pick(
                match e.count {
                    1 => format!("{name}在{at}出现{what}"),
                    _ => format!("{name}出现{n}次{what}，最近一次在{at}"),
                },
                match e.count {
                    1 => format!("{name} had {what} {at}"),
                    _ => format!("{name} had {n} times {what}, last {at}"),
                },
            ),
        )
    }));
    rest(&mut said, total, list.len(), "组", lang);
    finish(
        said,
        lang.pick(
            "要不要查是谁改动引起的",
            "shall I check whose change caused it",
        ),
        ask,
    )
}

/// What a search or `fetch_logs` found.
#[must_use]
pub fn hits(found: &Hits<'_>, ask: &Ask) -> String {
    let lang = ask.lang;
    if found.best.is_empty() {
        return nothing(found.kind, "", ask);
    }
    let place = found.kind.map_or("", |k| kind_name(k, lang));
    let n = about(found.total, lang);
    let within = match place {
        "" => String::new(),
        place => format!("in the {place}"),
    };
    let head = if found.closest {
        lang.pick(
            format!("{place}里最接近的有这几条"),
            format!("these come closest {within}"),
        )
    } else {
        lang.pick(format!("{place}里查到{n}条"), format!("{n} found {within}"))
    };
    let mut said = vec![(1, head)];
    let spoken = |text: &str| {
        let text = without_ids(&clean(&gist(text), lang), lang);
        clauses(&text, 70).to_owned()
    };
    said.extend(
        found
            .best
            .iter()
            .take(TOLD_ITEMS)
            .zip([0, 3, 4])
            .map(|((text, at), p)| {
                let text = spoken(text);
                let at = at
                    .map(|at| relative_time(at, ask.now, lang) + lang.pick("，", ", "))
                    .unwrap_or_default();
                (p, format!("{at}{text}"))
            }),
    );
    let next_to = [
        (found.before, lang.pick("它前面一条是", "before it came ")),
        (found.after, lang.pick("后面一条是", "after it came ")),
    ];
    said.extend(
        next_to
            .into_iter()
            .zip([3, 4])
            .filter_map(|((text, side), p)| {
                let text = spoken(text?);
                (!text.is_empty()).then(|| (p, side.to_owned() + &text))
            }),
    );
    if !found.closest {
        rest(&mut said, found.total, found.best.len(), "条", lang);
    }
    finish(
        said,
        lang.pick("要不要顺着它往下查", "shall I follow it further"),
        ask,
    )
}

/// Nothing matched; `what` names what was looked for, in the listener's words.
#[must_use]
pub fn nothing(kind: Option<LogKind>, what: &str, ask: &Ask) -> String {
    let lang = ask.lang;
    let place = kind.map_or(lang.pick("日志", "logs"), |k| kind_name(k, lang));
    let what = clean(what, lang);
    let what = clip(&what, 40);
    let said = if what.is_empty() {
        lang.pick(
            format!("没查到，{place}里没有符合的记录"),
            format!("nothing found, the {place} holds no such record"),
        )
    } else {
        lang.pick(
            format!("没查到，{place}里没有和{what}有关的记录"),
            format!("nothing found about {what} in the {place}"),
        )
    };
    finish(
        vec![(0, said)],
        lang.pick(
            "要不要换个时间或者换一类日志再找",
            "shall I try another time or another kind of log",
        ),
        ask,
    )
}

/// How complete a round is and what it has found so far.
#[must_use]
pub fn progress(p: &Progress<'_>, ask: &Ask) -> String {
    let lang = ask.lang;
    let mut said = Vec::new();
    let question = if let Some(why) = p.failed {
        let why = clean(why, lang);
        said.push((
            0,
            lang.pick("分析中断了，", "the analysis stopped, ")
                .to_owned()
                + clauses(&why, 70),
        ));
        lang.pick("要不要再试一次", "shall I try again")
    } else if p.done {
        said.push((0, lang.pick("分析好了", "the analysis is done").to_owned()));
        lang.pick("要不要开始播报", "shall I tell it")
    } else {
        let (read, listed) = p
            .read
            .iter()
            .fold((0, 0), |sum, r| (sum.0 + r.1, sum.1 + r.2));
        let percent = (read * 100).checked_div(listed).unwrap_or(0).min(99);
        said.extend(p.failed_before.map(|why| {
            let why = clean(why, lang);
            let why = clauses(&why, 60).to_owned();
            (
                0,
                lang.pick("上一次没有分析成，", "the last analysis failed, ")
                    .to_owned()
                    + &why,
            )
        }));
        said.push((
            0,
            lang.pick(
                format!("正在分析，完成了百分之{percent}"),
                format!("the analysis is {percent} percent done"),
            ),
        ));
        said.extend(p.seconds_left.map(|s| {
            (
                2,
                lang.pick(
                    format!("大约还要{}秒", about(s.max(1), lang)),
                    format!("about {} seconds to go", s.max(1)),
                ),
            )
        }));
        let kinds: Vec<_> = p
            .read
            .iter()
            .filter(|r| r.2 > 0 && r.1 >= r.2)
            .map(|r| kind_name(r.0, lang))
            .collect();
        if !kinds.is_empty() {
            said.push((
                3,
                lang.pick(
                    format!("{}已经看完", kinds.join("、")),
                    format!("{} done", kinds.join(", ")),
                ),
            ));
        }
        lang.pick("要不要先听目前的发现", "shall I tell what is known so far")
    };
    if let Some(headline) = p.headline {
        let headline = clean(headline, lang);
        let headline = clauses(&headline, 60);
        said.push((
            1,
            lang.pick(
                format!("目前发现{}个问题，最要紧的是{headline}", p.problems),
                format!("{} problems so far, most important {headline}", p.problems),
            ),
        ));
    } else if !p.done && p.failed.is_none() {
        said.push((
            4,
            lang.pick("目前还没有发现问题", "nothing found so far")
                .to_owned(),
        ));
    }
    finish(said, question, ask)
}

/// Cause and measures of one alarm; a policy that is wrong in itself is said to be so.
#[must_use]
pub fn alarm(a: &AlarmFacts<'_>, ask: &Ask) -> String {
    let lang = ask.lang;
    let part = |text: &str, max| clauses(&clean(text, lang), max).to_owned();
    let mut said = vec![(
        0,
        lang.pick("收到告警，", "an alarm, ").to_owned() + &part(a.title, 50),
    )];
    said.push((3, part(a.meaning, chars(110, lang))));
    let change = a.suspect.map(|c| change_said(c, ask, true));
    let why = [
        (
            a.policy_problem,
            lang.pick(
                "其实是告警策略有问题，",
                "the alarm policy itself is wrong, ",
            ),
        ),
        (a.cause, lang.pick("原因是", "the cause, ")),
        (a.reported, lang.pick("日志里报错：", "the logs report: ")),
        (
            change.as_deref(),
            lang.pick("可能和这个改动有关，", "a change may have to do with it, "),
        ),
    ];
    let mut why = why.into_iter();
    match why.find_map(|(text, before)| Some(before.to_owned() + &part(text?, 80))) {
        Some(why) => said.push((0, why)),
        None => said.extend(a.seen.map(|seen| (2, seen.to_owned()))),
    }
    said.extend(a.past.map(|past| (4, part(past, 80))));
    if a.recovered {
        said.push((1, lang.pick("现在已经恢复", "it has recovered").to_owned()));
    }
    said.extend(
        a.measures
            .first()
            .map(|m| (1, lang.pick("建议", "to do, ").to_owned() + &part(m, 80))),
    );
    finish(
        said,
        lang.pick("要听详细分析吗", "shall I go into detail"),
        ask,
    )
}

/// `unit` is the Chinese word that counts the items.
fn rest(said: &mut Vec<(u8, String)>, total: u64, listed: usize, unit: &str, lang: Lang) {
    let left = total.saturating_sub(listed.min(TOLD_ITEMS) as u64);
    if left == 0 {
        return;
    }
    let (all, rest) = (about(total, lang), about(left, lang));
    said.push((
        2,
        // Rounded, what is left may be as many as all.
        if all == rest {
            lang.pick("其余的没念", "the rest is not told").to_owned()
        } else {
            lang.pick(
                format!("还有{rest}{unit}没念"),
                format!("{rest} more are not told"),
            )
        },
    ));
}

fn finish(said: Vec<(u8, String)>, question: &str, ask: &Ask) -> String {
    let limit = if ask.detail == Detail::Brief {
        BRIEF_CHARS
    } else {
        NORMAL_CHARS
    };
    fitted(said, question, limit, ask)
}
