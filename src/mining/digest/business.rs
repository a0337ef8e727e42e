//! Counts business lines by service and shape.
//!
//! A line whose shape was seen before costs one mask, one hash and one look-up; nothing is allocated for it.

use std::{collections::HashMap, sync::Arc};

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    intake::{
        business::{BusinessRecord, Source},
        clean,
    },
    mining::{
        fields::{self, Tracker},
        mask::Masked,
        shape,
    },
    model::{
        DayRange, EvidenceId, Level, LogKind, Service,
        record::Kept,
        shapes::{Cells, FieldRole, ShapeCount},
        workload_name,
    },
};

use super::{
    blueprint::{Blueprint, Blueprints},
    keep::Place,
};

/// Lines kept of each harmless shape and object: a shape of every hour is shown a hundred times a day all the same.
const KEPT_SAMPLES: usize = 1;
/// Lines kept of each failing shape and object. A storm repeats itself; its count is exact anyway.
const KEPT_FAILURES: usize = 60;
/// Bytes of lines that are kept of an object for harmless shapes, and for all: prose has a shape for every line.
const KEPT_BYTES: [usize; 2] = [8 << 20, 24 << 20];
/// Earliest records that a shape names.
const SAMPLES: usize = 4;
/// Lines of a harmless shape and object whose values are followed; failures are followed to the end.
const FOLLOWED: u32 = 64;

#[derive(Debug)]
pub(super) struct Shapes<'b> {
    blueprints: &'b mut Blueprints,
    services: Vec<Service>,
    /// Services of sources that the reader remembers too, by where these lie; they are held so that nothing else comes to lie there.
    met: HashMap<usize, (Arc<Source>, u32), FxBuildHasher>,
    /// By the hash of the tags; the tags themselves decide.
    sources: HashMap<u64, Vec<(SourceKey, u32)>, FxBuildHasher>,
    index: HashMap<u64, Vec<u32>, FxBuildHasher>,
    found: Vec<Shape>,
    masked: Masked,
    tags: String,
    kept_bytes: usize,
}

type SourceKey = Box<str>;

#[derive(Debug)]
struct Shape {
    service: u32,
    cells: Cells,
    first_ms: i64,
    last_ms: i64,
    n: u32,
    kept: Vec<(i64, EvidenceId)>,
    /// Begins with the fields of the blueprint.
    fields: Vec<Tracker>,
    blueprint: Arc<Blueprint>,
}

impl<'b> Shapes<'b> {
    pub(super) fn new(blueprints: &'b mut Blueprints) -> Self {
        Self {
            blueprints,
            services: Vec::new(),
            met: HashMap::default(),
            sources: HashMap::default(),
            index: HashMap::default(),
            found: Vec::new(),
            masked: Masked::default(),
            tags: String::new(),
            kept_bytes: 0,
        }
    }

    pub(super) fn add(
        &mut self,
        record: &BusinessRecord<'_>,
        place: &Place<'_>,
        range: &DayRange,
        kept: &mut Vec<Kept>,
    ) {
        let service = self.service(&record.source);
        let text = shape::text_of(record);
        crate::mining::mask::mask(&text.text, &mut self.masked);
        let index = self.shape(service, record, text.exception.is_some());
        let shape = &mut self.found[index];
        shape.n += 1;
        shape.cells.add(range.cell(record.ts_ms), 1);
        shape.first_ms = shape.first_ms.min(record.ts_ms);
        shape.last_ms = shape.last_ms.max(record.ts_ms);
        let failure = shape.blueprint.level >= Level::Warn;
        if failure || shape.n <= FOLLOWED {
            for (var, tracker) in self.masked.vars.iter().zip(&shape.blueprint.places) {
                shape.fields[*tracker].add(&text.text[var.range.clone()]);
            }
            shape.follow("pod", &record.source.pod, || FieldRole::Pod);
            shape.follow("node", &record.source.node, || FieldRole::Node);
            if let Some(exception) = &text.exception {
                shape.follow("exception", exception, || FieldRole::Exception);
            }
            for (name, value) in record.fields.iter() {
                shape.follow(name, &value, || {
                    fields::role_of_name(name).unwrap_or(FieldRole::Other)
                });
            }
        }
        let most = if failure { KEPT_FAILURES } else { KEPT_SAMPLES };
        if shape.kept.len() < most && self.kept_bytes < KEPT_BYTES[usize::from(failure)] {
            self.kept_bytes += place.raw.len();
            let id = super::evidence_id(LogKind::Business, record.identity);
            shape.kept.push((record.ts_ms, id));
            kept.push(place.keep(
                id,
                record.ts_ms,
                &record.source.namespace,
                &record.source.pod,
                &readable(record, &text.text),
            ));
        }
    }

