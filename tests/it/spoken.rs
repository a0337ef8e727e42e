//! What is told aloud, for every fault of the catalogue and names that anybody could have chosen: characters that a TTS reads, the length
//! kept, a question at the end, and no number that is in none of the day's checked sentences.

use std::collections::BTreeSet;

use gengfu::{
    agents::{
        claims::{Facts, unsupported},
        outline::{Records, outline},
    },
    diagnosis::faults::Catalogue,
    model::{
        Lang, LogKind, Moment, Origin,
        record::Kept,
        report::{ActorKind, FieldChange, Incident, Report},
    },
    voice::{
        Ask, BRIEF_CHARS, Detail, NORMAL_CHARS, about, broadcast, chars, clean, incident,
        is_speakable, rollback,
    },
};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::{running::TEN_O_CLOCK, stored_day};

/// The stored report with its incidents turned into this fault of this name.
fn report(code: &str, say: &str, fix: &str, name: &str, count: u64, minutes: i64) -> Report {
    let mut report = stored_day::report();
    report.incidents.truncate(2);
    for f in &mut report.findings {
        f.count = count;
        f.first_seen.ms += minutes * 60_000;
        f.last_seen.ms += minutes * 60_000;
    }
    for i in &mut report.incidents {
        code.clone_into(&mut i.root.cause);
        i.root.detail = None;
        name.clone_into(&mut i.root.object.name);
        i.title = say.replace("{object}", name);
        i.fix = vec![fix.to_owned()];
        i.affected = vec![i.root.object.clone()];
        i.start.ms += minutes * 60_000;
    }
    report
}

fn runs(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|r| !r.is_empty())
        .map(|r| r.trim_start_matches('0').to_owned())
}

/// Records in which every finding is read as it is told, so that the day's sentences hold.
fn records(report: &Report) -> Records {
    let findings = report.findings.iter();
    let of_findings = findings.flat_map(|f| f.evidence.iter().map(move |e| (e.id, f)));
    let kept = of_findings.map(|(id, f)| {
        let owners = report.incidents.iter();
        let owners = owners.filter(|i| i.findings.contains(&f.id));
        let titles: Vec<_> = owners.map(|i| i.title.as_str()).collect();
        let text = format!("{} {} {}", f.title, f.object, titles.join(" "));
        let kept = Kept {
            id,
            ts_ms: f.first_seen.ms,
            origin: Origin::Bucket {
                key: "k".to_owned(),
                line: 1,
            },
            sha256: String::new(),
            namespace: f.object.namespace.clone(),
            object: f.object.name.clone(),
            line: text.clone(),
            text,
        };
        (id, kept)
    });
    kept.collect()
}

