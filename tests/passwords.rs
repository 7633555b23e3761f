//! A new password: the backups made with the old one stay what they are, and no chain needs two.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod faulty;
    pub(crate) mod runs;
}

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hindsight::destination::Folder;
use hindsight::error::Error;
use hindsight::secret::Passphrase;
use support::bytes::bytes;
use support::faulty::{Fault, Op, When};
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

fn home() -> Home {
    let mut home = Home::new();
    home.passphrase = Some(Passphrase::new("old"));
    fs::write(home.source.join("letter"), "first").unwrap();
    fs::write(home.source.join("picture"), bytes(1, 250_000)).unwrap();
    home
}

/// From now on backups are made with it.
fn change(home: &mut Home, passphrase: &str) {
    let before = home.passphrase.replace(Passphrase::new(passphrase));
    home.older_passphrases.extend(before);
}

fn letter(restored: &Path) -> String {
    fs::read_to_string(restored.join("letter")).unwrap()
}

#[test]
fn a_new_password_begins_a_new_chain_and_every_date_comes_back() {
    let mut home = home();
    assert!(home.backup(FIRST).0.full);
    fs::write(home.source.join("letter"), "second").unwrap();
    assert!(!home.backup(FIRST + 10).0.full);

    change(&mut home, "new");
    fs::write(home.source.join("letter"), "third").unwrap();
    let (report, heard) = home.backup(FIRST + 20);
    assert!(report.full, "nothing is added to what the old password protects");
    assert!(heard.said("Beginning with a full backup"));
    fs::write(home.source.join("letter"), "fourth").unwrap();
    assert!(!home.backup(FIRST + 30).0.full);

    change(&mut home, "newest");
    assert!(home.backup(FIRST + 40).0.full);
    for (seconds, content) in [(0, "first"), (10, "second"), (20, "third"), (30, "fourth"), (40, "fourth")] {
        assert_eq!(letter(&home.restore(FIRST + seconds)), content);
    }
}

#[test]
fn a_chain_needs_its_own_password_and_no_other() {
    let mut home = home();
    home.backup(FIRST);
    change(&mut home, "new");
    home.backup(FIRST + 10);

    home.older_passphrases.clear();
    fs::write(home.source.join("letter"), "second").unwrap();
    assert!(!home.backup(FIRST + 20).0.full);
    assert_eq!(letter(&home.restore(FIRST + 20)), "second");
}

#[test]
fn without_the_old_password_nothing_is_written_with_another() {
    let mut home = home();
    home.backup(FIRST);
    home.passphrase = Some(Passphrase::new("mistyped"));
    let (refused, _) = home.try_backup(Arc::new(Folder::new(home.path("place"))), FIRST + 10);
    assert!(matches!(refused, Err(Error::PassphraseWrong)), "{refused:?}");
}

#[test]
fn what_a_dead_run_left_is_not_completed_with_another_password() {
    let mut deaths = 0;
    for nth in [1, 8, 9, 10, 11, 12] {
        let mut home = home();
        home.backup(FIRST);
        fs::write(home.source.join("picture"), bytes(2, 900_000)).unwrap();
        let fault = Fault { forever: true, ..Fault::at(Op::Publish, nth, When::Before) };
        deaths += usize::from(home.backup_with(fault, FIRST + 10).is_some());

        change(&mut home, "new");
        assert!(home.backup(FIRST + 20).0.full);
        assert_eq!(fs::read(home.restore(FIRST).join("picture")).unwrap(), bytes(1, 250_000));
        home.older_passphrases.clear();
        assert_eq!(fs::read(home.restore(FIRST + 20).join("picture")).unwrap(), bytes(2, 900_000));
    }
    assert!(deaths > 2, "{deaths}");
}