    /// The service of a source, by its number.
    fn service(&mut self, source: &Arc<Source>) -> u32 {
        let at = Arc::as_ptr(source).addr();
        if let Some((_, number)) = self.met.get(&at) {
            return *number;
        }
        let number = self.service_by_tags(source);
        if Arc::strong_count(source) > 1 {
            self.met.insert(at, (source.clone(), number));
        }
        number
    }

    fn service_by_tags(&mut self, source: &Source) -> u32 {
        self.tags.clear();
        for tag in [
            &source.cluster,
            &source.namespace,
            &source.pod,
            &source.container,
        ] {
            self.tags.push_str(tag);
            self.tags.push('\0');
        }
        let known = self
            .sources
            .entry(xxh3_64(self.tags.as_bytes()))
            .or_default();
        if let Some((_, number)) = known.iter().find(|(tags, _)| **tags == *self.tags) {
            return *number;
        }
        let name = if source.pod.is_empty() {
            &source.container
        } else {
            workload_name(&source.pod)
        };
        let service = Service {
            cluster: source.cluster.clone(),
            namespace: source.namespace.clone(),
            name: name.to_owned(),
            container: source.container.clone(),
        };
        let number = self
            .services
            .iter()
            .position(|s| *s == service)
            .unwrap_or_else(|| {
                self.services.push(service);
                self.services.len() - 1
            });
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        known.push((self.tags.as_str().into(), number));
        number
    }

    /// The shape of the masked text, by its number.
    fn shape(&mut self, service: u32, record: &BusinessRecord<'_>, exception: bool) -> usize {
        let claimed = record.level.map_or(0, |l| 1 + l as u64);
        let hash = xxh3_64(self.masked.text.as_bytes())
            ^ (u64::from(service) << 8 | claimed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let same = self.index.entry(hash).or_default();
        let found = same.iter().copied().find(|i| {
            let shape = &self.found[*i as usize];
            shape.service == service
                && shape.blueprint.claimed == record.level
                && *shape.blueprint.text == *self.masked.text
        });
        if let Some(found) = found {
            return found as usize;
        }
        let blueprint = self.blueprints.of(&self.masked, record.level, exception);
        let shape = Shape::new(service, blueprint, record.ts_ms);
        same.push(u32::try_from(self.found.len()).unwrap_or(u32::MAX));
        self.found.push(shape);
        self.found.len() - 1
    }

    /// Services, and shapes in the order of service and text.
    pub(super) fn finish(self) -> (Vec<Service>, Vec<ShapeCount>) {
        let mut counts: Vec<ShapeCount> = self.found.into_iter().map(Shape::finish).collect();
        counts.sort_by(|a, b| (a.service, &a.text, a.level).cmp(&(b.service, &b.text, b.level)));
        (self.services, counts)
    }
}

impl Shape {
    fn new(service: u32, blueprint: Arc<Blueprint>, ts_ms: i64) -> Self {
        let followed = blueprint.fields.iter();
        Self {
            service,
            cells: Cells::default(),
            first_ms: ts_ms,
            last_ms: ts_ms,
            n: 0,
            kept: Vec::new(),
            fields: followed
                .map(|(name, role)| Tracker::new(&**name, *role))
                .collect(),
            blueprint,
        }
    }

    /// `role` is found out once for all lines.
    fn follow(&mut self, name: &str, value: &str, role: impl Fn() -> FieldRole) {
        let place = self
            .fields
            .iter()
            .position(|f| f.name == name)
            .unwrap_or_else(|| {
                self.fields.push(Tracker::new(name, role()));
                self.fields.len() - 1
            });
        self.fields[place].add(value);
    }

    fn finish(mut self) -> ShapeCount {
        self.kept.sort_unstable();
        ShapeCount {
            service: self.service,
            text: shown(&self.blueprint.text),
            level: self.blueprint.level,
            cells: self.cells,
            first_ms: self.first_ms,
            last_ms: self.last_ms,
            samples: self.kept.iter().take(SAMPLES).map(|k| k.1).collect(),
            fields: self
                .fields
                .into_iter()
                .filter_map(|field| field.finish(self.blueprint.level))
                .collect(),
        }
    }
}

/// A template is shown on one line, without characters that act unseen.
fn shown(text: &str) -> String {
    if text.contains(['\n', '\t']) {
        clean::one_line(text)
    } else {
        clean::shown(text).into_owned()
    }
}

/// What a person reads: the message, with the error field of a structured line; traces stay whole.
fn readable(record: &BusinessRecord<'_>, text: &str) -> String {
    if record.text.contains('\n') || text.len() < record.text.len() {
        record.text.to_string()
    } else {
        text.to_owned()
    }
}
