//! What whoever submits jobs may rely on: one end per job, always last, whatever happens inside.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support {
    pub(crate) mod bytes;
}

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use hindsight::context::Why;
use hindsight::destination::{Destination, Folder, Result, Staged, Stored};
use hindsight::engine::{BackupJob, Job, Keys, ListJob, Mode, Place, Prefixes, Renewal, StatusJob};
use hindsight::error::Error;
use hindsight::tree::select::Selection;
use hindsight::worker::{Event, JobHandle, JobId, Manner, Outcome, Worker};
use rustix::process::getpriority_process;
use support::bytes::bytes;

type Events = Arc<Mutex<Vec<(Instant, Event)>>>;

fn worker() -> (Worker, Events) {
    let events = Events::default();
    let kept = events.clone();
    let sink = Arc::new(move |event| kept.lock().unwrap().push((Instant::now(), event)));
    (Worker::start(Manner { changes: true, ..Manner::default() }, sink).unwrap(), events)
}

fn id_of(event: &Event) -> JobId {
    match event {
        Event::Started { id, .. }
        | Event::Progress { id, .. }
        | Event::Problem { id, .. }
        | Event::Changed { id, .. }
        | Event::Message { id, .. }
        | Event::Finished { id, .. } => *id,
    }
}

/// The outcome of a job, after a look at its events: begun at most once, first; ended exactly once, last.
fn outcome(events: &Events, id: JobId) -> String {
    let events = events.lock().unwrap();
    let own: Vec<_> = events.iter().map(|(_, event)| event).filter(|event| id_of(event) == id).collect();
    let ends = own.iter().filter(|event| matches!(event, Event::Finished { .. })).count();
    assert_eq!(ends, 1, "{own:?}");
    let started = own.iter().position(|event| matches!(event, Event::Started { .. }));
    assert!(started.is_none_or(|index| index == 0), "{own:?}");
    let Some(Event::Finished { outcome, .. }) = own.last() else { panic!("{own:?}") };
    match outcome {
        Outcome::Completed(_) => "completed".into(),
        Outcome::Cancelled(why) => format!("cancelled {why:?}, started: {}", started.is_some()),
        Outcome::Failed(Error::Internal(text)) => format!("internal: {text}"),
        Outcome::Failed(error) => format!("failed: {error}"),
    }
}

/// A place at which a listing waits, or panics.
struct Trap {
    folder: Folder,
    open: Mutex<Receiver<()>>,
    panics: bool,
}

impl Destination for Trap {
    fn create(&self) -> Result<()> {
        self.folder.create()
    }

