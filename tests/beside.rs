//! Restoring while a backup of the same plan runs, with the same cache: neither waits for the other, and each gets what
//! it would have got alone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod faulty;
    pub(crate) mod runs;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hindsight::engine::{
    BringBackJob, Existing, Job, Ownership, Part, Place, Report, RestoreReport, To, Wish,
};
use hindsight::entry::EntryPath;
use hindsight::secret::Passphrase;
use hindsight::worker::{Event, Manner, Outcome, Worker};
use support::bytes::bytes;
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

/// By name, with their contents.
type Files = BTreeMap<PathBuf, Vec<u8>>;

fn files(folder: &Path) -> Files {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| (file.file_name().unwrap().into(), fs::read(&file).unwrap())).collect()
}

/// Backed up twice, and changed since in such a way that the next backup has several volumes to write.
fn home() -> Home {
    let mut home = Home::new();
    home.passphrase = Some(Passphrase::new("eleven quiet herons"));
    for number in 0..200 {
        fs::write(home.source.join(format!("file-{number}")), bytes(number, 3000)).unwrap();
    }
    home.backup(FIRST);
    fs::write(home.source.join("file-7"), "second").unwrap();
    home.backup(FIRST + 10);
    for number in 0..100 {
        fs::write(home.source.join(format!("new-{number}")), bytes(1000 + number, 3000)).unwrap();
    }
    fs::remove_file(home.source.join("file-9")).unwrap();
    home
}

/// With the cache that backups use.
fn place(home: &Home) -> Place {
    Place { cache: home.path("cache"), ..home.reader() }
}

fn wish(date: i64, paths: &[&str], to: To) -> Wish {
    let paths = paths.iter().map(|text| EntryPath::parse(text.as_bytes()).unwrap()).collect();
    let part = Part { paths, date, mark: "12 May 2026".into() };
    Wish { parts: vec![part], to, existing: Existing::OnlyMissing }
}

/// As the app restores: on a worker of its own.
fn restore(place: Place, wish: Wish) -> RestoreReport {
    let (sender, ended) = channel();
    let sender = Mutex::new(sender);
    let sink = Arc::new(move |event| {
        if let Event::Finished { outcome, .. } = event {
            sender.lock().unwrap().send(outcome).unwrap();
        }
    });
    let mut worker = Worker::start(Manner::default(), sink).unwrap();
    worker.submit(Job::BringBack(BringBackJob { place, wish, ownership: Ownership::ByName, undo: None }));
    match ended.recv_timeout(Duration::from_secs(8)) {
        Ok(Outcome::Completed(Report::Restore(report))) => report,
        other => panic!("{other:?}"),
    }
}

/// Backs up once more; in the middle of it `act` is called, and the backup goes on when that returns.
fn in_the_midst_of_a_backup(home: &Home, act: impl FnOnce() + Send + 'static) {
    let act = Mutex::new(Some(act));
    let (at_all, _) = home.backup_hearing(FIRST + 20, move |_, path| {
        if path == Path::new("new-50")
            && let Some(act) = act.lock().unwrap().take()
        {
            act();
        }
    });
    assert!(at_all.new_files >= 100, "{at_all:?}");
}

/// What the backup that was restored beside has stored, and that the next one finds its cache in order.
fn is_whole(home: &Home, expected: &Files) {
    assert_eq!(home.dates(), [FIRST, FIRST + 10, FIRST + 20]);
    assert_eq!(&files(&home.restore(FIRST + 20)), expected);
    let (next, heard) = home.backup(FIRST + 30);
    assert_eq!((next.full, next.new_files, next.deleted_files), (false, 0, 0), "{next:?}");
    assert_eq!(heard.kinds(), []);
}

#[test]
fn a_restore_beside_a_running_backup_brings_back_what_was_saved() {
    let home = home();
    let (place, target) = (place(&home), home.path("restored"));
    fs::create_dir(&target).unwrap();
    let to = target.clone();
    in_the_midst_of_a_backup(&home, move || {
        let report = restore(place, wish(FIRST, &["file-7", "file-9", "file-150"], To::Folder(to)));
        assert_eq!((report.counts.created, report.lost, report.not_written), (3, 0, 0));
    });
    let expected = [7, 9, 150].map(|number| (format!("file-{number}").into(), bytes(number, 3000)));
    assert_eq!(files(&target), Files::from(expected));
    is_whole(&home, &files(&home.source));
}

#[test]
fn a_file_may_come_back_into_a_folder_that_is_being_backed_up() {
    let home = home();
    let (place, to) = (place(&home), To::Original { root: home.source.clone(), instead: None });
    let without = files(&home.source);
    in_the_midst_of_a_backup(&home, move || {
        let report = restore(place, wish(FIRST + 10, &["file-9", "file-7"], to));
        assert_eq!((report.counts.created, report.counts.kept), (1, 1));
    });
    assert_eq!(fs::read(home.source.join("file-9")).unwrap(), bytes(9, 3000));
    assert_eq!(fs::read(home.source.join("file-7")).unwrap(), b"second");
    // The backup had passed that name.
    assert_eq!(files(&home.restore(FIRST + 20)), without);
    home.backup(FIRST + 30);
    assert_eq!(files(&home.restore(FIRST + 30)), files(&home.source));
}

#[test]
fn neither_is_disturbed_when_the_catalogue_is_lost_and_read_anew_meanwhile() {
    let home = home();
    let (place, target) = (place(&home), home.path("restored"));
    fs::create_dir(&target).unwrap();
    let to = target.clone();
    in_the_midst_of_a_backup(&home, move || {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(place.cache.join(format!("hindsight-catalog.sqlite{end}")));
        }
        restore(place, wish(FIRST + 10, &["file-7", "file-9"], To::Folder(to)));
    });
    let expected = [("file-7", b"second".to_vec()), ("file-9", bytes(9, 3000))];
    assert_eq!(files(&target), Files::from(expected.map(|(name, content)| (name.into(), content))));
    is_whole(&home, &files(&home.source));
}
