//! The morning broadcast: a day told in four parts, the most important problem first, a question last.
//!
//! In: a report and an [`Ask`]. Out: [`Told`]. The order is that of the mission: anomalies of each kind of log, findings and risks, what must be handled
//! now, solutions, and the question that offers the three follow-ups. When the whole does not fit, problems keep their place and lose
//! words first; problems left out are counted aloud.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::{
    Lang, LogKind,
    report::{Incident, Report, Verdict},
};

use super::{
    BRIEF_CHARS, MOST_PROBLEMS, NORMAL_CHARS,
    ask::{Ask, Detail, NextStep, Part, Told, chars},
    caveats::caveats,
    full,
    opening::{kinds, opening},
    parts::{Outline, Words},
    phrase::{day_name, kind_name, standing_short, title},
    problem::{Problem, problems},
    speak::{clip, fit},
};

/// Tells a day.
#[must_use]
pub fn broadcast(report: &Report, ask: &Ask) -> Told {
    if ask.detail == Detail::Full {
        return full::day(report, ask);
    }
    let incidents: Vec<&Incident> = report
        .incidents
        .iter()
        .filter(|i| concerns(report, i, ask.kind))
        .collect();
    if incidents.is_empty() {
        return quiet_day(report, ask);
    }
    if ask.detail == Detail::Brief {
        return brief(report, &incidents, ask);
    }
    let problems = problems(&incidents, MOST_PROBLEMS);
    // "继续" goes on with the problems that did not fit before.
    let from = match ask.part {
        Some(Part::Findings) => ask.page.min(problems.len() - 1),
        _ => 0,
    };
    let problems = &problems[from..];
    let most = problems.len().min(MOST_PROBLEMS);
    // The last problems lose words first, and all of them before one is left out.
    let ways = [Words::All, Words::Most, Words::Few, Words::Fewest];
    let ways = |shown: usize| ways.map(|words| (1..=shown).rev().map(move |full| (words, full)));
    for shown in (1..=most).rev() {
        for (words, full) in ways(shown).into_iter().flatten() {
            let text = Outline {
                report,
                ask,
                problems,
                from,
                shown,
                words,
                full,
            }
            .text();
            if text.chars().count() > ask.room(NORMAL_CHARS) {
                continue;
            }
            let now = &problems[..shown];
            let named: Vec<&Incident> = now.iter().map(|p| p.first).collect();
            let left = (shown < problems.len()).then_some(from + shown);
            let mut told = told(report, &named, ask, text, left);
            let beside = now.iter().flat_map(|p| &p.others);
            told.beside = beside.map(|i| i.id.clone()).collect();
            return told;
        }
    }
    brief(report, &incidents, ask)
}

/// The one most urgent thing, as a clause without an end mark; `None` when there is nothing to tell. At most 80 characters.
#[must_use]
pub fn headline(report: &Report, ask: &Ask) -> Option<String> {
    let first = report.incidents.first()?;
    let title = title(first, ask.lang, ask.lang.pick(60, 20));
    let standing = standing_short(first, ask.lang);
    let said = ask.lang.pick(
        format!("{title}，{standing}"),
        format!("{title}, {standing}"),
    );
    Some(clip(&said, 80).to_owned())
}

fn concerns(report: &Report, incident: &Incident, kind: Option<LogKind>) -> bool {
    let Some(kind) = kind else { return true };
    incident.chain.iter().any(|link| link.kind == kind)
        || report
            .findings
            .iter()
            .any(|f| f.kind == kind && incident.findings.contains(&f.id))
        || (kind == LogKind::Audit && incident.change.is_some())
}

fn brief(report: &Report, incidents: &[&Incident], ask: &Ask) -> Told {
    let lang = ask.lang;
    let question = lang.pick("要继续听吗", "shall I go on");
    let mut text = String::new();
    for title_chars in [60, 48, 36, 24, 16] {
        let alone = Problem {
            first: incidents[0],
            others: Vec::new(),
        };
        let mut said = vec![opening(report, &alone, ask, title_chars)];
        if incidents.len() > 1 {
            said.push(lang.pick(
                format!("一共{}个问题", incidents.len()),
                format!("{} problems in all", incidents.len()),
            ));
        }
        if let Some(caveat) = caveats(report, ask)
            .into_iter()
            .next()
            .filter(|_| title_chars > 36)
        {
            said.push(caveat);
        }
        text = join(&said, question, lang);
        if text.chars().count() <= ask.room(BRIEF_CHARS) {
            return told(report, &incidents[..1], ask, text, None);
        }
    }
    let room = ask.room(BRIEF_CHARS) - question.chars().count() - 3;
    let head = fit(&text, room / chars(1, lang), lang).to_owned();
    let text = join(&[head], question, lang);
    told(report, &incidents[..1], ask, text, None)
}

