//! Opening the timeline: beside a running backup, of a place that is new here, and with damage.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod faulty;
    pub(crate) mod runs;
}

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hindsight::context::{Context, Monitor, Progress, Why};
use hindsight::engine::Place;
use hindsight::engine::timeline::{Scope, Timeline};
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use support::bytes::bytes;
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

fn everywhere() -> Scope {
    Scope { below: EntryPath::root(), date: None }
}

/// With the cache that backups use.
fn beside_backups(home: &Home) -> Place {
    Place { cache: home.path("cache"), ..home.reader() }
}

// --- beside others -------------------------------------------------------------------------------------------------

/// Backs up once more and looks at the timeline in the middle of it.
fn in_the_midst_of_a_backup(home: &Home, time: i64, look: impl Fn(&Timeline) + Send + Sync + 'static) {
    let place = beside_backups(home);
    let looked = Arc::new(AtomicBool::new(false));
    let has = looked.clone();
    home.backup_hearing(time, move |_, _| {
        if !has.swap(true, Ordering::SeqCst) {
            let begun = Instant::now();
            look(&Timeline::open(&place).unwrap());
            assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        }
    });
    assert!(looked.load(Ordering::SeqCst));
}

fn home_with_files() -> Home {
    let home = Home::new();
    for number in 0..200 {
        fs::write(home.source.join(format!("file-{number}")), bytes(number, 3000)).unwrap();
    }
    home
}

#[test]
fn while_a_first_backup_runs_there_is_nothing_yet_and_no_waiting() {
    let home = home_with_files();
    in_the_midst_of_a_backup(&home, FIRST, |timeline| {
        assert!(timeline.backups().is_empty());
        assert!(timeline.folder(&EntryPath::root(), FIRST).unwrap().is_empty());
        assert!(timeline.search("file", &everywhere(), 10).unwrap().is_empty());
        assert!(timeline.dates_of_change(&EntryPath::root()).unwrap().is_empty());
    });
    assert_eq!(Timeline::open(&beside_backups(&home)).unwrap().dates(), [FIRST]);
}

#[test]
fn while_a_later_backup_runs_the_earlier_ones_are_there_at_once() {
    let home = home_with_files();
    home.backup(FIRST);
    fs::write(home.source.join("file-7"), "changed").unwrap();
    in_the_midst_of_a_backup(&home, FIRST + 1, |timeline| {
        assert_eq!(timeline.dates(), [FIRST]);
        assert_eq!(timeline.folder(&EntryPath::root(), FIRST).unwrap().len(), 200);
        assert_eq!(timeline.history(&path("file-7")).unwrap().len(), 1);
        assert_eq!(timeline.search("file-7", &everywhere(), 100).unwrap().len(), 11);
    });
    let timeline = Timeline::open(&beside_backups(&home)).unwrap();
    assert_eq!(timeline.history(&path("file-7")).unwrap().len(), 2);
}

#[test]
fn while_another_process_holds_what_we_keep_the_newest_known_state_answers() {
    let home = home_with_files();
    home.backup(FIRST);
    Timeline::open(&home.reader()).unwrap();
    home.backup(FIRST + 1);
    for held in [&["catalog"][..], &["chronicle"], &["catalog", "chronicle"]] {
        let connections: Vec<_> = held
            .iter()
            .map(|name| {
                let file = home.path("reader").join(format!("hindsight-{name}.sqlite"));
                let connection = rusqlite::Connection::open(file).unwrap();
                connection.execute_batch("BEGIN IMMEDIATE").unwrap();
                connection
            })
            .collect();
        let begun = Instant::now();
        let timeline = Timeline::open(&home.reader()).unwrap();
        assert_eq!(timeline.dates(), [FIRST], "{held:?}");
        assert_eq!(timeline.search("file-77", &everywhere(), 100).unwrap().len(), 1);
        assert!(begun.elapsed() < Duration::from_secs(3), "{held:?}: {:?}", begun.elapsed());
        drop(connections);
    }
    assert_eq!(Timeline::open(&home.reader()).unwrap().dates(), [FIRST, FIRST + 1]);
}

#[test]
fn where_nothing_is_known_and_another_process_holds_it_all_is_read_for_this_once() {
    let home = home_with_files();
    home.backup(FIRST);
    Timeline::open(&home.reader()).unwrap();
    let file = home.path("reader/hindsight-chronicle.sqlite");
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute_batch("DELETE FROM backups; BEGIN IMMEDIATE").unwrap();
    assert_eq!(Timeline::open(&home.reader()).unwrap().dates(), [FIRST]);
}

// --- a place that is new here --------------------------------------------------------------------------------------

#[derive(Default)]
struct Heard(Mutex<Vec<Progress>>);

