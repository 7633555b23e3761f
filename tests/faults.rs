//! Every single operation at the place fails, or is the last one before the computer loses power: what a
//! reader sees is whole, what was there before is untouched, and the next backup brings everything.
//!
//! A seeded part of all cases; all of them where `HINDSIGHT_FULL` is set (`tests/long`).

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod compare;
    pub(crate) mod faulty;
    pub(crate) mod hash;
    pub(crate) mod runs;
    pub(crate) mod sets;
}

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hindsight::deflate::gunzip;
use hindsight::destination::{ErrorKind, Folder, LEASE_NAME, is_upload_name};
use hindsight::secret::Passphrase;
use support::bytes::{bytes, next};
use support::compare::{Detail, Snapshot};
use support::faulty::{Fault, Faulty, When};
use support::hash::sha256;
use support::runs::Home;
use support::sets::file_names;

const FIRST: i64 = 1_700_000_000;
const SECOND: i64 = FIRST + 1_000;
const LAST: i64 = FIRST + 2_000;

/// Later than the engine's grace for changes that leave no trace, so that nothing is looked at twice.
const SETTLED: Duration = Duration::from_millis(3_200);

/// How many cases of one kind are tried if not all are.
const SAMPLE: usize = 45;

fn sample(size: usize) -> usize {
    if std::env::var_os("HINDSIGHT_FULL").is_some() { usize::MAX } else { size }
}

fn plant(source: &Path) {
    for folder in ["a", "b/deep", "z"] {
        fs::create_dir_all(source.join(folder)).unwrap();
    }
    for (index, name) in ["a/one", "a/two", "b/three", "b/deep/four", "y"].iter().enumerate() {
        fs::write(source.join(name), bytes(index as u64, 45_000)).unwrap();
    }
    fs::write(source.join("large"), bytes(10, 640_000)).unwrap();
    fs::write(source.join("empty"), b"").unwrap();
    symlink("a/one", source.join("link")).unwrap();
}

fn change(source: &Path) {
    fs::remove_file(source.join("a/two")).unwrap();
    fs::remove_dir_all(source.join("b/deep")).unwrap();
    fs::write(source.join("a/new"), bytes(20, 70_000)).unwrap();
    fs::write(source.join("b/big"), bytes(21, 600_000)).unwrap();
    let mut large = bytes(10, 640_000);
    large.splice(300_000..300_010, bytes(22, 90_000));
    fs::write(source.join("large"), large).unwrap();
    fs::write(source.join("z/last"), bytes(23, 45_000)).unwrap();
}

/// A source and what its earlier dates hold.
struct Scene {
    home: Home,
    earlier: BTreeMap<i64, Snapshot>,
    now: Snapshot,
}

impl Scene {
    fn first(passphrase: Option<&str>) -> Self {
        let mut home = Home::new();
        home.passphrase = passphrase.map(Passphrase::new);
        plant(&home.source);
        std::thread::sleep(SETTLED);
        let now = Snapshot::of(&home.source);
        Self { home, earlier: BTreeMap::new(), now }
    }

    fn second(passphrase: Option<&str>) -> Self {
        let mut scene = Self::first(passphrase);
        scene.home.backup(FIRST);
        let before = std::mem::take(&mut scene.now);
        scene.earlier.insert(FIRST, before);
        change(&scene.home.source);
        std::thread::sleep(SETTLED);
        scene.now = Snapshot::of(&scene.home.source);
        scene
    }

    /// Calls of a run in which nothing fails.
    fn calls(&self) -> usize {
        let home = self.home.copy();
        let place = Faulty::new(Arc::new(Folder::new(home.path("place"))));
        home.try_backup(Arc::new(place.clone()), SECOND).0.unwrap();
        assert!(volumes_of(&home, SECOND).len() >= 6, "the case is too small");
        place.calls().len()
    }

    fn survives_some(&self, sample: usize) {
        let mut faults = self.all_faults();
        let mut random = 2_026;
        while faults.len() > sample {
            faults.swap_remove(next(&mut random) as usize % faults.len());
        }
        faults.into_iter().for_each(|fault| self.survives(fault));
    }

    fn all_faults(&self) -> Vec<Fault> {
        let mut all = Vec::new();
        for nth in 0..self.calls() {
            for when in [When::Before, When::Half, When::After] {
                let kill = Fault::kill_at(nth, when);
                all.push(kill);
                all.push(Fault { kind: ErrorKind::NoSpace, forever: false, ..kill });
            }
        }
        all
    }

