//! Objects of a bucket, fetched ahead of whoever works on them.
//!
//! In: found objects. Out: each with its bytes, in the same order. Always true: few enough are on their way or waiting that even the
//! largest together stay within [`WAITING_BYTES`], but two at least; they arrive while the receiver is busy with another one, since each
//! is a task of its own. What cannot be fetched is passed on as such.

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};

use super::{
    Error,
    clock::Stopwatch,
    source::{Found, Source},
    tasks::Work,
};
use crate::intake::bucket;

/// Bytes that wait in memory, compressed, while others are parsed. With 30 ms to the bucket and connections of 12 MB/s eight objects of
/// a megabyte keep two cores busy; of small ones more are needed, of one of 25 MB (256 MB raw) two are enough.
const WAITING_BYTES: u64 = 12_000_000;
/// More are never on their way at once: the connections are shared with others.
const MOST_AHEAD: u64 = 12;

/// An object and its bytes.
pub(super) type Fetched = (Found, Result<Bytes, bucket::Error>);

/// Fetches `objects`; work that gives way to somebody who waits begins no further one. [`Error::Stopped`] once it is cancelled.
pub(super) fn fetch(
    source: &Source,
    work: &Work,
    clock: &Stopwatch,
    objects: Vec<Found>,
) -> impl Stream<Item = Result<Fetched, Error>> + use<> {
    let (source, work, clock) = (source.clone(), work.clone(), clock.clone());
    let ahead = ahead(objects.iter().map(|found| found.size));
    stream::iter(objects)
        .map(move |found| {
            let (source, work, clock) = (source.clone(), work.clone(), clock.clone());
            let fetching = tokio::spawn(async move {
                work.give_way().await;
                if work.cancelled.is_cancelled() {
                    return Err(Error::Stopped);
                }
                let bytes = clock.time("download", source.read(&found)).await;
                Ok((found, bytes))
            });
            async move { fetching.await? }
        })
        .buffered(ahead)
}

/// How many of objects of these sizes are fetched at once.
fn ahead(sizes: impl Iterator<Item = u64>) -> usize {
    let largest = sizes.max().unwrap_or_default().max(1);
    let ahead = (WAITING_BYTES / largest).clamp(2, MOST_AHEAD);
    usize::try_from(ahead).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_objects_are_fetched_many_at_a_time_and_large_ones_two() {
        let of = |sizes: &[u64]| ahead(sizes.iter().copied());
        assert_eq!(of(&[]), 12);
        assert_eq!(of(&[40_000, 60_000]), 12);
        assert_eq!(of(&[40_000, 1_400_000]), 8);
        assert_eq!(of(&[25_000_000, 40_000]), 2);
    }
}
