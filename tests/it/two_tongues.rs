//! A day told in the other language is what a diagnosis in that language says.

use std::{collections::BTreeMap, path::Path};

use gengfu::{
    app::App,
    config::Config,
    demo,
    diagnosis::retell::retold,
    model::{Day, Lang, LogKind, report::Report},
    round::{progress::Progress, tasks::Work},
};

/// The sample day's report in a language.
async fn report(dir: &Path, lang: &str) -> Report {
    let value = |below: &str| dir.join(below).display().to_string();
    let vars = BTreeMap::from([
        (
            "GENGFU_BUCKET".to_owned(),
            format!("file://{}", value("bucket")),
        ),
        ("GENGFU_DATA_DIR".to_owned(), value(lang)),
        ("GENGFU_LANG".to_owned(), lang.to_owned()),
    ]);
    let config = Config::from_vars(&vars).expect("config");
    let day: Day = "2026-11-21".parse().expect("day");
    demo::lay(&dir.join("bucket"), day, config.zone()).expect("bucket");
    let owner: gengfu::model::OwnerAlias = "demo".parse().expect("alias");
    let app = App::new(config, owner.clone()).expect("app");
    let store = app.store(&owner).expect("store");
    let round = app.round(&owner, store).await.expect("round");
    let work = Work::alone(Progress::default());
    Box::pin(round.run(day, &work)).await.expect("report")
}

/// Every sentence of ours.
fn sentences(report: &Report) -> Vec<&str> {
    // A change is told by its verb in one language and by what it did in the other.
    let findings = report.findings.iter().filter(|f| f.kind != LogKind::Audit);
    let mut told: Vec<&str> = findings.map(|f| f.title.as_str()).collect();
    let mut chronic: Vec<&str> = report.chronic.iter().map(|c| c.title.as_str()).collect();
    chronic.sort_unstable();
    told.extend(chronic);
    for i in &report.incidents {
        told.push(&i.title);
        told.extend(i.fix.iter().chain(&i.missing).map(String::as_str));
        told.extend(i.no_rollback.as_deref());
        told.extend(i.alternatives.iter().map(|a| a.why_not.as_str()));
        if let Some(plan) = &i.rollback {
            told.extend([plan.what.as_str(), plan.blast_radius.as_str()]);
            let lists = plan.preconditions.iter().chain(&plan.verify);
            told.extend(lists.map(String::as_str));
        }
    }
    told
}

#[tokio::test]
async fn the_sample_day_is_told_in_either_language_from_the_other() {
    let dir = tempfile::tempdir().expect("dir");
    let zh = report(dir.path(), "zh").await;
    let en = report(dir.path(), "en").await;
    let (from_zh, from_en) = (retold(zh.clone(), Lang::En), retold(en.clone(), Lang::Zh));
    assert!(sentences(&zh).len() > 40);
    assert_ne!(sentences(&zh), sentences(&en));
    assert_eq!(sentences(&from_zh), sentences(&en));
    assert_eq!(sentences(&from_en), sentences(&zh));
    // Nor is there anything left to read of the changes.
    let chinese = |text: &&str| text.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
    let titles = from_zh.findings.iter().map(|f| f.title.as_str());
    assert_eq!(titles.filter(chinese).collect::<Vec<_>>(), [""; 0]);
}
