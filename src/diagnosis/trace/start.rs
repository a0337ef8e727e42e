//! Where a trace begins: the finding, the incident and the habit that are meant by what was asked.
//!
//! In: the day's findings and incidents, and an [`Ask`]. Out: one of them, or nothing. Always true: words that no finding and no
//! incident of the day has lead nowhere. Does not follow anything.

use super::{Ask, Told};
use crate::model::report::{Chronic, Finding, Incident};

/// The incident that is asked for by its id, be it as a word.
pub(super) fn named<'a>(told: Told<'a>, ask: Ask<'_>) -> Option<&'a Incident> {
    let id = ask.incident.or(ask.query)?;
    told.incidents
        .iter()
        .find(|i| i.id.eq_ignore_ascii_case(id.trim()))
}

/// The weightiest finding of the kind that fits, with the incident it is followed in. One line often belongs to several incidents:
/// then that one is meant whose own object is named, else the most important. A finding outside of incidents comes after them; and
/// where no finding has the words, an incident that has them is entered by its first finding of the kind.
pub(super) fn start<'a>(
    told: Told<'a>,
    ask: Ask<'_>,
    meant: Option<&'a Incident>,
) -> Option<(Option<&'a Incident>, &'a Finding)> {
    let of_kind = told.findings.iter().filter(|f| f.kind == ask.from);
    if let Some(incident) = meant {
        let mut own = of_kind.filter(|f| incident.findings.contains(&f.id));
        return own.next().map(|finding| (Some(incident), finding));
    }
    let fits = |f: &&Finding| {
        ask.object.is_none_or(|o| is_about(f, o)) && ask.query.is_none_or(|q| speaks_of(f, q))
    };
    let own_object_named = |incident: &Incident| {
        let name = incident.root.object.name.as_str();
        let words = ask.query.unwrap_or_default().split_whitespace();
        ask.object.into_iter().chain(words).any(|word| {
            let word = word.rsplit_once('/').map_or(word, |(_, last)| last);
            word.eq_ignore_ascii_case(name)
        })
    };
    let places = of_kind.clone().filter(fits).flat_map(|finding| {
        let holders = told.incidents.iter().enumerate();
        let holders = holders.filter(|(_, i)| i.findings.contains(&finding.id));
        holders.map(move |(place, incident)| (place, incident, finding))
    });
    if let Some((_, incident, finding)) =
        places.min_by_key(|(place, incident, _)| (!own_object_named(incident), *place))
    {
        return Some((Some(incident), finding));
    }
    if let Some(finding) = of_kind.clone().find(fits) {
        return Some((None, finding));
    }
    let about = |incident: &&'a Incident| {
        let root = &incident.root;
        let detail = root.detail.as_deref().unwrap_or_default();
        let text = format!("{} {} {} {detail}", incident.title, root.object, root.cause);
        let text = text.to_lowercase();
        let words = ask.object.into_iter().chain(ask.query);
        let mut words = words.flat_map(str::split_whitespace);
        words.all(|word| text.contains(&word.to_lowercase()))
    };
    told.incidents.iter().filter(about).find_map(|incident| {
        let mut own = of_kind.clone();
        let finding = own.find(|f| incident.findings.contains(&f.id))?;
        Some((Some(incident), finding))
    })
}

/// What is wrong every day and is meant, when anything is said of what is meant.
pub(super) fn habit<'a>(told: Told<'a>, ask: Ask<'_>) -> Option<&'a Chronic> {
    if ask.incident.is_some() || ask.object.is_none() && ask.query.is_none() {
        return None;
    }
    let fits = |c: &&Chronic| {
        let text = format!("{} {}", c.title, c.object).to_lowercase();
        let all = |words: &str| {
            let words = words.to_lowercase();
            words.split_whitespace().all(|word| text.contains(word))
        };
        c.kind == ask.from && ask.object.is_none_or(all) && ask.query.is_none_or(all)
    };
    told.chronic.iter().find(fits)
}

fn is_about(finding: &Finding, object: &str) -> bool {
    let (namespace, name) = object.rsplit_once('/').unwrap_or(("", object));
    let same = |n: &str| n == name || n.starts_with(name) && n[name.len()..].starts_with('-');
    let place = namespace.is_empty() || finding.object.namespace == namespace;
    place && (same(&finding.object.name) || finding.key_fields.iter().any(|k| k.value == name))
}

fn speaks_of(finding: &Finding, query: &str) -> bool {
    let text = format!("{} {} {}", finding.title, finding.object, finding.cause).to_lowercase();
    let values = finding.key_fields.iter().map(|k| k.value.to_lowercase());
    let values: Vec<String> = values.collect();
    query
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word) || values.iter().any(|v| v.contains(word)))
}
