//! Every sentence of the two files that states something, followed back to lines in the bucket and their hashes, over the sample cluster.
//!
//! A sentence is a claim of `report.json`, advice of the fault catalogue, or a count of what was read. A claim's records are read again
//! from the bucket, its findings are counted again from the store, and it is held against these alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use gengfu::{
    agents::{
        self, Retrieval,
        claims::{Facts, unsupported},
        outline::{Records, cited},
    },
    app::App,
    config::Config,
    demo,
    diagnosis::faults::Catalogue,
    llm::{Budget, Llm, Script},
    model::{Day, EvidenceId, Lang, Origin, OwnerAlias, record::Kept, report::Report},
    round::{
        Round,
        files::{ANALYSIS, SUMMARY},
        progress::Progress,
        tasks::Work,
    },
};
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::boasting_model::serve;

/// The sample day, read.
struct Told {
    data: TempDir,
    round: Round,
    report: Report,
    summary: String,
    analysis: String,
}

fn day() -> Day {
    "2026-11-21".parse().expect("day")
}

async fn told(settings: &[(&str, &str)]) -> Told {
    let data = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let bucket = data.path().join("bucket");
    demo::lay(&bucket, day(), &zone).expect("sample");
    let url = format!("file://{}", bucket.display());
    let store = data.path().join("data").display().to_string();
    let mut vars: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in [("GENGFU_BUCKET", url.as_str()), ("GENGFU_DATA_DIR", &store)]
        .iter()
        .chain(settings)
    {
        vars.insert((*name).to_owned(), (*value).to_owned());
    }
    let config = Config::from_vars(&vars).expect("configuration");
    let owner: OwnerAlias = "demo".parse().expect("alias");
    let app = App::new(config, owner.clone()).expect("app");
    let round = app
        .round(&owner, app.store(&owner).expect("store"))
        .await
        .expect("round");
    let work = Work::alone(Progress::default());
    let report = Box::pin(round.run(day(), &work)).await.expect("report");
    let read = |name| std::fs::read_to_string(round.shelf.path(day(), name)).expect("file");
    Told {
        summary: read(SUMMARY),
        analysis: read(ANALYSIS),
        data,
        round,
        report,
    }
}

/// A line of the bucket, as it lies there.
fn raw(bucket: &Path, origin: &Origin) -> Vec<u8> {
    let place = match origin {
        Origin::Bucket { key, line } => Some((key, line)),
        Origin::Cls { .. } => None,
    };
    let (key, line) = place.expect("a line of the bucket");
    let object = std::fs::File::open(bucket.join(key)).expect("object");
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(object)
        .read_to_end(&mut text)
        .expect("gzip");
    let nth = usize::try_from(line - 1).expect("small");
    text.split(|b| *b == b'\n')
        .nth(nth)
        .expect("line")
        .to_owned()
}

/// JSON inside JSON, as one text.
fn opened(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.replace("\\\\", "\\")
        .replace("\\\"", "\"")
        .replace("\\n", " ")
        .replace("\\t", " ")
}

/// What stands on the bucket's lines for every record that the report names; each hash holds.
async fn lines(told: &Told) -> Records {
    let ids: Vec<EvidenceId> = cited(&told.report).into_iter().collect();
    let kept = told
        .round
        .store
        .kept(day(), ids.clone())
        .await
        .expect("kept");
    assert_eq!(kept.len(), ids.len(), "every record named is kept");
    let bucket = told.data.path().join("bucket");
    let mut records = Records::new();
    for record in kept {
        let raw = raw(&bucket, &record.origin);
        assert_eq!(
            hex::encode(Sha256::digest(&raw)),
            record.sha256,
            "{}",
            record.id
        );
        let line = opened(&raw);
        // The kept text is made of the line's own words.
        for word in record.text.split(|c: char| !c.is_alphanumeric()) {
            assert!(
                line.contains(word),
                "`{word}` of {} is not in {line}",
                record.id
            );
        }
        records.insert(record.id, Kept { line, ..record });
    }
    records
}

/// The report with findings and incidents counted again from what the store holds.
async fn recounted(told: &Told) -> Report {
    let judge = &told.round.judge;
    let evidence = judge
        .evidence(&told.round.store, day(), told.round.baseline_days, &[])
        .await
        .expect("evidence");
    let diagnosis = judge.diagnose(&evidence, day());
    assert_eq!(diagnosis.findings, told.report.findings);
    Report {
        findings: diagnosis.findings,
        incidents: diagnosis.incidents,
        chronic: diagnosis.chronic,
        ..told.report.clone()
    }
}

