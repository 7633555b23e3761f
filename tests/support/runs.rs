//! Runs of the engine in this process, and what they said.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hindsight::context::{Change, Clock, Context, Level, Monitor, Problem, ProblemKind};
use hindsight::destination::{Destination, Folder};
use hindsight::engine::{
    self, BackupJob, BackupReport, Job, Keys, ListJob, Mode, Ownership, Place, Prefixes, Renewal, Report,
    RestoreJob, StatusJob,
};
use hindsight::entry::{Attributes, EntryPath};
use hindsight::error::Error;
use hindsight::secret::Passphrase;
use hindsight::tree::select::Selection;
use tempfile::TempDir;

use super::faulty::{Fault, Faulty};

/// A source folder, a place, and a cache, gone with this value.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) source: PathBuf,
    pub(crate) passphrase: Option<Passphrase>,
    pub(crate) older_passphrases: Vec<Passphrase>,
    pub(crate) volume_size: u64,
    pub(crate) skip_unchanged: bool,
}

/// What a run reported.
#[derive(Default)]
pub(crate) struct Heard {
    problems: Mutex<Vec<Problem>>,
    messages: Mutex<Vec<String>>,
    at_change: Option<Box<AtChange>>,
}

type AtChange = dyn Fn(Change, &Path) + Send + Sync;

impl Heard {
    pub(crate) fn kinds(&self) -> Vec<ProblemKind> {
        self.problems.lock().unwrap().iter().map(|problem| problem.kind).collect()
    }

    pub(crate) fn said(&self, part: &str) -> bool {
        self.messages.lock().unwrap().iter().any(|message| message.contains(part))
    }
}

impl Monitor for Heard {
    fn problem(&self, problem: Problem) {
        self.problems.lock().unwrap().push(problem);
    }

    fn changed(&self, change: Change, path: &EntryPath) {
        if let Some(act) = &self.at_change {
            act(change, &path.below(Path::new("")));
        }
    }

