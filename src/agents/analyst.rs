//! One agent: plan, work, check, repair once, report.
//!
//! In: a system prompt, material, the [`Facts`] its sentences are held against. Out: the claims that held, and how many did not. A context that overflows is
//! halved; an answer that cannot be read, and sentences that do not hold, get one chance to be mended. No tools: all a model may
//! ask for is another look into the store, which the supervisor grants or not.

use std::collections::BTreeMap;

use tracing::debug;

use crate::{
    llm::{Budget, Error, Llm, Mask, Request, prompts},
    model::report::{Claim, LlmNote},
};

use super::{
    answer::{Look, Reply, reply},
    claims::{Draft, Facts, Fault, check},
};

/// An answer of eight sentences with their ids.
pub(super) const ANSWER_TOKENS: u32 = 1_500;
/// Halvings after "too long"; an eighth of the material is not worth asking about.
const SHRINKS: u32 = 2;

/// What is asked, and what it is held against.
pub(super) struct Task<'a> {
    /// Of the agent, for the report's list of steps.
    pub name: String,
    pub system: String,
    pub material: String,
    pub facts: Facts<'a>,
}

/// What an agent leaves behind.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub claims: Vec<Claim>,
    /// What it would like to see next.
    pub look: Option<Look>,
    /// Why it ended without an answer.
    pub failure: Option<Error>,
}

/// Runs one agent. Counts into `note`.
pub(super) async fn run(
    task: Task<'_>,
    llm: &Llm,
    budget: &mut Budget,
    note: &mut LlmNote,
) -> Outcome {
    let mut mask = Mask::new(llm.is_private());
    let mut material = mask.hide(&task.material);
    let mut shrinks = 0;
    let step = |note: &mut LlmNote, step: &str| note.steps.push(format!("{}.{step}", task.name));
    step(note, "work");
    let (text, first) = loop {
        let answer = ask(&task.system, &material, llm, budget, note).await;
        match answer {
            Ok(text) => break (text.clone(), reply(&mask.show(&text))),
            Err(Error::TooLong) if shrinks < SHRINKS => {
                shrinks += 1;
                step(note, "shrink");
                material = half(&material);
            }
            Err(failure) => return Outcome::failed(failure),
        }
    };
    step(note, "check");
    let unreadable = first.is_none();
    let Reply { drafts, look } = first.unwrap_or_default();
    let mut outcome = Outcome {
        look,
        ..Outcome::default()
    };
    let mut faulty = Vec::new();
    for draft in drafts {
        match check(&draft, task.facts) {
            Ok(claim) => outcome.claims.push(claim),
            Err(reasons) => faulty.push((draft, reasons)),
        }
    }
    if !unreadable && faulty.is_empty() {
        return outcome;
    }
    step(note, "repair");
    let complaint = mask.hide(&complaint(&faulty, unreadable, task.facts));
    let again = format!("{material}\n\n{}\n\n{complaint}", crop(&text));
    let mended = match ask(&task.system, &again, llm, budget, note).await {
        Ok(text) => reply(&mask.show(&text)).map(|r| r.drafts),
        Err(failure) if unreadable => return Outcome::failed(failure),
        Err(_) => Some(Vec::new()),
    };
    let Some(mended) = mended else {
        note.dropped_claims = note.dropped_claims.saturating_add(count(faulty.len()));
        outcome.failure = unreadable.then_some(Error::Unreadable);
        return outcome;
    };
    let offered = faulty.len().max(mended.len());
    let held: Vec<Claim> = mended
        .iter()
        .filter_map(|d| check(d, task.facts).ok())
        .filter(|c| !outcome.claims.iter().any(|k| k.text == c.text))
        .collect();
    let dropped = offered.saturating_sub(held.len());
    debug!(
        dropped,
        held = held.len(),
        "sentences without evidence were left out"
    );
    note.dropped_claims = note.dropped_claims.saturating_add(count(dropped));
    outcome.claims.extend(held);
    outcome
}

impl Outcome {
    fn failed(failure: Error) -> Self {
        Self {
            failure: Some(failure),
            ..Self::default()
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

async fn ask(
    system: &str,
    user: &str,
    llm: &Llm,
    budget: &mut Budget,
    note: &mut LlmNote,
) -> Result<String, Error> {
    let request = Request {
        system: system.to_owned(),
        user: user.to_owned(),
        max_output_tokens: ANSWER_TOKENS,
    };
    let answer = llm.complete(&request, budget).await?;
    note.input_tokens += answer.input_tokens;
    note.output_tokens += answer.output_tokens;
    Ok(answer.text)
}

fn complaint(faulty: &[(Draft, Vec<Fault>)], unreadable: bool, facts: Facts<'_>) -> String {
    let mut lines: Vec<String> = Vec::new();
    if unreadable {
        lines.push(
            facts
                .lang
                .pick(
                    "上面的回答不是要求的 JSON 对象。",
                    "The answer above is not the JSON object asked for.",
                )
                .to_owned(),
        );
    }
    for (draft, faults) in faulty {
        let reasons: Vec<_> = faults.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "- {}: {}",
            draft.text.chars().take(120).collect::<String>(),
            reasons.join("; ")
        ));
    }
    let lines = lines.join("\n");
    let prompt = prompts::prompt("repair", facts.lang)
        .and_then(|p| p.render(&BTreeMap::from([("faults", lines.as_str())])));
    prompt.unwrap_or(lines)
}

/// The first half, cut between lines: the most important incidents come first.
fn half(text: &str) -> String {
    let middle = text.len() / 2;
    let cut = text
        .char_indices()
        .map(|c| c.0)
        .take_while(|at| *at <= middle)
        .last()
        .unwrap_or(0);
    let end = text[..cut].rfind('\n').unwrap_or(cut);
    text[..end].to_owned()
}

/// Enough of an answer for the model to know its own words.
fn crop(text: &str) -> String {
    text.chars().take(2_000).collect()
}
