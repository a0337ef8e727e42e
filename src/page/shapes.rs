//! Which templates of a day are new, came many times as often, in a burst, or are gone.
//!
//! In: the day's templates and the earlier days, as stored. Out: rows for a table, the most telling first, and how many were left out. Always
//! true: what is said of a template that is there is what `mining::baseline` says, the same that incidents are made from. Looks at business
//! logs only: events and refusals are told as findings.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::chart;
use crate::{
    mining::baseline::{self, Deviation, Subject, What},
    model::{
        DayRange, EvidenceId, Level, LogKind, Severity,
        shapes::{Baseline, DayShapes, TemplateDay, TemplateId},
    },
};

/// Rows of the table, and of these what is shown at once.
const ROWS: usize = 60;
const AT_ONCE: usize = 12;
/// A template that came less often than this a day may well not come for a day.
const MISSED: f64 = 20.0;

/// A template, or a service that fell silent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `new`, `times`, `burst`, `gone`, `lasting`.
    pub what: &'static str,
    /// How many times the expected count.
    pub times: Option<f64>,
    pub service: String,
    pub level: Option<Level>,
    /// Empty for a silent service.
    pub text: String,
    /// Of the text what follows the masks at its head (time, process, request), when there are any.
    pub shown: Option<String>,
    pub count: u64,
    pub expected: f64,
    pub spark: String,
    pub evidence: Option<EvidenceId>,
    severity: Severity,
}

impl Row {
    pub(super) fn is_loud(&self) -> bool {
        self.level.is_some_and(|l| l >= Level::Warn)
    }
}

/// A template of the earlier days that did not come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gone {
    pub id: TemplateId,
    service: String,
    expected: f64,
}

/// Where several clusters are counted, their names stand before those of the services: so they are compared.
pub(crate) fn name_clusters(templates: &mut [TemplateDay], earlier: &Baseline) {
    let named = |name: &String| name.contains(' ');
    if !earlier.days.iter().flat_map(|d| d.lines.keys()).any(named) {
        return;
    }
    for template in templates
        .iter_mut()
        .filter(|t| !t.service.cluster.is_empty())
    {
        let service = &mut template.service;
        service.namespace = format!("{} {}", service.cluster, service.namespace);
    }
}

/// Compares the day's templates with the earlier days.
pub(crate) fn rows(templates: Vec<TemplateDay>, earlier: &Baseline, range: &DayRange) -> Vec<Row> {
    let shapes = DayShapes {
        templates,
        ..DayShapes::default()
    };
    let found = baseline::compare(&shapes, earlier, range);
    found
        .iter()
        .filter_map(|deviation| row(deviation, &shapes.templates))
        .collect()
}

fn row(deviation: &Deviation, templates: &[TemplateDay]) -> Option<Row> {
    let (what, times) = match deviation.what {
        What::New => ("new", None),
        What::Times(n) => ("times", Some(n)),
        What::Burst => ("burst", None),
        What::Gone => ("gone", None),
        What::Lasting => ("lasting", None),
        What::Chronic => return None,
    };
    let row = |service, template: Option<&TemplateDay>| Row {
        what,
        times,
        service,
        level: template.map(|t| t.level),
        text: template.map(|t| t.text.clone()).unwrap_or_default(),
        shown: template.and_then(|t| said(&t.text)),
        count: deviation.observed,
        expected: deviation.expected,
        spark: template.map(|t| chart::spark(&t.cells)).unwrap_or_default(),
        evidence: template.and_then(|t| t.samples.first()).map(|s| s.id),
        severity: deviation.severity,
    };
    match &deviation.subject {
        Subject::Template(i) => {
            let template = templates.get(*i)?;
            Some(row(template.service.to_string(), Some(template)))
        }
        Subject::Service(name) => Some(row(name.clone(), None)),
        Subject::Event(_) | Subject::Call(_) => None,
    }
}

/// Templates that came on every earlier day and not today, though their service wrote.
pub(crate) fn gone(templates: &[TemplateDay], earlier: &Baseline) -> Vec<Gone> {
    let services: HashSet<String> = templates.iter().map(|t| t.service.to_string()).collect();
    let today: HashSet<(String, TemplateId)> = templates
        .iter()
        .map(|t| (t.service.to_string(), t.id))
        .collect();
    let mut counts: BTreeMap<&(String, TemplateId), Vec<f64>> = BTreeMap::new();
    let mut days = 0;
    for day in baseline::holding(earlier, LogKind::Business) {
        days += 1;
        for (key, n) in &day.templates {
            counts
                .entry(key)
                .or_default()
                .push(*n as f64 / day.business_share.max(0.01));
        }
    }
    let missing = counts.into_iter().filter(|(key, seen)| {
        seen.len() == days && services.contains(&key.0) && !today.contains(*key)
    });
    let mut gone: Vec<Gone> = missing
        .map(|(key, seen)| Gone {
            id: key.1,
            service: key.0.clone(),
            expected: seen.iter().sum::<f64>() / days as f64,
        })
        .filter(|g| g.expected >= MISSED)
        .collect();
    gone.sort_by(|a, b| b.expected.total_cmp(&a.expected));
    gone.truncate(ROWS);
    gone
}

