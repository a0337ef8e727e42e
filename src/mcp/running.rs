//! How a running round is told.
//!
//! In: a task and the newest revision, if there is one. Out: an [`Answer`] that says how complete it is and what is known so far.
//! Always true: it names the task, so that `task_status` can be asked. Waits for nothing.

use super::{Answer, context::Call};
use crate::{
    model::{LogKind, report::Report},
    round::{
        progress::{Phase, Snapshot},
        pull::Want,
        tasks::{Ended, Task},
    },
    voice::{self, Detail},
};

pub(super) fn progress(call: &Call, task: &Task, known: Option<&Report>, detail: Detail) -> Answer {
    progress_after(call, task, known, detail, None)
}

/// The same for a round that makes up for one that failed, and why that failed.
pub(super) fn progress_after(
    call: &Call,
    task: &Task,
    known: Option<&Report>,
    detail: Detail,
    failed_before: Option<&str>,
) -> Answer {
    let ask = call.ask(detail);
    let now = task.progress.snapshot();
    let ended = task.ended();
    let failed = match &ended {
        Some(Ended::Failed(why)) => Some(why.as_str()),
        _ => None,
    };
    let headline = known.and_then(|r| voice::headline(r, &ask));
    let told = voice::progress(
        &voice::Progress {
            read: read(&now),
            done: ended == Some(Ended::Done),
            failed: failed.map(said_of),
            failed_before: failed_before.map(said_of),
            headline: headline.as_deref(),
            problems: known.map_or(0, |r| r.incidents.len()),
            seconds_left: now.seconds_left().filter(|_| ended.is_none()),
        },
        &ask,
    );
    let date = task.key.day.to_string();
    if let Some(tool) = asked_by(task.key.want) {
        return part(call, task, tool, told);
    }
    let mut answer = Answer::told(told)
        .fact("owner", &task.key.owner)
        .fact("date", &date)
        .fact("task", &task.id)
        .fact("percent", now.percent());
    if let Some(why) = failed.or(failed_before) {
        answer = answer.advice(why);
    }
    match ended {
        None => answer
            .next("task_status", &[("task", &task.id)])
            .next("summarize_day", &[("date", &date)]),
        Some(Ended::Done) => answer.next("summarize_day", &[("date", &date)]),
        Some(_) => answer.next("summarize_day", &[("date", &date), ("refresh", "true")]),
    }
}

/// Of why a round failed, what is for the ear; the rest is commands, permissions and addresses, which the model is given to read.
fn said_of(why: &str) -> &str {
    let ends = ["。", "；", ";", ". "];
    let end = ends.iter().filter_map(|end| why.find(end)).min();
    &why[..end.unwrap_or(why.len())]
}

/// The tool whose question a part of a day is read for.
const fn asked_by(want: Want) -> Option<&'static str> {
    match want {
        Want::Day | Want::Still | Want::Around { .. } => None,
        Want::Kind { kind, .. } => Some(match kind {
            LogKind::Event => "search_events",
            LogKind::Audit => "search_audit",
            LogKind::Business => "fetch_logs",
        }),
        Want::Cause {
            from: LogKind::Business,
        } => Some("analyze_business"),
        Want::Cause { .. } => Some("trace_cause"),
    }
}

/// What is being read for one question; there is no broadcast of it.
fn part(call: &Call, task: &Task, tool: &'static str, progress: String) -> Answer {
    let lang = call.lang();
    let date = task.key.day.to_string();
    let told = match task.ended() {
        Some(Ended::Done) => lang
            .pick(
                "要看的日志读好了。要不要现在说给你听？",
                "The logs are read. Shall I tell you what they say?",
            )
            .to_owned(),
        Some(_) => progress,
        None => lang
            .pick(
                "正在读那一天的日志，还要一会儿。要不要过几秒再问我一次？",
                "I am reading the logs of that day. Could you ask me again in a few seconds?",
            )
            .to_owned(),
    };
    let answer = Answer::told(told)
        .fact("owner", &task.key.owner)
        .fact("date", &date)
        .fact("task", &task.id)
        .fact("percent", task.progress.snapshot().percent());
    let answer = match task.key.want {
        Want::Cause { from } => answer.next(tool, &[("date", &date), ("from", from.as_str())]),
        Want::Day | Want::Kind { .. } | Want::Still | Want::Around { .. } => {
            answer.next(tool, &[("date", &date)])
        }
    };
    answer.next("task_status", &[("task", &task.id)])
}

/// Objects read and listed; only the events are read alone, the rest counts as business logs, by far the most of it.
fn read(now: &Snapshot) -> Vec<(LogKind, u64, u64)> {
    let (done, all) = now.objects;
    match now.phase {
        Phase::Events => vec![(LogKind::Event, done, all)],
        Phase::Rest => vec![(LogKind::Business, done, all)],
        _ => Vec::new(),
    }
}
