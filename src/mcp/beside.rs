//! What stands around a line that somebody opened.
//!
//! In: the lines that an answer is about. Out: those beside it, when it is one business line; facts of the answer. Always true: the line
//! itself is told whether or not its neighbours can be had, within [`WAIT`]; why they cannot is said. Their evidence opens, too.

use std::time::Duration;

use super::{Answer, context::Call, fresh};
use crate::{
    model::{Lang, LogKind, record::Kept},
    round::beside::Beside,
};

/// The line is at hand; a robot waits eight seconds for all of an answer.
const WAIT: Duration = Duration::from_secs(4);

/// The lines beside the only one, or why there are none.
pub(super) async fn of_the_only(call: &Call, lines: &[Kept]) -> Result<Beside, String> {
    let [line] = lines else {
        return Ok(Beside::default());
    };
    if line.kind() != LogKind::Business {
        return Ok(Beside::default());
    }
    let looking = call.desk.rounds.beside(&call.owner, line);
    let beside = match tokio::time::timeout(WAIT, looking).await {
        Ok(found) => found?,
        Err(_elapsed) => return Err(slow(call.desk.lang)),
    };
    fresh::remember(call, &beside.before);
    fresh::remember(call, &beside.after);
    Ok(beside)
}

fn slow(lang: Lang) -> String {
    let slow = (
        "前后的日志几秒内没读出来，请再问一次",
        "what stands around it could not be read within seconds; ask again",
    );
    lang.pick(slow.0, slow.1).to_owned()
}

/// Adds to an answer what stands around its line, or why that is not known.
pub(super) fn noted(answer: Answer, beside: &Result<Beside, String>) -> Answer {
    let ids = |lines: &[Kept]| {
        let ids: Vec<String> = lines.iter().map(|k| k.id.to_string()).collect();
        ids.join(",")
    };
    match beside {
        Ok(beside) => answer
            .fact("before", ids(&beside.before))
            .fact("after", ids(&beside.after)),
        Err(sentence) => answer.fact("beside_failed", sentence),
    }
}
