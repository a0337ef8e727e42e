//! Adds the digests of a day's objects up to [`DayShapes`].
//!
//! In: digests, in any order, each once. Out: templates, events, writes and calls of the day, with the origin of each record that
//! they name. What was added is moved, not copied: writes with their bodies are much of a large day.
//!
//! # Invariants
//! - The order of the digests does not matter (`tests::any_order_gives_the_same_day`).
//! - The counts of the templates add up to the business records read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{
    mining::{
        align,
        fields::Merged,
        series,
        templates::{self, KnownTemplate},
    },
    model::{
        DayRange, EvidenceId, Level, LogKind, Origins, Service,
        record::{AuditWrite, Kept},
        shapes::{
            CallCount, CallKey, Cells, DayShapes, ObjectDigest, Reading, Sample, TemplateDay,
        },
    },
};

/// Samples that a template of a day keeps: the earliest ones, and of warnings and errors the first of every two hours, so that trouble
/// which comes back later in the day has lines of its own to show.
const SAMPLES: usize = 6;
const STRETCH_MS: i64 = 2 * 3_600_000;
/// Longest text of a sample; the whole line is in the store.
const SAMPLE_BYTES: usize = 4096;

/// Everything said so far about a day.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    shapes: HashMap<(Service, Level), BTreeMap<String, ShapeSum>>,
    events: series::Records,
    writes: BTreeMap<(i64, String, EvidenceId), AuditWrite>,
    calls: BTreeMap<CallKey, CallSum>,
    read: BTreeMap<LogKind, Reading>,
    /// Of the business log: only templates show lines.
    samples: HashMap<EvidenceId, Sample>,
    /// When a kept line of the audit log was written.
    times: HashMap<EvidenceId, i64>,
    origins: Origins,
    /// What of the kept lines a day may name; made when the first of them is asked about.
    wanted: Option<HashSet<EvidenceId>>,
}

#[derive(Debug, Clone, Default)]
struct ShapeSum {
    cells: Cells,
    span: Option<(i64, i64)>,
    /// With the beginning of the object's own; thinned out as [`Thinning`] says.
    samples: BTreeSet<(i64, EvidenceId)>,
    fields: Merged,
}

#[derive(Debug, Clone, Default)]
struct CallSum {
    cells: Cells,
    span: Option<(i64, i64)>,
    samples: Vec<EvidenceId>,
}

/// Adds `digests` up; see [`Tally`].
#[must_use]
pub fn assemble<'a>(
    digests: impl IntoIterator<Item = (LogKind, &'a ObjectDigest)>,
    known: &[KnownTemplate],
    range: &DayRange,
) -> DayShapes {
    let mut tally = Tally::default();
    for (kind, digest) in digests {
        tally.add(kind, digest.clone());
    }
    tally.shapes(known, range)
}

impl Tally {
    /// Adds what one object of `kind` contributes.
    pub fn add(&mut self, kind: LogKind, digest: ObjectDigest) {
        let reading = self.read.entry(kind).or_default();
        reading.shipped = true;
        reading.objects += 1;
        reading.counts.add(&digest.counts);
        for (reason, n) in digest.rejections {
            *reading.rejections.entry(reason).or_default() += n;
        }
        if let Some(problem) = digest.problem {
            reading.problems.push(problem);
            reading.problems.sort_by(|a, b| a.key.cmp(&b.key));
        }
        digest.kept.iter().for_each(|kept| self.keep(kept));
        for shape in digest.business {
            let Some(service) = digest.services.get(shape.service as usize) else {
                continue;
            };
            let spread = shape.level >= Level::Warn;
            let sum = self
                .shapes
                .entry((service.clone(), shape.level))
                .or_default()
                .entry(shape.text)
                .or_default();
            sum.cells.merge(&shape.cells);
            widen(&mut sum.span, shape.first_ms, shape.last_ms);
            for id in shape.samples {
                sum.samples.insert((shape.first_ms, id));
            }
            if sum.samples.len() > SAMPLES {
                let mut thinning = Thinning::new(spread);
                sum.samples.retain(|(ms, _)| thinning.keeps(*ms));
            }
            shape.fields.iter().for_each(|field| sum.fields.add(field));
        }
        self.events.extend(digest.events.into_iter().map(Box::new));
        for write in digest.writes {
            self.writes
                .insert((write.ts_ms, write.audit_id.clone(), write.id), write);
        }
        for call in digest.calls {
            let sum = self.calls.entry(call.key).or_default();
            sum.cells.merge(&call.cells);
            widen(&mut sum.span, call.first_ms, call.last_ms);
            sum.samples.extend(&call.samples);
        }
    }

