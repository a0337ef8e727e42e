//! The binary with a model that fails in one way or another: how the round ends, and what lies on the disk afterwards.
//!
//! Whatever a model does, `gengfu run` ends with 0 for a day that was read, both files and the report are there, they hold no sentence that was
//! invented and no secret, and the report says why the text made by rules stands.

use std::path::Path;

use gengfu::demo;
use jiff::tz::TimeZone;
use serde_json::Value;
use tempfile::TempDir;

use crate::scripted_model::{Answer, KEY, serve};

const DAY: &str = "2026-11-21";
/// Said by every model below that says anything.
const INVENTED: &str = "ledger-api 丢失了 4242 笔订单";

fn answer(change: impl FnOnce(&mut Answer)) -> Answer {
    let mut answer = Answer::default();
    change(&mut answer);
    answer
}

/// What a model does, and a part of the reason that the report gives.
fn models() -> Vec<(&'static str, Answer)> {
    let invented = format!(
        r#"{{"claims":[{{"text":"{INVENTED}","kind":"observed","findings":["f1"],"evidence":["event:0000000000000001"]}}]}}"#
    );
    vec![
        ("done", answer(|a| a.text = invented)),
        ("401", answer(|a| a.status = 401)),
        ("402", answer(|a| a.status = 402)),
        (
            "cannot be read",
            answer(|a| a.text = format!("抱歉，{INVENTED}")),
        ),
        ("answered nothing", answer(|a| " ".clone_into(&mut a.text))),
        (
            "refused",
            answer(|a| "content_filter".clone_into(&mut a.finish)),
        ),
        (
            "asks for tools",
            answer(|a| a.tools = vec!["switch_owner_keys".to_owned()]),
        ),
        ("time", answer(|a| a.never = true)),
    ]
}

fn run(dir: &Path, url: &str) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_gengfu"))
        .args(["run", "--json", "--date", DAY])
        .env_clear()
        .env("GENGFU_LOG", "off")
        .env(
            "GENGFU_BUCKET",
            format!("file://{}", dir.join("bucket").display()),
        )
        .env("GENGFU_DATA_DIR", dir.join("data"))
        .env("GENGFU_LLM_MODEL", "some-model")
        .env("GENGFU_LLM_ENDPOINT", format!("{url}/v1"))
        .env("GENGFU_LLM_KEY", KEY)
        .env("GENGFU_LLM_BUDGET_S", "3")
        .env("GENGFU_LLM_PRICE", "2/8 CNY")
        .current_dir(dir)
        .output()
        .expect("run")
}

/// Every text below a folder.
fn texts(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else {
            found.push(String::from_utf8_lossy(&std::fs::read(&path).expect("file")).into_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_model_does_the_round_ends_well_and_both_files_are_there() {
    let dir = TempDir::new().expect("folder");
    let zone = TimeZone::get("Asia/Shanghai").expect("zone");
    let day = DAY.parse().expect("day");
    demo::lay(&dir.path().join("bucket"), day, &zone).expect("sample");
    // A model that gave words is not asked again about the same day, so the one that ends well comes last.
    for (why, says) in models().into_iter().rev() {
        let (url, seen) = serve(vec![says], Vec::new(), &[KEY]).await;
        let at = dir.path().to_owned();
        let output = tokio::task::spawn_blocking(move || run(&at, &url));
        let output = output.await.expect("joined");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{why}: {said}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("report");
        let note = &report["llm"];
        let stop = note["stop"].as_str().unwrap_or_default();
        assert!(stop.contains(why), "{why}: {note}");
        assert_eq!(note["fallback"].is_string(), why != "done", "{why}: {note}");
        assert_eq!(note["cost"]["currency"], "CNY", "{note}");
        assert!(note["agents"][0]["text"].is_string(), "{note}");

        let results = dir.path().join("data/analysis_results");
        let written = texts(&results);
        assert_eq!(written.len(), 3, "two files and the report");
        for text in &written {
            assert!(text.contains("billing"), "{why}");
            for never in [KEY, "ledger-api", "4242", "switch_owner"] {
                assert!(!text.contains(never), "{why} left {never}");
            }
        }
        let seen = seen.lock().expect("lock");
        assert!(
            !seen.requests.is_empty() && seen.faults.is_empty(),
            "{why}: {:?}",
            seen.faults
        );
    }
}
