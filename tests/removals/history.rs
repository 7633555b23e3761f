//! A folder that changes, and backups of it at dates that are told: number n is of `START + 1000 n`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use hindsight::duplicity::time::SetTime;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::support::bytes::{bytes, next};
use crate::support::cli::{Outcome, Program, Repository, scratch};
use crate::support::compare::{Detail, Snapshot};
use crate::support::sets::file_names;
use crate::support::stock;

pub(crate) const START: i64 = 1_700_000_000;
pub(crate) const STEP: i64 = 1_000;

pub(crate) fn stocks() -> [Program; 2] {
    [stock::new(), stock::old()]
}

/// Seconds since 1970 of a backup.
pub(crate) fn date(number: usize) -> i64 {
    START + STEP * number as i64
}

/// Whether a file belongs to the backup of this number.
pub(crate) fn is_of_date(name: &str, number: usize) -> bool {
    let at = SetTime(date(number)).to_string();
    name.contains(&format!("{at}.")) && !name.contains(&format!("{at}.to."))
}

pub(crate) struct History {
    pub(crate) repository: Repository,
    /// The folder, at the same path for all copies of a history.
    source: Rc<tempfile::TempDir>,
    /// As it was when each backup was made.
    states: Vec<Snapshot>,
    random: u64,
    changes: usize,
}

impl History {
    pub(crate) fn new() -> Self {
        Self::with_seed(2_026)
    }

    pub(crate) fn with_seed(seed: u64) -> Self {
        let (repository, source) = (Repository::new(None), Rc::new(scratch()));
        let history = Self { repository, source, states: Vec::new(), random: seed, changes: 0 };
        for folder in ["a", "b/c"] {
            fs::create_dir_all(history.path(folder)).unwrap();
        }
        for (number, name) in ["a/one", "a/two", "b/three", "b/c/four", "five"].iter().enumerate() {
            history.write(name, &bytes(number as u64, 3_000 * (number + 1)));
        }
        history
    }

    /// Full backups 0, 3 and 5; increments 1, 2, 4 and 6.
    pub(crate) fn of_three_chains(program: &Program) -> Self {
        let mut history = Self::new();
        for action in ["full", "incremental", "incremental", "full", "incremental", "full", "incremental"] {
            history.change();
            history.back_up(program, action, &[]);
        }
        history
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.source.path().join(name)
    }

