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
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use hindsight::context::Context;
use hindsight::destination::Folder;
use hindsight::engine::{self, Job, Ownership, Place, RestoreJob};
use hindsight::entry::EntryPath;
use support::bytes::bytes;
use support::compare::{Detail, Snapshot};
use support::faulty::{Faulty, Op};
use support::runs::Home;

const TIME: i64 = 1_700_000_000;

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
    let job = RestoreJob {
        place: Place {
            destination: Arc::new(destination.clone()),
            passphrase: None,
            cache: home.path("reader"),
            address: OsString::from(home.path("place")),
        },
        target: home.path("one"),
        path: EntryPath::parse(b"file-21").unwrap(),
        time: None,
        force: false,
        ownership: Ownership::ByName,
    };
    engine::run(Job::Restore(job), &Context::silent()).unwrap();
    assert_eq!(fs::read(home.path("one")).unwrap(), bytes(21, 40_000));
    let opened = destination.calls().into_iter().filter(|call| call.op == Op::Open);
    let volumes = opened.filter(|call| call.name.contains("difftar")).count();
    assert!((1..=2).contains(&volumes), "{volumes} volumes");
}
