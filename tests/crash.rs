//! A backup may end at any moment: every set that exists restores to what it claims, and nothing is sent twice.
//!
//! HINDSIGHT_KILLS says how often (8 if not set); every kill comes at another moment, the same in each run
//! as far as the machine's speed allows.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod sets;
    pub(crate) mod states;
    pub(crate) mod stock;
}

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::backup::PASSWORD;
use support::bytes::{bytes, next};
use support::cli::{Repository, ours, scratch};
use support::compare::{Detail, Snapshot};
use support::hash::hashes;
use support::sets::{file_names, set_times};
use support::stock;
use tempfile::TempDir;

/// Kills of one repository, before its sets are looked at.
const KILLS_EACH: u32 = 4;
const FILES: u64 = 40;

#[test]
fn killed_backups_leave_only_sets_that_keep_their_word() {
    let kills = std::env::var("HINDSIGHT_KILLS").map_or(8, |number| number.parse().unwrap());
    let mut random = 2026;
    for number in 0..(kills as u32).div_ceil(KILLS_EACH) {
        let mut history = History::new((number % 2 == 0).then_some(PASSWORD));
        let usual = history.duration_of_a_backup();
        for _ in 0..KILLS_EACH.min(kills as u32 - number * KILLS_EACH) {
            let moment = usual.mul_f64(1.2 * (next(&mut random) % 1000) as f64 / 1000.0);
            history.killed_after(moment);
            history.change(next(&mut random));
            history.backs_up();
            history.change(next(&mut random));
        }
        history.check();
    }
}

#[test]
fn an_interrupted_backup_closes_its_set() {
    let mut history = History::new(Some(PASSWORD));
    let status = history.interrupted_after_a_volume();
    assert_eq!(status.code(), Some(4), "interrupted: {status}");
    let times = set_times(&history.repository.place());
    assert_eq!(times.len(), 1, "what was stored is a set: {times:?}");
    history.check();
    history.change(1);
    history.backs_up();
    history.check();
}

/// A repository, the folder it is of, and the folder's state at each backup that was begun.
struct History {
    repository: Repository,
    source: TempDir,
    begun: Vec<Snapshot>,
    changes: u64,
}

impl History {
    fn new(password: Option<&str>) -> Self {
        let history =
            Self { repository: Repository::new(password), source: scratch(), begun: Vec::new(), changes: 0 };
        for number in 0..FILES {
            history.write(number, &bytes(number, 150_000 + 1000 * number as usize));
        }
        history
    }

