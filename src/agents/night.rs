//! One night: the agents, then the two files.
//!
//! In: a report with its records, a model or none, a budget. Out: [`Texts`]. Never fails: what a model does not give, the deterministic
//! text already says, and `LlmNote::fallback` tells why.

use std::fmt;

use tracing::{info, warn};

use crate::{
    diagnosis::faults::Catalogue,
    llm::{Budget, Error, Llm},
    model::{
        Lang,
        report::{Claim, LlmNote, Report},
    },
};

use super::{
    analysis::analysis,
    claims::Facts,
    embed::Kept,
    material::Retrieval,
    outline::{Records, outline},
    report::summary,
    supervisor::supervise,
};

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

impl<'a> Input<'a> {
    /// What sentences are held against.
    pub(super) const fn facts(&self) -> Facts<'a> {
        Facts {
            report: self.report,
            records: self.records,
            lang: self.lang,
        }
    }
}

/// How the vectors of the night were made, for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vectors {
    /// The external embedder; empty when none is configured.
    pub embedder: String,
    /// How far it came, or why it was not used.
    pub kept: Kept,
    /// Tokens of the texts that it was given.
    pub tokens: u64,
}

impl Default for Vectors {
    fn default() -> Self {
        Self {
            embedder: String::new(),
            kept: Kept::Whole,
            tokens: 0,
        }
    }
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
    /// The supervisor wanted to see more than it may.
    LooksUsedUp,
    /// The least important problems were shown to no model.
    LeftOut,
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
            Self::LooksUsedUp => f.write_str("looks used up"),
            Self::LeftOut => f.write_str("the least important left out"),
            Self::Budget(e) | Self::Failed(e) => write!(f, "{e}"),
        }
    }
}

/// Writes the two files of a day.
pub async fn night(input: Input<'_>, llm: &Llm, vectors: Vectors, mut budget: Budget) -> Texts {
    let mut note = LlmNote {
        model: llm.name(),
        embedder: vectors.embedder,
        embed_fallback: match &vectors.kept {
            Kept::Failed(error) => Some(error.sentence(input.lang)),
            Kept::Whole | Kept::Begun => None,
        },
        embed_begun: vectors.kept == Kept::Begun,
        embed_tokens: vectors.tokens,
        ..LlmNote::default()
    };
    if llm.is_off() {
        let note = Some(note).filter(|n| !n.embedder.is_empty());
        return texts(input, &[], note, Stop::NoModel);
    }
    let (claims, stop) = supervise(input, llm, &mut budget, &mut note).await;
    note.stop = stop.to_string();
    note.ms = u64::try_from(budget.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Stop::Failed(error) | Stop::Budget(error) = &stop {
        warn!(error = %error, model = %note.model, kept = claims.len(), "the model could not finish; the text made by rules stands");
        note.fallback = Some(error.sentence(input.lang));
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

fn texts(input: Input<'_>, extra: &[Claim], note: Option<LlmNote>, stop: Stop) -> Texts {
    let name_of = |code: &str| {
        input
            .catalogue
            .get(code)
            .map(|f| [f.name.0.clone(), f.name.1.clone()])
    };
    let outline = outline(input.report, input.records, extra, input.lang);
    let report = Report {
        llm: note.clone(),
        ..input.report.clone()
    };
    Texts {
        summary: summary(&report, &outline, &name_of, input.lang),
        analysis: analysis(&report, &outline, &name_of, input.lang),
        claims: outline.claims(),
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
            Vectors::default(),
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
                .contains("  - [模型] checkout 的调用方都连不上它，像是实例没起来"),
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
            vec![Answer::Fail(Error::OnlyTools); 9],
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
            let (texts, _) = told(vec![claim("checkout 的调用方像是都连不上它"); 20], tokens).await;
            let note = texts.note.expect("note");
            assert!(note.input_tokens + note.output_tokens <= tokens, "{tokens}");
        }
    }

    /// A report of thirty incidents, each with findings of its own.
    fn crowded() -> Report {
        let one = sample::report();
        let mut report = Report {
            findings: Vec::new(),
            incidents: Vec::new(),
            ..one.clone()
        };
        for n in 0..30 {
            let mut incident = one.incidents[n % 6].clone();
            incident.id = format!("i{}", n + 1);
            for id in &mut incident.findings {
                let known = one.findings.iter().find(|f| f.id == *id).expect("finding");
                let mut finding = known.clone();
                *id = format!("f{}", report.findings.len() + 1);
                finding.id.clone_from(id);
                report.findings.push(finding);
            }
            incident.chain.clear();
            report.incidents.push(incident);
        }
        report
    }

    #[tokio::test(start_paused = true)]
    async fn a_night_of_thirty_incidents_fits_the_most_important_first() {
        let report = crowded();
        let records = records(&report);
        let catalogue = Catalogue::builtin().expect("catalogue");
        let input = Input {
            report: &report,
            records: &records,
            retrieval: &Retrieval::Report,
            catalogue: &catalogue,
            lang: Lang::Zh,
            random: 7,
        };
        for (tokens, told_at_least) in [(200_000, 10), (12_000, 1)] {
            let script = Arc::new(Script::new(vec![
                Answer::Text("{\"claims\":[]}".to_owned());
                9
            ]));
            let llm = Llm::Scripted(script.clone());
            let texts = night(
                input,
                &llm,
                Vectors::default(),
                Budget::new(Duration::from_mins(2), tokens),
            )
            .await;
            let note = texts.note.expect("note");
            assert!(note.input_tokens + note.output_tokens <= tokens);
            let first = &script.seen()[0].user;
            let shown = (1..=30)
                .filter(|n| first.contains(&format!("## i{n} ")))
                .count();
            assert!(
                shown >= told_at_least,
                "{shown} incidents in {tokens} tokens"
            );
            assert!(first.contains("## i1 ") && !first.contains("## i30 "));
            assert!(texts.summary.contains("### 12. ") && texts.summary.contains("另有 18 个问题"));
            assert!(texts.analysis.contains("### i30 "));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_the_store_cannot_answer_ends_the_night_without_it() {
        let asks = Answer::Text(
            r#"{"claims":[],"look":{"kind":"audit","query":"谁改了 checkout"}}"#.to_owned(),
        );
        let (texts, script) = told(
            vec![
                claim("checkout 的调用方都连不上它，像是实例没起来"),
                claim("checkout 的调用方像是都连不上它"),
                asks,
            ],
            100_000,
        )
        .await;
        let note = texts.note.expect("note");
        assert_eq!(script.seen().len(), 3);
        assert_eq!(
            note.steps.last().map(String::as_str),
            Some("look.audit.report")
        );
        let ends: Vec<_> = note.agents.iter().map(|a| a.end.as_str()).collect();
        assert_eq!(ends, ["done", "done", "done", "nothing retrieved"]);
        assert_eq!((texts.stop, note.stop.as_str()), (Stop::Done, "done"));
    }
}
