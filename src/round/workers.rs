//! Readers of objects, handed from one object to the next.
//!
//! In: a worker that has done its work. Out: one for the next object. Always true: there are as many as were at work at once; they are
//! gone when the day is added up, and with them what they remembered of its lines.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::mining::digest::Worker;

/// The workers that are free. Cheap to clone; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Workers(Arc<Mutex<Vec<Worker>>>);

impl Workers {
    /// Lets a free worker do `work`, or a new one where all are busy.
    pub(super) fn let_one<T>(&self, work: impl FnOnce(&mut Worker) -> T) -> T {
        let mut worker = self.free().pop().unwrap_or_default();
        let done = work(&mut worker);
        self.free().push(worker);
        done
    }

    /// Sends the free ones away: adding a day up needs the memory.
    pub(super) fn dismiss(&self) {
        self.free().clear();
    }

    fn free(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
