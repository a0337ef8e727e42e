//! Who is asked what, in which order: three analysts, then what links them, then the less important incidents.
//!
//! In: a night's [`Input`], a model, a budget. Out: claims that held, and why it stopped. Rules decide first: an analyst is asked only
//! where its kind of log has findings, in the order of a chain; the link between kinds only where there are several. Then the model
//! may ask for one kind of log more, by a question to the store, twice at most. The most important incidents come first, so that a
//! budget that ends early costs the least.

use sha2::{Digest as _, Sha256};

use crate::{
    llm::{Budget, Envelope, Error, Llm},
    model::{
        LogKind,
        report::{AgentNote, Claim, Finding, LlmNote, Report},
    },
};

use super::{
    agent::{self, ANSWER_TOKENS, Agent, Artifact, End},
    night::{Input, Stop},
    task::Task,
};

/// Most material of one request by estimate: well inside the smallest context in use (8 k), with room for a repair.
const MATERIAL_TOKENS: u64 = 4_000;
/// Less material than this is one finding without its records, and not worth a request.
const LEAST_TOKENS: u64 = 500;
/// Room for the system prompt.
const PROMPT_TOKENS: u64 = 1_000;
/// Further looks into the store that the supervisor's model is granted.
const LOOKS: usize = 2;
/// Requests to one analyst: what does not fit into the first is the less important.
const TURNS: usize = 3;

/// Runs the agents of a night. Counts into `note`.
pub(super) async fn supervise(
    input: Input<'_>,
    llm: &Llm,
    budget: &mut Budget,
    note: &mut LlmNote,
) -> (Vec<Claim>, Stop) {
    let mut team = Team {
        input,
        llm,
        budget,
        note,
        agents: 0,
        claims: Vec::new(),
        left: plan(input.report).into_iter().map(|k| (k, 0)).collect(),
    };
    if team.left.is_empty() {
        return (Vec::new(), Stop::NothingToDo);
    }
    let stop = team.night().await;
    (team.claims, stop)
}

/// The kinds whose findings belong to an incident, in the order of a chain.
fn plan(report: &Report) -> Vec<LogKind> {
    let told = |f: &&Finding| report.incidents.iter().any(|i| i.findings.contains(&f.id));
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

/// The agents with what they spend and what they found.
struct Team<'a> {
    input: Input<'a>,
    llm: &'a Llm,
    budget: &'a mut Budget,
    note: &'a mut LlmNote,
    agents: u32,
    claims: Vec<Claim>,
    /// The kinds of which incidents are left to be looked at, each with the first of these.
    left: Vec<(LogKind, usize)>,
}

impl Team<'_> {
    async fn night(&mut self) -> Stop {
        let kinds = self.left.len();
        let failure = match self.analysts(1).await {
            Ok(failure) => failure,
            Err(stop) => return stop,
        };
        if let Some(failure) = failure {
            return Stop::Failed(failure);
        }
        if kinds > 1 && !self.claims.is_empty() {
            match self.link().await {
                Ok(()) => {}
                Err(stop) => return stop,
            }
        }
        for turn in 2..=TURNS {
            // A further turn costs about as much as all before.
            let affordable = self.budget.time_left() > self.budget.elapsed()
                && self.budget.tokens_left() > self.budget.spent_tokens;
            if self.left.is_empty() || !affordable {
                break;
            }
            if let Err(stop) = self.analysts(turn).await {
                return stop;
            }
        }
        if self.left.is_empty() {
            Stop::Done
        } else {
            Stop::LeftOut
        }
    }

    /// Each analyst once. A failure is given back when none of them had an answer; one that ends the night is the error.
    async fn analysts(&mut self, turn: usize) -> Result<Option<Error>, Stop> {
        let mut failure = None;
        let mut answered = false;
        let kinds = std::mem::take(&mut self.left);
        for (n, (kind, from)) in kinds.iter().copied().enumerate() {
            // A fair share for each that is still to come, the link included.
            let shares = (kinds.len() - n + 1) as u64;
            let Some(room) = self.room(shares) else {
                return Err(Stop::Budget(Error::OutOfTokens));
            };
            let name = match turn {
                1 => kind.to_string(),
                turn => format!("{kind}.{turn}"),
            };
            let artifact = self.ask(name, Task::Kind { kind, from }, room).await;
            self.left.extend(artifact.next.map(|next| (kind, next)));
            match self.take(artifact)? {
                Some(error) => failure = Some(error),
                None => answered = true,
            }
        }
        Ok(failure.filter(|_| !answered))
    }

    /// Links what the analysts said, and lets one look further where the model asks for it.
    async fn link(&mut self) -> Result<(), Stop> {
        for looks in 0..=LOOKS {
            let Some(room) = self.room(1) else {
                return Err(Stop::Budget(Error::OutOfTokens));
            };
            let said = self.claims.clone();
            let mut artifact = self
                .ask("supervisor".to_owned(), Task::Link(&said), room)
                .await;
            let look = artifact.look.take();
            let failed = self.take(artifact)?.is_some();
            let Some(look) = look.filter(|_| !failed) else {
                return Ok(());
            };
            if looks == LOOKS {
                return Err(Stop::LooksUsedUp);
            }
            let Some(room) = self.room(2) else {
                return Ok(());
            };
            let name = format!("look.{}", look.kind);
            let seen = self.ask(name, Task::Look(look), room).await;
            let nothing = seen.end == End::Nothing;
            self.take(seen)?;
            if nothing {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Keeps what an agent found. An error that ends the night ends it here.
    fn take(&mut self, artifact: Artifact) -> Result<Option<Error>, Stop> {
        self.note.agents.push(AgentNote {
            name: artifact.name,
            text: artifact.text,
            end: artifact.end.to_string(),
        });
        for claim in artifact.claims {
            // What is said twice is told once.
            if !self.claims.iter().any(|c| c.text == claim.text) {
                self.claims.push(claim);
            }
        }
        match artifact.end {
            End::Failed(error) if error.is_final() => Err(ended(error)),
            End::Failed(error) => Ok(Some(error)),
            End::Done | End::Nothing => Ok(None),
        }
    }

    /// Material that the next agent may see when so many are still to come; a budget too small for all still serves the first.
    fn room(&self, shares: u64) -> Option<u64> {
        let asking = u64::from(ANSWER_TOKENS) + PROMPT_TOKENS;
        let fair = (self.budget.tokens_left() / shares).saturating_sub(asking);
        let rest = self.budget.tokens_left().saturating_sub(asking);
        let room = fair.max(rest.min(LEAST_TOKENS)).min(MATERIAL_TOKENS);
        (room >= LEAST_TOKENS).then_some(room)
    }

    /// An agent with a delimiter of its own, which nobody can work out from another's.
    async fn ask(&mut self, name: String, task: Task<'_>, room: u64) -> Artifact {
        self.agents += 1;
        let mut drawn = Sha256::new();
        drawn.update(self.input.random.to_be_bytes());
        drawn.update(self.agents.to_be_bytes());
        let drawn = drawn.finalize();
        let delimiter = drawn.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b));
        let agent = Agent {
            name,
            task,
            input: self.input,
            room,
            envelope: Envelope::new(delimiter),
        };
        agent::run(agent, self.llm, self.budget, self.note).await
    }
}
