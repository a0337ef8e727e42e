//! Who is asked what, in which order: three analysts, then what links them.
//!
//! In: a night's [`Input`], a model, a budget. Out: claims that held, and why it stopped. Rules decide first: an analyst is asked only
//! where its kind of log has findings, in the order of a chain; the link between kinds only where there are several. Then the model
//! may ask for one kind of log more, by a question to the store, twice at most. The most important incidents come first, so that a
//! budget that ends early costs the least.

use std::collections::BTreeMap;

use crate::{
    llm::{Budget, Envelope, Error, Llm, estimate_tokens, prompts},
    model::{
        LogKind,
        report::{Claim, LlmNote, Report},
    },
};

use super::{
    analyst::{ANSWER_TOKENS, Outcome, Task, run},
    answer::Look,
    claims::Facts,
    material,
    night::{Input, Stop},
    words::change_text,
};

/// Most material of one request by estimate: well inside the smallest context in use (8 k), with room for a repair.
const MATERIAL_TOKENS: u64 = 4_000;
/// Less material than this is one finding without its records, and not worth a request.
const LEAST_TOKENS: u64 = 500;
/// Room for the system prompt.
const PROMPT_TOKENS: u64 = 1_000;
/// Further looks into the store that a model is granted.
const LOOKS: usize = 2;

/// Runs the agents of a night. Counts into `note`.
pub(super) async fn supervise(
    input: Input<'_>,
    llm: &Llm,
    budget: &mut Budget,
    note: &mut LlmNote,
) -> (Vec<Claim>, Stop) {
    let plan = plan(input.report);
    if plan.is_empty() {
        return (Vec::new(), Stop::NothingToDo);
    }
    let mut team = Team {
        input,
        llm,
        budget,
        note,
        requests: 0,
    };
    let mut claims = Vec::new();
    let mut failure = None;
    let mut answered = 0;
    for (n, kind) in plan.iter().copied().enumerate() {
        // A fair share for each that is still to come, the link included.
        let shares = (plan.len() - n + 1) as u64;
        let Some(room) = team.room(shares) else {
            return (claims, Stop::Budget(Error::OutOfTokens));
        };
        let envelope = team.envelope();
        let Input {
            report,
            records,
            retrieval,
            ..
        } = input;
        let material = material::of_kind(report, records, retrieval, kind, &envelope, room).await;
        let Some(outcome) = team.analyst(kind, &envelope, material, kind.as_str()).await else {
            continue;
        };
        claims.extend(outcome.claims);
        match outcome.failure {
            Some(error) if error.is_final() => return (claims, ended(error)),
            Some(error) => failure = Some(error),
            None => answered += 1,
        }
    }
    if answered == 0 {
        return (claims, failure.map_or(Stop::NothingToDo, Stop::Failed));
    }
    if plan.len() < 2 || claims.is_empty() {
        return (claims, Stop::Done);
    }
    for looks in 0..=LOOKS {
        let Some(outcome) = team.link(&claims).await else {
            break;
        };
        join(&mut claims, outcome.claims);
        match (outcome.failure, outcome.look) {
            (Some(error), _) if error.is_final() => return (claims, ended(error)),
            (None, Some(_)) if looks == LOOKS => return (claims, Stop::LooksUsedUp),
            (None, Some(look)) => {
                let Some(seen) = team.look(&look).await else {
                    break;
                };
                if let Some(error) = seen.failure.filter(Error::is_final) {
                    return (claims, ended(error));
                }
                join(&mut claims, seen.claims);
            }
            _ => break,
        }
    }
    (claims, Stop::Done)
}

/// The kinds whose findings belong to an incident, in the order of a chain.
fn plan(report: &Report) -> Vec<LogKind> {
    let told = |f: &&crate::model::report::Finding| {
        report.incidents.iter().any(|i| i.findings.contains(&f.id))
    };
    LogKind::ALL
        .into_iter()
        .filter(|k| report.findings.iter().filter(told).any(|f| f.kind == *k))
        .collect()
}

fn ended(error: Error) -> Stop {
    match error {
        Error::OutOfTime | Error::OutOfTokens => Stop::Budget(error),
        error => Stop::Failed(error),
    }
}

