//! What a model may guess: a cause, in the words of the trade, of something that went wrong, and never advice.
//!
//! In: a guess of a model as [`Clause`]s. Out: [`Fault`]s. A guess says that it is one, names an object of the incident, claims no certainty,
//! gives no order (advice is the catalogue's) and is made of words of the fault catalogue, the lexicon, what it cites and `claims.toml`: the cause
//! itself may be in none of them. Pure.

use crate::model::{Lang, report::Claim};

use super::{
    clauses::{Clause, names},
    fault::Fault,
    lists::{found, lists, places},
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

/// An order or advice in a sentence of either kind.
pub(super) fn ordered(claim: &Claim, clauses: &[Clause<'_>], lang: Lang) -> Option<Fault> {
    let lower = claim.text.to_lowercase();
    let lists = lists(lang);
    let anywhere = found(&lists.order, &lower).or_else(|| is_asking(&lower).then_some("请"));
    let begins = || {
        let mut starts = clauses.iter().map(|c| c.text.trim_start().to_lowercase());
        starts.find_map(|text| {
            let order = lists.begin.iter().find(|w| {
                let after = || text[w.len()..].chars().next();
                // 删除了 tells what was done.
                places(&text, w).next() == Some(0)
                    && !matches!(after(), Some('了' | '被' | '后' | '之'))
            });
            order.map(String::as_str)
        })
    };
    anywhere.or_else(begins).map(|w| Fault::Order(w.to_owned()))
}
