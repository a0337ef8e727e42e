//! What `/metrics` says beside the tool calls: rounds, records, bytes, stages, model tokens.
//!
//! In: the end of a task. Out: counters and histograms of the process. Always true: what is measured is measured under one name with its unit;
//! numbers that nobody fetches do not grow. Names of owners are labels, keys and log text never are.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    mcp::Clock,
    model::{OwnerAlias, report::Verdict},
    round::{progress::Progress, pull::Want, tasks::TaskKey},
    store::Store,
};

/// Samples wait in memory until they are put into buckets.
const UPKEEP: Duration = Duration::from_secs(5);
/// Of a tool call: from an answer out of memory to one that was given up.
const CALL_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 8.0];
/// Of a stage of a round.
const STAGE_SECONDS: [f64; 9] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

/// Starts measuring, until `stop`; `None` when something else measures in this process.
pub(super) fn install(stop: &CancellationToken) -> Option<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Full("gengfu_tool_call_seconds".into()),
            &CALL_SECONDS,
        )
        .ok()?
        .set_buckets_for_metric(
            Matcher::Full("gengfu_round_stage_seconds".into()),
            &STAGE_SECONDS,
        )
        .ok()?
        .install_recorder()
        .ok()?;
    describe_counter!(
        "gengfu_tool_calls_total",
        "Calls of tools by outcome: told or failed"
    );
    describe_histogram!("gengfu_tool_call_seconds", "Time until a tool answered");
    describe_gauge!("gengfu_sessions", "MCP sessions alive");
    describe_gauge!(
        "gengfu_endpoint_connected",
        "1 while connected to a xiaozhi MCP endpoint"
    );
    describe_counter!(
        "gengfu_rounds_total",
        "Rounds that ended, by outcome: done or failed"
    );
    describe_gauge!(
        "gengfu_round_last_success_timestamp_seconds",
        "When an owner's last round ended that read a day"
    );
    describe_histogram!(
        "gengfu_round_stage_seconds",
        "Time of a round's stages; `total` is the whole"
    );
    describe_counter!(
        "gengfu_records_total",
        "Records read; an object that was read before counts no more"
    );
    describe_counter!("gengfu_rejected_total", "Lines that could not be read");
    describe_counter!("gengfu_bytes_total", "Unpacked bytes of logs read");
    describe_counter!("gengfu_llm_tokens_total", "Tokens of the language model");
    describe_counter!(
        "gengfu_alarms_total",
        "Alarms received, by what they were: new, again, flapping, recovery"
    );
    describe_counter!(
        "gengfu_alarms_broken_total",
        "Alarms whose body did not come whole, by why: too_long, too_slow"
    );
    counter!("gengfu_rounds_total", "outcome" => "done").absolute(0);
    counter!("gengfu_alarms_total", "arrival" => "new").absolute(0);
    tokio::spawn(upkeep(recorder.clone(), stop.clone()));
    Some(recorder)
}

/// Keeps what waits in memory small, until `stop`.
async fn upkeep(recorder: PrometheusHandle, stop: CancellationToken) {
    let mut clock = tokio::time::interval(UPKEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = clock.tick() => recorder.run_upkeep(),
        }
    }
}

/// Counts what a task has read, and a round that has ended by the report it made.
pub(super) async fn task_ended(store: &Store, key: &TaskKey, progress: &Progress, done: bool) {
    // Of whatever task: what a question pulled in, the round of the day does not read again.
    for (kind, read) in progress.newly_read() {
        counter!("gengfu_records_total", "kind" => kind.as_str()).increment(read.records);
        counter!("gengfu_rejected_total", "kind" => kind.as_str()).increment(read.rejected);
        counter!("gengfu_bytes_total", "kind" => kind.as_str()).increment(read.bytes);
    }
    if key.want != Want::Day {
        return;
    }
    let outcome = if done { "done" } else { "failed" };
    counter!("gengfu_rounds_total", "outcome" => outcome).increment(1);
    // Without its report a round is counted all the same.
    let Ok(Some(report)) = store.report(key.day).await else {
        return;
    };
    if !done {
        return;
    }
    if report.verdict != Verdict::Unknown {
        last_success(&key.owner, Some(Clock::System.now_ms()));
    }
    // A round that found nothing to do made no revision: what an earlier one took is not taken again.
    let Some((made, _)) = progress.snapshot().revision else {
        return;
    };
    let Ok(Some(report)) = store.revision(key.day, made).await else {
        return;
    };
    for (stage, ms) in report.timings_ms {
        histogram!("gengfu_round_stage_seconds", "stage" => stage).record(ms as f64 / 1000.0);
    }
    if let Some(llm) = report.llm {
        counter!("gengfu_llm_tokens_total", "direction" => "in").increment(llm.input_tokens);
        counter!("gengfu_llm_tokens_total", "direction" => "out").increment(llm.output_tokens);
    }
}

/// Notes when an owner's last good round ended; nothing when that is not known.
pub(super) fn last_success(owner: &OwnerAlias, at_ms: Option<i64>) {
    if let Some(ms) = at_ms {
        gauge!("gengfu_round_last_success_timestamp_seconds", "owner" => owner.to_string())
            .set(ms as f64 / 1000.0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{app::App, config::Config, demo, model::Day, round::tasks::Work};

    /// The lines of one measure.
    fn lines<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
        let lines = page.lines().filter(|l| !l.starts_with('#'));
        lines.filter(|l| l.starts_with(name)).collect()
    }

    #[tokio::test]
    async fn a_round_leaves_its_stages_and_a_second_one_counts_nothing_twice() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let page = recorder.handle();
        let _measuring = metrics::set_default_local_recorder(&recorder);
        let dir = tempfile::tempdir().expect("dir");
        let bucket = dir.path().join("bucket");
        let vars = BTreeMap::from([
            (
                "GENGFU_BUCKET".to_owned(),
                format!("file://{}", bucket.display()),
            ),
            (
                "GENGFU_DATA_DIR".to_owned(),
                dir.path().join("data").display().to_string(),
            ),
        ]);
        let config = Config::from_vars(&vars).expect("config");
        let day: Day = "2026-11-21".parse().expect("day");
        demo::lay(&bucket, day, config.zone()).expect("bucket");
        let owner: OwnerAlias = "demo".parse().expect("alias");
        let app = App::new(config, owner.clone()).expect("app");
        let store = app.store(&owner).expect("store");
        let round = app.round(&owner, store.clone()).await.expect("round");
        let key = TaskKey::round(owner, day);
        let mut counted = Vec::new();
        for _ in 0..2 {
            let work = Work::alone(Progress::default());
            let report = Box::pin(round.run(day, &work)).await.expect("report");
            task_ended(&store, &key, &work.progress, true).await;
            let stored = store.report(day).await.expect("read").expect("report");
            assert_eq!(stored.timings_ms, report.timings_ms);
            let page = page.render();
            for stage in ["download", "parse", "diagnose", "total"] {
                let series = format!("gengfu_round_stage_seconds{{stage=\"{stage}\",");
                assert!(page.contains(&series), "{stage}: {page}");
            }
            let read: u64 = report.coverage.values().map(|c| c.records).sum();
            assert!(read > 0);
            let records = lines(&page, "gengfu_records_total");
            let values = records
                .iter()
                .filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok());
            assert_eq!(values.sum::<u64>(), read);
            let mut bytes = lines(&page, "gengfu_bytes_total");
            bytes.sort_unstable();
            counted.push(bytes.join("\n"));
        }
        assert_eq!(counted[0], counted[1]);
    }
}
