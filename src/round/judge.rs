//! What is stored of a day, judged: shapes, comparison, diagnosis, report, texts.
//!
//! In: a store that holds a day's digests. Out: a [`Report`] and its two texts. Always true: nothing is downloaded here, so a report
//! can be made again from what is stored; the same digests give the same report. Does not keep what it makes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::tz::TimeZone;

use super::{Error, clock::Stopwatch, clusters, shipped};
use crate::{
    agents::{
        self, Retrieval,
        embed::Kept,
        outline::{self, Records},
    },
    diagnosis::{self, Diagnosis, Earlier, Input, changes, faults::Catalogue},
    llm::{Budget, Llm},
    mining::{self, day::Tally},
    model::{
        Day, Lang, LogKind,
        report::{BaselineNote, Coverage, Files, Price, Report, Stage, Verdict},
        shapes::{Baseline, DayCounts, DayShapes, ObjectDigest, Reading, States},
    },
    store::{self, Store},
};

/// Digests of what lies in no bucket yet.
pub(super) type Fresh = Vec<(LogKind, ObjectDigest)>;

/// Days on which the same incident is looked for.
const MEMORY_DAYS: u32 = 30;

/// How days are judged and told. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Judge {
    pub zone: TimeZone,
    /// As it is written in the report.
    pub zone_name: String,
    pub lang: Lang,
    pub catalogue: Arc<Catalogue>,
    pub llm: Llm,
    /// Makes the vectors; off: the store's own.
    pub embedder: Llm,
    /// What the model may cost in a round.
    pub model_time: Duration,
    pub model_tokens: u64,
    /// What its tokens cost, where the operator said so.
    pub model_price: Option<Price>,
}

/// What is to be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub day: Day,
    pub stage: Stage,
    /// Objects per kind that are listed but not read yet.
    pub unread: &'a BTreeMap<LogKind, u64>,
    /// What the shipping tasks say of each kind.
    pub shipping: &'a BTreeMap<LogKind, shipped::Of>,
    pub baseline_days: u32,
    /// What is judged beside what is stored.
    pub fresh: &'a [(LogKind, ObjectDigest)],
}

/// A day's stored digests added up, with what it is compared with.
#[derive(Debug)]
pub struct Evidence {
    pub shapes: DayShapes,
    pub states: States,
    pub baseline: Baseline,
    pub earlier: Vec<Earlier>,
    /// The report of the day before, when that whole day was read.
    pub before: Option<Report>,
}

/// A report with what of it is kept beside it.
#[derive(Debug)]
pub struct Judged {
    pub report: Report,
    pub counts: DayCounts,
    pub evidence: Evidence,
    pub states_after: States,
}

/// The report as it is kept, and its two texts.
#[derive(Debug)]
pub struct Texts {
    pub report: Report,
    pub summary: String,
    pub analysis: String,
}

impl Judge {
    /// Everything that diagnosis knows about a day, from what is stored and, beside it, `unshipped`.
    pub async fn evidence(
        &self,
        store: &Store,
        day: Day,
        baseline_days: u32,
        unshipped: &[(LogKind, ObjectDigest)],
    ) -> Result<Evidence, Error> {
        let range = day.range(&self.zone);
        let known = store.known_templates(day).await?;
        let mut tally: Tally = store.fold_day(day).await?;
        for (kind, digest) in unshipped {
            tally.add(*kind, digest.clone());
        }
        let values = store.values_before(day, baseline_days).await?;
        let shapes = blocking(move || {
            let mut shapes = tally.shapes(&known, &range);
            clusters::name_objects(&mut shapes);
            values.mark(&mut shapes.templates);
            shapes
        })
        .await?;
        let earlier = store.incidents_before(day, MEMORY_DAYS).await?;
        // As it was at its midnight: what the next morning showed of it is this day's own.
        let before = store.judged(day.plus(-1)).await?;
        Ok(Evidence {
            before: before.filter(|r| matches!(r.stage, Stage::Day | Stage::Complete)),
            shapes,
            states: store.states_before(day).await?,
            baseline: store.baseline(day, baseline_days).await?,
            earlier: earlier
                .into_iter()
                .map(|past| Earlier {
                    date: past.day,
                    id: past.incident.id,
                    identity: past.incident.identity,
                })
                .collect(),
        })
    }