/// All rows in the order of the table, and how many did not fit.
pub(crate) fn table(
    mut rows: Vec<Row>,
    gone: Vec<Gone>,
    texts: &BTreeMap<TemplateId, String>,
) -> (Vec<Row>, usize) {
    rows.extend(gone.into_iter().map(|g| Row {
        what: "gone",
        times: None,
        service: g.service,
        level: None,
        text: texts.get(&g.id).cloned().unwrap_or_default(),
        shown: texts.get(&g.id).and_then(|t| said(t)),
        count: 0,
        expected: g.expected,
        spark: String::new(),
        evidence: None,
        severity: Severity::Info,
    }));
    let weight = |r: &Row| (r.count as f64).max(r.expected);
    rows.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then(b.level.cmp(&a.level))
            .then(weight(b).total_cmp(&weight(a)))
    });
    let cut = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    (rows, cut)
}

/// Takes off what is not shown at once: all beyond the first rows, which come in the order of what they tell.
pub(crate) fn rest(rows: &mut Vec<Row>) -> Vec<Row> {
    rows.split_off(rows.len().min(AT_ONCE))
}

/// What follows the masks that a template begins with; `None` when it begins with a word, or has nothing else.
fn said(text: &str) -> Option<String> {
    let open = |c: char| c.is_whitespace() || "[({|".contains(c);
    let close = |c: char| c.is_whitespace() || "])}|:;,-".contains(c);
    let mut left = text;
    while let Some(mask) = left.trim_start_matches(open).strip_prefix('<') {
        let Some((name, after)) = mask.split_once('>') else {
            break;
        };
        // `<div>` in a line was masked to nothing of the sort; a mask is a short word or a star.
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '*')
        {
            break;
        }
        left = after.trim_start_matches(close);
    }
    (left.len() < text.len() && !left.is_empty()).then(|| left.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Day, Service, shapes::Cells};

    fn template(id: u64, text: &str, n: u32) -> TemplateDay {
        let mut cells = Cells::default();
        cells.add(100, n);
        TemplateDay {
            id: TemplateId(id),
            text: text.to_owned(),
            service: Service {
                cluster: String::new(),
                namespace: "shop".into(),
                name: "cart".into(),
                container: "cart".into(),
            },
            level: Level::Info,
            cells,
            first_ms: 0,
            last_ms: 0,
            samples: Vec::new(),
            fields: Vec::new(),
        }
    }

    #[test]
    fn a_template_that_always_came_and_does_not_is_gone() {
        let range = "2026-11-21"
            .parse::<Day>()
            .expect("day")
            .range(&jiff::tz::TimeZone::UTC);
        let before = DayShapes {
            templates: vec![template(1, "ok", 900), template(2, "heartbeat", 300)],
            ..DayShapes::default()
        };
        let mut counts = baseline::counts_of(&before, &range, 1.0);
        counts.records.clear();
        let earlier = Baseline {
            of: 2,
            days: vec![counts.clone(), counts],
            partial: false,
        };
        let today = vec![template(1, "ok", 900), template(3, "never seen", 5)];
        let missing = gone(&today, &earlier);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].id, TemplateId(2));
        let texts = BTreeMap::from([(TemplateId(2), "heartbeat".to_owned())]);
        let (shown, cut) = table(rows(today, &earlier, &range), missing, &texts);
        let said: Vec<_> = shown
            .iter()
            .map(|r| (r.what, r.text.as_str(), r.count))
            .collect();
        assert!(
            said.contains(&("gone", "heartbeat", 0)) && said.contains(&("new", "never seen", 5)),
            "{said:?}"
        );
        assert_eq!(cut, 0);
    }

    #[test]
    fn a_dozen_rows_are_shown_and_the_rest_is_not_lost() {
        let range = "2026-11-21"
            .parse::<Day>()
            .expect("day")
            .range(&jiff::tz::TimeZone::UTC);
        let day = DayShapes {
            templates: vec![template(99, "ok", 900)],
            ..DayShapes::default()
        };
        let mut counts = baseline::counts_of(&day, &range, 1.0);
        counts.records.clear();
        let earlier = Baseline {
            of: 2,
            days: vec![counts.clone(), counts],
            partial: false,
        };
        let mut today: Vec<_> = (0..20)
            .map(|n| template(n, &format!("<time> [<num>] never seen {n}"), 5))
            .collect();
        for loud in &mut today[17..] {
            loud.level = Level::Error;
        }
        let (mut shown, cut) = table(rows(today, &earlier, &range), Vec::new(), &BTreeMap::new());
        let all = shown.len();
        let left = rest(&mut shown);
        assert_eq!((shown.len(), left.len(), cut), (AT_ONCE, all - AT_ONCE, 0));
        assert!(shown[..3].iter().all(Row::is_loud), "{shown:?}");
        assert!(!left.iter().any(Row::is_loud));
        assert!(
            shown[0]
                .shown
                .as_deref()
                .expect("cut")
                .starts_with("never seen")
        );
        assert!(shown[0].text.starts_with("<time>"));
    }

    #[test]
    fn only_the_masks_at_the_head_are_left_out() {
        for (text, shown) in [
            ("<time> [<num>] refused by <ip>", Some("refused by <ip>")),
            ("(<id>) | <time>: done", Some("done")),
            ("refused by <ip>", None),
            ("<time> <num>", None),
            ("[main] <num>", None),
            ("<Img onerror> x", None),
        ] {
            assert_eq!(said(text).as_deref(), shown, "{text}");
        }
    }
}
