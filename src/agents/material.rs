//! What an analyst sees: retrieved findings, templates and records of one kind, in envelopes, within a number of tokens.
//!
//! In: a report, the kept records, a [`Retrieval`]. Out: text for a request. The most important incident comes first, so that a cut leaves the
//! least important out. Nothing reaches a model that retrieval did not give, except the titles of the incidents themselves.

use std::collections::{BTreeMap, HashSet};

use jiff::tz::TimeZone;
use tracing::warn;

use crate::{
    llm::{Envelope, estimate_tokens},
    model::{
        LogKind,
        report::{Finding, Incident, Report},
    },
    store::{Query, Store, What},
};

use super::{answer::Look, night::Input, outline::Records};

/// Passages asked for one incident and kind; more repeat each other.
const PASSAGES: usize = 8;
/// Records shown of one finding.
const SHOWN_RECORDS: usize = 3;

/// Where material comes from.
#[derive(Debug, Clone)]
pub enum Retrieval {
    /// What the vector table of the owner's store holds, found by words and vectors.
    Store {
        store: Box<Store>,
        zone: TimeZone,
        /// Of the questions, by incident, when an external embedder is in use.
        vectors: BTreeMap<String, Vec<f32>>,
    },
    /// The report itself, when nothing was stored yet.
    Report,
}

/// One thing found: a finding's id, or the text of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Passage {
    Finding(String),
    Template {
        id: String,
        text: String,
        count: u64,
    },
}

impl Retrieval {
    /// What bears on an incident in one kind of log, best first. A failing search gives nothing and is logged.
    pub(super) async fn about(
        &self,
        report: &Report,
        incident: &Incident,
        kind: LogKind,
    ) -> Vec<Passage> {
        let Self::Store { vectors, .. } = self else {
            let own = report
                .findings
                .iter()
                .filter(|f| f.kind == kind && incident.findings.contains(&f.id));
            return own.map(|f| Passage::Finding(f.id.clone())).collect();
        };
        let vector = vectors.get(&incident.id).cloned();
        self.find(report, kind, question(incident), vector).await
    }

    /// What answers a question in one kind of log of the report's day, best first.
    async fn find(
        &self,
        report: &Report,
        kind: LogKind,
        text: String,
        vector: Option<Vec<f32>>,
    ) -> Vec<Passage> {
        let Self::Store { store, zone, .. } = self else {
            let asked: Vec<&str> = text.split_whitespace().collect();
            let of_kind = report.findings.iter().filter(|f| f.kind == kind);
            let named = of_kind.filter(|f| asked.iter().any(|w| f.title.contains(w)));
            return named.map(|f| Passage::Finding(f.id.clone())).collect();
        };
        let query = Query {
            what: vec![What::Finding, What::Template],
            kind: Some(kind),
            days: Some((report.date, report.date)),
            vector,
            embedded: true,
            limit: PASSAGES,
            ..Query::new(text, zone.clone())
        };
        match store.search(query).await {
            Ok(found) => {
                let passage = |hit: crate::store::Hit| match hit.what {
                    What::Finding => Passage::Finding(hit.id),
                    _ => Passage::Template {
                        id: hit.id,
                        text: hit.text,
                        count: hit.count,
                    },
                };
                // The same line of several namespaces is read once.
                let mut seen = HashSet::new();
                let mut hits = found.hits;
                hits.retain(|h| seen.insert((h.what, h.id.clone())));
                hits.into_iter().map(passage).collect()
            }
            Err(error) => {
                warn!(error = %error, kind = %kind, "retrieval failed");
                Vec::new()
            }
        }
    }
}

/// What is asked of the store about an incident.
pub(super) fn question(incident: &Incident) -> String {
    format!(
        "{} {} {}",
        incident.title, incident.root.cause, incident.root.object.name
    )
}

/// What a request is about.
#[derive(Debug, Default)]
pub(super) struct Material {
    pub text: String,
    /// The first incident that there was no room for.
    pub next: Option<usize>,
}

