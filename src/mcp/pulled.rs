//! Sees to it that what a question needs of a day is read before it is answered.
//!
//! In: a day, and a [`Want`]. Out: nothing when the answer can be made, else an interim answer that names the task. Always true: of a
//! day that was run nothing is read again; of one that never was, only what is wanted; a running round is waited for, not doubled.

use std::time::Duration;

use super::{Answer, context::Call, running, trouble::Trouble};
use crate::{
    model::{
        Day, LogKind,
        report::{Report, Stage},
    },
    round::{
        progress::{Phase, Snapshot},
        pull::Want,
        tasks::{Ended, Task},
    },
};

/// Of the eight seconds that a robot may wait, two are left for the answer itself.
const PATIENCE: Duration = Duration::from_secs(6);

/// What must be answered instead, if anything.
pub(super) async fn ready(call: &Call, day: Day, want: Want) -> Result<Option<Answer>, Trouble> {
    let known = call.store.report(day).await?;
    // A report made while the day went on knows nothing of its rest. Where another process writes, the day is its business.
    let whole = |r: &Report| r.stage == Stage::Complete;
    if known.as_ref().is_some_and(whole) || !call.store.is_writer() {
        return Ok(None);
    }
    let rounds = &call.desk.rounds;
    let task = match rounds.running(&call.owner, day) {
        Some(round) => {
            round.hurry();
            round
        }
        None => rounds.pull(&call.owner, day, want),
    };
    let ended = tokio::time::timeout(PATIENCE, enough(&task, want)).await;
    Ok(match ended {
        Ok(None | Some(Ended::Done)) => None,
        Ok(Some(Ended::Failed(_))) => {
            Some(running::progress(call, &task, known.as_ref(), call.origin.caller.detail).failed())
        }
        Ok(Some(Ended::Stopped)) | Err(_) => Some(running::progress(
            call,
            &task,
            known.as_ref(),
            call.origin.caller.detail,
        )),
    })
}

/// Waits until a task has read what is wanted: its end, or a part of a round.
async fn enough(task: &Task, want: Want) -> Option<Ended> {
    let mut progress = task.progress.watch();
    let has_read = |now: &Snapshot| {
        task.key.want == Want::Day
            && match want {
                Want::Kind {
                    kind: LogKind::Event,
                    ..
                } => matches!(now.phase, Phase::Rest) || read_all(now.phase),
                // A round's first revision tells causes from events alone, and says so.
                Want::Cause { .. } => now.revision.is_some(),
                Want::Kind { .. } | Want::Day | Want::Still | Want::Around { .. } => {
                    read_all(now.phase)
                }
            }
    };
    tokio::select! {
        ended = task.wait() => Some(ended),
        Ok(_) = progress.wait_for(has_read) => None,
    }
}

const fn read_all(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Diagnosing | Phase::EarlierDays | Phase::Writing
    )
}
