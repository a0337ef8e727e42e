//! One agent: a small graph of named steps behind one call.
//!
//! ```text
//! plan -> work -> check -> report        work -> look -> work      (what the model calls, a few times)
//!                  |-> repair -> check   work -> shrink -> work    (too long, twice)
//! ```
//!
//! In: an [`Agent`] (what is asked, by which material), a model, a budget. Out: an [`Artifact`]: claims that held, a line by rules, why it ended. Plan retrieves;
//! check needs no model, report neither. Always true: it ends, since each way back is counted; only `look` reads, and only the store.

use std::fmt;

use tracing::debug;

use crate::{
    llm::{Budget, Call, Envelope, Error, Exchange, Llm, Mask, Request},
    model::{
        Lang,
        report::{Claim, LlmNote},
        visible,
    },
};

use super::{
    answer::{Look, Reply, reply},
    claims::{Draft, Facts, check},
    fault::Fault,
    night::Input,
    task::{Task, complaint},
    tools,
};

/// An answer of eight sentences with their ids.
pub(super) const ANSWER_TOKENS: u32 = 1_500;
/// Halvings after "too long"; an eighth of the material is not worth asking about.
const SHRINKS: u32 = 2;
/// Answers with calls that are followed; then the model has to say what it knows.
const LOOKS: usize = 3;
/// Calls of one answer that are followed.
const CALLS: usize = 4;

/// Who is asked what.
pub(super) struct Agent<'a> {
    /// For the report's list of steps.
    pub name: String,
    pub task: Task<'a>,
    pub input: Input<'a>,
    /// Material it may be shown, by estimate.
    pub room: u64,
    /// Around all text of logs that it sees.
    pub envelope: Envelope,
}

/// What an agent leaves behind.
#[derive(Debug)]
pub(super) struct Artifact {
    pub name: String,
    /// For people, by rules.
    pub text: String,
    pub claims: Vec<Claim>,
    /// What it would like to see next.
    pub look: Option<Look>,
    /// The first incident that it was not shown for want of room.
    pub next: Option<usize>,
    pub end: End,
}

/// Why an agent ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Done,
    /// Retrieval gave nothing to look at.
    Nothing,
    Failed(Error),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Nothing => f.write_str("nothing retrieved"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Plan,
    Work,
    Look,
    Shrink,
    Check,
    Repair,
    Report,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Work => "work",
            Self::Look => "look",
            Self::Shrink => "shrink",
            Self::Check => "check",
            Self::Repair => "repair",
            Self::Report => "report",
        }
    }
}

/// Runs an agent. Counts into `note`.
pub(super) async fn run(
    agent: Agent<'_>,
    llm: &Llm,
    budget: &mut Budget,
    note: &mut LlmNote,
) -> Artifact {
    let mut run = Run {
        mask: Mask::new(llm.is_private()),
        agent,
        llm,
        budget,
        note,
        request: Request::default(),
        said: String::new(),
        calls: Vec::new(),
        faulty: Vec::new(),
        claims: Vec::new(),
        look: None,
        next: None,
        dropped: 0,
        shrinks: 0,
        repaired: false,
        end: End::Done,
    };
    let mut step = Step::Plan;
    loop {
        let name = format!("{}.{}", run.agent.name, step.name());
        run.note.steps.push(name);
        step = match step {
            Step::Plan => run.plan().await,
            Step::Work => run.work().await,
            Step::Look => run.look().await,
            Step::Shrink => run.shrink(),
            Step::Check => run.check(),
            Step::Repair => run.repair().await,
            Step::Report => return run.report(),
        };
    }
}

struct Run<'a> {
    agent: Agent<'a>,
    llm: &'a Llm,
    budget: &'a mut Budget,
    note: &'a mut LlmNote,
    mask: Mask,
    request: Request,
    /// The newest answer.
    said: String,
    /// What it wants looked up.
    calls: Vec<Call>,
    /// Sentences that did not hold, waiting for the repair.
    faulty: Vec<(Draft, Vec<Fault>)>,
    claims: Vec<Claim>,
    look: Option<Look>,
    next: Option<usize>,
    dropped: usize,
    shrinks: u32,
    repaired: bool,
    end: End,
}