    fn write(&self, number: u64, content: &[u8]) {
        let folder = self.source.path().join(format!("folder {}", number % 4));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("file {number}")), content).unwrap();
    }

    /// Rewrites, edits, deletes and adds some files; no folder is removed.
    fn change(&mut self, seed: u64) {
        self.changes += 1;
        let mut random = seed;
        for _ in 0..6 {
            let number = next(&mut random) % FILES;
            let path = self.source.path().join(format!("folder {}/file {number}", number % 4));
            match (next(&mut random) % 4, fs::read(&path)) {
                (0, Ok(_)) => fs::remove_file(path).unwrap(),
                (1, Ok(mut content)) => {
                    let middle = content.len() / 2;
                    content.splice(middle..middle, *b"some words in the middle");
                    fs::write(path, content).unwrap();
                }
                (_, _) => self.write(number, &bytes(seed ^ number, 200_000)),
            }
        }
        self.write(FILES + self.changes, &bytes(seed, 90_000));
    }

    /// Begins a backup of the folder as it is now, in a second of its own.
    fn begin(&mut self) -> Child {
        sleep(Duration::from_millis(1100));
        self.begun.push(Snapshot::of(self.source.path()));
        let mut command = self.repository.backup_command(&ours(), "backup", self.source.path());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn duration_of_a_backup(&self) -> Duration {
        let other = Repository::new(self.repository.password.as_deref());
        let start = Instant::now();
        other.backup(&ours(), "full", self.source.path()).expect(0);
        start.elapsed()
    }

    fn killed_after(&mut self, moment: Duration) {
        let mut child = self.begin();
        sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn interrupted_after_a_volume(&mut self) -> ExitStatus {
        let mut child = self.begin();
        while !file_names(&self.repository.place()).iter().any(|name| name.contains(".difftar")) {
            assert!(child.try_wait().unwrap().is_none(), "the backup ended before its first volume was seen");
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        child.wait().unwrap()
    }

    /// Backs up to the end. What the repository held before is still there, untouched, and nothing unfinished is.
    fn backs_up(&mut self) {
        let published = self.published();
        let mut child = self.begin();
        assert!(child.wait().unwrap().success(), "the backup after a kill failed");
        let now = self.published();
        for (name, hash) in &published {
            assert_eq!(now.get(name), Some(hash), "{} was there before this backup", name.display());
        }
        let leftovers: Vec<_> =
            file_names(&self.repository.place()).into_iter().filter(|name| !is_in_place(name)).collect();
        assert!(leftovers.is_empty(), "left behind: {leftovers:?}");
    }

    /// What a reader takes for a part of a set: name to hash.
    fn published(&self) -> BTreeMap<PathBuf, String> {
        let mut files = hashes(&self.repository.place());
        files.retain(|name, _| name.as_os_str().as_bytes().starts_with(b"duplicity-"));
        files
    }

    /// Restores every set with all programs and compares it with the backup that made it.
    fn check(&self) {
        let mut before = Snapshot::default();
        let mut begun = self.begun.iter();
        for time in set_times(&self.repository.place()) {
            let restored = self.restored(&time);
            let end = self.unfinished_at(&time);
            let claims: Vec<Snapshot> = begun
                .clone()
                .map(|state| match &end {
                    Some(end) => state.up_to(end, &before),
                    None => state.clone(),
                })
                .collect();
            let differences = claims.iter().map(|claim| claim.differences(&restored, Detail::Everything));
            let (made_by, wrong) =
                differences.enumerate().min_by_key(|(_, wrong)| wrong.len()).expect("more sets than backups");
            assert!(
                wrong.is_empty(),
                "set {time} (unfinished: {end:?}) restores otherwise:\n{}",
                wrong.join("\n")
            );
            let state = claims[made_by].clone();
            begun.nth(made_by);
            for program in [stock::old(), stock::new()] {
                let target = scratch();
                self.repository.restore(&program, scratch().path(), &time, target.path()).expect(0);
                state.expect_at(
                    target.path(),
                    Detail::Stock,
                    &format!("set {time} restored by {}", program.name),
                );
            }
            let (stored, new) = (self.volume_bytes(&time), state.new_bytes(&before));
            assert!(
                stored <= new + new / 20 + 100_000,
                "set {time}: {stored} bytes stored for {new} bytes that are new"
            );
            before = state;
        }
        assert!(
            before.differences(self.begun.last().unwrap(), Detail::Everything).is_empty()
                || self.last_is_unfinished()
        );
    }

    fn last_is_unfinished(&self) -> bool {
        set_times(&self.repository.place()).last().is_some_and(|time| self.unfinished_at(time).is_some())
    }

    fn restored(&self, time: &str) -> Snapshot {
        let target = scratch();
        self.repository.restore(&ours(), scratch().path(), time, target.path()).expect(0);
        Snapshot::of(target.path())
    }

    fn volume_bytes(&self, time: &str) -> u64 {
        let of_set = format!("{time}.vol");
        let volumes = file_names(&self.repository.place()).into_iter().filter(|name| name.contains(&of_set));
        volumes.map(|name| fs::metadata(self.repository.place().join(name)).unwrap().len()).sum()
    }

    /// The path from which on the set at `time` saw nothing, if it was closed early.
    fn unfinished_at(&self, time: &str) -> Option<PathBuf> {
        let of_set = format!("{time}.manifest");
        let name =
            file_names(&self.repository.place()).into_iter().find(|name| name.contains(&of_set)).unwrap();
        let path = self.repository.place().join(name);
        let manifest = if path.extension().is_some_and(|suffix| suffix == "gpg") {
            decrypted(&path)
        } else {
            fs::read(path).unwrap()
        };
        let line = manifest
            .split(|&byte| byte == b'\n')
            .find_map(|line| line.strip_prefix(b"X-Hindsight-Unfinished "))?;
        Some(unquoted(line))
    }
}

fn is_in_place(name: &str) -> bool {
    name.starts_with("duplicity-") || name == "hindsight-place.json"
}

fn decrypted(path: &Path) -> Vec<u8> {
    let home = scratch();
    let mut command = Command::new("gpg");
    command.args([
        "--batch",
        "--quiet",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        PASSWORD,
        "--decrypt",
    ]);
    let output = command.arg(path).env("GNUPGHOME", home.path()).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The paths of this fixture need no escape but that of a space (FORMAT.md 6).
fn unquoted(line: &[u8]) -> PathBuf {
    let line = String::from_utf8(line.to_vec()).unwrap();
    let path = line.trim_matches('"').replace("\\x20", " ");
    PathBuf::from(OsStr::new(path.trim_start_matches("./")))
}
