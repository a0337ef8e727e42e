//! What CLS gave of a window, as records.
//!
//! In: pages of lines. Out: kept lines, a digest, lines offered to a search. Always true: a line is read by the very readers that read it
//! from an object, so identity and redaction are theirs; only the origin is the topic's.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::{
    intake::cls::{Found, Page},
    mining::digest::{
        self,
        lines::{self, Search, Seen},
    },
    model::{DayRange, EvidenceId, LogKind, Origin, record::Kept, shapes::ObjectDigest},
};

/// The lines of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    pub kind: LogKind,
    /// Oldest first.
    found: Vec<Found>,
    /// There are more than these.
    pub cut: Option<Cut>,
    /// Whose a topic is, where an owner has several clusters.
    clusters: Arc<BTreeMap<String, String>>,
}

/// How much of a window was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub read: u64,
    /// All lines of the window, where the service told.
    pub of: Option<u64>,
}

impl Logs {
    /// The earliest `most` lines of several pages.
    pub(super) fn new(kind: LogKind, pages: Vec<Page>, most: usize) -> Self {
        let mut cut = pages.iter().any(|page| page.cut);
        let mut found: Vec<Found> = pages.into_iter().flat_map(|page| page.found).collect();
        found.sort_by_key(|f| f.origin.cls_time());
        cut |= found.len() > most;
        found.truncate(most);
        let read = found.len() as u64;
        Self {
            kind,
            cut: cut.then_some(Cut { read, of: None }),
            found,
            clusters: Arc::default(),
        }
    }

    pub(super) fn of_clusters(self, clusters: Arc<BTreeMap<String, String>>) -> Self {
        Self { clusters, ..self }
    }

    /// Adds lines of the same window, some of which may be here.
    pub(super) fn add(&mut self, other: Self) {
        let key = |f: &Found| (f.origin.clone(), f.line.clone());
        let here: HashSet<_> = self.found.iter().map(key).collect();
        let new = other.found.into_iter().filter(|f| !here.contains(&key(f)));
        self.found.extend(new.collect::<Vec<_>>());
        self.found.sort_by_key(|f| f.origin.cls_time());
        if let Some(cut) = &mut self.cut {
            cut.read = self.found.len() as u64;
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What these lines would count of a day, each record once.
    #[must_use]
    pub fn digest(&self, day: &DayRange) -> ObjectDigest {
        self.digest_beside(day, HashSet::new())
    }

    /// The same, without the records whose identities are in `seen`.
    #[must_use]
    pub fn digest_beside(&self, day: &DayRange, mut seen: HashSet<u64>) -> ObjectDigest {
        let mut digest = digest::digest(self.kind, "", &self.bytes(), day, &mut |identity| {
            seen.insert(identity)
        });
        for kept in &mut digest.kept {
            self.place(kept);
        }
        if self.clusters.is_empty() {
            return digest;
        }
        // Every event and every write is kept, and so knows its topic.
        let of: HashMap<EvidenceId, &String> = digest
            .kept
            .iter()
            .filter_map(|k| match &k.origin {
                Origin::Cls { topic, .. } => Some((k.id, self.clusters.get(topic)?)),
                Origin::Bucket { .. } => None,
            })
            .collect();
        let events = digest.events.iter_mut().map(|e| (e.id, &mut e.cluster));
        let writes = digest.writes.iter_mut().map(|w| (w.id, &mut w.cluster));
        for (id, own) in events.chain(writes) {
            if let Some(cluster) = of.get(&id).filter(|_| own.is_empty()) {
                own.clone_from(cluster);
            }
        }
        digest
    }

    /// Every record as it may be shown, each once, oldest first.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        #[derive(Default)]
        struct All(HashSet<u64>, Vec<Kept>);
        impl Search for All {
            fn wants(&mut self, seen: &Seen<'_>) -> bool {
                self.0.insert(seen.id.hash)
            }
            fn take(&mut self, kept: Kept) {
                self.1.push(kept);
            }
        }
        let mut all = All::default();
        self.offer(&mut all);
        all.1
    }

    /// Shows every record to `search`.
    pub(in crate::round) fn offer(&self, search: &mut dyn Search) {
        struct Placed<'a>(&'a Logs, &'a mut dyn Search);
        impl Search for Placed<'_> {
            fn wants(&mut self, seen: &Seen<'_>) -> bool {
                self.1.wants(seen)
            }
            fn take(&mut self, mut kept: Kept) {
                self.0.place(&mut kept);
                self.1.take(kept);
            }
        }
        lines::lines(self.kind, "", &self.bytes(), &mut Placed(self, search));
    }

    /// The lines as an object would hold them.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.found.iter().map(|f| f.line.len() + 1).sum());
        for found in &self.found {
            bytes.extend_from_slice(found.line.as_bytes());
            bytes.push(b'\n');
        }
        bytes
    }

    /// Puts the topic in the place of a line number.
    fn place(&self, kept: &mut Kept) {
        let Origin::Bucket { line, .. } = &kept.origin else {
            return;
        };
        let index = usize::try_from(*line).ok().and_then(|n| n.checked_sub(1));
        if let Some(found) = index.and_then(|i| self.found.get(i)) {
            kept.origin = found.origin.clone();
        }
    }
}