    fn message(&self, _: Level, text: &dyn Display) {
        self.messages.lock().unwrap().push(text.to_string());
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir(&source).unwrap();
        Self {
            folder,
            source,
            passphrase: None,
            older_passphrases: Vec::new(),
            volume_size: 100_000,
            skip_unchanged: false,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another place and cache for the same source, with the files that this one has now.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["place", "cache"].into_iter().filter(|name| self.path(name).exists()) {
            copy_files(&self.path(name), &folder.path().join(name));
        }
        let (source, passphrase) = (self.source.clone(), self.passphrase.clone());
        Self {
            folder,
            source,
            passphrase,
            older_passphrases: self.older_passphrases.clone(),
            volume_size: self.volume_size,
            skip_unchanged: self.skip_unchanged,
        }
    }

    /// Place and cache as they were when `kept` was copied from here.
    pub(crate) fn put_back(&self, kept: &Self) {
        for name in ["place", "cache"] {
            fs::remove_dir_all(self.path(name)).unwrap();
            copy_files(&kept.path(name), &self.path(name));
        }
    }

    pub(crate) fn place(&self, destination: Arc<dyn Destination>, cache: &str) -> Place {
        Place {
            destination,
            passphrase: self.passphrase.clone(),
            keys: Keys { older_passphrases: self.older_passphrases.clone(), ..Keys::default() },
            cache: self.path(cache),
            address: OsString::from(self.path("place")),
            prefixes: Prefixes::default(),
        }
    }

    /// As a reader on another computer finds it.
    pub(crate) fn reader(&self) -> Place {
        self.reader_with("reader")
    }

    /// With the cache of this name.
    pub(crate) fn reader_with(&self, cache: &str) -> Place {
        self.place(Arc::new(Folder::new(self.path("place"))), cache)
    }

    pub(crate) fn try_backup(
        &self,
        destination: Arc<dyn Destination>,
        time: i64,
    ) -> (Result<BackupReport, Error>, Arc<Heard>) {
        self.run_backup(destination, Mode::Auto, time, Heard::default())
    }

    fn run_backup(
        &self,
        destination: Arc<dyn Destination>,
        mode: Mode,
        time: i64,
        heard: Heard,
    ) -> (Result<BackupReport, Error>, Arc<Heard>) {
        let heard = Arc::new(heard);
        let job = BackupJob {
            place: self.place(destination, "cache"),
            place_id: None,
            source: self.source.clone(),
            selection: Arc::new(Selection::everything()),
            mode,
            encrypt: self.passphrase.is_some(),
            volume_size: Some(self.volume_size),
            allow_source_mismatch: false,
            count_first: false,
            skip_unchanged: self.skip_unchanged,
            guard: Vec::new(),
            renewal: Renewal::default(),
            dry_run: false,
            statistics: false,
        };
        let ctx = Context { clock: Clock::Fixed(time), monitor: heard.clone(), ..Context::silent() };
        let report = engine::run(Job::Backup(job), &ctx).map(|report| match report {
            Report::Backup(report) => report,
            other => panic!("{other:?}"),
        });
        (report, heard)
    }

    pub(crate) fn backup(&self, time: i64) -> (BackupReport, Arc<Heard>) {
        let (report, heard) = self.try_backup(Arc::new(Folder::new(self.path("place"))), time);
        (report.unwrap(), heard)
    }

    pub(crate) fn full_backup(&self, time: i64) -> BackupReport {
        let place = Arc::new(Folder::new(self.path("place")));
        self.run_backup(place, Mode::Full, time, Heard::default()).0.unwrap()
    }

    /// `act` is called in the middle of the run, when the engine is done with a path.
    pub(crate) fn backup_hearing(
        &self,
        time: i64,
        act: impl Fn(Change, &Path) + Send + Sync + 'static,
    ) -> (BackupReport, Arc<Heard>) {
        let heard = Heard { at_change: Some(Box::new(act)), ..Heard::default() };
        let (report, heard) =
            self.run_backup(Arc::new(Folder::new(self.path("place"))), Mode::Auto, time, heard);
        (report.unwrap(), heard)
    }

    /// A run that meets a fault; killed by it, it leaves the cache that lay on the disk at that moment, not
    /// what its end made of it. `None` when the fault was not reached.
    pub(crate) fn backup_with(&self, fault: Fault, time: i64) -> Option<Result<BackupReport, Error>> {
        let (cache, kept) = (self.path("cache"), self.path("cache-at-death"));
        let at_death = (cache.clone(), kept.clone());
        let place = Faulty::new(Arc::new(Folder::new(self.path("place"))));
        let place = place.at_fault(move || copy_files(&at_death.0, &at_death.1));
        place.plan(fault);
        let (report, _) = self.try_backup(Arc::new(place.clone()), time);
        if fault.forever && place.reached() {
            fs::remove_dir_all(&cache).unwrap();
            fs::rename(kept, cache).unwrap();
        }
        place.reached().then_some(report)
    }

    /// Dates that a reader can choose from, oldest first.
    pub(crate) fn dates(&self) -> Vec<i64> {
        if !self.path("place").exists() {
            return Vec::new();
        }
        let report = engine::run(Job::Status(StatusJob { place: self.reader() }), &Context::silent());
        let Ok(Report::Status(status)) = report else { panic!("{report:?}") };
        assert!(status.orphaned.is_empty());
        status.chains.iter().flat_map(|chain| &chain.sets).map(|set| set.time).collect()
    }

    /// What a date claims to hold.
    pub(crate) fn listing(&self, time: i64) -> BTreeMap<PathBuf, Attributes> {
        let listed = Arc::new(Mutex::new(BTreeMap::new()));
        let all = listed.clone();
        let each = move |path: &EntryPath, attributes: &Attributes| {
            all.lock().unwrap().insert(path.below(Path::new("")), attributes.clone());
        };
        let job = ListJob { place: self.reader(), time: Some(time), each: Arc::new(each) };
        engine::run(Job::List(job), &Context::silent()).unwrap();
        let listed = listed.lock().unwrap();
        listed.clone()
    }

    /// Brings a date back, with no loss at all. The caller removes it if it is asked for again.
    pub(crate) fn restore(&self, time: i64) -> PathBuf {
        self.restore_from(self.reader(), time)
    }

    pub(crate) fn restore_from(&self, place: Place, time: i64) -> PathBuf {
        let target = self.path(&format!("restored-{time}"));
        if target.exists() {
            fs::remove_dir_all(&target).unwrap();
        }
        let job = RestoreJob {
            place,
            target: target.clone(),
            path: EntryPath::root(),
            selection: Arc::default(),
            time: Some(time),
            force: false,
            ownership: Ownership::ByName,
            renames: Vec::new(),
        };
        let heard = Arc::new(Heard::default());
        let ctx = Context { monitor: heard.clone(), ..Context::silent() };
        let Report::Restore(report) = engine::run(Job::Restore(job), &ctx).unwrap() else { unreachable!() };
        let heard = (heard.problems.lock().unwrap(), heard.messages.lock().unwrap());
        assert_eq!((report.lost, report.not_written), (0, 0), "{heard:?}");
        target
    }
}

/// Copies plain files and folders of them, as they are at this moment.
pub(crate) fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_files(&entry.path(), &target);
        } else if let Err(error) = fs::copy(entry.path(), target) {
            // Uploads of another thread come and go meanwhile.
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        }
    }
}
