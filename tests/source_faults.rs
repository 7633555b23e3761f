//! The source misbehaves: files that change, vanish or cannot be read, and clocks that are wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod compare;
    pub(crate) mod faulty;
    pub(crate) mod hash;
    pub(crate) mod nobody;
    pub(crate) mod runs;
}

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use hindsight::context::{Change, ProblemKind};
use hindsight::entry::Attributes;
use support::bytes::bytes;
use support::compare::{Detail, Snapshot};
use support::nobody::as_nobody;
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;
const SETTLED: Duration = Duration::from_millis(3_200);

/// Does `act` over and over until dropped.
struct Busy(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Busy {
    fn with(mut act: impl FnMut(u64) + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        let work = move || (0..).take_while(|_| !stop.load(Ordering::Relaxed)).for_each(&mut act);
        Self(over, Some(std::thread::spawn(work)))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}

/// Overwrites some of the file, and now and then makes it shorter or longer.
fn scribble(path: PathBuf, size: u64, resize: bool) -> Busy {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    Busy::with(move |round| {
        let at = round.wrapping_mul(7_919_333) % size;
        file.write_all_at(&bytes(round, 8_192), at).unwrap();
        if resize && round % 50 == 0 {
            file.set_len(size / 2 + size * (round / 50 % 3) / 4).unwrap();
        }
    })
}

#[test]
fn files_that_are_written_to_while_they_are_read_are_saved_as_they_were_read() {
    let mut home = Home::new();
    home.volume_size = 4 << 20;
    let files = [("small", 3_000_000, false), ("large", 20_000_000, false), ("sized", 12_000_000, true)];
    for (name, size, _) in files {
        fs::write(home.source.join(name), bytes(size, size as usize)).unwrap();
    }
    home.backup(FIRST);
    for date in [FIRST + 1, FIRST + 2, FIRST + 3] {
        let busy = files.map(|(name, size, resize)| scribble(home.source.join(name), size, resize));
        let (report, heard) = home.backup(date);
        drop(busy);
        assert!(heard.kinds().contains(&ProblemKind::ChangedWhileReading), "{:?}", heard.kinds());
        assert_eq!(report.problems, heard.kinds().len() as u64);
        // Whatever was read: it is what was recorded of it.
        home.restore(date);
    }
    let (report, _) = home.backup(FIRST + 4);
    assert_eq!(report.problems, 0);
    let now = Snapshot::of(&home.source);
    now.expect_at(&home.restore(FIRST + 4), Detail::Everything, "when nobody writes any more");
}

/// Things that happen to files after the walk saw them and before they are opened.
fn spoil(source: &Path) {
    fs::remove_file(source.join("gone")).unwrap();
    File::options().write(true).open(source.join("shorter")).unwrap().set_len(1_000).unwrap();
    fs::write(source.join("longer"), bytes(9, 90_000)).unwrap();
    fs::remove_file(source.join("link")).unwrap();
    symlink("/etc/passwd", source.join("link")).unwrap();
    fs::remove_file(source.join("folder")).unwrap();
    fs::create_dir(source.join("folder")).unwrap();
    fs::set_permissions(source.join("mode"), Permissions::from_mode(0o640)).unwrap();
}

const SPOILT: [&str; 6] = ["folder", "gone", "link", "longer", "mode", "shorter"];

#[test]
fn what_happens_between_the_look_and_the_read_is_reported_and_made_good() {
    let mut home = Home::new();
    home.volume_size = 10_000_000;
    for (index, name) in ["a"].iter().chain(&SPOILT).enumerate() {
        fs::write(home.source.join(name), bytes(index as u64, 40_000)).unwrap();
    }
    home.backup(FIRST);
    for name in ["a"].iter().chain(&SPOILT) {
        fs::write(home.source.join(name), bytes(77, 30_000)).unwrap();
    }
    let source = home.source.clone();
    // What is gone when its turn comes is told, and is no problem: it is as if it had been deleted before.
    let (report, heard) = home.backup_hearing(FIRST + 1, move |change, path| {
        // All are in one batch, stored one after the other.
        if change == Change::Modified && path == Path::new("a") {
            spoil(&source);
        }
    });
    let kinds = heard.kinds();
    assert!(kinds.contains(&ProblemKind::Vanished) && kinds.contains(&ProblemKind::Unreadable), "{kinds:?}");
    assert_eq!((report.problems, report.deleted_files), (2, 0), "link and folder: {kinds:?}");
    let between = home.restore(FIRST + 1);
    for name in ["gone", "link", "folder"] {
        assert_eq!(fs::metadata(between.join(name)).unwrap().size(), 40_000, "{name} is as it was before");
    }
    let (report, _) = home.backup(FIRST + 2);
    assert_eq!((report.problems, report.deleted_files), (0, 1));
    Snapshot::of(&home.source).expect_at(&home.restore(FIRST + 2), Detail::Everything, "at last");
}

fn set_mode(home: &Home, name: &str, mode: u32) {
    fs::set_permissions(home.source.join(name), Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_cannot_be_read_keeps_its_previous_state() {
    as_nobody("what_cannot_be_read_keeps_its_previous_state", || {
        let home = Home::new();
        for folder in ["closed/deep", "listed", "open"] {
            fs::create_dir_all(home.source.join(folder)).unwrap();
            for name in ["one", "two", "three"] {
                fs::write(home.source.join(folder).join(name), name).unwrap();
            }
        }
        fs::write(home.source.join("secret"), "secret").unwrap();
        home.backup(FIRST);
        let before = home.listing(FIRST);
        // The second can be listed but nothing in it looked at.
        for (name, mode) in [("closed", 0), ("listed", 0o444), ("secret", 0)] {
            set_mode(&home, name, mode);
        }
        fs::remove_file(home.source.join("open/two")).unwrap();
        let (report, heard) = home.backup(FIRST + 1);
        let count = |wanted| heard.kinds().into_iter().filter(|kind| *kind == wanted).count();
        assert_eq!(count(ProblemKind::Unreadable), 2, "closed and secret: {:?}", heard.kinds());
        assert_eq!(count(ProblemKind::Inaccessible), 3, "three names in listed: {:?}", heard.kinds());
        assert_eq!(report.problems, 5);
        assert_eq!(report.deleted_files, 1);
        let content = |listing: BTreeMap<PathBuf, Attributes>| -> BTreeMap<_, _> {
            listing.into_iter().map(|(path, attributes)| (path, attributes.content)).collect()
        };
        let mut expected = content(before);
        expected.remove(Path::new("open/two"));
        assert_eq!(content(home.listing(FIRST + 1)), expected);
        home.restore(FIRST);

        for (name, mode) in [("closed", 0o755), ("listed", 0o755), ("secret", 0o644)] {
            set_mode(&home, name, mode);
        }
        fs::remove_dir_all(home.source.join("closed/deep")).unwrap();
        let (report, _) = home.backup(FIRST + 2);
        assert_eq!((report.problems, report.deleted_files), (0, 4));
        Snapshot::of(&home.source).expect_at(&home.restore(FIRST + 2), Detail::Everything, "readable again");
    });
}

#[test]
fn a_rewrite_that_puts_the_old_time_back_is_noticed() {
    let home = Home::new();
    let path = home.source.join("file");
    fs::write(&path, bytes(1, 50_000)).unwrap();
    sleep(SETTLED);
    home.backup(FIRST);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, bytes(2, 50_000)).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
    let (report, _) = home.backup(FIRST + 1);
    assert_eq!(report.changed_files, 1);
    Snapshot::of(&home.source).expect_at(&home.restore(FIRST + 1), Detail::Everything, "rewritten");
}

#[test]
fn what_changed_just_before_the_look_is_looked_at_once_more() {
    let home = Home::new();
    fs::write(home.source.join("file"), bytes(1, 50_000)).unwrap();
    home.backup(FIRST);
    sleep(SETTLED);
    let (report, _) = home.backup(FIRST + 1);
    assert_eq!(report.changed_files, 2, "the file and its folder");
    assert!(report.delta_bytes < 100, "nothing of its content is stored again");
    let (report, _) = home.backup(FIRST + 2);
    assert_eq!(report.changed_files, 0);
}

#[test]
fn a_clock_behind_the_last_backup_gives_a_later_date_and_a_sentence() {
    let home = Home::new();
    fs::write(home.source.join("file"), "one").unwrap();
    assert!(!home.backup(FIRST).1.said("clock"));
    fs::write(home.source.join("file"), "two").unwrap();
    let (report, heard) = home.backup(FIRST - 86_400);
    assert_eq!((report.time, report.full), (FIRST + 1, false));
    assert!(heard.said("clock of this computer is behind"));
    assert_eq!(home.dates(), [FIRST, FIRST + 1]);
    assert_eq!(fs::read(home.restore(FIRST).join("file")).unwrap(), b"one");
    assert_eq!(fs::read(home.restore(FIRST + 1).join("file")).unwrap(), b"two");
}
