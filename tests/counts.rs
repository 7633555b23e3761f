//! What a run costs, counted and not timed: calls to the place, files opened, bytes read.

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
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hindsight::destination::{Folder, LEASE_NAME, MARKER_NAME};
use hindsight::engine::BackupReport;
use hindsight::secret::Passphrase;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use support::bytes::bytes;
use support::faulty::{Call, Faulty, Op};
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

fn home() -> Home {
    let mut home = Home::new();
    home.passphrase = Some(Passphrase::new("counted"));
    home.volume_size = 1 << 20;
    for folder in 0..20 {
        fs::create_dir(home.source.join(format!("folder-{folder}"))).unwrap();
        for file in 0..20 {
            let path = home.source.join(format!("folder-{folder}/file-{file}"));
            fs::write(path, bytes(folder * 100 + file, 5_000)).unwrap();
        }
    }
    // Only what has settled for a while is trusted not to change unseen.
    std::thread::sleep(Duration::from_secs(4));
    home
}

/// A run, and its calls by kind with the names they were for, but for those that look after the lease.
fn counted(home: &Home, time: i64) -> (BackupReport, BTreeMap<String, Vec<String>>) {
    let place = Faulty::new(Arc::new(Folder::new(home.path("place"))));
    let (report, _) = home.try_backup(Arc::new(place.clone()), time);
    let mut calls: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Call { op, name } in place.calls() {
        if name != LEASE_NAME {
            calls.entry(format!("{op:?}")).or_default().push(name);
        }
    }
    (report.unwrap(), calls)
}

fn count(calls: &BTreeMap<String, Vec<String>>, op: Op) -> usize {
    calls.get(&format!("{op:?}")).map_or(0, Vec::len)
}

#[test]
fn nothing_changed_costs_one_list_two_gets_and_three_puts_however_long_the_chain() {
    let home = home();
    home.backup(FIRST);
    for increment in 1..6 {
        let (report, calls) = counted(&home, FIRST + increment);
        assert_eq!((report.delta_entries, report.problems), (0, 0));
        assert_eq!(count(&calls, Op::List), 1, "{calls:?}");
        let got = &calls["Open"];
        assert_eq!(got.len(), 2, "{got:?}");
        assert!(
            got.iter().any(|name| name == MARKER_NAME) && got.iter().any(|name| name.contains("manifest"))
        );
        let put = &calls["Publish"];
        let parts = ["vol1", "sigtar", "manifest"];
        assert!(put.len() == 3 && put.iter().zip(parts).all(|(name, part)| name.contains(part)), "{put:?}");
        assert_eq!((count(&calls, Op::Adopt), count(&calls, Op::Delete)), (0, 0), "{calls:?}");
    }
}

#[test]
fn nothing_changed_puts_nothing_where_that_is_wished() {
    let mut home = home();
    home.skip_unchanged = true;
    home.backup(FIRST);
    let (report, calls) = counted(&home, FIRST + 1);
    assert!(report.unchanged);
    assert_eq!((report.stored_bytes, report.source_files), (0, 421));
    for op in [Op::Publish, Op::Adopt, Op::Delete] {
        assert_eq!(count(&calls, op), 0, "{calls:?}");
    }
    assert_eq!((count(&calls, Op::List), count(&calls, Op::Open)), (1, 2), "{calls:?}");
    fs::write(home.source.join("folder-3/file-3"), "changed").unwrap();
    let (report, calls) = counted(&home, FIRST + 2);
    assert_eq!((report.unchanged, report.changed_files), (false, 1));
    assert_eq!(count(&calls, Op::Publish), 3, "{calls:?}");
    assert_eq!(home.dates(), [FIRST, FIRST + 2]);
}

#[test]
fn a_change_costs_one_put_more_for_each_volume_that_it_fills() {
    let home = home();
    home.backup(FIRST);
    fs::write(home.source.join("big"), bytes(7, 5_000_000)).unwrap();
    let (_, calls) = counted(&home, FIRST + 1);
    assert_eq!((count(&calls, Op::List), count(&calls, Op::Open)), (1, 2), "{calls:?}");
    assert!((3 + 4..=3 + 6).contains(&count(&calls, Op::Publish)), "{calls:?}");
}