/// What is said twice is told once.
fn join(claims: &mut Vec<Claim>, more: Vec<Claim>) {
    for claim in more {
        if !claims.iter().any(|c| c.text == claim.text) {
            claims.push(claim);
        }
    }
}

/// The agents with what they spend.
struct Team<'a> {
    input: Input<'a>,
    llm: &'a Llm,
    budget: &'a mut Budget,
    note: &'a mut LlmNote,
    requests: u32,
}

impl<'a> Team<'a> {
    /// Material that the next agent may see when so many are still to come; a budget too small for all still serves the first.
    fn room(&self, shares: u64) -> Option<u64> {
        let asking = u64::from(ANSWER_TOKENS) + PROMPT_TOKENS;
        let fair = (self.budget.tokens_left() / shares).saturating_sub(asking);
        let rest = self.budget.tokens_left().saturating_sub(asking);
        let room = fair.max(rest.min(LEAST_TOKENS)).min(MATERIAL_TOKENS);
        (room >= LEAST_TOKENS).then_some(room)
    }

    /// A delimiter of its own for each request.
    fn envelope(&mut self) -> Envelope {
        self.requests += 1;
        Envelope::new(self.input.random.rotate_left(8 * self.requests))
    }

    const fn facts(&self) -> Facts<'a> {
        Facts {
            report: self.input.report,
            records: self.input.records,
            lang: self.input.lang,
        }
    }

    /// An analyst of one kind over what retrieval gave; `None` when that is nothing.
    async fn analyst(
        &mut self,
        kind: LogKind,
        envelope: &Envelope,
        material: String,
        name: &str,
    ) -> Option<Outcome> {
        if material.is_empty() {
            self.note.steps.push(format!("{name}.nothing"));
            return None;
        }
        let lang = self.input.lang;
        let told = lang.pick(kind.zh().to_owned(), format!("{kind} log"));
        let values = [("kind", told.as_str()), ("delimiter", envelope.delimiter())];
        self.ask("analyst", name, &values, material).await
    }

    /// Links what the analysts said; sees their checked sentences and the changes, no logs.
    async fn link(&mut self, claims: &[Claim]) -> Option<Outcome> {
        let envelope = self.envelope();
        let mut material = String::new();
        let changes = self.input.report.incidents.iter();
        let changes = changes.filter_map(|i| i.change.as_ref());
        let said = claims.iter().map(|claim| {
            let records = claim.evidence.iter().map(ToString::to_string);
            let ids: Vec<_> = claim.findings.iter().cloned().chain(records).collect();
            (ids.join(" "), claim.text.clone())
        });
        let edits = changes.map(|c| (c.evidence.to_string(), change_text(c, self.input.lang)));
        for (label, text) in said.chain(edits) {
            let block = envelope.wrap(&label, &text);
            if estimate_tokens(&material) + estimate_tokens(&block) > MATERIAL_TOKENS {
                break;
            }
            material = material + &block + "\n";
        }
        let values = [("delimiter", envelope.delimiter())];
        self.ask("supervisor", "supervisor", &values, material)
            .await
    }

    /// One more kind of log, as the supervisor asked; `None` when the store holds nothing of it.
    async fn look(&mut self, look: &Look) -> Option<Outcome> {
        self.note.steps.push("supervisor.look".to_owned());
        let room = self.room(2)?;
        let envelope = self.envelope();
        let Input {
            report,
            records,
            retrieval,
            ..
        } = self.input;
        let material = material::of_look(report, records, retrieval, look, &envelope, room).await;
        if material.is_empty() {
            return None;
        }
        let name = format!("look.{}", look.kind);
        self.analyst(look.kind, &envelope, material, &name).await
    }

    async fn ask(
        &mut self,
        prompt: &str,
        name: &str,
        values: &[(&str, &str)],
        material: String,
    ) -> Option<Outcome> {
        let lang = self.input.lang;
        let file = prompts::prompt(prompt, lang).ok()?;
        self.note
            .prompts
            .insert(format!("{prompt}.{lang}"), file.sha256());
        let values: BTreeMap<&str, &str> = values.iter().copied().collect();
        let task = Task {
            name: name.to_owned(),
            system: file.render(&values).ok()?,
            material,
            facts: self.facts(),
        };
        Some(run(task, self.llm, self.budget, self.note).await)
    }
}
