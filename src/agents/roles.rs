//! Who did what to whom, when it began, and whether it is over: what words alone do not tell.
//!
//! In: a [`Clause`] of a model's sentence. Out: [`Fault`]s. What somebody did is what its record says; a beginning is a beginning, an end an end; only what recovered has recovered; what is not so is said only in the words
//! of a record; a caller calls whom it called. From what to what is asked of `turns`. Pure.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::model::{
    Lang,
    report::{ClaimKind, Status},
};

use super::{
    clauses::{Clause, head},
    fault::Fault,
    ground::near,
    lists::{found, lists, places},
    turns::turns,
    vocabulary::stem,
};

/// One calls another, or refuses its call; whether the one named first is the caller.
static CALLS: LazyLock<Vec<(Regex, bool)>> = LazyLock::new(|| {
    const NAME: &str = "`?(?:[a-z0-9-]+/)?([a-z][a-z0-9-]*)";
    [
        (
            r"\s*(?:对|向|无法|不能|没能|failed to |cannot |could not )?\s*(?:调用|访问|请求|连接|calls?(?: to| of| for)?|calling|called|requests? to|connects? to)\s*",
            "",
            true,
        ),
        // Whoever refuses was called.
        (r"\s*(?:拒绝了?|refuses?|refused)\s*", "", false),
        (
            r"\s*(?:的(?:调用|访问|请求|连接))?\s*被\s*",
            r"`?\s*(?:所)?拒绝",
            true,
        ),
        (r"\s*(?:(?:is|was|are|were|gets?|got|been|being) )?refused by ", "", true),
        (
            r"\s*被\s*",
            r"`?\s*(?:所|反复|不断|一直|多次)?(?:调用|访问|请求|连接)",
            false,
        ),
        (
            r"\s*(?:(?:is|was|are|were|gets?|got|been|being) )?(?:called|accessed|requested) by ",
            "",
            false,
        ),
    ]
    .into_iter()
    .filter_map(|(between, behind, is_caller)| {
        let pattern = format!("([a-z][a-z0-9-]*)`?{between}{NAME}{behind}");
        Some((Regex::new(&pattern).ok()?, is_caller))
    })
    .collect()
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
    faults.extend(turns(clause));
    for (pattern, is_caller) in &*CALLS {
        let calls = pattern.captures_iter(&lower);
        faults.extend(calls.filter_map(|c| called(&c, *is_caller, clause)));
    }
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

/// A call that no finding tells in that direction.
fn called(c: &Captures<'_>, is_caller: bool, clause: &Clause<'_>) -> Option<Fault> {
    let (first, second) = (c.get(1)?.as_str(), c.get(2)?.as_str());
    let (from, to) = if is_caller {
        (first, second)
    } else {
        (second, first)
    };
    let titles: Vec<String> = clause
        .findings
        .iter()
        .map(|f| head(&f.title).to_lowercase())
        .collect();
    let place = |title: &str, name: &str| {
        let mut words = title.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        words.position(|word| word == name)
    };
    // Who calls is often no object of the report, and stands in a title alone.
    let stands = |name: &str| titles.iter().any(|title| place(title, name).is_some());
    let is_known = |name: &str| clause.is_object(name) || stands(name);
    if !is_known(from) || !is_known(to) || from == to {
        return None;
    }
    let told = titles
        .iter()
        .any(|title| place(title, from).is_some_and(|at| place(title, to) > Some(at)));
    (!told).then(|| Fault::Word(format!("{from} -> {to}")))
}
