//! Objects of a bucket, fetched ahead of whoever works on them.
//!
//! In: found objects. Out: each with its bytes, in the same order. Always true: at most [`AHEAD`] are on their way or waiting; they
//! arrive while the receiver is busy with another one, since each is a task of its own. What cannot be fetched is passed on as such.

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};

use super::{
    Error,
    clock::Stopwatch,
    source::{Found, Source},
    tasks::Work,
};
use crate::intake::bucket;

/// Objects that are fetched while one is parsed. With 30 ms to the bucket and objects of a megabyte this keeps two cores busy over
/// connections of 12 MB/s; each waits in memory compressed, 256 MB raw are about 25 MB.
const AHEAD: usize = 4;

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
        .buffered(AHEAD)
}