    /// Whether a day may name a kept line. Asked of lines that do not come with their digests, as when both were stored apart, when all
    /// such digests were added: of a large day few lines are ever named.
    pub fn wants(&mut self, id: EvidenceId) -> bool {
        if self.wanted.is_none() {
            self.wanted = Some(self.named());
        }
        self.wanted.as_ref().is_some_and(|w| w.contains(&id))
    }

    /// Adds a kept line.
    pub fn keep(&mut self, kept: &Kept) {
        match kept.kind() {
            LogKind::Business => {
                self.samples.insert(kept.id, sample(kept));
            }
            LogKind::Audit => {
                self.times.insert(kept.id, kept.ts_ms);
            }
            LogKind::Event => {}
        }
        self.origins.insert(kept.id, &kept.origin, &kept.sha256);
    }

    /// Every record that the digests so far name.
    fn named(&self) -> HashSet<EvidenceId> {
        let shapes = self.shapes.values().flat_map(BTreeMap::values);
        shapes
            .flat_map(|sum| sum.samples.iter().map(|s| s.1))
            .chain(self.events.iter().map(|e| e.id))
            .chain(self.writes.keys().map(|k| k.2))
            .chain(self.calls.values().flat_map(|c| c.samples.iter().copied()))
            .collect()
    }

    /// The day as far as it was added. `known` are templates of earlier days.
    #[must_use]
    pub fn shapes(mut self, known: &[KnownTemplate], range: &DayRange) -> DayShapes {
        let mut templates = Vec::new();
        // Each service's shapes go once its templates are there: a large day would not fit into memory twice.
        for ((service, level), shapes) in std::mem::take(&mut self.shapes) {
            self.templates_of(&service, level, shapes, known, &mut templates);
        }
        templates
            .sort_by(|a, b| (&a.service, a.level, &a.text).cmp(&(&b.service, b.level, &b.text)));
        self.wanted = None;
        let events = series::fold(std::mem::take(&mut self.events), range);
        let calls: Vec<CallCount> = self
            .calls
            .iter()
            .map(|(key, sum)| self.call(key, sum))
            .collect();
        // In the order of ids, so that the same day is the same value.
        let named: BTreeSet<EvidenceId> = templates
            .iter()
            .flat_map(|t| t.samples.iter().map(|s| s.id))
            .chain(events.iter().flat_map(|e| e.evidence.iter().copied()))
            .chain(self.writes.keys().map(|k| k.2))
            .chain(calls.iter().flat_map(|c| c.samples.iter().copied()))
            .collect();
        DayShapes {
            templates,
            events,
            calls,
            origins: self.origins.only(named),
            writes: self.writes.into_values().collect(),
            read: self.read,
        }
    }

