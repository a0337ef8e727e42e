//! Who did what to whom, from what to what, when it began, and whether it is over: what words alone do not tell.
//!
//! In: a [`Clause`] of a model's sentence. Out: [`Fault`]s. `从 A 改为 B` is one difference of a cited change in that order; what somebody did
//! is what its record says; a beginning is a beginning, an end an end; only what recovered has recovered; what is not so is said only in the words
//! of a record; a caller calls whom it called. Pure.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::model::{
    Lang,
    report::{ChangeNote, ClaimKind, Status},
};

use super::{
    clauses::{Clause, head},
    fault::Fault,
    ground::near,
    lists::{found, lists, places},
    vocabulary::stem,
};

type Pattern = LazyLock<Option<Regex>>;

/// From one value to another.
static FROM_TO: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?i)(?:从|由|(?-u:\b)from(?-u:\b))\s*[`“"「]?([^\s`“”"「」，,从由]+?)[`”"」]?\s*(?:(?:改|变|调|换|升|降|缩|扩|更新)(?:为|成|到|至|了)?|到|至|->|→|(?-u:\b)to(?-u:\b))"#,
        r#"\s*[`“"「]?([^\s`“”"「」，,。]+)"#
    ))
    .ok()
});
/// One calls another, or refuses its call.
static CALLS: Pattern = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)([a-z][a-z0-9-]*)`?\s*(?:对|向|无法|不能|没能|failed to |cannot |could not )?\s*(?:调用|访问|请求|连接|calls?(?: to| of| for)?|calling|called|requests? to|connects? to)\s*`?(?:[a-z0-9-]+/)?([a-z][a-z0-9-]*)",
        r"|([a-z][a-z0-9-]*)`?\s*(?:拒绝了?|refuses?|refused)\s*`?([a-z][a-z0-9-]*)",
        r"|([a-z][a-z0-9-]*)`?\s*(?:被|(?:is|was|are|were|gets?|got) refused by)\s*`?([a-z][a-z0-9-]*)"
    ))
    .ok()
});

pub(super) fn roles(clause: &Clause<'_>, kind: ClaimKind, lang: Lang) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lower = clause.text.to_lowercase();
    let lists = lists(lang);
    let observed = kind == ClaimKind::Observed;
    let begins = clause.said.begins.iter();
    let ends = clause.said.ends.iter();
    // A time that is nowhere is found to be so elsewhere.
    let there = |t: (u8, Option<u8>)| near(&clause.ground.times, t);
    let begins = begins.filter(|t| there(**t) && !near(&clause.ground.starts, **t));
    let ends = ends.filter(|t| there(**t) && !near(&clause.ground.ends, **t));
    let times = begins.chain(ends);
    faults.extend(times.map(|(hour, minute)| Fault::Role(*hour, minute.unwrap_or(0))));
    let over = clause.incidents.iter().all(|i| i.status != Status::Ongoing)
        && !clause.incidents.is_empty();
    if let Some(word) = found(&lists.well, &lower).filter(|_| !over)
        && places(&clause.corpus.text, word).next().is_none()
    {
        faults.push(Fault::Well);
    }
    if observed {
        faults.extend(negated(clause, &lower, lang).map(Fault::Word));
    }
    for verb in &lists.verb {
        // That something was changed may be guessed; that it was made or deleted may not.
        let is_loose = verb.means.iter().any(|m| m == "patch");
        let Some(word) = found(&verb.words, &lower).filter(|_| observed || !is_loose) else {
            continue;
        };
        let done = verb.means.iter().any(|m| {
            let by_change = clause
                .changes
                .iter()
                .any(|c| c.verb.eq_ignore_ascii_case(m));
            by_change || clause.changes.is_empty() && clause.corpus.has_stem(&stem(m))
        });
        if !done {
            faults.push(Fault::Word(word.to_owned()));
        }
    }
    let pairs = FROM_TO.iter().flat_map(|p| p.captures_iter(&clause.text));
    faults.extend(pairs.filter_map(|c| turned(&c, clause)));
    let calls = CALLS.iter().flat_map(|p| p.captures_iter(&lower));
    faults.extend(calls.filter_map(|c| called(&c, clause)));
    faults
}

/// A word that says that something is not, where the cited text does not say the same.
fn negated(clause: &Clause<'_>, lower: &str, lang: Lang) -> Option<String> {
    let said = clause.said.rest.to_lowercase();
    for word in &lists(lang).negation {
        for at in places(&said, word) {
            let after = said[at + word.len()..].trim_start();
            let next: String = match lang {
                Lang::Zh => after
                    .chars()
                    .take_while(|c| !c.is_whitespace())
                    .take(2)
                    .collect(),
                Lang::En => after
                    .split(|c: char| !c.is_ascii_alphanumeric())
                    .next()
                    .unwrap_or("")
                    .to_owned(),
            };
            let gap = lang.pick("", " ");
            let phrase = format!("{word}{gap}{next}");
            if next.is_empty() || !clause.corpus.text.contains(&phrase) {
                return Some(word.clone());
            }
        }
    }
    let apart = lower.contains("n't") && !clause.corpus.text.contains("n't");
    apart.then(|| "n't".to_owned())
}

/// From what to what is neither a difference of a cited change nor written in a record.
fn turned(c: &Captures<'_>, clause: &Clause<'_>) -> Option<Fault> {
    let part = |n: usize| {
        c.get(n)
            .map_or("", |m| m.as_str())
            .trim_end_matches(['.', '，', ',', '。'])
    };
    let (old, new) = (part(1), part(2));
    let is_value = |v: &str| {
        v.chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '/')
    };
    // 从 10:02 到 11:40 is a span of time, and 从上游到下游 none of values.
    if !is_value(old) || !is_value(new) || old.contains(':') && new.contains(':') && old.len() <= 8
    {
        return None;
    }
    let is_it = |value: &serde_json::Value, said: &str| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let said = said.trim_end_matches(|c: char| !c.is_ascii());
        text == said || text.ends_with(&format!(":{said}")) || text.ends_with(&format!("/{said}"))
    };
    let in_change = |note: &ChangeNote| {
        note.diff
            .iter()
            .any(|d| is_it(&d.old, old) && is_it(&d.new, new))
    };
    let written = format!("from {old} to {new}").to_lowercase();
    let holds =
        clause.changes.iter().any(|c| in_change(c)) || clause.corpus.text.contains(&written);
    (!holds).then(|| Fault::Word(format!("{old} -> {new}")))
}

/// A call that no finding tells in that direction.
fn called(c: &Captures<'_>, clause: &Clause<'_>) -> Option<Fault> {
    let part = |n: usize| c.get(n).map(|m| m.as_str());
    let pair = |n: usize| part(n).zip(part(n + 1));
    // Whoever refuses was called.
    let refused = pair(3).map(|(to, from)| (from, to));
    let (from, to) = pair(1).or(refused).or_else(|| pair(5))?;
    let known = |name: &str| clause.is_object(name);
    if !known(from) || !known(to) || from == to {
        return None;
    }
    let told = clause.findings.iter().any(|f| {
        let title = head(&f.title).to_lowercase();
        let at = title.find(from);
        at.is_some_and(|at| title[at + from.len()..].contains(to))
    });
    (!told).then(|| Fault::Word(format!("{from} -> {to}")))
}