/// The sentences of a file that no heading, claim, advice or count accounts for.
fn unaccounted<'a>(text: &'a str, report: &Report) -> Vec<&'a str> {
    let catalogue = Catalogue::builtin().expect("catalogue");
    let mut advice: BTreeSet<String> = BTreeSet::new();
    for fault in catalogue.faults() {
        advice.extend(fault.fix.iter().map(|pair| pair.of(Lang::Zh).to_owned()));
        advice.insert(fault.rollback.of(Lang::Zh).to_owned());
    }
    let is_accounted = |line: &str| {
        let mut said = line.trim().trim_start_matches("- ");
        if said.starts_with("**") {
            said = said.split_once("**:").map_or("", |(_, rest)| rest).trim();
        }
        for (open, close) in [("[", "] "), ("第 ", " 个：")] {
            if said.starts_with(open) {
                said = said.split_once(close).map_or(said, |(_, rest)| rest);
            }
        }
        let of_claim = |claim: &gengfu::model::report::Claim| {
            let Some(rest) = said.strip_prefix(&claim.text) else {
                return false;
            };
            let mut ids = rest.trim().trim_matches('`').split_whitespace();
            let cites = |id: &str| claim.evidence.iter().any(|e| e.to_string() == id);
            ids.all(cites)
        };
        // A command stands whole in a fence of its own.
        let mut plans = report.incidents.iter().filter_map(|i| i.rollback.as_ref());
        let of_command = line == "```sh"
            || plans.any(|plan| plan.command.lines().any(|l| l.trim() == line.trim()));
        // Without a digit or a Latin letter nothing of this cluster is named.
        let names_nothing = !said.contains(|c: char| c.is_ascii_alphanumeric());
        said.is_empty()
            || names_nothing
            || of_command
            || advice.contains(said)
            || report.claims.iter().any(of_claim)
            || is_count(said, report)
    };
    let stated = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.starts_with("---"));
    stated.filter(|l| !is_accounted(l)).collect()
}

/// How much was read, or what a model cost.
fn is_count(said: &str, report: &Report) -> bool {
    let numbers: Vec<u64> = said
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect();
    let read = report.coverage.values().any(|c| {
        assert_eq!(
            c.lines,
            c.records + c.rejected + c.duplicates + c.outside_day
        );
        numbers == [c.objects, c.records, c.rejected, c.duplicates]
    });
    let days = [
        u64::from(report.baseline.days),
        u64::from(report.baseline.of),
    ];
    let model = report.llm.as_ref().is_some_and(|n| {
        let of_agent =
            |a: &gengfu::model::report::AgentNote| said == format!("`{}`: {}", a.name, a.text);
        said.starts_with(&n.model) || n.agents.iter().any(of_agent)
    });
    read || numbers == days || model
}

async fn follow(told: &Told) -> (Report, Records) {
    for text in [&told.summary, &told.analysis] {
        assert_eq!(unaccounted(text, &told.report), [""; 0]);
    }
    let (report, records) = (recounted(told).await, lines(told).await);
    let facts = Facts {
        report: &report,
        records: &records,
        lang: Lang::Zh,
    };
    for claim in &report.claims {
        assert!(!claim.evidence.is_empty(), "{claim:?}");
        assert_eq!(unsupported(claim, facts), [], "{claim:?}");
    }
    old_sides(told, &report, &records);
    (report, records)
}

/// What stood there before a change: in an earlier audit line that names the object.
fn old_sides(told: &Told, report: &Report, records: &Records) {
    let audit = told.data.path().join("bucket/audit");
    let mut objects: Vec<PathBuf> = Vec::new();
    let mut folders = vec![audit];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                objects.push(path);
            }
        }
    }
    let mut all = String::new();
    for object in objects {
        let file = std::fs::File::open(object).expect("object");
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(file)
            .read_to_end(&mut text)
            .expect("gzip");
        all.push_str(&opened(&text));
    }
    let changes = report.incidents.iter().filter_map(|i| i.change.as_ref());
    for change in changes {
        let line = &records[&change.evidence].line;
        for d in &change.diff {
            if let Some(new) = d.new.as_str() {
                assert!(line.contains(new), "{new}");
            }
            if let Some(old) = d.old.as_str() {
                let before = all
                    .lines()
                    .any(|l| l.contains(old) && l.contains(&change.object.name));
                assert!(before, "{old} of {}", change.object);
            }
        }
    }
}

#[tokio::test]
async fn every_sentence_of_the_two_files_leads_to_lines_in_the_bucket() {
    let told = told(&[]).await;
    assert!(told.summary.contains("### 5. "), "{}", told.summary);
    let (report, records) = follow(&told).await;

    // Evidence that belongs to another sentence is noticed, whichever two are swapped.
    let facts = Facts {
        report: &report,
        records: &records,
        lang: Lang::Zh,
    };
    let mut swapped = 0;
    for (n, a) in report.claims.iter().enumerate() {
        for b in &report.claims[n + 1..] {
            if a.evidence.iter().any(|id| b.evidence.contains(id)) {
                continue;
            }
            let (mut a, mut b) = (a.clone(), b.clone());
            std::mem::swap(&mut a.evidence, &mut b.evidence);
            let noticed = !unsupported(&a, facts).is_empty() || !unsupported(&b, facts).is_empty();
            assert!(noticed, "{a:?}\n{b:?}");
            swapped += 1;
        }
    }
    assert!(swapped > 500, "{swapped}");

    // Written again from what is stored, they are the same.
    let again = told
        .round
        .judge
        .again(&told.round.store, told.report.clone());
    let again = again.await.expect("texts");
    assert_eq!(
        (again.summary, again.analysis),
        (told.summary, told.analysis)
    );
}

