//! The agents of one night: three analysts, then the supervisor, then the two files.
//!
//! In: a report with its records, a model or none, a budget. Out: [`Texts`]. Rules decide first: an analyst is asked only where its kind of log has findings, the
//! supervisor only where kinds are to be linked; the most important incidents come first, so that a budget that ends early
//! costs the least. Never fails: what a model does not give, the deterministic text already says, and `LlmNote::fallback` tells why.

use std::{collections::BTreeMap, fmt};

use tracing::{info, warn};

use crate::{
    diagnosis::faults::Catalogue,
    llm::{Budget, Envelope, Error, Llm, estimate_tokens, prompts},
    model::{
        Lang, LogKind,
        report::{Claim, LlmNote, Report},
    },
};

use super::{
    analysis::analysis,
    analyst::{ANSWER_TOKENS, Task, run},
    claims::Facts,
    material::{self, Retrieval},
    outline::{Records, claims_of, outline},
    report::summary,
};

/// Most material of one request by estimate: well inside the smallest context in use (8 k), with room for a repair.
const MATERIAL_TOKENS: u64 = 4_000;
/// Less material than this is one finding without its records, and not worth a request.
const LEAST_TOKENS: u64 = 500;
/// Room for the system prompt.
const PROMPT_TOKENS: u64 = 1_000;

/// What a night needs.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub report: &'a Report,
    /// The records of [`outline::cited`](super::outline::cited).
    pub records: &'a Records,
    pub retrieval: &'a Retrieval,
    pub catalogue: &'a Catalogue,
    pub lang: Lang,
    /// Drawn anew for each night; delimiters around log text are made from it.
    pub random: u64,
}

/// What a night gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts {
    /// `llm_summary.txt`
    pub summary: String,
    /// `vector_analysis.txt`
    pub analysis: String,
    /// `None` without a model.
    pub note: Option<LlmNote>,
    /// For `report.claims`: every sentence of the files that states something.
    pub claims: Vec<Claim>,
    pub stop: Stop,
}

/// Why the agents stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// No model is configured.
    NoModel,
    /// There is no incident to write about.
    NothingToDo,
    Done,
    /// The budget ended; what was known until then is told.
    Budget(Error),
    /// Every request failed; the last failure.
    Failed(Error),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModel => f.write_str("no model"),
            Self::NothingToDo => f.write_str("nothing to do"),
            Self::Done => f.write_str("done"),
            Self::Budget(e) | Self::Failed(e) => write!(f, "{e}"),
        }
    }
}