/// Every number of the day's checked sentences, as it stands and as it is rounded for the ear.
fn numbers(report: &Report, lang: Lang) -> BTreeSet<String> {
    let records = records(report);
    let claims = outline(report, &records, &[], lang).claims();
    let facts = Facts {
        report,
        records: &records,
        lang,
    };
    let mut held: BTreeSet<String> = BTreeSet::new();
    for claim in &claims {
        assert_eq!(unsupported(claim, facts), [], "{claim:?}");
        for run in runs(&claim.text) {
            // Of an account the last four digits are told.
            held.extend(run.len().checked_sub(4).map(|at| run[at..].to_owned()));
            held.extend(
                run.parse()
                    .ok()
                    .into_iter()
                    .flat_map(|n: u64| runs(&about(n, lang)).collect::<Vec<_>>()),
            );
            // Of CPU thousandths are told as parts of a core.
            let cores = run.parse::<f64>().map(|n| (n / 1000.0).to_string());
            held.extend(cores.iter().flat_map(|n| runs(n).collect::<Vec<_>>()));
            held.insert(run);
        }
        for (hour, minute) in times(&claim.text) {
            // The last minutes of an hour are told as five to the next.
            if minute > 57 {
                let hours = [hour, (hour + 11) % 12 + 1];
                held.extend(hours.into_iter().chain([55]).map(|n| n.to_string()));
            }
            for step in [1, 5, 10, 30] {
                let told = (hour * 60 + minute + step / 2) / step * step;
                let hours = [told / 60, (told / 60 + 11) % 12 + 1];
                held.extend(hours.into_iter().chain([told % 60]).map(|n| n.to_string()));
            }
        }
    }
    // Advice is of the catalogue, and a plan of the change whose record was checked.
    for i in &report.incidents {
        let plans = i.rollback.iter();
        let plans = plans.flat_map(|p| {
            let lists = p.preconditions.iter().chain(&p.verify);
            lists.chain([&p.what, &p.blast_radius])
        });
        held.extend(i.fix.iter().chain(plans).flat_map(|text| runs(text)));
    }
    // A name is told without what nobody says: `2%1` as 21.
    for incident in &report.incidents {
        let mut name = incident.root.object.name.clone();
        name.retain(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '/' | ' '));
        held.extend(runs(&name).collect::<Vec<_>>());
    }
    // How many problems and kinds of findings there are can be counted by anybody.
    let counted = report.findings.len().max(report.incidents.len());
    held.extend((0..=counted).map(|n| n.to_string()));
    held.insert(String::new());
    held
}

/// `10:02` anywhere in a text.
fn times(text: &str) -> impl Iterator<Item = (u32, u32)> {
    text.match_indices(':').filter_map(|(at, _)| {
        let hour = text.get(at.checked_sub(2)?..at)?.parse().ok()?;
        let minute = text.get(at + 1..at + 3)?.parse().ok()?;
        Some((hour, minute))
    })
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
        let most = chars(most, lang);
        check(&broadcast(report, &ask).told, most, report, lang)?;
        let first: &Incident = &report.incidents[0];
        check(&incident(report, first, &ask).told, most, report, lang)?;
        check(
            &rollback(report, first, &ask).told,
            chars(NORMAL_CHARS, lang),
            report,
            lang,
        )?;
    }
    Ok(())
}

/// Half a sentence says something else: what does not fit is left out up to the end of a clause.
#[test]
fn english_is_never_cut_off_inside_a_clause() {
    const RADIUS: &str = "all pods of Deployment checkout are made anew, all are stopped before new ones start, so nobody is served in between";
    const OPEN: [&str; 9] = ["the", "of", "to", "by", "too", "under", "and", "or", "is"];
    let catalogue = Catalogue::builtin().expect("catalogue");
    for fault in catalogue.faults() {
        let fix = fault.fix.first().map_or("", |pair| pair.of(Lang::En));
        let mut report = report(&fault.code, fault.say.of(Lang::En), fix, "checkout", 157, 0);
        for plan in report
            .incidents
            .iter_mut()
            .filter_map(|i| i.rollback.as_mut())
        {
            fault.rollback.of(Lang::En).clone_into(&mut plan.what);
            RADIUS.clone_into(&mut plan.blast_radius);
        }
        let first = report.incidents[0].clone();
        let sources = [
            first.title.as_str(),
            fix,
            RADIUS,
            fault.rollback.of(Lang::En),
        ];
        let sources = sources.map(|s| clean(s, Lang::En).to_lowercase());
        let clauses: Vec<&str> = sources.iter().flat_map(|s| s.split(", ")).collect();
        for detail in [Detail::Brief, Detail::Normal] {
            let ask = ask(Lang::En, detail);
            let texts = [
                broadcast(&report, &ask).told,
                incident(&report, &first, &ask).told,
                rollback(&report, &first, &ask).told,
            ];
            for text in texts {
                for said in text
                    .to_lowercase()
                    .split([',', ':', '?'])
                    .flat_map(|s| s.split(". "))
                {
                    let said = said.trim().trim_end_matches('.');
                    let last = said.rsplit(' ').next().unwrap_or_default();
                    let cut = clauses.iter().any(|c| c.starts_with(said) && *c != said);
                    let is_whole = said.split(' ').count() < 3 || !cut || clauses.contains(&said);
                    assert!(
                        is_whole && !OPEN.contains(&last),
                        "{}: {said}: {text}",
                        fault.code
                    );
                }
            }
        }
    }
}