    fn survives(&self, fault: Fault) {
        let survived = catch_unwind(AssertUnwindSafe(|| self.meets(fault)));
        if let Err(panic) = survived {
            eprintln!("after {fault:?}");
            resume_unwind(panic);
        }
    }

    fn meets(&self, fault: Fault) {
        let home = self.home.copy();
        let met = home.backup_with(fault, SECOND);
        assert!(met.is_some(), "the fault was not reached");
        self.check_what_is_seen(&home);
        let journal = home.path("cache/hindsight-run/header").exists();

        let (report, heard) = home.backup(LAST);
        assert_eq!((report.time, report.problems), (LAST, 0), "{:?}", heard.kinds());
        self.check_what_is_seen(&home);
        self.now.expect_at(&home.restore(LAST), Detail::Everything, "after the next backup");
        check_nothing_is_stored_twice(&home);
        let left = file_names(&home.path("place"));
        // What a run leaves before it has a journal is its own small lease or marker, swept after a day.
        let is_left = |name: &&String| name.as_str() == LEASE_NAME || (journal && is_upload_name(name));
        assert_eq!(left.iter().find(is_left), None);
        assert!(!home.path("cache/hindsight-run").exists());
    }

    fn check_what_is_seen(&self, home: &Home) {
        check_all_names_are_whole(home);
        for date in home.dates() {
            let restored = home.restore(date);
            check_claims(home, date, &restored);
            if let Some(expected) = self.earlier.get(&date) {
                expected.expect_at(&restored, Detail::Everything, "an earlier date");
            }
        }
        assert!(self.earlier.keys().all(|date| home.dates().contains(date)));
    }
}

/// A date holds exactly what its listing says.
fn check_claims(home: &Home, date: i64, restored: &Path) {
    let listing = home.listing(date);
    for (path, attributes) in &listing {
        let found = restored.join(path);
        fs::symlink_metadata(&found).unwrap_or_else(|error| panic!("{path:?} of {date}: {error}"));
        if let Some(content) = attributes.content {
            let expected: String = content.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(sha256(&found), expected, "{path:?} of {date}");
        }
    }
    assert_eq!(count(restored), listing.len(), "as of {date}");
}

fn count(path: &Path) -> usize {
    let is_folder = fs::symlink_metadata(path).unwrap().is_dir();
    let inside = is_folder.then(|| fs::read_dir(path).unwrap());
    1 + inside.into_iter().flatten().map(|entry| count(&entry.unwrap().path())).sum::<usize>()
}

fn check_all_names_are_whole(home: &Home) {
    if home.passphrase.is_some() || !home.path("place").exists() {
        return;
    }
    for name in file_names(&home.path("place")).iter().filter(|name| name.ends_with(".gz")) {
        let file = fs::File::open(home.path("place").join(name)).unwrap();
        std::io::copy(&mut gunzip(file), &mut std::io::sink()).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

fn volumes_of(home: &Home, date: i64) -> Vec<PathBuf> {
    let time = hindsight::duplicity::time::SetTime(date).to_string();
    let names = file_names(&home.path("place"));
    let volumes = names.iter().filter(|name| name.contains(&format!("{time}.vol")));
    volumes.map(|name| home.path("place").join(name)).collect()
}

/// No entry of a set that was cut off comes again in the one that adds the rest.
fn check_nothing_is_stored_twice(home: &Home) {
    if home.passphrase.is_some() {
        return;
    }
    let mut stored_in = HashMap::new();
    for date in [SECOND, LAST] {
        for volume in volumes_of(home, date) {
            let mut archive = tar::Archive::new(gunzip(fs::File::open(volume).unwrap()));
            for entry in archive.entries().unwrap() {
                let path = entry.unwrap().path_bytes().into_owned();
                let earlier = stored_in.insert(path.clone(), date);
                assert_eq!(earlier, None, "{} is stored twice", String::from_utf8_lossy(&path));
            }
        }
    }
}

#[test]
fn a_first_backup_survives_a_fault_at_any_step() {
    Scene::first(None).survives_some(sample(SAMPLE));
}

#[test]
fn a_later_backup_survives_a_fault_at_any_step() {
    Scene::second(None).survives_some(sample(SAMPLE));
}

#[test]
fn encrypted_backups_survive_faults_too() {
    // Each case derives keys anew: always a sample.
    Scene::second(Some("a password of the tests")).survives_some(8);
}
