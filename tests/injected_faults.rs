//! The whole program at a place that fails as variables say (`fortestsonly://`), by the codes and with the results
//! that duplicity's own tests expect, and what the next run makes of it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod sets;
    pub(crate) mod stanzas;
    pub(crate) mod stock;
}

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::bytes::bytes;
use support::cli::{Outcome, Program, Repository, scratch};
use support::compare::{Detail, Snapshot};
use support::sets::{file_names, set_times};
use support::stanzas::named_duplicity;
use support::stock;
use tempfile::TempDir;

const PASSWORD: &str = "a password of the tests";
const FIRST: i64 = 1_700_000_000;

/// A folder of several volumes, and backups of it at such a place.
struct Home {
    folder: TempDir,
    repository: Repository,
    program: Program,
    runs: i64,
}

impl Home {
    fn new(password: Option<&str>) -> Self {
        let folder = scratch();
        fs::create_dir(folder.path().join("src")).unwrap();
        (0..5).for_each(|n| {
            fs::write(folder.path().join(format!("src/{n}")), bytes(n, 900_000)).unwrap();
        });
        let program = named_duplicity(folder.path());
        Self { folder, repository: Repository::new(password), program, runs: 0 }
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("src")
    }

    /// Runs `line`, where URL is the place, with the fault that is named by a variable.
    fn run(&mut self, line: &str, fault: Option<(&str, &str)>) -> Outcome {
        self.runs += 1;
        let mut command = self.repository.command(&self.program, &self.folder.path().join("cache"));
        let url = format!("fortestsonly://{}", self.repository.place().display());
        command.args(line.split(' ').map(|word| word.replace("URL", &url)));
        command.args(["--volsize", "1", "--current-time", &(FIRST + 1000 * self.runs).to_string()]);
        command.envs(fault).current_dir(self.folder.path());
        Outcome::of(command)
    }

    /// The next run goes on, and what is at the place comes back as it was, by all programs.
    fn recovers(&mut self, after: &str) {
        fs::write(self.source().join("new"), bytes(9, 900_000)).unwrap();
        self.run("backup src URL", None).expect(0);
        let place = self.repository.place();
        let leftovers: Vec<_> = file_names(&place)
            .into_iter()
            .filter(|name| !name.starts_with("duplicity-") && name != "hindsight-place.json")
            .collect();
        assert!(leftovers.is_empty(), "{after}: {leftovers:?}");
        let status = self.run("collection-status URL", None).expect(0).to_string();
        assert!(status.contains("No orphaned or incomplete backup sets found."), "{after}: {status}");
        let newest = set_times(&place).pop().unwrap();
        for program in [self.program.clone(), stock::new()] {
            let target = scratch();
            self.repository.restore(&program, scratch().path(), &newest, target.path()).expect(0);
            let after = format!("{after}, by {}", program.name);
            Snapshot::of(&self.source()).expect_at(target.path(), Detail::Stock, &after);
        }
    }
}

#[test]
fn what_fails_at_the_place_has_its_code_and_the_next_run_goes_on() {
    for (variable, name, code) in [
        ("DUP_FAIL_WITH_EXCEPTION", "vol1.", 50),
        ("DUP_FAIL_WITH_EXCEPTION", "vol3.", 50),
        ("DUP_FAIL_WITH_EXCEPTION", "signatures", 50),
        ("DUP_FAIL_WITH_EXCEPTION", "manifest", 50),
        ("DUP_FAIL_LAST_BYTE_MISSING", "vol2.", 56),
        ("DUP_FAIL_LAST_BYTE_MISSING", "manifest", 56),
        ("DUP_FAIL_SKIP_PUT_SILENT", "vol2.", 56),
        ("DUP_FAIL_SKIP_PUT_SILENT", "signatures", 56),
    ] {
        let mut home = Home::new(None);
        home.run("full src URL", Some((variable, name))).expect(code);
        home.recovers(&format!("{variable} {name}"));
    }
}

#[test]
fn a_program_that_is_gone_on_the_spot_is_followed_by_one_that_goes_on() {
    for (password, name) in [
        (None, "vol1."),
        (Some(PASSWORD), "vol2."),
        (None, "vol4."),
        (Some(PASSWORD), "signatures"),
        (None, "manifest"),
    ] {
        for action in ["full", "incremental"] {
            let mut home = Home::new(password);
            if action == "incremental" {
                home.run("full src URL", None).expect(0);
                (2..6).for_each(|n| {
                    fs::write(home.source().join(n.to_string()), bytes(10 + n, 900_000)).unwrap()
                });
            }
            let fault = ("DUP_FAIL_BY_SYSTEM_EXIT", name);
            home.run(&format!("{action} src URL"), Some(fault)).expect(30);
            let stored = file_names(&home.repository.place()).into_iter().any(|stored| stored.contains(name));
            assert!(stored, "{name} was to be stored before the end");
            home.recovers(&format!("{action}, ended after {name}"));
        }
    }
}

#[test]
fn backups_that_cannot_be_deleted_stay_listed() {
    let mut home = Home::new(None);
    (0..2).for_each(|_| drop(home.run("full src URL", None).expect(0)));
    let before = set_times(&home.repository.place());
    let fault = ("DUP_FAIL_WITH_EXCEPTION", before[0].as_str());
    home.run("remove-all-but-n-full 1 URL --force", Some(fault)).expect(50);
    assert_eq!(set_times(&home.repository.place()), before);
    home.run("remove-all-but-n-full 1 URL --force", None).expect(0);
    assert_eq!(set_times(&home.repository.place()), before[1..]);
}

#[test]
fn a_slow_place_changes_nothing_but_the_time_it_takes() {
    let mut home = Home::new(None);
    let begun = Instant::now();
    home.run("full src URL", Some(("DUP_FAIL_DELAY_FIX_MS", "100"))).expect(0);
    assert!(begun.elapsed() >= Duration::from_millis(700), "seven files are stored: {:?}", begun.elapsed());
    home.recovers("DUP_FAIL_DELAY_FIX_MS");
    home.run("full src URL", Some(("DUP_FAIL_DELAY_RANDOM_MS", "50"))).expect(0);
    home.recovers("DUP_FAIL_DELAY_RANDOM_MS");
}

#[test]
fn volumes_that_wait_for_each_other_do_not_hang() {
    let mut home = Home::new(None);
    for pair in [r#"["vol2.", "vol1."]"#, r#"["vol1.", "vol2."]"#] {
        home.run("full src URL", Some(("DUP_FAIL_WAIT_FOR_VOLUME", pair))).expect(0);
        home.recovers(pair);
    }
}