impl Run<'_> {
    const fn lang(&self) -> Lang {
        self.agent.input.lang
    }

    const fn facts(&self) -> Facts<'_> {
        self.agent.input.facts()
    }

    async fn plan(&mut self) -> Step {
        let Agent {
            task,
            input,
            room,
            envelope,
            ..
        } = &self.agent;
        let material = task.material(*input, envelope, *room).await;
        self.next = material.next;
        let Some(file) = task
            .prompt(input.lang)
            .filter(|_| !material.text.is_empty())
        else {
            return self.ends(End::Nothing);
        };
        self.note
            .prompts
            .insert(format!("{}.{}", file.name, input.lang), file.sha256());
        let Ok(system) = file.render(&task.values(envelope, input.lang)) else {
            return self.ends(End::Nothing);
        };
        self.request = Request {
            system,
            user: self.mask.hide(&material.text),
            max_output_tokens: ANSWER_TOKENS,
            ..Request::default()
        };
        // A look costs a further question, and may need another one for what it gave.
        let asking = self.request.input_tokens() + u64::from(ANSWER_TOKENS);
        if self.budget.tokens_left() / 4 > asking {
            self.request.tools = tools::offered(task, input.lang);
        }
        Step::Work
    }

    async fn work(&mut self) -> Step {
        match self.ask().await {
            Ok(calls) if calls.is_empty() => Step::Check,
            // Sentences beside a call are an answer; the call is not followed.
            Ok(_) if reply(&self.said).is_some_and(|r| !r.drafts.is_empty()) => Step::Check,
            Ok(_) if self.request.tools.is_empty() => self.ends(End::Failed(Error::OnlyTools)),
            Ok(calls) => {
                self.calls = calls;
                Step::Look
            }
            Err(Error::TooLong) if self.shrinks < SHRINKS => Step::Shrink,
            Err(failure) => self.ends(End::Failed(failure)),
        }
    }

    /// Answers each call, the unknown ones too: a call without its answer cannot be sent.
    async fn look(&mut self) -> Step {
        let mut answered = Vec::new();
        for call in std::mem::take(&mut self.calls).into_iter().take(CALLS) {
            let arguments = self.mask.show(&call.arguments.to_string());
            let shown = self.mask.show(&self.request.told());
            match tools::answer(&self.agent, &call.name, &arguments, &shown).await {
                tools::Answer::Text(text) => answered.push((call, self.mask.hide(&text))),
                tools::Answer::Pull(look) => {
                    self.look = Some(look);
                    return Step::Report;
                }
                tools::Answer::Unknown(text) => {
                    self.note
                        .steps
                        .push(format!("{}.unknown_tool", self.agent.name));
                    answered.push((call, text));
                }
            }
        }
        self.request.exchanges.push(Exchange { answered });
        if self.request.exchanges.len() >= LOOKS {
            self.request.tools.clear();
        }
        Step::Work
    }

    /// The first half, cut between lines: the most important incidents come first. What was looked up goes.
    fn shrink(&mut self) -> Step {
        self.shrinks += 1;
        self.request.exchanges.clear();
        self.request.tools.clear();
        let text = &self.request.user;
        let middle = text.floor_char_boundary(text.len() / 2);
        let end = text[..middle].rfind('\n').unwrap_or(middle);
        self.request.user.truncate(end);
        Step::Work
    }

    fn check(&mut self) -> Step {
        let first = reply(&self.mask.show(&self.said));
        let unreadable = first.is_none();
        let Reply { mut drafts, look } = first.unwrap_or_default();
        // A repaired answer repeats what held already; that was not offered anew, and is not dropped.
        let said = |d: &Draft| visible(&d.text).trim().to_owned();
        drafts.retain(|d| !self.claims.iter().any(|k| k.text == said(d)));
        self.look = self.look.take().or(look);
        let waiting = std::mem::take(&mut self.faulty);
        let offered = drafts.len();
        let mut held = Vec::new();
        for draft in drafts {
            match check(&draft, self.facts()) {
                Ok(claim) => held.push(claim),
                Err(reasons) => self.faulty.push((draft, reasons)),
            }
        }
        if self.repaired {
            // What was mended and what was promised and did not come, less what holds.
            self.dropped += waiting.len().max(offered).saturating_sub(held.len());
            self.claims.append(&mut held);
            if unreadable && waiting.is_empty() && self.claims.is_empty() {
                return self.ends(End::Failed(Error::Unreadable));
            }
            return Step::Report;
        }
        self.claims.append(&mut held);
        if unreadable || !self.faulty.is_empty() {
            Step::Repair
        } else {
            Step::Report
        }
    }

    async fn repair(&mut self) -> Step {
        self.repaired = true;
        let unreadable = self.faulty.is_empty();
        let complaint = complaint(&self.faulty, unreadable, self.lang(), self.note);
        let complaint = self.mask.hide(&complaint);
        let said: String = self.said.chars().take(2_000).collect();
        self.request.user = format!("{}\n\n{said}\n\n{complaint}", self.request.told());
        self.request.exchanges.clear();
        self.request.tools.clear();
        match self.ask().await {
            Ok(_) => Step::Check,
            Err(failure) => {
                self.dropped += self.faulty.len();
                if unreadable || failure.is_final() {
                    self.ends(End::Failed(failure))
                } else {
                    Step::Report
                }
            }
        }
    }

    fn report(self) -> Artifact {
        let (held, dropped) = (self.claims.len(), self.dropped);
        debug!(agent = %self.agent.name, held, dropped, end = %self.end, "agent ended");
        let dropped = u32::try_from(dropped).unwrap_or(u32::MAX);
        self.note.dropped_claims = self.note.dropped_claims.saturating_add(dropped);
        let text = match (&self.end, self.agent.input.lang) {
            (End::Done, Lang::Zh) => format!("留下 {held} 句，删去 {dropped} 句"),
            (End::Done, Lang::En) => format!("{held} sentences held, {dropped} left out"),
            (End::Nothing, lang) => lang
                .pick("没有检索到材料", "nothing was retrieved")
                .to_owned(),
            (End::Failed(error), lang) => error.sentence(lang),
        };
        Artifact {
            name: self.agent.name,
            text,
            claims: self.claims,
            look: self.look,
            next: self.next,
            end: self.end,
        }
    }

    fn ends(&mut self, end: End) -> Step {
        self.end = end;
        Step::Report
    }

    async fn ask(&mut self) -> Result<Vec<Call>, Error> {
        let answer = self.llm.complete(&self.request, self.budget).await?;
        self.note.input_tokens += answer.input_tokens;
        self.note.output_tokens += answer.output_tokens;
        self.said = answer.text;
        Ok(answer.calls)
    }
}