    /// With a time of its own: stock looks at nothing else.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
        self.date(name);
    }

    fn date(&self, name: &str) {
        let time = Timespec { tv_sec: START - 1_000_000 + self.changes as i64, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        utimensat(CWD, self.path(name), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }

    /// Some files are edited, made and deleted.
    pub(crate) fn change(&mut self) {
        self.changes += 1;
        for _ in 0..3 {
            let (choice, number) = (next(&mut self.random) % 5, next(&mut self.random) % 8);
            let name = ["a/one", "a/two", "b/three", "b/c/four", "five", "a/six", "b/seven", "b/c/eight"]
                [number as usize];
            let path = self.path(name);
            match (choice, fs::read(&path)) {
                (0, Ok(_)) => fs::remove_file(path).unwrap(),
                (1 | 2, Ok(mut content)) => {
                    let middle = content.len() / 2;
                    content.splice(middle..middle, format!("change {}", self.changes).into_bytes());
                    self.write(name, &content);
                }
                _ => {
                    let content = bytes(next(&mut self.random), 4_000);
                    self.write(name, &content);
                }
            }
        }
        for folder in ["a", "b/c", "b", ""] {
            self.date(folder);
        }
    }

    /// The folder has been changed by `other`, which is of the same one.
    pub(crate) fn follow(&mut self, other: &Self) {
        (self.random, self.changes) = (other.random, other.changes);
    }

    /// The same place, caches and folder.
    pub(crate) fn copy(&self) -> Self {
        let repository = Repository::new(self.repository.password.as_deref());
        for name in ["place", "cache"] {
            let (from, to) = (&self.repository, &repository);
            let (from, to) = (from.place().with_file_name(name), to.place().with_file_name(name));
            if from.exists() {
                let status = Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap();
                assert!(status.success());
            }
        }
        let source = Rc::clone(&self.source);
        Self { repository, source, states: self.states.clone(), random: self.random, changes: self.changes }
    }

    /// Runs an action on the place: the words, then the URL.
    pub(crate) fn run(&self, program: &Program, words: &[&str]) -> Outcome {
        let url = self.repository.url();
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).chain([url.as_os_str()]).collect();
        self.repository.run(program, &self.repository.cache(program), &words)
    }

    pub(crate) fn backup_command(&self, program: &Program, action: &str, options: &[&str]) -> Command {
        self.backup_command_at("file", program, action, options)
    }

    /// To the place in words of another kind. `action`: none if it is empty.
    pub(crate) fn backup_command_at(
        &self,
        scheme: &str,
        program: &Program,
        action: &str,
        options: &[&str],
    ) -> Command {
        let mut command = self.repository.command(program, &self.repository.cache(program));
        command.args(Some(action).filter(|action| !action.is_empty())).args(options).args([
            "--allow-source-mismatch",
            "--volsize",
            "1",
        ]);
        command.args(["--current-time", &date(self.states.len()).to_string()]);
        let url = format!("{scheme}://{}", self.repository.place().display());
        command.arg(self.source.path()).arg(url);
        command
    }

    pub(crate) fn try_back_up(&mut self, program: &Program, action: &str, options: &[&str]) -> Outcome {
        let outcome = Outcome::of(self.backup_command(program, action, options));
        self.pass();
        outcome
    }

    /// A backup of the next date.
    pub(crate) fn back_up(&mut self, program: &Program, action: &str, options: &[&str]) -> Outcome {
        self.try_back_up(program, action, options).expect(0)
    }

    /// The next backup is of another date, whatever became of this one.
    pub(crate) fn pass(&mut self) {
        self.states.push(Snapshot::of(self.source.path()));
    }

    /// How many dates there have been.
    pub(crate) fn passed(&self) -> usize {
        self.states.len()
    }

    /// All files at the place.
    pub(crate) fn files(&self) -> Vec<String> {
        file_names(&self.repository.place())
    }

    pub(crate) fn cached(&self, program: &Program) -> Vec<String> {
        file_names(&self.repository.cache(program).join("tests"))
    }

    /// What the names say of the sets that have a manifest: kind and dates.
    pub(crate) fn sets(&self) -> Vec<String> {
        let names = self.files().into_iter();
        names.filter_map(|name| name.split_once(".manifest").map(|(set, _)| set.to_owned())).collect()
    }

    /// Numbers of those sets.
    pub(crate) fn dates(&self) -> Vec<usize> {
        self.numbers(|_| true)
    }

    pub(crate) fn fulls(&self) -> Vec<usize> {
        self.numbers(|set| set.starts_with("duplicity-full."))
    }

    fn numbers(&self, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
        let sets = self.sets();
        let is_there =
            |number: &usize| sets.iter().any(|set| wanted(set) && is_of_date(&format!("{set}."), *number));
        (0..self.states.len()).filter(is_there).collect()
    }

    /// Everything that is listed, with a cold cache.
    pub(crate) fn restores_all(&self, program: &Program) {
        self.restores(program, &self.dates(), scratch().path());
    }

    pub(crate) fn restores(&self, program: &Program, numbers: &[usize], cache: &Path) {
        for number in numbers {
            let target = scratch();
            self.repository.restore(program, cache, &date(*number).to_string(), target.path()).expect(0);
            self.states[*number].expect_at(
                target.path(),
                Detail::Stock,
                &format!("{number} restored by {}", program.name),
            );
        }
    }
}
