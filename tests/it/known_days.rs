//! Nine small days with a known truth, laid into a bucket and read by a real round: every root, change and rollback exactly right.
//!
//! Undone can be what the truth says can be undone: by a command where the log holds what stood there before and nobody has touched it
//! since, else by hand with the reason said. The days lie in one archive, `tests/fixtures/days.tar.gz`, written by `ci/pack_days.py`; its head says what was left out of them.
//! A day that is wrong here was right when it was packed: whoever breaks one sees the day and both lists.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    path::{Path, PathBuf},
};

use gengfu::{
    app::App,
    config::Config,
    model::{
        Day, OwnerAlias,
        report::{Incident, Report, Verdict},
    },
    round::{progress::Progress, tasks::Work},
};
use serde_json::Value;
use tempfile::TempDir;

/// Files of the archive, by day, then path below the day.
type Days = BTreeMap<String, Vec<(PathBuf, Vec<u8>)>>;

/// Reads the archive: blocks of 512 bytes, a head and the content of each file (POSIX.1-1988 `ustar`).
fn days() -> Days {
    const BLOCK: usize = 512;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/days.tar.gz");
    let packed = std::fs::File::open(path).expect("archive");
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut tar)
        .expect("gzip");
    let text = |field: &[u8]| {
        let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
        String::from_utf8(field[..end].to_vec()).expect("a name")
    };
    let mut out = Days::new();
    let mut at = 0;
    while at + BLOCK <= tar.len() && tar[at] != 0 {
        let name = text(&tar[at..at + 100]);
        let size = usize::from_str_radix(text(&tar[at + 124..at + 136]).trim(), 8).expect("a size");
        let (day, file) = name.split_once('/').expect("a day");
        let content = tar[at + BLOCK..at + BLOCK + size].to_vec();
        out.entry(day.to_owned())
            .or_default()
            .push((PathBuf::from(file), content));
        at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
    }
    out
}

/// Lays a day into a folder; its truth.
fn lay(files: &[(PathBuf, Vec<u8>)], folder: &Path) -> Value {
    for (file, content) in files {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::write(path, content).expect("file");
    }
    let truth = std::fs::read(folder.join("truth.json")).expect("truth");
    serde_json::from_slice(&truth).expect("truth")
}

async fn report_of(folder: &Path) -> Report {
    let bucket = format!("file://{}", folder.join("bucket").display());
    let data = folder.join("data").display().to_string();
    let settings = [
        ("GENGFU_BUCKET", bucket.as_str()),
        ("GENGFU_DATA_DIR", &data),
        ("GENGFU_BASELINE_DAYS", "1"),
    ];
    let vars: BTreeMap<String, String> = settings
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let config = Config::from_vars(&vars).expect("configuration");
    let owner: OwnerAlias = "demo".parse().expect("alias");
    let app = App::new(config, owner.clone()).expect("app");
    let store = app.store(&owner).expect("store");
    let round = app.round(&owner, store).await.expect("round");
    let day: Day = "2026-11-21".parse().expect("day");
    let work = Work::alone(Progress::default());
    Box::pin(round.run(day, &work)).await.expect("report")
}

/// `Kind namespace/name` as the truth gives it.
fn object(value: &Value) -> String {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    match text("namespace") {
        "" => format!("{} {}", text("kind"), text("name")),
        namespace => format!("{} {namespace}/{}", text("kind"), text("name")),
    }
}

fn is_root(incident: &Incident, truth: &Value) -> bool {
    let list = |key: &str| truth[key].as_array().cloned().unwrap_or_default();
    let causes = std::iter::once(truth["cause"].clone()).chain(list("accept_causes"));
    let objects = std::iter::once(truth["object"].clone()).chain(list("accept"));
    causes
        .into_iter()
        .any(|c| c == incident.root.cause.as_str())
        && objects
            .into_iter()
            .any(|o| object(&o) == incident.root.object.to_string())
}

/// What is wrong with what is said about undoing it.
fn wrong_rollback(hit: &Incident, want: &Value) -> Option<&'static str> {
    let possible = want["rollback_possible"].as_bool().expect("a bool");
    let reason = hit.no_rollback.as_deref().unwrap_or_default();
    let Some(rollback) = &hit.rollback else {
        return match (possible, reason) {
            (true, _) => Some("it can be undone"),
            (false, "") => Some("no reason why it cannot be undone"),
            (false, _) => None,
        };
    };
    // What Secrets and ConfigMaps held is in no log.
    let kind = want["change"]["object"]["kind"].as_str();
    let is_hidden = matches!(kind, Some("Secret" | "ConfigMap"));
    let first = rollback.preconditions.first().map(String::as_str);
    let touched_since = first.is_some_and(|why| why.contains("已经由") || why.contains("又被"));
    match (possible, rollback.command.is_empty()) {
        (false, _) => Some("it cannot be undone"),
        (true, false) if is_hidden => Some("a command without a body"),
        (true, true) if !is_hidden && !touched_since => Some("a command is missing"),
        (true, true) if first.is_none() => Some("neither a command nor a reason"),
        (true, _) => None,
    }
}

/// What is wrong with a report, in a line a matter.
fn mistakes(name: &str, report: &Report, truth: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let wanted = truth["incidents"].as_array().expect("incidents");
    let mut found = BTreeSet::new();
    for want in wanted {
        // One to one: an incident that answers for one root does not answer for another.
        let mut open = report.incidents.iter().filter(|i| !found.contains(&i.id));
        let hit = open.find(|i| is_root(i, want));
        let what = format!("{name}: {} of {}", want["cause"], object(&want["object"]));
        let Some(hit) = hit else {
            out.push(format!("{what} was not found"));
            continue;
        };
        found.insert(hit.id.clone());
        let change = hit.change.as_ref().map(|c| c.audit_id.as_str());
        if change != want["change"]["auditID"].as_str() {
            out.push(format!("{what} is blamed on {change:?}"));
        }
        if let Some(wrong) = wrong_rollback(hit, want) {
            out.push(format!("{what}: {wrong}: {:?}", hit.rollback));
        }
    }
    let more = report.incidents.iter().filter(|i| !found.contains(&i.id));
    out.extend(more.map(|i| format!("{name}: {} of {} is invented", i.root.cause, i.root.object)));
    let titles: BTreeSet<&str> = report.incidents.iter().map(|i| i.title.as_str()).collect();
    if titles.len() != report.incidents.len() {
        out.push(format!("{name}: two incidents have one title"));
    }
    if (report.verdict == Verdict::Healthy) != wanted.is_empty() {
        out.push(format!("{name}: verdict {:?}", report.verdict));
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn small_days_with_a_known_truth_are_told_exactly() {
    let days = days();
    assert!(days.len() >= 8, "{}", days.len());
    let mut wrong = Vec::new();
    for (name, files) in &days {
        let folder = TempDir::new().expect("folder");
        let truth = lay(files, folder.path());
        let report = Box::pin(report_of(folder.path())).await;
        wrong.extend(mistakes(name, &report, &truth));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