    fn templates_of(
        &self,
        service: &Service,
        level: Level,
        shapes: BTreeMap<String, ShapeSum>,
        known: &[KnownTemplate],
        out: &mut Vec<TemplateDay>,
    ) {
        let name = service.to_string();
        let known: Vec<&str> = known
            .iter()
            .filter(|k| k.service == name && k.level == level)
            .map(|k| k.text.as_str())
            .collect();
        let texts: Vec<&str> = shapes.keys().map(String::as_str).collect();
        let mined = templates::mine(&texts, &known);
        let mut groups: BTreeMap<String, Vec<(String, ShapeSum)>> = BTreeMap::new();
        for (template, shape) in mined.into_iter().zip(shapes) {
            groups.entry(template).or_default().push(shape);
        }
        for (text, members) in groups {
            let (mut cells, mut span, mut samples) = (Cells::default(), None, Vec::new());
            let mut fields = Merged::default();
            for (shape, sum) in members {
                cells.merge(&sum.cells);
                if let Some((first, last)) = sum.span {
                    widen(&mut span, first, last);
                }
                samples.extend(
                    sum.samples
                        .iter()
                        .filter_map(|(_, id)| self.samples.get(id)),
                );
                let count = sum.cells.total();
                align::add_fields(&text, &shape, count, &sum.fields.finish(), &mut fields);
            }
            samples.sort_unstable_by_key(|s: &&Sample| (s.ts_ms, s.id));
            samples.dedup_by_key(|s| s.id);
            let mut thinning = Thinning::new(level >= Level::Warn);
            samples.retain(|s| thinning.keeps(s.ts_ms));
            let (first_ms, last_ms) = span.unwrap_or_default();
            out.push(TemplateDay {
                id: templates::id_of(level, &text),
                text,
                service: service.clone(),
                level,
                cells,
                first_ms,
                last_ms,
                samples: samples.into_iter().cloned().collect(),
                fields: fields.finish(),
            });
        }
    }

    fn call(&self, key: &CallKey, sum: &CallSum) -> CallCount {
        let (first_ms, last_ms) = sum.span.unwrap_or_default();
        let mut samples: Vec<(i64, EvidenceId)> = sum
            .samples
            .iter()
            .filter_map(|id| Some((*self.times.get(id)?, *id)))
            .collect();
        samples.sort_unstable();
        samples.dedup();
        let mut chosen: Vec<EvidenceId> = [0, samples.len() / 2, samples.len().saturating_sub(1)]
            .into_iter()
            .filter_map(|i| samples.get(i).map(|s| s.1))
            .collect();
        chosen.dedup();
        CallCount {
            key: key.clone(),
            cells: sum.cells.clone(),
            first_ms,
            last_ms,
            samples: chosen,
        }
    }
}

/// Decides in order of time which samples stay. What goes from a part goes from the whole, so it does not matter when it is asked.
struct Thinning {
    spread: bool,
    seen: usize,
    stretch: Option<i64>,
}

impl Thinning {
    const fn new(spread: bool) -> Self {
        Self {
            spread,
            seen: 0,
            stretch: None,
        }
    }

    fn keeps(&mut self, ms: i64) -> bool {
        self.seen += 1;
        let stretch = Some(ms.div_euclid(STRETCH_MS));
        let begins = self.stretch != stretch;
        self.stretch = stretch;
        self.seen <= SAMPLES || self.spread && begins
    }
}

fn widen(span: &mut Option<(i64, i64)>, first: i64, last: i64) {
    *span = Some(span.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
}

fn sample(kept: &Kept) -> Sample {
    let shown = kept.text.floor_char_boundary(SAMPLE_BYTES);
    Sample {
        id: kept.id,
        ts_ms: kept.ts_ms,
        pod: kept.object.clone(),
        text: kept.text[..shown].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_comes_back_keeps_a_line_of_its_own() {
        let minutes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 800, 801, 1100];
        let kept = |spread: bool| {
            let mut thinning = Thinning::new(spread);
            let mut times = minutes.to_vec();
            times.retain(|minute| thinning.keeps(minute * 60_000));
            times
        };
        assert_eq!(kept(true), [0, 1, 2, 3, 4, 5, 800, 1100]);
        assert_eq!(kept(false), [0, 1, 2, 3, 4, 5]);
    }
}