fn quiet_day(report: &Report, ask: &Ask) -> Told {
    let lang = ask.lang;
    let day = day_name(report, ask);
    let mut said = Vec::new();
    if report.verdict == Verdict::Unknown {
        said.push(lang.pick(
            format!("{day}的日志，一条也没读到，说不出好坏"),
            format!("no log line {day} could be read, so nothing can be said"),
        ));
    } else if let Some(kind) = ask.kind {
        let name = kind_name(kind, lang);
        said.push(lang.pick(
            format!("{day}的{name}，没有发现异常"),
            format!("the {name} {day} shows nothing unusual"),
        ));
    } else {
        said.push(lang.pick(
            format!("{day}一切正常，没有发现新问题"),
            format!("all was well {day}, nothing new went wrong"),
        ));
        said.push(kinds(report, ask));
        let chronic = report.chronic.len();
        if chronic > 0 {
            said.push(lang.pick(
                format!("有{chronic}个天天都有的老毛病，没有变化"),
                format!("{chronic} old troubles are as they are every day"),
            ));
        }
    }
    said.extend(caveats(report, ask));
    let (question, limit) = match (report.verdict, ask.detail) {
        (Verdict::Unknown, _) => (
            lang.pick("要不要现在重新分析", "shall I analyse it again now"),
            BRIEF_CHARS,
        ),
        (_, Detail::Brief) => (
            lang.pick("还想听什么", "what else would you like to hear"),
            BRIEF_CHARS,
        ),
        _ => (
            lang.pick(
                "要不要看看某一类日志的细节",
                "shall I look closer at one kind of log",
            ),
            NORMAL_CHARS,
        ),
    };
    while said.len() > 1 && join(&said, question, lang).chars().count() > ask.room(limit) {
        said.pop();
    }
    told(report, &[], ask, join(&said, question, lang), None)
}

pub(super) fn question(ask: &Ask, undoable: bool) -> String {
    let lang = ask.lang;
    match ask.part {
        None => lang.pick(
            "要不要深入分析某一类日志，关联几类日志找根源，还是听具体方案和回滚建议",
            "go deeper into one kind of log, link them to find the root, or hear fixes and rollback",
        ),
        Some(Part::Fixes) if undoable => lang.pick("要不要回滚，或者深入分析某一类日志", "shall I prepare a rollback or look deeper into one kind of log"),
        Some(Part::Fixes) => lang.pick("要不要深入分析某一类日志", "shall I look deeper into one kind of log"),
        Some(_) => lang.pick("要继续听吗", "shall I go on"),
    }
    .to_owned()
}

/// `left`: the place of the first problem that did not fit.
fn told(
    report: &Report,
    named: &[&Incident],
    ask: &Ask,
    text: String,
    left: Option<usize>,
) -> Told {
    let date = report.date.to_string();
    let mut next = Vec::new();
    let left = left.filter(|_| ask.part.is_none_or(|p| p == Part::Findings));
    let next_part = match ask.part {
        _ if left.is_some() => Some(Part::Findings),
        Some(part) => part.next(),
        None if ask.detail == Detail::Brief => Some(Part::Overview),
        None => None,
    };
    if let Some(part) = next_part {
        let cursor = left.map_or_else(String::new, |n| n.to_string());
        next.push(NextStep::new(
            "summarize_day",
            [
                ("date", date.clone()),
                ("part", part.number().to_string()),
                ("cursor", cursor),
            ],
        ));
    }
    if let Some(first) = named.first() {
        let from = first.chain.first().map_or(LogKind::Event, |link| link.kind);
        next.push(NextStep::new(
            "trace_cause",
            [
                ("date", date.clone()),
                ("incident", first.id.clone()),
                ("from", from.to_string()),
            ],
        ));
        if first.ready_rollback().is_some() {
            next.push(NextStep::new(
                "propose_rollback",
                [("date", date.clone()), ("incident", first.id.clone())],
            ));
        }
    }
    next.push(NextStep::new("analyze_business", [("date", date.clone())]));
    if report.verdict == Verdict::Unknown {
        next.insert(
            0,
            NextStep::new(
                "summarize_day",
                [("date", date), ("refresh", "true".to_owned())],
            ),
        );
    }
    Told {
        told: text,
        next,
        incidents: named.iter().map(|i| i.id.clone()).collect(),
        beside: Vec::new(),
        next_part,
        next_page: left,
    }
}

