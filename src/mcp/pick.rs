//! Which incident somebody means: "i2", "第二个", "它", or a part of its name.
//!
//! In: what was said, a report, and what was told last. Out: one incident of the report. Pure. Always true: a number counts in what
//! was told, not in the report, since that is the order the listener heard.

use super::{args, trouble::Trouble};
use crate::model::report::{Incident, Report};

/// What the caller heard last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heard<'a> {
    /// What "it" means.
    pub incident: &'a str,
    /// In the order told.
    pub listed: &'a [String],
}

const IT: [&str; 12] = [
    "它",
    "他",
    "这个",
    "那个",
    "这个问题",
    "那个问题",
    "刚才那个",
    "刚才说的",
    "it",
    "this",
    "that",
    "last",
];

/// Finds the incident; nothing said means the one told last.
pub(super) fn incident<'r>(
    said: Option<&str>,
    report: &'r Report,
    heard: Heard<'_>,
) -> Result<&'r Incident, Trouble> {
    let by_id = |id: &str| report.incidents.iter().find(|i| i.id == id);
    let unknown = || Trouble::NoSuchIncident {
        had: report.incidents.iter().map(|i| i.id.clone()).collect(),
    };
    let Some(said) = said.map(str::trim).filter(|s| !IT.contains(s)) else {
        // With one incident there is no doubt what is meant.
        let only = report
            .incidents
            .first()
            .filter(|_| report.incidents.len() == 1);
        return by_id(heard.incident).or(only).ok_or(Trouble::NothingTold);
    };
    if let Some(found) = by_id(&said.to_lowercase()) {
        return Ok(found);
    }
    if let Some(n) = place(said) {
        // A place beyond what was told is asked back: counted on in the report, it could be any.
        if !heard.listed.is_empty() {
            let listed = heard.listed.get(n).and_then(|id| by_id(id));
            return listed.ok_or_else(|| Trouble::NotTold {
                had: heard.listed.to_vec(),
            });
        }
        return report.incidents.get(n).ok_or_else(unknown);
    }
    if said.contains("最后") || said == "last one" {
        let listed = heard.listed.last().and_then(|id| by_id(id));
        return listed
            .or_else(|| report.incidents.last())
            .ok_or_else(unknown);
    }
    let words = said.to_lowercase();
    let has = |i: &&Incident| {
        let object = &i.root.object;
        i.identity == said
            || i.title.to_lowercase().contains(&words)
            || object.name.to_lowercase().contains(&words)
            || words.contains(&object.name.to_lowercase())
            || i.root.cause == words
            || i.root.detail.as_deref() == Some(words.as_str())
            || i.affected.iter().any(|a| a.name.to_lowercase() == words)
    };
    report.incidents.iter().find(has).ok_or_else(unknown)
}

/// The place in the list, from 0: "第二个", "2", "二", "the second".
fn place(said: &str) -> Option<usize> {
    let english = ["first", "second", "third", "fourth", "fifth", "sixth"];
    if let Some(n) = english
        .iter()
        .position(|word| said.to_lowercase().contains(word))
    {
        return Some(n);
    }
    let plain = args::plain(said);
    let digits = plain
        .trim_start_matches('第')
        .trim_end_matches(['个', '条', '件', '题', '问']);
    digits.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn people_name_an_incident_in_many_ways() {
        let report = sample::report();
        let ids: Vec<&str> = report.incidents.iter().map(|i| i.id.as_str()).collect();
        let listed = vec![ids[2].to_owned(), ids[0].to_owned()];
        let heard = Heard {
            incident: ids[2],
            listed: &listed,
        };
        let name = report.incidents[1].root.object.name.as_str();
        for (said, meant) in [
            (None, ids[2]),
            (Some("它"), ids[2]),
            (Some("第二个"), ids[0]),
            (Some("2"), ids[0]),
            (Some("the first"), ids[2]),
            (Some("最后一个"), ids[0]),
            (Some("I2"), ids[1]),
            (Some(name), ids[1]),
        ] {
            let found = incident(said, &report, heard).expect("found");
            assert_eq!(found.id, meant, "{said:?}");
        }
        assert!(matches!(
            incident(Some("第三个"), &report, heard),
            Err(Trouble::NotTold { .. })
        ));
        for said in ["第九个", "0", "月球", "i99"] {
            assert!(
                matches!(
                    incident(Some(said), &report, Heard::default()),
                    Err(Trouble::NoSuchIncident { .. })
                ),
                "{said}"
            );
        }
        assert!(matches!(
            incident(None, &report, Heard::default()),
            Err(Trouble::NothingTold)
        ));
    }
}
