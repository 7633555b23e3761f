//! A thread for the engine: a queue of jobs, one at a time, and one sink for what they say.
//!
//! For each submitted job there is exactly one [`Event::Finished`], always its last event. A panic in a
//! job becomes a failure of that job; the next one runs. Cancelling is a token, not a message, since a
//! busy thread reads no queue.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{getpriority_process, setpriority_process};

use crate::context::{CancelToken, Change, Clock, Context, Level, Monitor, Problem, Progress, Why};
use crate::engine::{self, Job, JobKind, Report};
use crate::entry::EntryPath;
use crate::error::Error;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct JobId(u64);

#[derive(Debug)]
pub enum Event {
    Started {
        id: JobId,
        kind: JobKind,
    },
    /// At most ten a second.
    Progress {
        id: JobId,
        progress: Progress,
    },
    /// One file; the job goes on.
    Problem {
        id: JobId,
        problem: Problem,
    },
    Changed {
        id: JobId,
        change: Change,
        path: EntryPath,
    },
    Message {
        id: JobId,
        level: Level,
        text: String,
    },
    Finished {
        id: JobId,
        outcome: Outcome,
    },
}

#[derive(Debug)]
pub enum Outcome {
    Completed(Report),
    Cancelled(Why),
    Failed(Error),
}

/// What the worker tells, wherever it goes: a GUI's sender, a terminal, a test's list.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

#[derive(Clone, Debug)]
pub struct JobHandle {
    pub id: JobId,
    cancel: CancelToken,
}

impl JobHandle {
    pub fn cancel(&self, why: Why) {
        self.cancel.cancel(why);
    }
}

struct Queued {
    id: JobId,
    job: Job,
    ctx: Context,
    monitor: Arc<Forward>,
}

/// How a worker goes about its jobs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Tells every changed file: costs an allocation each.
    pub changes: bool,
    /// Lets whatever else wants the processor go first: people at their desk do not feel a backup.
    pub yields: bool,
    pub clock: Clock,
}

/// Between 0 and 19, the least.
const YIELDING_NICENESS: i32 = 10;

pub struct Worker {
    queue: Option<Sender<Queued>>,
    thread: Option<JoinHandle<()>>,
    sink: Sink,
    manner: Manner,
    next: u64,
}

impl Worker {
    pub fn start(manner: Manner, sink: Sink) -> std::io::Result<Self> {
        let (queue, jobs) = channel();
        let events = sink.clone();
        let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
            if manner.yields {
                yield_to_others();
            }
            serve(&jobs, &events);
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), sink, manner, next: 0 })
    }

    pub fn submit(&mut self, job: Job) -> JobHandle {
        self.submit_with(job, CancelToken::default())
    }

    /// `cancel`: may be set already.
    pub fn submit_with(&mut self, job: Job, cancel: CancelToken) -> JobHandle {
        self.next += 1;
        let id = JobId(self.next);
        let monitor = Arc::new(Forward::new(id, self.sink.clone(), self.manner.changes));
        let ctx = Context { cancel: cancel.clone(), monitor: monitor.clone(), clock: self.manner.clock };
        let refused = match &self.queue {
            Some(queue) => queue.send(Queued { id, job, ctx, monitor }).is_err(),
            None => true,
        };
        if refused {
            let outcome = Outcome::Failed(Error::Internal("the engine thread has ended".into()));
            (self.sink)(Event::Finished { id, outcome });
        }
        JobHandle { id, cancel }
    }
}

impl Drop for Worker {
    /// Waits for what was submitted.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// On Linux niceness is a thread's own, and those that it starts inherit it: all of the engine's do.
fn yield_to_others() {
    // Without it the backup is as good, only felt more; and what somebody made nicer stays so.
    if getpriority_process(None).is_ok_and(|niceness| niceness < YIELDING_NICENESS) {
        let _ = setpriority_process(None, YIELDING_NICENESS);
    }
}

fn serve(jobs: &Receiver<Queued>, sink: &Sink) {
    while let Ok(Queued { id, job, ctx, monitor }) = jobs.recv() {
        let outcome = match ctx.check() {
            Err(cancelled) => Outcome::Cancelled(cancelled.0),
            Ok(()) => {
                sink(Event::Started { id, kind: job.kind() });
                match catch_unwind(AssertUnwindSafe(|| engine::run(job, &ctx))) {
                    Ok(Ok(report)) => Outcome::Completed(report),
                    Ok(Err(Error::Cancelled(why))) => Outcome::Cancelled(why),
                    Ok(Err(error)) => Outcome::Failed(error),
                    Err(panic) => Outcome::Failed(Error::Internal(panic_text(panic.as_ref()))),
                }
            }
        };
        monitor.end();
        sink(Event::Finished { id, outcome });
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_string()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "panic".to_string()
    }
}

/// Turns what a job reports into events, progress at most ten times a second.
struct Forward {
    id: JobId,
    sink: Sink,
    changes: bool,
    last: Mutex<Option<Instant>>,
    /// Nothing more is passed on: threads that read ahead may outlive the job by a moment.
    ended: RwLock<bool>,
}

const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

impl Forward {
    fn new(id: JobId, sink: Sink, changes: bool) -> Self {
        Self { id, sink, changes, last: Mutex::new(None), ended: RwLock::new(false) }
    }

    fn pass_on(&self, event: Event) {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            (self.sink)(event);
        }
    }

    /// Returns when no event is on its way any more.
    fn end(&self) {
        *self.ended.write().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

impl Monitor for Forward {
    fn progress(&self, progress: Progress) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL) {
            return;
        }
        *last = Some(Instant::now());
        drop(last);
        self.pass_on(Event::Progress { id: self.id, progress });
    }

    fn problem(&self, problem: Problem) {
        self.pass_on(Event::Problem { id: self.id, problem });
    }

    fn changed(&self, change: Change, path: &EntryPath) {
        if self.changes {
            self.pass_on(Event::Changed { id: self.id, change, path: path.clone() });
        }
    }

    fn message(&self, level: Level, text: &dyn fmt::Display) {
        self.pass_on(Event::Message { id: self.id, level, text: text.to_string() });
    }
}