/// Sentences with their end marks, the question last. English sentences begin with a capital.
pub(super) fn join(said: &[String], question: &str, lang: Lang) -> String {
    let mut text = String::new();
    let sentences = said
        .iter()
        .map(String::as_str)
        .map(|s| s.trim_matches([' ', '，', ',', '。', '.']));
    for sentence in sentences.filter(|s| !s.is_empty()) {
        text += &capital(sentence, lang);
        text += lang.pick("。", ". ");
    }
    said_once(&text, lang) + &capital(question, lang) + lang.pick("？", "?")
}

/// A date is said once: behind it, times are of that day. Where times of several days are told, each keeps its own.
fn said_once(text: &str, lang: Lang) -> String {
    static DATES: LazyLock<[Option<Regex>; 2]> = LazyLock::new(|| {
        [
            Regex::new(r"(\d{1,2}月\d{1,2}日)(?:凌晨|早上|上午|中午|下午|晚上)").ok(),
            Regex::new(r"([Oo]n [A-Z][a-z]+ \d{1,2} )at about").ok(),
        ]
    });
    static DAYS: LazyLock<[Option<Regex>; 2]> = LazyLock::new(|| {
        [
            Regex::new(
                r"(\d{1,2}月\d{1,2}日)|(?:今天|昨天|前天)(?:凌晨|早上|上午|中午|下午|晚上|夜里|\d)",
            )
            .ok(),
            Regex::new(
                r"([Oo]n [A-Z][a-z]+ \d{1,2} )|(?:[Tt]oday|[Yy]esterday)[a-z ]{0,20} at(?-u:\b)",
            )
            .ok(),
        ]
    });
    let [zh, en] = &*DATES;
    let [zh_day, en_day] = &*DAYS;
    let (Some(pattern), Some(day)) = (lang.pick(zh, en), lang.pick(zh_day, en_day)) else {
        return text.to_owned();
    };
    let dates: Vec<_> = pattern
        .captures_iter(text)
        .filter_map(|c| c.get(1))
        .collect();
    let Some(first) = dates.first() else {
        return text.to_owned();
    };
    let same = |a: &str| a.eq_ignore_ascii_case(first.as_str());
    let mut days = day.captures_iter(text);
    if days.any(|c| !c.get(1).is_some_and(|d| same(d.as_str()))) {
        return text.to_owned();
    }
    let before = text[..first.start()].to_lowercase();
    let is_new = !before.contains(&first.as_str().to_lowercase());
    let mut said = String::new();
    let mut end = 0;
    for date in dates.iter().skip(usize::from(is_new)) {
        said += &text[end..date.start()];
        end = date.end();
        // What began a sentence leaves its capital to the word behind it.
        if date.as_str().starts_with('O') {
            said.push('A');
            end += 1;
        }
    }
    said + &text[end..]
}

fn capital(sentence: &str, lang: Lang) -> String {
    let mut chars = sentence.chars();
    match (lang, chars.next()) {
        // A name such as `checkout` keeps its spelling; only our own opening words begin sentences, names follow them.
        (Lang::En, Some(first)) => first.to_ascii_uppercase().to_string() + chars.as_str(),
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_left_out_only_where_no_other_day_is_told() {
        for (text, said) in [
            (
                "11月21日上午10点坏了。11月21日下午3点好了。",
                "11月21日上午10点坏了。下午3点好了。",
            ),
            (
                "11月21日上午10点坏了。昨天下午3点又坏了，11月21日晚上8点好了。",
                "11月21日上午10点坏了。昨天下午3点又坏了，11月21日晚上8点好了。",
            ),
            (
                "11月21日上午10点坏了，和11月20日一样，11月21日晚上8点好了。",
                "11月21日上午10点坏了，和11月20日一样，11月21日晚上8点好了。",
            ),
        ] {
            assert_eq!(said_once(text, Lang::Zh), said);
        }
        for (text, said) in [
            (
                "It broke on November 21 at about 10:00 am. On November 21 at about 3:00 pm it ended.",
                "It broke on November 21 at about 10:00 am. At about 3:00 pm it ended.",
            ),
            (
                "On November 21 at about 10:00 am it broke, yesterday at about 3:00 pm again, on November 21 at about 8:00 pm it ended.",
                "On November 21 at about 10:00 am it broke, yesterday at about 3:00 pm again, on November 21 at about 8:00 pm it ended.",
            ),
        ] {
            assert_eq!(said_once(text, Lang::En), said);
        }
    }
}