    fn list(&self) -> Result<Vec<Stored>> {
        assert!(!self.panics, "the place panics");
        let _ = self.open.lock().unwrap().recv();
        self.folder.list()
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>> {
        self.folder.open(name)
    }

    fn stage(&self) -> Result<Box<dyn Staged>> {
        self.folder.stage()
    }

    fn adopt(&self, parked: &str, name: &str) -> Result<()> {
        self.folder.adopt(parked, name)
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.folder.delete(name)
    }

    fn describe(&self) -> String {
        self.folder.describe()
    }
}

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["place", "source"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn place(&self) -> Place {
        let place = self.folder.path().join("place");
        Place {
            destination: Arc::new(Folder::new(&place)),
            passphrase: None,
            keys: Keys::default(),
            cache: self.folder.path().join("cache"),
            address: OsString::from(place),
            prefixes: Prefixes::default(),
        }
    }

    fn status(&self) -> Job {
        Job::Status(StatusJob { place: self.place() })
    }

    /// Ends after a word, or the end, of the sender.
    fn waiting(&self) -> (Job, Sender<()>) {
        let (sender, open) = channel();
        (self.trapped(open, false), sender)
    }

    fn trapped(&self, open: Receiver<()>, panics: bool) -> Job {
        let folder = Folder::new(self.folder.path().join("place"));
        let destination = Arc::new(Trap { folder, open: Mutex::new(open), panics });
        Job::Status(StatusJob { place: Place { destination, ..self.place() } })
    }

    fn backup(&self) -> Job {
        Job::Backup(BackupJob {
            place: self.place(),
            place_id: None,
            source: self.folder.path().join("source"),
            selection: Arc::new(Selection::everything()),
            mode: Mode::Auto,
            encrypt: false,
            volume_size: Some(1 << 20),
            allow_source_mismatch: false,
            count_first: true,
            skip_unchanged: false,
            guard: Vec::new(),
            renewal: Renewal::default(),
            dry_run: false,
            statistics: false,
        })
    }
}

#[test]
fn jobs_run_one_after_the_other_and_each_ends_once() {
    let scene = Scene::new();
    let (mut worker, events) = worker();
    let ids: Vec<_> = (0..5).map(|_| worker.submit(scene.status()).id).collect();
    drop(worker);
    assert!(ids.iter().all(|id| outcome(&events, *id) == "completed"));
    let order: Vec<_> = events.lock().unwrap().iter().map(|(_, event)| id_of(event)).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn a_job_that_was_cancelled_before_its_turn_never_starts() {
    let scene = Scene::new();
    let (mut worker, events) = worker();
    let (first, open) = scene.waiting();
    let first = worker.submit(first);
    let second = worker.submit(scene.status());
    second.cancel(Why::OnBattery);
    second.cancel(Why::User);
    drop(open);
    drop(worker);
    assert_eq!(outcome(&events, first.id), "completed");
    assert_eq!(outcome(&events, second.id), "cancelled OnBattery, started: false");
}

#[test]
fn a_running_job_that_is_cancelled_says_why() {
    let scene = Scene::new();
    fs::write(scene.folder.path().join("source/file"), b"content").unwrap();
    let (mut worker, events) = worker();
    worker.submit(scene.backup());
    // It cancels itself from within, at the first of two entries.
    let own: Arc<OnceLock<JobHandle>> = Arc::default();
    let handle = own.clone();
    let each = Arc::new(move |_: &_, _: &_| handle.wait().cancel(Why::Quitting));
    let list = worker.submit(Job::List(ListJob { place: scene.place(), time: None, each }));
    own.set(list.clone()).unwrap();
    drop(worker);
    assert_eq!(outcome(&events, list.id), "cancelled Quitting, started: true");
}

#[test]
fn a_panic_is_the_failure_of_its_job_and_the_next_one_runs() {
    let scene = Scene::new();
    fs::write(scene.folder.path().join("source/file"), b"content").unwrap();
    let (mut worker, events) = worker();
    let backup = worker.submit(scene.backup());
    let broken = worker.submit(scene.trapped(channel().1, true));
    let each = Arc::new(|_: &_, _: &_| panic!("the list panics"));
    let list = worker.submit(Job::List(ListJob { place: scene.place(), time: None, each }));
    let last = worker.submit(scene.backup());
    drop(worker);
    assert_eq!(outcome(&events, backup.id), "completed");
    assert_eq!(outcome(&events, broken.id), "internal: the place panics");
    assert_eq!(outcome(&events, list.id), "internal: the list panics");
    assert_eq!(outcome(&events, last.id), "completed");
}

#[test]
fn progress_comes_at_most_ten_times_a_second() {
    let scene = Scene::new();
    for name in 0..3_000 {
        fs::write(scene.folder.path().join(format!("source/{name}")), bytes(name, 2_000)).unwrap();
    }
    let (mut worker, events) = worker();
    let backup = worker.submit(scene.backup());
    drop(worker);
    assert_eq!(outcome(&events, backup.id), "completed");
    let events = events.lock().unwrap();
    let is_progress = |event: &Event| matches!(event, Event::Progress { .. });
    let progress: Vec<_> = events.iter().filter(|(_, event)| is_progress(event)).map(|(at, _)| *at).collect();
    assert!(!progress.is_empty());
    let allowed = events[events.len() - 1].0.duration_since(events[0].0).as_millis() / 100 + 1;
    assert!(progress.len() as u128 <= allowed, "{} in {allowed} tenths of a second", progress.len());
    let close = Duration::from_millis(80);
    assert!(progress.windows(2).all(|pair| pair[1].duration_since(pair[0]) > close));
}

#[test]
fn whatever_works_for_a_worker_that_yields_lets_others_go_first() {
    let scene = Scene::new();
    for name in 0..3_000 {
        fs::write(scene.folder.path().join(format!("source/{name}")), bytes(name, 2_000)).unwrap();
    }
    let told: Arc<Mutex<Vec<i32>>> = Arc::default();
    let kept = told.clone();
    // Events come from the threads that do what they tell of.
    let sink = Arc::new(move |_| kept.lock().unwrap().push(getpriority_process(None).unwrap()));
    let before = getpriority_process(None).unwrap();
    let mut worker =
        Worker::start(Manner { changes: true, yields: true, ..Manner::default() }, sink).unwrap();
    worker.submit(scene.backup());
    drop(worker);
    let told = told.lock().unwrap();
    assert!(told.len() > 3_000 && told.iter().all(|niceness| *niceness >= 10), "{told:?}");
    assert_eq!(getpriority_process(None).unwrap(), before, "nobody else is nicer for it");
}
