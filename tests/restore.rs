//! What writers that share the work must not lose, and what one file costs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod compare;
    pub(crate) mod faulty;
    pub(crate) mod hash;
    pub(crate) mod runs;
}

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use hindsight::context::{Context, Monitor, Progress};
use hindsight::destination::{Destination, Folder};
use hindsight::engine::{self, Job, Keys, Ownership, Place, Prefixes, RestoreJob};
use hindsight::entry::EntryPath;
use support::bytes::bytes;
use support::compare::{Detail, Snapshot};
use support::faulty::{Faulty, Op};
use support::runs::Home;

const TIME: i64 = 1_700_000_000;

fn job(home: &Home, destination: Arc<dyn Destination>, cache: &str, path: &str, target: &str) -> RestoreJob {
    let (cache, address) = (home.path(cache), OsString::from(home.path("place")));
    RestoreJob {
        place: Place {
            destination,
            passphrase: home.passphrase.clone(),
            keys: Keys::default(),
            cache,
            address,
            prefixes: Prefixes::default(),
        },
        target: home.path(target),
        path: EntryPath::parse(path.as_bytes()).unwrap(),
        selection: Arc::default(),
        time: None,
        force: false,
        ownership: Ownership::ByName,
        renames: Vec::new(),
    }
}

/// Keeps what was said last of how far a job is.
#[derive(Default)]
struct Last(Mutex<Progress>);

impl Monitor for Last {
    fn progress(&self, progress: Progress) {
        *self.0.lock().unwrap() = progress;
    }
}

#[test]
fn folders_of_every_size_come_back_with_their_own_metadata() {
    let home = Home::new();
    // Runs longer than a batch, folders that share one, and folders between files of the one above them.
    for (folder, files) in [("many", 300), ("many/inner", 3), ("z", 40)] {
        fs::create_dir(home.source.join(folder)).unwrap();
        for n in 0..files {
            fs::write(home.source.join(folder).join(format!("{n}")), bytes(n, 50 + n as usize)).unwrap();
        }
    }
    for n in 0..60 {
        let folder = home.source.join(format!("few-{n}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("one"), bytes(n, 2000)).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
        let time = UNIX_EPOCH + Duration::from_nanos(1_600_000_000_123_456_789 + n);
        fs::File::open(&folder).unwrap().set_modified(time).unwrap();
    }
    let saved = Snapshot::of(&home.source);
    home.backup(TIME);
    saved.expect_at(&home.restore(TIME), Detail::Everything, "restored");
}

#[test]
fn one_file_of_many_fetches_only_the_volume_that_holds_it() {
    let home = Home::new();
    for n in 0..40 {
        fs::write(home.source.join(format!("file-{n:02}")), bytes(n, 40_000)).unwrap();
    }
    home.backup(TIME);
    let destination = Faulty::new(Arc::new(Folder::new(home.path("place"))));
    let job = job(&home, Arc::new(destination.clone()), "reader", "file-21", "one");
    engine::run(Job::Restore(job), &Context::silent()).unwrap();
    assert_eq!(fs::read(home.path("one")).unwrap(), bytes(21, 40_000));
    let opened = destination.calls().into_iter().filter(|call| call.op == Op::Open);
    let volumes = opened.filter(|call| call.name.contains("difftar")).count();
    assert!((1..=2).contains(&volumes), "{volumes} volumes");
}

#[test]
fn progress_ends_at_the_total_that_the_catalogue_knows() {
    let home = Home::new();
    fs::create_dir(home.source.join("folder")).unwrap();
    for (name, length) in [("folder/small", 1000), ("folder/large", 700_000), ("other", 5000)] {
        fs::write(home.source.join(name), bytes(1, length)).unwrap();
    }
    home.backup(TIME);
    fs::write(home.source.join("folder/small"), bytes(2, 3000)).unwrap();
    home.backup(TIME + 10);
    for (path, target, total) in [("", "all", 708_000), ("folder", "some", 703_000)] {
        let last = Arc::new(Last::default());
        let ctx = Context { monitor: Arc::clone(&last) as Arc<dyn Monitor>, ..Context::silent() };
        let job = job(&home, Arc::new(Folder::new(home.path("place"))), "cache", path, target);
        engine::run(Job::Restore(job), &ctx).unwrap();
        let last = last.0.lock().unwrap();
        assert_eq!((last.bytes_done, last.bytes_total), (total, Some(total)), "{path:?}");
    }
}

#[test]
fn a_large_file_comes_back_as_it_was_at_each_date() {
    let home = Home::new();
    let first = [vec![0; 500_000], bytes(1, 700_000), vec![0; 300_000], bytes(2, 333)].concat();
    let edited_in_place = [&first[..200_000], &bytes(3, 5000), &first[205_000..]].concat();
    let longer = [&edited_in_place[..], &bytes(4, 400_000)].concat();
    let turned_around = [&longer[900_000..], &longer[..900_000]].concat();
    let edited_again =
        [&turned_around[..1_000_000], b"a few bytes more", &turned_around[1_000_000..]].concat();
    let versions = [first, edited_in_place, longer, turned_around, edited_again];
    for (version, time) in versions.iter().zip(TIME..) {
        fs::write(home.source.join("image"), version).unwrap();
        home.backup(time);
    }
    for (version, time) in versions.iter().zip(TIME..) {
        assert!(fs::read(home.restore(time).join("image")).unwrap() == *version, "at {time}");
    }
}
