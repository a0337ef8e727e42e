//! What each kind of log shows of an incident, as sentences.
//!
//! In: a report, one of its incidents, an [`Ask`]. Out: a clause a kind, or nothing where the kind shows nothing that was not said.
//! Always true: the raw text of a line is not spoken, and a count only where all of it belongs to the incident. Does not tell the
//! change, which has its own sentence.

use super::{
    ask::Ask,
    change::change_said,
    phrase::{about, kind_name},
    speak::{clean, fit},
};
use crate::model::{
    LogKind,
    report::{Claim, Finding, Incident, Report},
};

/// An incident begins and ends in cells of five minutes.
const CELL_MS: i64 = 5 * 60_000;

/// The kinds in the order of the chain, in one sentence.
pub(super) fn all(report: &Report, incident: &Incident, ask: &Ask) -> Option<String> {
    let kinds = LogKind::ALL.into_iter();
    let kinds = kinds.filter(|kind| *kind != LogKind::Audit || incident.change.is_none());
    let links: Vec<String> = kinds
        .filter_map(|kind| shown(report, incident, kind, ask))
        .collect();
    (!links.is_empty()).then(|| links.join(ask.lang.pick("，", ", ")))
}

/// What one kind shows. `None`: nothing, or only what the incident is called.
pub(super) fn shown(
    report: &Report,
    incident: &Incident,
    kind: LogKind,
    ask: &Ask,
) -> Option<String> {
    let lang = ask.lang;
    let mut links = incident.chain.iter().filter(|link| link.kind == kind);
    let finding = links.find_map(|link| report.findings.iter().find(|f| f.id == link.finding))?;
    let name = kind_name(kind, lang);
    // The title of a change is its path, which is for the eyes.
    if let (LogKind::Audit, Some(change)) = (kind, &incident.change) {
        let said = change_said(change, ask, false);
        return Some(lang.pick(format!("{name}里，{said}"), format!("in the {name} {said}")));
    }
    let many = finding.count > 1 && is_its_own(report, incident, finding);
    let times = about(finding.count, lang);
    let title = clean(checked(report, finding), lang);
    let short = fit(&title, 40, lang);
    // What the incident is called has just been said.
    if short.is_empty() || title == clean(&incident.title, lang) {
        let (zh, en) = match kind {
            LogKind::Business => ("报错", "errors"),
            LogKind::Event => ("相关事件", "events"),
            LogKind::Audit => ("相关操作", "operations"),
        };
        let said = lang.pick(
            format!("{name}里{zh}{times}次"),
            format!("{times} {en} in the {name}"),
        );
        return many.then_some(said);
    }
    let times = lang.pick(format!("，{times}次"), format!(", {times} times"));
    let times = if many { times } else { String::new() };
    Some(lang.pick(
        format!("{name}里，{short}{times}"),
        format!("in the {name} {short}{times}"),
    ))
}

/// What a finding is called without the raw text behind it, as far as the check of the claims let it be said.
fn checked<'a>(report: &'a Report, finding: &'a Finding) -> &'a str {
    // Behind the colon stands the raw text, which is for the eyes.
    fn head(title: &str) -> &str {
        let head = title.split('：').next().unwrap_or_default();
        head.split(": ").next().unwrap_or_default()
    }
    let title = head(&finding.title);
    // A report that no text was made of has no claims to hold it against.
    if report.claims.is_empty() {
        return title;
    }
    let of_it = |c: &&Claim| !c.by_model && c.findings == [finding.id.as_str()];
    let mut said = report.claims.iter().filter(of_it);
    let told = said.any(|c| c.text.contains(title));
    if told { title } else { "" }
}

/// Whether all that a finding counts belongs to this incident: not to others as well, and not to hours before or after it.
fn is_its_own(report: &Report, incident: &Incident, finding: &Finding) -> bool {
    let has = |i: &&Incident| {
        i.findings.contains(&finding.id) || i.chain.iter().any(|l| l.finding == finding.id)
    };
    let ends = incident.end.map_or(i64::MAX, |end| end.ms + CELL_MS);
    report.incidents.iter().filter(has).count() <= 1
        && finding.first_seen.ms >= incident.start.ms - CELL_MS
        && finding.last_seen.ms <= ends
}

/// Whether a kind has anything in the chain.
pub(super) fn has(incident: &Incident, kind: LogKind) -> bool {
    incident.chain.iter().any(|link| link.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Lang, report::ClaimKind, sample},
        voice::Detail,
    };

    #[test]
    fn a_count_is_told_of_the_incident_that_it_belongs_to_as_a_whole() {
        let mut report = sample::report();
        let ask = Ask::new(sample::morning(), Lang::Zh).detail(Detail::Normal);
        let told = |report: &Report| {
            let incident = &report.incidents[0];
            all(report, incident, &ask).expect("a chain")
        };
        assert!(told(&report).contains('次'), "{}", told(&report));
        let before = report.clone();
        let (first, link) = (&before.incidents[0], &before.incidents[0].chain);
        report.incidents[1].chain.extend(link.iter().cloned());
        report.incidents[1].findings.extend(first.findings.clone());
        assert!(!told(&report).contains('次'), "{}", told(&report));
        // What went on before and after it is not its own either.
        let mut report = before;
        for f in &mut report.findings {
            f.first_seen.ms -= 3_600_000;
        }
        assert!(!told(&report).contains('次'), "{}", told(&report));
    }

    #[test]
    fn whoever_asks_for_one_kind_of_log_hears_what_it_shows() {
        let mut report = sample::report();
        report.incidents.truncate(2);
        let ask = Ask {
            kind: Some(LogKind::Business),
            ..Ask::new(sample::morning(), Lang::Zh)
        };
        let told = crate::voice::broadcast(&report, &ask).told;
        assert!(told.contains("业务日志里，checkout"), "{told}");
    }

    #[test]
    fn a_title_that_the_check_refused_is_not_spoken() {
        let mut report = sample::report();
        report.incidents.truncate(1);
        let id = report.incidents[0].chain[0].finding.clone();
        let finding = report.findings.iter().find(|f| f.id == id).expect("f");
        let claim = |text: String| Claim {
            text,
            kind: ClaimKind::Observed,
            findings: vec![id.clone()],
            evidence: Vec::new(),
            by_model: false,
        };
        let ask = Ask::new(sample::morning(), Lang::Zh).detail(Detail::Normal);
        let title = clean(&finding.title, Lang::Zh);
        let (whole, plainer) = (claim(finding.title.clone()), claim("plainer".to_owned()));
        for (claims, spoken) in [(vec![whole], true), (vec![plainer], false)] {
            report.claims = claims;
            let told = all(&report, &report.incidents[0], &ask).expect("a chain");
            assert_eq!(told.contains(&title), spoken, "{told}");
        }
    }
}