    /// Judges what is stored of a day.
    pub(super) async fn report(
        &self,
        store: &Store,
        files: Files,
        about: About<'_>,
        clock: &Stopwatch,
    ) -> Result<Judged, Error> {
        let About {
            day,
            stage,
            unread,
            shipping,
            baseline_days,
            fresh,
        } = about;
        let mining = self.evidence(store, day, baseline_days, fresh);
        let mut evidence = clock.time("mine", mining).await?;
        for kind in LogKind::ALL {
            let reading = evidence.shapes.read.entry(kind).or_default();
            reading.unread = unread.get(&kind).copied().unwrap_or(0);
            reading.shipped = reading.objects + reading.unread > 0;
        }
        // A comparison that still grows is said to be partial; at the end of a round the days that exist are all there are.
        evidence.baseline.partial = stage != Stage::Complete;
        let (judge, owner, shipping) = (self.clone(), store.owner().clone(), shipping.clone());
        let diagnosing = blocking(move || {
            let diagnosis = judge.diagnose(&evidence, day);
            let shapes = &evidence.shapes;
            let range = day.range(&judge.zone);
            let counts =
                clusters::counts_of(shapes, |s| mining::baseline::counts_of(s, &range, 1.0));
            let states_after =
                clusters::states_after(shapes, &evidence.states, |shapes, states| {
                    changes::changes(&shapes.writes, states).states_after(states)
                });
            let Diagnosis {
                verdict,
                findings,
                incidents,
                chronic,
            } = diagnosis;
            let records: u64 = shapes.read.values().map(|r| r.counts.records).sum();
            let earlier = evidence.baseline.days.iter();
            let compared = earlier.filter(|d| d.holds_anything()).count();
            let report = Report {
                schema: 1,
                owner,
                date: day,
                timezone: judge.zone_name.clone(),
                revision: 0,
                stage,
                verdict: if records == 0 {
                    Verdict::Unknown
                } else {
                    verdict
                },
                coverage: shapes
                    .read
                    .iter()
                    .map(|(kind, r)| (*kind, coverage(r, shipping.get(kind), judge.lang)))
                    .collect(),
                baseline: BaselineNote {
                    days: u32::try_from(compared).unwrap_or(u32::MAX),
                    of: evidence.baseline.of,
                    partial: evidence.baseline.partial,
                },
                findings,
                incidents,
                chronic,
                claims: Vec::new(),
                files,
                llm: None,
                timings_ms: BTreeMap::new(),
            };
            Judged {
                report,
                counts,
                evidence,
                states_after,
            }
        });
        clock.time("diagnose", diagnosing).await
    }

    /// Diagnoses a day, each of several clusters by itself.
    pub fn diagnose(&self, evidence: &Evidence, day: Day) -> Diagnosis {
        let Some(clusters) = clusters::of(&evidence.shapes) else {
            return self.diagnose_one(evidence, day);
        };
        let parts = clusters.into_iter().map(|cluster| {
            let part = clusters::part(evidence, &cluster);
            let diagnosis = self.diagnose_one(&part, day);
            (cluster, diagnosis)
        });
        clusters::together(parts.collect(), self.lang)
    }

    fn diagnose_one(&self, evidence: &Evidence, day: Day) -> Diagnosis {
        let range = day.range(&self.zone);
        let deviations = mining::baseline::compare(&evidence.shapes, &evidence.baseline, &range);
        diagnosis::diagnose(&Input {
            range: &range,
            shapes: &evidence.shapes,
            states: &evidence.states,
            baseline: &evidence.baseline,
            deviations: &deviations,
            catalogue: &self.catalogue,
            earlier: &evidence.earlier,
            before: evidence.before.as_ref(),
            lang: self.lang,
        })
    }

