//! Where one owner's logs lie, and which objects of it hold a day.
//!
//! In: prefixes per kind, a day. Out: [`Found`] objects with the key that evidence names them by, and their bytes. Always true:
//! only the configured prefixes are ever listed. Does not know what stands in an object.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt as _, stream};

use crate::{
    intake::{
        bucket::{self, Bucket, Listed},
        layout::{Partition, Search},
    },
    model::{DayRange, LogKind},
};

/// Directories of a day that are listed at a time: a day has some thirty, and each costs a journey to the bucket.
const AT_ONCE: usize = 8;

/// One prefix of one kind.
#[derive(Debug, Clone)]
pub struct Place {
    pub bucket: Bucket,
    pub prefix: String,
    pub partition: Partition,
    /// Whose records lie here, where an owner has several clusters.
    pub cluster: Option<String>,
    /// Put before keys, so that objects of several buckets have different names; empty for the owner's own bucket.
    pub label: String,
}

impl Place {
    /// The partition, without what is shipped later than `late_ms`.
    fn within(&self, late_ms: i64) -> Partition {
        Partition {
            spill_ms: self.partition.spill_ms.min(late_ms),
            ..self.partition.clone()
        }
    }
}

/// Where the logs of an owner lie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Source {
    places: Arc<BTreeMap<LogKind, Vec<Place>>>,
}

/// An object that may hold lines of a day.
#[derive(Debug, Clone)]
pub struct Found {
    pub kind: LogKind,
    /// As evidence and the manifest name it.
    pub key: String,
    pub size: u64,
    pub etag: String,
    place: usize,
    listed: Listed,
}

impl Source {
    pub fn new(places: BTreeMap<LogKind, Vec<Place>>) -> Self {
        Self {
            places: Arc::new(places),
        }
    }

    /// Every place that is looked at, as `cos://bucket/prefix`, each once.
    pub fn looked_at(&self) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for place in self.places.values().flatten() {
            let bucket = place.bucket.name().trim_end_matches('/');
            let place = format!("{bucket}/{}", place.prefix.trim_start_matches('/'));
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Objects of a kind that may hold lines of `window`, a day or a part of one, sorted by key.
    pub async fn list(
        &self,
        kind: LogKind,
        window: &DayRange,
    ) -> Result<Vec<Found>, bucket::Error> {
        self.list_until(kind, window, i64::MAX).await
    }

    /// The same, without objects that were shipped more than `late_ms` after the end of the window.
    pub async fn list_until(
        &self,
        kind: LogKind,
        window: &DayRange,
        late_ms: i64,
    ) -> Result<Vec<Found>, bucket::Error> {
        let mut found = Vec::new();
        for (place, at) in self.places.get(&kind).into_iter().flatten().enumerate() {
            let partition = at.within(late_ms);
            let search = Search::new(&at.prefix, &partition, window);
            let bucket = &at.bucket;
            let listings = search.prefixes.clone().into_iter().map(|prefix| {
                let bucket = bucket.clone();
                async move { bucket.list(&prefix).await }
            });
            let mut listings = stream::iter(listings).buffered(AT_ONCE);
            while let Some(listing) = listings.next().await {
                for listed in listing? {
                    if !search.may_hold(&listed.key, listed.modified_ms) {
                        continue;
                    }
                    found.push(Found {
                        kind,
                        key: format!("{}{}", at.label, listed.key),
                        size: listed.size,
                        etag: listed.etag.clone(),
                        place,
                        listed,
                    });
                }
            }
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found.dedup_by(|a, b| a.key == b.key);
        Ok(found)
    }

    /// Of objects of a kind, those that may hold lines of the windows and were shipped at most `late_ms` after them; and the others.
    pub fn split(
        &self,
        kind: LogKind,
        found: Vec<Found>,
        windows: &[DayRange],
        late_ms: i64,
    ) -> (Vec<Found>, Vec<Found>) {
        let places = self.places.get(&kind).map_or(&[][..], Vec::as_slice);
        let searches: Vec<Vec<Search>> = places
            .iter()
            .map(|at| {
                let partition = at.within(late_ms);
                let search = |window| Search::new(&at.prefix, &partition, window);
                windows.iter().map(search).collect()
            })
            .collect();
        found.into_iter().partition(|f| {
            let key = &f.listed.key;
            searches.get(f.place).into_iter().flatten().any(|search| {
                let listed = search.prefixes.iter().any(|p| key.starts_with(p));
                listed && search.may_hold(key, f.listed.modified_ms)
            })
        })
    }

    /// Whose records an object holds, where its place tells.
    pub fn cluster(&self, found: &Found) -> Option<&str> {
        let places = self.places.get(&found.kind)?;
        places.get(found.place)?.cluster.as_deref()
    }

    /// The bytes of an object, as they were when it was listed.
    pub async fn read(&self, found: &Found) -> Result<Bytes, bucket::Error> {
        let place = self
            .places
            .get(&found.kind)
            .and_then(|places| places.get(found.place));
        match place {
            Some(place) => place.bucket.read(&found.listed).await,
            // `Found` is only made by `list`, from the same places.
            None => Ok(Bytes::new()),
        }
    }
}