#[test]
fn a_lost_cache_costs_one_get_for_each_manifest_and_signature_archive_of_the_chain() {
    let home = home();
    for increment in 0..4 {
        home.backup(FIRST + increment);
    }
    fs::remove_dir_all(home.path("cache")).unwrap();
    let (report, calls) = counted(&home, FIRST + 4);
    assert_eq!((report.full, report.delta_entries), (false, 0));
    assert_eq!((count(&calls, Op::List), count(&calls, Op::Open)), (1, 1 + 4 + 4), "{calls:?}");
}

/// Where each has a key of its own to derive, that is done by two threads.
#[test]
fn two_volumes_of_a_set_are_being_opened_at_once() {
    let mut home = home();
    home.volume_size = 100_000;
    home.backup(FIRST);
    let (arrived, met) = (Mutex::new(0), Condvar::new());
    let place = Faulty::new(Arc::new(Folder::new(home.path("place")))).at_open(move |name| {
        if name.contains(".difftar") {
            let mut arrived = arrived.lock().unwrap();
            *arrived += 1;
            met.notify_all();
            let waited = met.wait_timeout_while(arrived, Duration::from_secs(60), |arrived| *arrived < 2);
            assert!(!waited.unwrap().1.timed_out(), "one after the other");
        }
    });
    let restored = home.restore_from(home.place(Arc::new(place.clone()), "reader"), FIRST);
    assert_eq!(fs::read(restored.join("folder-7/file-7")).unwrap(), bytes(707, 5_000));
    assert!(place.calls().iter().filter(|call| call.name.contains(".difftar")).count() > 5);
}

/// Bytes that a run of the command read through any system call.
fn bytes_read(home: &Home, arguments: &[&str]) -> u64 {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hindsight-cli"))
        .args(arguments)
        .env("PASSPHRASE", "counted")
        .env("XDG_CACHE_HOME", home.path("cache-of-the-command"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    // While nobody has asked for its status, what it did can still be looked up.
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    let counts = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap();
    assert!(child.wait().unwrap().success());
    let rchar = counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    rchar.parse().unwrap()
}

fn backup(home: &Home) -> u64 {
    let place = format!("file://{}", home.path("place").display());
    bytes_read(home, &["backup", "--volsize", "1", home.source.to_str().unwrap(), &place])
}

const MB: u64 = 1_000_000;

#[test]
fn every_file_is_read_once_and_unchanged_files_are_not_read() {
    let home = home();
    fs::write(home.source.join("big"), bytes(8, 40_000_000)).unwrap();
    std::thread::sleep(Duration::from_secs(4));
    let first = backup(&home);
    assert!((42 * MB..46 * MB).contains(&first), "{first}");
    let nothing = backup(&home);
    assert!(nothing < 3 * MB, "{nothing}");
    append(&home.source.join("big"));
    let changed = backup(&home);
    assert!((40 * MB..44 * MB).contains(&changed), "{changed}");
}

#[test]
fn another_mode_of_a_small_file_costs_no_more_than_reading_it() {
    let home = home();
    backup(&home);
    let nothing = backup(&home);
    let file = home.source.join("folder-3/file-3");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let changed = backup(&home);
    assert!(changed < nothing + MB, "{nothing} {changed}");
}

fn append(file: &Path) {
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(file).unwrap().write_all(b"more").unwrap();
}

#[test]
fn one_file_is_restored_from_the_volumes_that_hold_it_alone() {
    let home = home();
    for name in ["a-large", "z-large"] {
        fs::write(home.source.join(name), bytes(9, 20_000_000)).unwrap();
    }
    backup(&home);
    let place = format!("file://{}", home.path("place").display());
    let target = home.path("one");
    let arguments = ["restore", "--path-to-restore", "folder-9/file-9", &place, target.to_str().unwrap()];
    let read = bytes_read(&home, &arguments);
    assert_eq!(fs::read(&target).unwrap(), bytes(909, 5_000));
    assert!(read < 6 * MB, "{read}");
}