    /// The two texts of a report, and its claims. The model is asked about a whole day only, and not again about a report that it
    /// has put into words before.
    pub(super) async fn texts(&self, store: &Store, mut report: Report) -> Result<Texts, Error> {
        let earlier = store
            .judged(report.date)
            .await?
            .filter(|e| says_the_same(e, &report));
        let told = earlier.as_ref().filter(|e| {
            e.llm
                .as_ref()
                .is_some_and(|l| !l.model.is_empty() && l.fallback.is_none())
        });
        if let Some(told) = told {
            report.claims.clone_from(&told.claims);
            report.llm.clone_from(&told.llm);
        }
        let asks = told.is_none() && report.stage == Stage::Complete;
        let records = records(store, &report).await?;
        // Vectors may take half of what a model may; what they leave is for the words.
        let mut embedding = Budget::new(self.model_time / 2, self.model_tokens / 2);
        let mut kept = Kept::Whole;
        let mut vectors = BTreeMap::new();
        if report.stage == Stage::Complete {
            kept = agents::embed::keep_up(store, &self.embedder, &mut embedding).await?;
            let failed = matches!(kept, Kept::Failed(_));
            if asks && !failed && !self.llm.is_off() {
                // Without them the questions are answered by words alone.
                let asked = agents::embed::questions(&report, &self.embedder, &mut embedding).await;
                vectors = asked.unwrap_or_default();
            }
        }
        let retrieval = Retrieval::Store {
            store: Box::new(store.clone()),
            zone: self.zone.clone(),
            vectors,
        };
        let input = self.input(&report, &records, &retrieval);
        let texts = if asks {
            let budget = Budget::new(
                self.model_time.saturating_sub(embedding.elapsed()),
                self.model_tokens.saturating_sub(embedding.spent_tokens),
            );
            let embedder = self.embedder.name();
            let vectors = agents::Vectors {
                embedder,
                kept,
                tokens: embedding.spent_tokens,
            };
            let mut texts = agents::night(input, &self.llm, vectors, budget).await;
            if let (Some(note), Some(price)) = (&mut texts.note, &self.model_price) {
                note.cost = Some(price.of(note.input_tokens, note.output_tokens));
            }
            texts
        } else {
            agents::render(input)
        };
        Ok(told_as(report, texts))
    }

    /// The two texts of a stored report once more: no download, no model.
    pub async fn again(&self, store: &Store, report: Report) -> Result<Texts, Error> {
        let records = records(store, &report).await?;
        let texts = agents::render(self.input(&report, &records, &Retrieval::Report));
        Ok(told_as(report, texts))
    }

    fn input<'a>(
        &'a self,
        report: &'a Report,
        records: &'a Records,
        retrieval: &'a Retrieval,
    ) -> agents::Input<'a> {
        agents::Input {
            report,
            records,
            retrieval,
            catalogue: &self.catalogue,
            lang: self.lang,
            random: getrandom::u64().unwrap_or_default(),
        }
    }
}

fn told_as(mut report: Report, texts: agents::Texts) -> Texts {
    report.claims = texts.claims;
    report.llm = texts.note;
    Texts {
        summary: texts.summary,
        analysis: texts.analysis,
        report,
    }
}

/// The lines that a report cites, as they are kept.
pub(super) async fn records(store: &Store, report: &Report) -> Result<Records, Error> {
    let ids = outline::cited(report).into_iter().collect();
    let kept = store.kept(report.date, ids).await?;
    Ok(kept.into_iter().map(|k| (k.id, k)).collect())
}

/// Whether two reports differ only in their wording.
fn says_the_same(a: &Report, b: &Report) -> bool {
    let bare = |report: &Report| Report {
        revision: 0,
        claims: Vec::new(),
        llm: None,
        files: Files::default(),
        timings_ms: BTreeMap::new(),
        ..report.clone()
    };
    bare(a) == bare(b)
}

fn coverage(reading: &Reading, shipping: Option<&shipped::Of>, lang: Lang) -> Coverage {
    let counts = &reading.counts;
    let mut coverage = Coverage {
        objects: reading.objects,
        bytes: counts.bytes,
        lines: counts.lines,
        records: counts.records,
        rejected: counts.rejected,
        duplicates: counts.duplicates,
        outside_day: counts.outside_day,
        complete: reading.problems.is_empty() && reading.unread == 0,
        shipped: reading.shipped,
        rejections: reading.rejections.clone(),
        problems: reading.problems.clone(),
        shipping: None,
    };
    if let Some(shipping) = shipping {
        shipping.tell(&mut coverage, lang);
    }
    coverage
}

/// Runs work that keeps a core busy off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

/// Keeps what later days and searches need of a whole day.
pub(super) async fn keep(
    store: &Store,
    judged: Judged,
    clock: &Stopwatch,
) -> Result<Report, Error> {
    let Judged {
        counts,
        evidence,
        states_after,
        report,
    } = judged;
    if matches!(report.stage, Stage::Day | Stage::Complete) {
        let documents = store::docs_of(&report, &evidence.shapes);
        // A day of which nothing could be read is no day that later ones are compared with.
        if report.verdict != Verdict::Unknown {
            let keeping = store.replace_day(counts, evidence.shapes.templates, states_after);
            clock.time("store", keeping).await?;
        }
        let embedding = store.replace_docs(report.date, documents);
        clock.time("embed", embedding).await?;
    }
    Ok(report)
}