#[tokio::test]
async fn with_a_model_too_every_sentence_leads_to_lines_in_the_bucket() {
    let (url, seen) = serve(false).await;
    let url = format!("{url}/v1");
    let told = told(&[
        ("GENGFU_LLM_MODEL", "some-model"),
        ("GENGFU_LLM_ENDPOINT", &url),
        ("GENGFU_LLM_KEY", "sk-words"),
        ("GENGFU_EMBED_MODEL", "some-embedder"),
        ("GENGFU_EMBED_ENDPOINT", &url),
        ("GENGFU_EMBED_KEY", "sk-vectors"),
    ])
    .await;
    follow(&told).await;
    assert!(
        told.analysis.contains("这样的记录当天一共有"),
        "{}",
        told.analysis
    );
    assert!(!told.summary.contains("4242") && !told.analysis.contains("ledger-api"));
    let note = told.report.llm.expect("note");
    assert!(
        note.dropped_claims >= 1 && note.fallback.is_none(),
        "{note:?}"
    );
    assert_eq!((note.stop.as_str(), note.prompts.len()), ("done", 3));
    assert_eq!(
        note.steps.first().map(String::as_str),
        Some("business.plan")
    );
    assert_eq!(
        (note.embedder.as_str(), note.embed_fallback),
        ("openai::some-embedder", None)
    );
    let missing = told.round.store.unembedded(10).await.expect("texts");
    assert!(missing.is_empty() && seen.lock().expect("lock").texts > 50);
}

#[tokio::test]
async fn an_embedder_that_fails_is_replaced_by_the_built_in_one_and_that_is_said() {
    let (url, seen) = serve(true).await;
    let told = told(&[
        ("GENGFU_EMBED_MODEL", "ollama::bge-m3"),
        ("GENGFU_EMBED_ENDPOINT", &url),
    ])
    .await;
    assert!(seen.lock().expect("lock").texts > 30);
    assert!(
        told.analysis.contains("向量模型用不了，改用内置的："),
        "{}",
        told.analysis
    );
    let missing = told.round.store.unembedded(10).await.expect("texts");
    assert!(missing.is_empty());
    follow(&told).await;
}

#[tokio::test]
async fn what_stands_in_no_vector_is_sent_to_no_model() {
    let told = told(&[]).await;
    let asked = || async {
        let records: Records = {
            let ids = cited(&told.report).into_iter().collect();
            let kept = told.round.store.kept(day(), ids).await.expect("kept");
            kept.into_iter().map(|k| (k.id, k)).collect()
        };
        let retrieval = Retrieval::Store {
            store: Box::new(told.round.store.clone()),
            zone: told.round.judge.zone.clone(),
            vectors: BTreeMap::new(),
        };
        let catalogue = Catalogue::builtin().expect("catalogue");
        let input = agents::Input {
            report: &told.report,
            records: &records,
            retrieval: &retrieval,
            catalogue: &catalogue,
            lang: Lang::Zh,
            random: 7,
        };
        let script = Arc::new(Script::new(vec![
            gengfu::llm::Answer::Text(
                "{\"claims\":[]}".to_owned()
            );
            9
        ]));
        let budget = Budget::new(std::time::Duration::from_mins(1), 100_000);
        let llm = Llm::Scripted(script.clone());
        agents::night(input, &llm, agents::Vectors::default(), budget).await;
        let requests = script.seen().into_iter().map(|r| r.user);
        requests.collect::<Vec<_>>().join("\n")
    };
    let before = asked().await;
    let template = before
        .split(" template, ")
        .nth(1)
        .and_then(|block| block.lines().nth(1))
        .expect("a template")
        .to_owned();
    let mut findings = told.report.findings.iter().map(|f| &f.title);
    let finding = findings.find(|t| before.contains(*t)).expect("a finding");

    let file = told.data.path().join("data/owners/demo/owner.db");
    let db = rusqlite::Connection::open(file).expect("database");
    let gone = db
        .execute(
            "DELETE FROM vectors WHERE id IN (SELECT id FROM texts WHERE text IN (?1, ?2))",
            [&template, finding],
        )
        .expect("deleted");
    assert!(gone >= 2, "{gone}");
    let after = asked().await;
    assert!(!after.contains(&template) && !after.contains(finding));
    assert!(after.contains("## i1 "));
}
