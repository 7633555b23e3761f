//! The timeline shows of each date what a listing of it shows, which is made another way.

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
use std::path::Path;
use std::sync::{Arc, Mutex};

use hindsight::context::Context;
use hindsight::destination::Folder;
use hindsight::engine::timeline::{Presence, Timeline};
use hindsight::engine::{self, Job, Keys, ListJob, Place, Prefixes};
use hindsight::entry::{Attributes, EntryPath};
use hindsight::secret::Passphrase;
use serde_json::Value;
use support::bytes::{bytes, next};
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

fn listing(place: &Place, time: i64) -> BTreeMap<Vec<u8>, Attributes> {
    let listed = Arc::new(Mutex::new(BTreeMap::new()));
    let all = listed.clone();
    let each = move |path: &EntryPath, attributes: &Attributes| {
        all.lock().unwrap().insert(path.as_bytes().to_vec(), attributes.clone());
    };
    let job = ListJob { place: place.clone(), time: Some(time), each: Arc::new(each) };
    engine::run(Job::List(job), &Context::silent()).unwrap();
    listed.lock().unwrap().clone()
}

fn present(timeline: &Timeline, folder: &EntryPath, date: i64, all: &mut BTreeMap<Vec<u8>, Attributes>) {
    for item in timeline.folder(folder, date).unwrap() {
        let path = folder.child(&item.name);
        if item.has_children {
            present(timeline, &path, date, all);
        }
        if item.presence == Presence::Present {
            all.insert(path.as_bytes().to_vec(), item.attributes);
        }
    }
}

/// The timeline says of each date what a listing says, and of changes what two listings say.
fn agrees_with_listings(place: &Place) -> usize {
    let timeline = Timeline::open(place).unwrap();
    let mut before = None;
    for date in timeline.dates() {
        let mut expected = listing(place, date);
        assert_eq!(timeline.size(&[EntryPath::root()], date).unwrap().0, expected.len() as u64);
        expected.remove(&b""[..]);
        let mut found = BTreeMap::new();
        present(&timeline, &EntryPath::root(), date, &mut found);
        let seen = |all: &BTreeMap<Vec<u8>, Attributes>| -> Vec<_> {
            let facts = |a: &Attributes| (a.kind, a.mode, a.mtime, a.content, a.link_target.clone());
            all.iter().map(|(path, attributes)| (path.clone(), facts(attributes))).collect()
        };
        assert_eq!(seen(&found), seen(&expected), "{date}");
        if let Some(before) = before {
            let mut differences = 0;
            let count = |_| {
                differences += 1;
                true
            };
            timeline.differences(&EntryPath::root(), before, date, count).unwrap();
            assert_eq!(timeline.changes(&EntryPath::root(), date).unwrap(), differences);
        }
        before = Some(date);
    }
    timeline.dates().len()
}

#[test]
fn whatever_happens_the_timeline_shows_each_date_as_it_was() {
    for seed in 0..4 {
        let home = Home::new();
        let mut state = seed;
        for backup in 0..12 {
            for _ in 0..=next(&mut state) % 4 {
                change(&home.source, &mut state);
            }
            if next(&mut state).is_multiple_of(4) {
                home.full_backup(FIRST + backup);
            } else {
                home.backup(FIRST + backup);
            }
            if next(&mut state).is_multiple_of(3) {
                agrees_with_listings(&home.reader());
            }
        }
        assert_eq!(agrees_with_listings(&home.reader()), 12);
        assert_eq!(agrees_with_listings(&Place { cache: home.path("cache"), ..home.reader() }), 12);
    }
}

/// One of few names becomes a file, a folder or nothing.
fn change(root: &Path, state: &mut u64) {
    let mut name = || ["a", "a-b", "b", "c.d"][(next(state) % 4) as usize];
    let mut path = root.join(name());
    for deeper in [name(), name()] {
        if path.is_dir() && deeper != "a" {
            path = path.join(deeper);
        }
    }
    if path.is_dir() {
        fs::remove_dir_all(&path).unwrap()
    } else {
        drop(fs::remove_file(&path))
    }
    match next(state) % 3 {
        0 => fs::write(&path, bytes(next(state), 50)).unwrap(),
        1 => fs::create_dir(&path).unwrap(),
        _ => {}
    }
}

#[test]
fn repositories_of_stock_duplicity_can_be_browsed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repositories");
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let expected: Value =
            serde_json::from_slice(&fs::read(entry.path().join("expect.json")).unwrap()).unwrap();
        let cache = tempfile::tempdir().unwrap();
        let place = Place {
            destination: Arc::new(Folder::new(entry.path().join("place"))),
            passphrase: expected["password"].as_str().map(Passphrase::new),
            keys: Keys::default(),
            cache: cache.path().to_path_buf(),
            address: entry.file_name(),
            prefixes: Prefixes::default(),
        };
        let dates = agrees_with_listings(&place);
        assert_eq!(dates, expected["states"].as_object().unwrap().len(), "{:?}", entry.file_name());
        let backups = Timeline::open(&place).unwrap().backups();
        assert!(backups.iter().all(|backup| !backup.damaged), "{backups:?}");
        assert!(backups[0].changed_bytes > 0, "{backups:?}");
    }
}
