//! A thread that owns a database connection and runs what is sent to it, one after the other.
//!
//! In: closures over the connection. Out: their results, awaited. Blocking calls never touch the runtime's threads. A closure
//! that panics costs only its caller the answer. The thread ends when the last sender is dropped, after what was sent before.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot};

use super::Error;

/// Enough for every caller of one owner to have something waiting; more means the disk is the limit and callers should wait.
const WAITING: usize = 64;

type Job<C> = Box<dyn FnOnce(&mut C) + Send>;

#[derive(Debug)]
pub(super) struct Lane<C> {
    /// `None` only while being dropped.
    jobs: Option<mpsc::Sender<Job<C>>>,
    thread: Option<JoinHandle<()>>,
}

impl<C: Send + 'static> Lane<C> {
    pub(super) fn start(name: &str, mut connection: C) -> Result<Self, Error> {
        let (jobs, mut waiting) = mpsc::channel::<Job<C>>(WAITING);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Some(job) = waiting.blocking_recv() {
                    // The panic hook has told of it; an open transaction was rolled back while unwinding.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut connection)));
                }
            })
            .map_err(Error::io("thread"))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut C) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, result) = oneshot::channel();
        let job: Job<C> = Box::new(move |c| {
            // Nobody waits any more: the caller was cancelled, the work is done all the same.
            let _ = answer.send(work(c));
        });
        let jobs = self.jobs.as_ref().ok_or(Error::Stopped)?;
        jobs.send(job).await.map_err(|_| Error::Stopped)?;
        result.await.map_err(|_| Error::Stopped)?
    }
}

impl<C> Drop for Lane<C> {
    /// Waits for the thread, so that whoever opens the owner's data next finds it closed.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}
