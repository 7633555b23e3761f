//! A file of many volumes, and a run that dies within it: the next run takes up what is stored of it.

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

use std::fs;
use std::sync::Arc;

use hindsight::destination::{Folder, is_upload_name};
use hindsight::secret::Passphrase;
use support::bytes::bytes;
use support::compare::{Detail, Snapshot};
use support::faulty::{Fault, Faulty, Op, When};
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;
/// Uploads that the dying run can still begin: the lease (twice: the first finds no place yet), the marker, the
/// signatures, what comes before the file, and some of the file.
const BEGUN: usize = 9;

/// A home whose first backup died in the middle of a file of a dozen volumes.
fn died_within_a_large_file(passphrase: Option<&str>) -> Home {
    let mut home = Home::new();
    home.passphrase = passphrase.map(Passphrase::new);
    fs::write(home.source.join("a"), b"small").unwrap();
    fs::write(home.source.join("large"), bytes(1, 1_200_000)).unwrap();
    let faulty = Faulty::new(Arc::new(Folder::new(home.path("place"))));
    let fault = Fault { forever: true, temporary: false, ..Fault::at(Op::Stage, BEGUN, When::Before) };
    faulty.plan(fault);
    let faulty = Arc::new(faulty);
    home.try_backup(faulty.clone(), FIRST).0.expect_err("the place is gone");
    assert!(faulty.reached());
    home
}

/// Runs again; how many volumes were taken up, and how many uploads were begun.
fn again(home: &Home) -> (usize, usize) {
    let counting = Arc::new(Faulty::new(Arc::new(Folder::new(home.path("place")))));
    home.try_backup(counting.clone(), FIRST + 1_000).0.unwrap();
    let restored = home.restore(FIRST + 1_000);
    Snapshot::of(&home.source).expect_at(&restored, Detail::Everything, "after the second run");
    let left = fs::read_dir(home.path("place")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(
        left.filter(|name| is_upload_name(name.to_str().unwrap())).count(),
        0,
        "uploads are left over"
    );
    (counting.count(Op::Adopt), counting.count(Op::Stage))
}

#[test]
fn what_is_stored_of_an_unchanged_file_is_not_stored_again() {
    for passphrase in [None, Some("a password of the tests")] {
        let (adopted, _) = again(&died_within_a_large_file(passphrase));
        assert!(adopted >= 4, "only {adopted} volumes were taken up");
    }
}

#[test]
fn a_file_that_changed_meanwhile_is_stored_anew_from_the_change_on() {
    let home = died_within_a_large_file(None);
    let mut content = bytes(1, 1_200_000);
    content[250_000] ^= 1;
    fs::write(home.source.join("large"), content).unwrap();
    // Its time is in the header of every part: all of it is stored anew.
    assert_eq!(again(&home).0, 0);
}

#[test]
fn parked_volumes_that_were_damaged_are_not_taken_up() {
    let home = died_within_a_large_file(None);
    for entry in fs::read_dir(home.path("place")).unwrap() {
        let path = entry.unwrap().path();
        if is_upload_name(path.file_name().unwrap().to_str().unwrap()) {
            let mut stored = fs::read(&path).unwrap();
            let middle = stored.len() / 2;
            // An upload that had only begun is empty.
            stored.get_mut(middle).into_iter().for_each(|byte| *byte ^= 1);
            fs::write(&path, stored).unwrap();
        }
    }
    assert_eq!(again(&home).0, 0);
}
