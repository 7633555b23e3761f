//! Backups copied to another place.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use crate::history::{History, START, date, stocks};
use crate::support::backup::PASSWORD;
use crate::support::cli::{Outcome, Program, ours, scratch};
use crate::support::sets::file_names;
use crate::support::stock;

impl History {
    fn target(&self) -> PathBuf {
        self.repository.place().with_file_name("target")
    }

    fn replicate(&self, program: &Program, options: &[&str]) -> Outcome {
        let mut to = OsString::from("file://");
        to.push(self.target());
        let mut command = self.repository.command(program, &self.repository.cache(program));
        command.arg("replicate").args(options).arg(self.repository.url()).arg(to);
        Outcome::of(command)
    }

    /// The copies take the place of what they were copied from.
    fn move_in(&mut self, password: Option<&str>) {
        fs::remove_dir_all(self.repository.place()).unwrap();
        fs::rename(self.target(), self.repository.place()).unwrap();
        self.repository.password = password.map(str::to_owned);
    }
}

#[test]
fn what_was_copied_comes_back_whoever_wrote_it_and_however_it_is_sealed() {
    for program in [ours(), stock::new(), stock::old()] {
        for (before, after) in [(None, None), (None, Some(PASSWORD)), (Some(PASSWORD), None)] {
            // Keys cost stock half a second a file: not each of these by all.
            if before.is_some() && program.name == "0.8.22" {
                continue;
            }
            let mut history = History::new();
            history.repository.password = before.map(str::to_owned);
            for action in ["full", "incremental", "full"] {
                history.change();
                history.back_up(&program, action, &[]);
            }
            match (before, after) {
                (Some(_), None) => history.replicate_with(PASSWORD, &["--no-encryption"]),
                (None, Some(password)) => history.replicate_sealing(password),
                _ => history.replicate(&ours(), &[]),
            }
            .expect(0);
            history.move_in(after);
            assert_eq!(history.dates(), [0, 1, 2]);
            history.restores(&ours(), &[0, 1, 2], scratch().path());
            history.restores(&stock::new(), &[1], scratch().path());
            history.change();
            history.back_up(&ours(), "incremental", &[]);
            history.restores(&stock::old(), &[3], scratch().path());
        }
    }
}

impl History {
    fn replicate_with(&self, password: &str, options: &[&str]) -> Outcome {
        let mut to = OsString::from("file://");
        to.push(self.target());
        let mut command = self.repository.command(&ours(), &self.repository.cache(&ours()));
        command.env("PASSPHRASE", password);
        command.arg("replicate").args(options).arg(self.repository.url()).arg(to);
        Outcome::of(command)
    }

    /// From the clear to what is encrypted.
    fn replicate_sealing(&self, password: &str) -> Outcome {
        self.replicate_with(password, &["--encryption"])
    }
}

#[test]
fn a_copy_has_the_sets_that_stocks_copy_has() {
    let history = History::of_three_chains(&stock::new());
    let mut copies = Vec::new();
    for program in [ours(), stock::old()] {
        let copy = history.copy();
        for time in [date(4), date(9)] {
            copy.replicate(&program, &["--time", &time.to_string()]).expect(0);
            // 0.8.22 calls the manifests .manifest.gz.
            let names =
                file_names(&copy.target()).into_iter().map(|name| name.replace("manifest.gz", "manifest"));
            copies.push(names.filter(|name| name.starts_with("duplicity-")).collect::<Vec<_>>());
        }
    }
    assert_eq!(copies[0], copies[2], "of what is older than a time");
    assert_eq!(copies[1], copies[3], "and then of the rest");
    assert!(
        copies[0]
            .iter()
            .all(|name| !name.contains(&hindsight::duplicity::time::SetTime(START + 4_000).to_string()))
    );
}

#[test]
fn nothing_is_copied_twice_and_a_copy_that_was_cut_off_is_made_again() {
    for stock in stocks() {
        let mut history = History::of_three_chains(&stock);
        history.replicate(&ours(), &[]).expect(0);
        let target = history.target();
        let names = file_names(&target);
        let hashes = crate::support::hash::hashes(&target);
        history.replicate(&ours(), &[]).expect(0);
        assert_eq!(crate::support::hash::hashes(&target), hashes);
        // Cut off before the manifest, and in the midst of a volume.
        let last = names.iter().rfind(|name| name.contains("inc") && name.ends_with(".manifest")).unwrap();
        fs::remove_file(target.join(last)).unwrap();
        let volume = last.replace(".manifest", ".vol1.difftar.gz");
        fs::write(target.join(volume), "half").unwrap();
        history.replicate(&ours(), &[]).expect(0);
        assert_eq!(file_names(&target), names);
        history.move_in(None);
        history.restores(&stock, &[6], scratch().path());
    }
}

#[test]
fn what_would_be_copied_is_told_and_nothing_is_written() {
    let history = History::of_three_chains(&stock::new());
    let dry_run = |options: &[&str]| {
        let told = history.replicate(&ours(), &[&["--dry-run"], options].concat()).expect(0);
        String::from_utf8(told.stdout).unwrap()
    };
    let told = dry_run(&[]);
    assert!(told.contains("7 backup set(s) would be replicated."), "{told}");
    assert!(!history.target().exists());
    history.replicate(&ours(), &["--time", &date(4).to_string()]).expect(0);
    let before = crate::support::hash::hashes(&history.target());
    let told = dry_run(&[]);
    assert!(told.contains("3 backup set(s) would be replicated, 4 already there."), "{told}");
    assert!(dry_run(&["--time", &date(4).to_string()]).contains("0 backup set(s) would be replicated, 4"));
    assert_eq!(crate::support::hash::hashes(&history.target()), before);
}

#[test]
fn what_is_damaged_is_not_copied_as_if_it_were_whole() {
    let history = History::of_three_chains(&stock::new());
    let volume = history.files().into_iter().find(|name| name.contains(".vol1.")).unwrap();
    fs::write(history.repository.place().join(&volume), "damaged").unwrap();
    history.replicate(&ours(), &[]).expect(21);
    let set = volume.split(".vol1").next().unwrap().to_owned();
    assert!(!file_names(&history.target()).iter().any(|name| *name == format!("{set}.manifest")));
}

#[test]
fn a_place_without_backups_has_nothing_to_copy() {
    let history = History::new();
    for program in [ours(), stock::old()] {
        history.replicate(&program, &[]).expect(0);
    }
}