/// Writes the two files of a day.
pub async fn night(input: Input<'_>, llm: &Llm, mut budget: Budget) -> Texts {
    if llm.is_off() {
        return texts(input, &[], None, Stop::NoModel);
    }
    let mut note = LlmNote {
        model: llm.name(),
        ..LlmNote::default()
    };
    let (claims, stop) = agents(input, llm, &mut budget, &mut note).await;
    note.ms = u64::try_from(budget.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Stop::Failed(error) | Stop::Budget(error) = &stop {
        warn!(error = %error, model = %note.model, kept = claims.len(), "the model could not finish; the text made by rules stands");
        note.fallback = Some(error.to_string());
    }
    info!(kept = claims.len(), dropped = note.dropped_claims, elapsed_ms = note.ms, stop = %stop, "agents stopped");
    texts(input, &claims, Some(note), stop)
}

/// Renders the files of a stored day again: `report.claims` and `report.llm` as they are, no model, no download.
#[must_use]
pub fn render(input: Input<'_>) -> Texts {
    texts(
        input,
        &input.report.claims,
        input.report.llm.clone(),
        Stop::NoModel,
    )
}

async fn agents(
    input: Input<'_>,
    llm: &Llm,
    budget: &mut Budget,
    note: &mut LlmNote,
) -> (Vec<Claim>, Stop) {
    let plan = plan(input.report);
    if plan.is_empty() {
        return (Vec::new(), Stop::NothingToDo);
    }
    let facts = Facts {
        report: input.report,
        records: input.records,
        lang: input.lang,
    };
    let mut claims = Vec::new();
    let mut failure = None;
    let mut answered = 0;
    for (n, kind) in plan.iter().copied().enumerate() {
        // A fair share for each that is still to come, the supervisor included.
        let shares = (plan.len() - n + 1) as u64;
        let asking = u64::from(ANSWER_TOKENS) + PROMPT_TOKENS;
        let fair = (budget.tokens_left() / shares).saturating_sub(asking);
        let rest = budget.tokens_left().saturating_sub(asking);
        // A budget too small for all still serves the first.
        let room = fair.max(rest.min(LEAST_TOKENS)).min(MATERIAL_TOKENS);
        if room < LEAST_TOKENS {
            return (claims, Stop::Budget(Error::OutOfTokens));
        }
        let envelope = Envelope::new(
            input
                .random
                .rotate_left(8 * u32::try_from(n + 1).unwrap_or(1)),
        );
        let material = material::of_kind(
            input.report,
            input.records,
            input.retrieval,
            kind,
            &envelope,
            room,
        )
        .await;
        if material.is_empty() {
            continue;
        }
        let name = input.lang.pick(kind.zh().to_owned(), format!("{kind} log"));
        let Some(system) = system(
            "analyst",
            input.lang,
            &[("kind", &name), ("delimiter", envelope.delimiter())],
            note,
        ) else {
            continue;
        };
        let outcome = run(
            Task {
                system,
                material,
                facts,
            },
            llm,
            budget,
            note,
        )
        .await;
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
    if plan.len() > 1 && !claims.is_empty() {
        let outcome = supervise(input, &claims, facts, llm, budget, note).await;
        claims.extend(outcome.claims);
        if let Some(error) = outcome.failure {
            return (
                claims,
                if error.is_final() {
                    ended(error)
                } else {
                    Stop::Done
                },
            );
        }
    }
    (claims, Stop::Done)
}

fn ended(error: Error) -> Stop {
    match error {
        Error::OutOfTime | Error::OutOfTokens => Stop::Budget(error),
        error => Stop::Failed(error),
    }
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

/// Links what the analysts said; sees their checked sentences and the changes, no logs.
async fn supervise(
    input: Input<'_>,
    claims: &[Claim],
    facts: Facts<'_>,
    llm: &Llm,
    budget: &mut Budget,
    note: &mut LlmNote,
) -> super::analyst::Outcome {
    let envelope = Envelope::new(input.random.rotate_left(40));
    let Some(system) = system(
        "supervisor",
        input.lang,
        &[("delimiter", envelope.delimiter())],
        note,
    ) else {
        return super::analyst::Outcome::default();
    };
    let mut material = String::new();
    for claim in claims {
        let ids: Vec<_> = claim
            .findings
            .iter()
            .cloned()
            .chain(claim.evidence.iter().map(ToString::to_string))
            .collect();
        let block = envelope.wrap(&ids.join(" "), &claim.text);
        if estimate_tokens(&material) + estimate_tokens(&block) > MATERIAL_TOKENS {
            break;
        }
        material += &block;
        material.push('\n');
    }
    for change in input
        .report
        .incidents
        .iter()
        .filter_map(|i| i.change.as_ref())
    {
        let text = super::outline::change_text(change, input.lang);
        material += &envelope.wrap(&change.evidence.to_string(), &text);
        material.push('\n');
    }
    run(
        Task {
            system,
            material,
            facts,
        },
        llm,
        budget,
        note,
    )
    .await
}

fn system(name: &str, lang: Lang, values: &[(&str, &str)], note: &mut LlmNote) -> Option<String> {
    let prompt = prompts::prompt(name, lang).ok()?;
    note.prompts
        .insert(format!("{name}.{lang}"), prompt.sha256());
    let values: BTreeMap<&str, &str> = values.iter().copied().collect();
    prompt.render(&values).ok()
}

fn texts(input: Input<'_>, extra: &[Claim], note: Option<LlmNote>, stop: Stop) -> Texts {
    let name_of = |code: &str| {
        input
            .catalogue
            .get(code)
            .map(|f| [f.name.0.clone(), f.name.1.clone()])
    };
    let sections = outline(input.report, input.records, extra, input.lang);
    let report = Report {
        llm: note.clone(),
        ..input.report.clone()
    };
    Texts {
        summary: summary(&report, &sections, &name_of, input.lang),
        analysis: analysis(&report, &sections, &name_of, input.lang),
        claims: claims_of(&sections),
        note,
        stop,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        agents::claims::tests::records,
        llm::{Answer, Script},
        model::sample,
    };

    async fn told(answers: Vec<Answer>, tokens: u64) -> (Texts, Arc<Script>) {
        let mut report = sample::report();
        report.incidents.truncate(1);
        let records = records(&report);
        let catalogue = Catalogue::builtin().expect("catalogue");
        let script = Arc::new(Script::new(answers));
        let input = Input {
            report: &report,
            records: &records,
            retrieval: &Retrieval::Report,
            catalogue: &catalogue,
            lang: Lang::Zh,
            random: 7,
        };
        let texts = night(
            input,
            &Llm::Scripted(script.clone()),
            Budget::new(Duration::from_mins(2), tokens),
        )
        .await;
        (texts, script)
    }

    fn claim(text: &str) -> Answer {
        let report = sample::report();
        let id = report.findings[1].evidence[0].id;
        Answer::Text(format!(
            r#"{{"claims":[{{"text":"{text}","kind":"inferred","findings":["f2"],"evidence":["{id}"]}}]}}"#
        ))
    }

    #[tokio::test(start_paused = true)]
    async fn a_sentence_that_holds_joins_its_incident_under_possible_causes() {
        let (texts, script) = told(
            vec![claim("checkout 的调用方都连不上它，像是实例没起来")],
            100_000,
        )
        .await;
        assert!(
            texts.summary.contains("可能原因（推测）**:\n  - 很可能由"),
            "{}",
            texts.summary
        );
        assert!(
            texts
                .summary
                .contains("  - checkout 的调用方都连不上它，像是实例没起来"),
            "{}",
            texts.summary
        );
        assert!(script.seen()[0].user.contains("<<<"));
        assert!(
            texts
                .claims
                .iter()
                .any(|c| c.text.contains("像是实例没起来"))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_invented_number_is_mended_once_or_left_out() {
        let bad = || claim("checkout 报错 998 次，像是实例没起来");
        let (texts, _) = told(
            vec![bad(), claim("checkout 报错 157 次，像是实例没起来")],
            100_000,
        )
        .await;
        assert!(
            texts
                .summary
                .contains("checkout 报错 157 次，像是实例没起来")
        );
        let (texts, script) = told(vec![bad(), bad()], 100_000).await;
        assert!(!texts.summary.contains("998") && !texts.analysis.contains("998"));
        assert_eq!(texts.note.map(|n| n.dropped_claims), Some(1));
        assert!(
            script.seen()[1]
                .user
                .contains("the number 998 is in no cited record")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn every_failure_leaves_the_text_made_by_rules() {
        let (plain, _) = told(vec![], 0).await;
        for answers in [
            vec![Answer::Fail(Error::Unauthorized(401))],
            vec![Answer::Fail(Error::TooLong); 9],
            vec![Answer::Fail(Error::Refused); 9],
            vec![Answer::Fail(Error::UnknownTool); 9],
            vec![Answer::Text("抱歉，我不能回答".to_owned()); 9],
            vec![Answer::Text(String::new()); 9],
            vec![Answer::Hang],
        ] {
            let name = format!("{:?}", answers[0]);
            let (texts, _) = told(answers, 100_000).await;
            assert_eq!(texts.summary, plain.summary, "{name}");
            assert!(texts.note.and_then(|n| n.fallback).is_some(), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_is_never_exceeded() {
        for tokens in [0, 2_000, 4_000, 10_000, 50_000] {
            let (texts, _) = told(vec![claim("checkout 的调用方都连不上它"); 20], tokens).await;
            let note = texts.note.expect("note");
            assert!(note.input_tokens + note.output_tokens <= tokens, "{tokens}");
        }
    }
}