/// What the store answers to a question, at most `most_tokens` by estimate.
pub(super) async fn of_look(
    input: Input<'_>,
    look: &Look,
    envelope: &Envelope,
    most_tokens: u64,
) -> String {
    let found = input
        .retrieval
        .find(input.report, look.kind, look.query.clone(), None)
        .await;
    let mut text = String::new();
    for block in blocks(found, input, envelope, &mut Vec::new()) {
        if estimate_tokens(&text) + estimate_tokens(&block) > most_tokens {
            break;
        }
        text = text + &block + "\n";
    }
    text
}

/// The material of one kind from an incident on, at most `most_tokens` by estimate; empty when retrieval gave nothing. One incident
/// takes no more than a third of the room, so that a talkative one does not keep the others from being seen.
pub(super) async fn of_kind(
    input: Input<'_>,
    kind: LogKind,
    from: usize,
    envelope: &Envelope,
    most_tokens: u64,
) -> Material {
    let mut text = String::new();
    let mut used = 0;
    let mut shown: Vec<String> = Vec::new();
    let incidents = input.report.incidents.iter().enumerate().skip(from);
    for (n, incident) in incidents {
        let passages = input.retrieval.about(input.report, incident, kind).await;
        if passages.is_empty() {
            continue;
        }
        let title = envelope.wrap("title", &incident.title);
        let mut told = vec![format!("## {} {title}", incident.id)];
        told.extend(blocks(passages, input, envelope, &mut shown));
        let mut own = 0;
        for (at, block) in told.iter().enumerate() {
            let tokens = estimate_tokens(block) + 1;
            let fits_itself = at < 2 || own + tokens <= most_tokens / 3;
            if used + tokens > most_tokens && at < 2 {
                return Material {
                    text,
                    next: Some(n),
                };
            }
            if !fits_itself || used + tokens > most_tokens {
                break;
            }
            own += tokens;
            used += tokens;
            text.push_str(block);
            text.push('\n');
        }
    }
    Material { text, next: None }
}

/// Passages in envelopes, each once.
fn blocks(
    passages: Vec<Passage>,
    input: Input<'_>,
    envelope: &Envelope,
    shown: &mut Vec<String>,
) -> Vec<String> {
    let Input {
        report, records, ..
    } = input;
    let mut blocks = Vec::new();
    for passage in passages {
        match passage {
            Passage::Finding(id) => {
                let known = report.findings.iter().find(|f| f.id == id);
                if let Some(finding) = known.filter(|_| !shown.contains(&id)) {
                    blocks.extend(of_finding(finding, records, envelope));
                    shown.push(id);
                }
            }
            Passage::Template { id, text, count } => {
                if !shown.contains(&id) {
                    blocks.push(envelope.wrap(&format!("template, {count} times"), &text));
                    shown.push(id);
                }
            }
        }
    }
    blocks
}

fn of_finding(f: &Finding, records: &Records, envelope: &Envelope) -> Vec<String> {
    let fields: Vec<_> = f
        .key_fields
        .iter()
        .map(|k| format!("{}={}", k.name, k.value))
        .collect();
    let usual = if f.baseline > 0.0 {
        format!(", usually {:.1}", f.baseline)
    } else {
        String::new()
    };
    let about = format!(
        "{}\nobject: {}\ncount: {}{usual}\nfirst: {}, last: {}\n{}",
        f.title,
        f.object,
        f.count,
        f.first_seen.hour_minute(),
        f.last_seen.hour_minute(),
        fields.join(" ")
    );
    let mut blocks = vec![envelope.wrap(&f.id, &about)];
    let kept = f.evidence.iter().filter_map(|e| records.get(&e.id));
    blocks.extend(
        kept.take(SHOWN_RECORDS)
            .map(|k| envelope.wrap(&k.id.to_string(), &k.text)),
    );
    blocks
}
