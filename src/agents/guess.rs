//! What a model may guess: a cause, in the words of the trade, of something that went wrong, and never advice.
//!
//! In: a guess of a model as [`Clause`]s. Out: [`Fault`]s. A guess says that it is one, names an object of the incident, claims no certainty,
//! gives no order (advice is the catalogue's) and is made of words of the fault catalogue, the lexicon, what it cites and `claims.toml`: the cause
//! itself may be in none of them. Pure.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::{
    Lang,
    report::{Claim, ClaimKind},
};

use super::{
    clauses::{Clause, names},
    fault::Fault,
    lists::{found, lists, places},
    tokens::{Pattern, QUOTE, taken},
    vocabulary::{Corpus, is_asking},
};

pub(super) fn guess(claim: &Claim, clauses: &[Clause<'_>], lang: Lang) -> Vec<Fault> {
    let lower = claim.text.to_lowercase();
    let lists = lists(lang);
    let mut faults = Vec::new();
    if let Some(word) = found(&lists.certain, &lower) {
        faults.push(Fault::Certain(word.to_owned()));
    }
    if found(&lists.hedge, &lower).is_none() {
        faults.push(Fault::Unhedged);
    }
    let mut objects = clauses.iter().flat_map(|c| {
        let of_incidents = c
            .incidents
            .iter()
            .flat_map(|i| i.affected.iter().chain([&i.root.object]));
        of_incidents.chain(c.findings.iter().map(|f| &f.object))
    });
    if !objects.any(|o| names(&lower, &o.name.to_lowercase())) {
        faults.push(Fault::Nameless);
    }
    let words = Corpus::of_guesses();
    for clause in clauses {
        let strange = words.strange(&clause.said.rest, lang, &clause.names);
        // What it cites may be said as well, whatever the trade says.
        let both = strange.is_some().then(|| words.with(&clause.corpus));
        let strange = both.and_then(|all| all.strange(&clause.said.rest, lang, &clause.names));
        faults.extend(strange.map(Fault::Word));
    }
    faults
}

/// An order or advice in a sentence of either kind. What is quoted is somebody else's, and held against the records.
pub(super) fn ordered(claim: &Claim, clauses: &[Clause<'_>], lang: Lang) -> Option<Fault> {
    let lists = lists(lang);
    let whole = claim.text.to_lowercase();
    let own = taken(&QUOTE, &whole, |_| true);
    let anywhere = found(&lists.order, &own).or_else(|| is_asking(&whole).then_some("请"));
    let begins = || {
        let mut has_subject = false;
        clauses.iter().find_map(|clause| {
            let text = clause.text.trim_start().to_lowercase();
            let order = lists.begin.iter().find(|word| {
                places(&text, word).next() == Some(0)
                    && !is_told(&text[word.len()..])
                    && !(has_subject && goes_on(word, clause, claim.kind, lang))
            });
            has_subject |= has_actor(&text, clause);
            order.map(String::as_str)
        })
    };
    anywhere.or_else(begins).map(|w| Fault::Order(w.to_owned()))
}

/// 删除了, 重启 5 次, `set by`, `check returned`: what stands behind the word tells what was done.
fn is_told(behind: &str) -> bool {
    static TOLD: Pattern = LazyLock::new(|| {
        Regex::new(concat!(
            r"^(?:了|被|过|后|之|失败|超时|不|(?:了|共|一共|总共)?\s*[\d一二两三四五六七八九十百千]+\s*次",
            r"|\s*\d+ times|\s+(?:by|returned|returns|answered|took|was|were|is|got|timed|says|said|succeeded)(?-u:\b))"
        ))
        .ok()
    });
    TOLD.as_ref().is_some_and(|p| p.is_match(behind))
}

/// Whether a clause that begins with the word goes on with what the subject of the clause before did: 有人修改了 risk，把 CPU 改为 12. The values and
/// verbs of an observation are held against its record by `roles`; a guess may take up only a difference told in full, which is too.
fn goes_on(word: &str, clause: &Clause<'_>, kind: ClaimKind, lang: Lang) -> bool {
    let takes = matches!(word, "把" | "将");
    let is_cited = !clause.changes.is_empty();
    if kind != ClaimKind::Observed {
        return takes && is_cited && clause.text.contains('从');
    }
    let is_asking = matches!(word, "请" | "你" | "现在你" | "you" | "let");
    let is_held = lists(lang)
        .verb
        .iter()
        .any(|v| v.words.iter().any(|w| w == word));
    !is_asking && (takes || is_held || is_cited)
}

/// Whether a lower-case clause names an object of its incidents, or who changed one.
fn has_actor(text: &str, clause: &Clause<'_>) -> bool {
    let of_incidents = clause
        .incidents
        .iter()
        .flat_map(|i| i.affected.iter().chain([&i.root.object]));
    let objects = of_incidents
        .chain(clause.findings.iter().map(|f| &f.object))
        .chain(clause.changes.iter().map(|c| &c.object))
        .map(|o| &o.name);
    let mut actors = objects.chain(clause.changes.iter().map(|c| &c.user));
    actors.any(|name| names(text, &name.to_lowercase()))
}