/// A pipeline that changed two fields of one name: what its title says is a path, and what is told ends nowhere in between.
#[test]
fn a_change_by_a_pipeline_is_told_whole_whatever_kind_is_asked_for() {
    for lang in [Lang::Zh, Lang::En] {
        let mut report = stored_day::report();
        report.incidents.truncate(2);
        let change = report.incidents[0].change.as_mut().expect("a change");
        change.user = "system:serviceaccount:ops:ci-deployer".to_owned();
        change.actor = ActorKind::Pipeline;
        change.diff = ["requests", "limits"]
            .map(|of| FieldChange {
                path: format!("/spec/template/spec/containers/0/resources/{of}/cpu"),
                old: "500m".into(),
                new: "12".into(),
            })
            .to_vec();
        let (user, at) = (change.user.clone(), change.at.hour_minute());
        for f in report
            .findings
            .iter_mut()
            .filter(|f| f.kind == LogKind::Audit)
        {
            f.title = format!("{user} 在 {at} 修改了 {} /cpu, /cpu", f.object);
        }
        let incident = report.incidents[0].clone();
        for kind in LogKind::ALL.map(Some).into_iter().chain([None]) {
            for detail in [Detail::Brief, Detail::Normal] {
                let ask = Ask {
                    kind,
                    ..ask(lang, detail)
                };
                for told in [
                    broadcast(&report, &ask).told,
                    gengfu::voice::incident(&report, &incident, &ask).told,
                ] {
                    for clause in told.split(['，', '。', '？', ',', '?']) {
                        let clause = clause.trim_end_matches("存在");
                        assert!(!clause.ends_with(['在', '把', '从', '给']), "{told}");
                        let words: Vec<&str> = clause.split_whitespace().collect();
                        assert!(!words.windows(2).any(|w| w[0] == w[1]), "{told}");
                    }
                    assert!(!told.contains("serviceaccount"), "{told}");
                }
            }
        }
    }
}

/// Names that once broke it.
#[test]
fn names_that_were_told_wrongly_are_told_right() {
    let catalogue = Catalogue::builtin().expect("catalogue");
    for (name, lang, count, minutes) in [
        ("aq-mou9t-1al9-7098", Lang::En, 997_643, -191),
        (r#"$p)KC<U"&%V5J<$v'*w.OB%w;&"["#, Lang::Zh, 149_453, 236),
        ("2%1", Lang::Zh, 181_980, 476),
    ] {
        for fault in catalogue.faults() {
            let fix = fault.fix.first().map_or("", |pair| pair.of(lang));
            let report = report(&fault.code, fault.say.of(lang), fix, name, count, minutes);
            if let Err(error) = check_all(&report, lang) {
                panic!("{name}, {}: {error}", fault.code);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn every_fault_of_any_name_is_told_in_speakable_words_with_checked_numbers(
        name in "[a-z][a-z0-9-]{0,40}[a-z0-9]|[a-z]{1,9}_[a-z]{1,9}(_api)?|[a-z]{1,8}|[ -~]{1,63}|\\PC{1,40}",
        zh: bool,
        count in 1_u64..2_000_000,
        minutes in -500_i64..600,
    ) {
        let lang = if zh { Lang::Zh } else { Lang::En };
        let catalogue = Catalogue::builtin().expect("catalogue");
        for fault in catalogue.faults() {
            let fix = fault.fix.first().map_or("", |pair| pair.of(lang));
            let report = report(&fault.code, fault.say.of(lang), fix, &name, count, minutes);
            check_all(&report, lang)?;
        }
    }
}