impl Monitor for Heard {
    fn progress(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

#[test]
fn reading_a_place_that_is_new_here_tells_how_far_it_is_and_can_be_stopped() {
    let home = home_with_files();
    home.backup(FIRST);
    home.full_backup(FIRST + 1);
    let ctx = Context::silent();
    ctx.cancel.cancel(Why::User);
    let stopped = Timeline::open_with(&home.reader(), &ctx).err();
    assert!(matches!(stopped, Some(Error::Cancelled(Why::User))), "{stopped:?}");
    let heard = Arc::new(Heard::default());
    let ctx = Context { monitor: heard.clone(), ..Context::silent() };
    Timeline::open_with(&home.reader(), &ctx).unwrap();
    let last = heard.0.lock().unwrap().pop().unwrap();
    assert!(last.bytes_done > 0 && last.bytes_total == Some(last.bytes_done), "{last:?}");
    heard.0.lock().unwrap().clear();
    Timeline::open_with(&home.reader(), &ctx).unwrap();
    assert!(heard.0.lock().unwrap().is_empty());
}

#[test]
fn the_newest_chain_alone_is_there_without_the_others_being_read() {
    let home = home_with_files();
    home.backup(FIRST);
    home.full_backup(FIRST + 1);
    home.backup(FIRST + 2);
    for name in fs::read_dir(home.path("place")).unwrap().map(|entry| entry.unwrap().path()) {
        let is_older = name.to_string_lossy().contains("full-signatures.20231114T221320Z");
        if is_older {
            fs::write(name, "not to be read").unwrap();
        }
    }
    let timeline = Timeline::open_newest(&home.reader(), &Context::silent()).unwrap();
    assert_eq!(timeline.dates(), [FIRST + 1, FIRST + 2]);
    assert_eq!(timeline.folder(&EntryPath::root(), FIRST + 1).unwrap().len(), 200);
}

#[test]
fn what_was_known_is_there_without_the_place() {
    let home = home_with_files();
    home.backup(FIRST);
    assert!(Timeline::as_last_known(&home.reader()).is_none());
    Timeline::open(&home.reader()).unwrap();
    fs::remove_dir_all(home.path("place")).unwrap();
    let timeline = Timeline::as_last_known(&home.reader()).unwrap();
    assert_eq!(timeline.dates(), [FIRST]);
    assert_eq!(timeline.folder(&EntryPath::root(), FIRST).unwrap().len(), 200);
}

#[test]
fn backups_that_went_away_are_forgotten() {
    let home = home_with_files();
    home.backup(FIRST);
    fs::remove_file(home.source.join("file-1")).unwrap();
    home.full_backup(FIRST + 1);
    assert_eq!(Timeline::open(&home.reader()).unwrap().history(&path("file-1")).unwrap().len(), 2);
    for file in stored(&home, "20231114T221320Z") {
        fs::remove_file(file).unwrap();
    }
    let timeline = Timeline::open(&home.reader()).unwrap();
    assert_eq!(timeline.dates(), [FIRST + 1]);
    assert!(timeline.history(&path("file-1")).unwrap().is_empty());
    assert!(timeline.search("file-1", &everywhere(), 1000).unwrap().iter().all(|it| it.exists_in_newest));
}

// --- damage --------------------------------------------------------------------------------------------------------

/// Files at the place whose names hold `part`.
fn stored(home: &Home, part: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(home.path("place")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|file| file.file_name().unwrap().to_string_lossy().contains(part)).collect()
}

fn damaged(timeline: &Timeline) -> Vec<bool> {
    timeline.backups().iter().map(|backup| backup.damaged).collect()
}

#[test]
fn a_backup_that_lacks_a_volume_is_marked_and_the_others_are_not() {
    let home = home_with_files();
    home.backup(FIRST);
    home.backup(FIRST + 1);
    assert_eq!(damaged(&Timeline::open(&home.reader()).unwrap()), [false, false]);
    fs::remove_file(&stored(&home, "vol2.")[0]).unwrap();
    assert_eq!(damaged(&Timeline::open(&home.reader()).unwrap()), [true, false]);
    assert_eq!(damaged(&Timeline::as_last_known(&home.reader()).unwrap()), [true, false]);
}

#[test]
fn a_missing_last_volume_is_noticed_where_the_manifest_is_known() {
    let home = home_with_files();
    home.backup(FIRST);
    let mut volumes = stored(&home, ".vol");
    volumes.sort_by_key(|file| (file.as_os_str().len(), file.clone()));
    fs::remove_file(volumes.last().unwrap()).unwrap();
    assert_eq!(damaged(&Timeline::open(&beside_backups(&home)).unwrap()), [true]);
}

#[test]
fn a_backup_whose_signatures_cannot_be_read_is_marked_and_the_others_can_be_browsed() {
    let home = home_with_files();
    home.backup(FIRST);
    fs::write(home.source.join("unknown"), "unknown").unwrap();
    home.backup(FIRST + 1);
    fs::remove_file(home.source.join("unknown")).unwrap();
    fs::write(home.source.join("known"), "known").unwrap();
    home.backup(FIRST + 2);
    let signatures = stored(&home, "new-signatures");
    let first = signatures.iter().min().unwrap();
    let whole = fs::read(first).unwrap();
    fs::write(first, bytes(1, whole.len())).unwrap();
    for _ in 0..2 {
        let timeline = Timeline::open(&home.reader()).unwrap();
        assert_eq!(damaged(&timeline), [false, true, false]);
        let names = |date| timeline.folder(&EntryPath::root(), date).unwrap().len();
        assert_eq!((names(FIRST), names(FIRST + 1), names(FIRST + 2)), (201, 201, 201));
        assert!(timeline.history(&path("unknown")).unwrap().is_empty());
        assert_eq!(timeline.history(&path("known")).unwrap()[0].at, FIRST + 2);
    }
    fs::write(first, whole).unwrap();
    let timeline = Timeline::open(&home.reader()).unwrap();
    assert_eq!(damaged(&timeline), [false, false, false]);
    assert_eq!(timeline.history(&path("unknown")).unwrap()[0].at, FIRST + 1);
}
