//! What is told aloud, for every fault of the catalogue and names that anybody could have chosen: characters that a TTS reads, the length
//! kept, a question at the end, and no number that the report does not hold.

use std::collections::BTreeSet;

use gengfu::{
    diagnosis::faults::Catalogue,
    model::{
        Lang, Moment,
        report::{Incident, Report},
    },
    voice::{
        Ask, BRIEF_CHARS, Detail, NORMAL_CHARS, about, broadcast, incident, is_speakable, rollback,
    },
};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::{running::TEN_O_CLOCK, stored_day};

/// The stored report with its incidents turned into this fault of this name.
fn report(code: &str, say: &str, fix: &str, name: &str) -> Report {
    let mut report = stored_day::report();
    report.incidents.truncate(2);
    for i in &mut report.incidents {
        code.clone_into(&mut i.root.cause);
        i.root.detail = None;
        name.clone_into(&mut i.root.object.name);
        i.title = say.replace("{object}", name);
        i.fix = vec![fix.to_owned()];
        i.affected = vec![i.root.object.clone()];
    }
    report
}

fn runs(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|r| !r.is_empty())
        .map(|r| r.trim_start_matches('0').to_owned())
}

/// Every number of the report, as it stands and as it is rounded for the ear.
fn numbers(report: &Report, lang: Lang) -> BTreeSet<String> {
    let text = serde_json::to_string(report).expect("json");
    let mut held: BTreeSet<String> = runs(&text).collect();
    let mut moments: Vec<Moment> = Vec::new();
    for f in &report.findings {
        held.extend(runs(&about(f.count, lang)));
        moments.extend([f.first_seen, f.last_seen]);
    }
    for i in &report.incidents {
        let changes = i.change.iter().chain(&i.recovered_by).map(|c| c.at);
        moments.extend([i.start].into_iter().chain(i.end).chain(i.checked_at));
        moments.extend(changes);
        // Of an account the last four digits are told.
        for c in i.change.iter().chain(&i.recovered_by) {
            held.extend(
                runs(&c.user).filter_map(|r| Some(r.get(r.len().checked_sub(4)?..)?.to_owned())),
            );
        }
    }
    for at in moments {
        let (hour, minute) = (i32::from(at.civil().hour()), i32::from(at.civil().minute()));
        let minutes = hour * 60 + minute;
        for step in [1, 5, 10, 30] {
            let told = (minutes + step / 2) / step * step;
            let hours = [told / 60, (told / 60 + 11) % 12 + 1];
            held.extend(hours.into_iter().chain([told % 60]).map(|n| n.to_string()));
        }
    }
    let counted = [report.findings.len(), report.incidents.len()];
    let of_kinds = 0..=counted.into_iter().max().unwrap_or(0);
    held.extend(of_kinds.map(|n| n.to_string()));
    held.insert(String::new());
    held
}

fn check(told: &str, most: usize, report: &Report, lang: Lang) -> Result<(), TestCaseError> {
    prop_assert!(is_speakable(told), "{told}");
    prop_assert!(told.ends_with(['？', '?']), "{told}");
    prop_assert!(told.chars().count() <= most, "{told}");
    let held = numbers(report, lang);
    for number in runs(told) {
        prop_assert!(held.contains(&number), "{number} of: {told}");
    }
    Ok(())
}

fn ask(lang: Lang, detail: Detail) -> Ask {
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    Ask::new(Moment::new(TEN_O_CLOCK, &zone), lang).detail(detail)
}

fn check_all(report: &Report, lang: Lang) -> Result<(), TestCaseError> {
    for (detail, most) in [(Detail::Brief, BRIEF_CHARS), (Detail::Normal, NORMAL_CHARS)] {
        let ask = ask(lang, detail);
        check(&broadcast(report, &ask).told, most, report, lang)?;
        let first: &Incident = &report.incidents[0];
        check(&incident(report, first, &ask).told, most, report, lang)?;
        check(
            &rollback(report, first, &ask).told,
            NORMAL_CHARS,
            report,
            lang,
        )?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn every_fault_of_any_name_is_told_in_speakable_words_with_numbers_of_the_report(
        name in "[a-z][a-z0-9-]{0,40}[a-z0-9]|[a-z]{1,9}_[a-z]{1,9}(_api)?|[a-z]{1,8}|[ -~]{1,63}|\\PC{1,40}",
        zh: bool,
    ) {
        let lang = if zh { Lang::Zh } else { Lang::En };
        let catalogue = Catalogue::builtin().expect("catalogue");
        for fault in catalogue.faults() {
            let fix = fault.fix.first().map_or("", |pair| pair.of(lang));
            let report = report(&fault.code, fault.say.of(lang), fix, &name);
            check_all(&report, lang)?;
        }
    }
}
