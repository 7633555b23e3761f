//! Every program continues what every program wrote, and every program restores the result.
//!
//! A repository is written by one program (full), continued by one (incremental) and continued by another one,
//! plain and encrypted; each of its states is then restored, listed and verified by all three programs.
//! States that several repositories share are restored from one of them only.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod sets;
    pub(crate) mod stock;
    pub(crate) mod tree;
}

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::bytes::Regex;
use support::backup::PASSWORD;
use support::cli::{Outcome, Program, Repository, ours, scratch};
use support::compare::{Detail, Snapshot};
use support::hash::hashes;
use support::sets::set_times;
use support::{stock, tree};

#[test]
fn what_we_write_plainly_is_continued_and_restored_by_all() {
    written_by(0, None);
}

#[test]
fn what_we_encrypt_is_continued_and_restored_by_all() {
    written_by(0, Some(PASSWORD));
}

#[test]
fn what_0_8_22_writes_plainly_is_continued_and_restored_by_all() {
    written_by(1, None);
}

#[test]
fn what_0_8_22_encrypts_is_continued_and_restored_by_all() {
    written_by(1, Some(PASSWORD));
}

#[test]
fn what_3_2_1_writes_plainly_is_continued_and_restored_by_all() {
    written_by(2, None);
}

#[test]
fn what_3_2_1_encrypts_is_continued_and_restored_by_all() {
    written_by(2, Some(PASSWORD));
}

/// Where nothing but ours is at work, nothing at all may be lost: neither nanoseconds nor attributes, links or holes.
#[test]
fn nothing_is_lost_where_only_we_write_and_restore() {
    let source = scratch();
    let repository = Repository::new(Some(PASSWORD));
    let states: Vec<Snapshot> = (0..4)
        .map(|number| {
            tree::stage(source.path(), number);
            repository
                .backup(&ours(), if number == 0 { "full" } else { "incremental" }, source.path())
                .expect(0);
            Snapshot::of(source.path())
        })
        .collect();
    let times = set_times(&repository.place());
    for (state, time) in states.iter().zip(&times) {
        let target = scratch();
        repository.restore(&ours(), scratch().path(), time, target.path()).expect(0);
        state.expect_at(target.path(), Detail::Everything, &format!("restored as of {time}"));
    }
}

fn written_by(writer: usize, password: Option<&'static str>) {
    let programs = [ours(), stock::old(), stock::new()];
    let folder = scratch();
    let source = folder.path().join("source");
    let first = Repository::new(password);

    tree::stage(&source, 0);
    let mut states = vec![Snapshot::of(&source)];
    first.backup(&programs[writer], "full", &source).expect(0);
    let sources = [1, 2].map(|number| {
        let stage = folder.path().join(number.to_string());
        let before = if number == 1 { &source } else { &folder.path().join("1") };
        copy(before, &stage);
        tree::stage(&stage, number);
        states.push(Snapshot::of(&stage));
        stage
    });

    for second in 0..3 {
        let third = if second == writer { (writer + 1) % 3 } else { 3 - writer - second };
        let repository = first.copy();
        repository.backup(&programs[second], "incremental", &sources[0]).expect(0);
        repository.backup(&programs[third], "incremental", &sources[1]).expect(0);
        let chain = [writer, second, third].map(|number| programs[number].name).join(", then ");
        let times = set_times(&repository.place());
        assert_eq!(times.len(), 3, "{chain}: {times:?}");
        read_by_all(&repository, &programs, &chain, &times, &states, second == writer);
        restores_with_the_cache_it_wrote_with(&repository, &programs[third], &times[2], &states[2], &chain);
    }
}

/// Restores by all programs: the latest two states, and the first one too if `from_the_first`.
fn read_by_all(
    repository: &Repository,
    programs: &[Program],
    chain: &str,
    times: &[String],
    states: &[Snapshot],
    from_the_first: bool,
) {
    let stored = hashes(&repository.place());
    let mut lists = Vec::new();
    for reader in programs {
        let cache = scratch();
        for number in usize::from(!from_the_first)..3 {
            let target = scratch();
            let what = format!("written by {chain}; set {number} restored by {}", reader.name);
            let cold = cache.path().join(number.to_string());
            repository.restore(reader, &cold, &times[number], target.path()).expect(0);
            states[number].expect_at(target.path(), Detail::Stock, &what);
            if number == 0 {
                verifies(repository, reader, &cold, &times[number], target.path());
            }
        }
        let warm = cache.path().join("2");
        let list = repository.run(reader, &warm, &["list-current-files".into(), repository.url()]).expect(0);
        lists.push((reader.name, listed(&list)));
        repository.run(reader, &warm, &["collection-status".into(), repository.url()]).expect(0);
        assert_eq!(
            hashes(&repository.place()),
            stored,
            "{chain}: reading by {} changed the repository",
            reader.name
        );
    }
    for (name, list) in &lists[1..] {
        let different: Vec<_> =
            list.symmetric_difference(&lists[0].1).map(|line| String::from_utf8_lossy(line)).collect();
        assert!(different.is_empty(), "{chain}: lists of {name} and {} differ: {different:#?}", lists[0].0);
    }
}

fn verifies(repository: &Repository, reader: &Program, cache: &Path, time: &str, restored: &Path) {
    let arguments: [std::ffi::OsString; 6] = [
        "verify".into(),
        "--compare-data".into(),
        "--time".into(),
        time.into(),
        repository.url(),
        restored.into(),
    ];
    repository.run(reader, cache, &arguments).expect(0);
}

fn restores_with_the_cache_it_wrote_with(
    repository: &Repository,
    program: &Program,
    time: &str,
    state: &Snapshot,
    chain: &str,
) {
    let target = scratch();
    repository.restore(program, &repository.cache(program), time, target.path()).expect(0);
    state.expect_at(
        target.path(),
        Detail::Stock,
        &format!("written by {chain}; restored by the last with its cache"),
    );
}

/// The lines `Sun Sep 13 12:26:40 2020 path`; a path with a newline goes on in the next line.
fn listed(list: &Outcome) -> BTreeSet<Vec<u8>> {
    let complete = &b"\nDuplicity backup complete."[..]; // 3.2.1 says so after every action
    let text = list.stdout.trim_ascii_end();
    let text = text.strip_suffix(complete).unwrap_or(text);
    let entry = r"(?m-u)^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \d{4,} ";
    let starts: Vec<_> = Regex::new(entry).unwrap().find_iter(text).map(|found| found.start()).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let lines = starts.iter().zip(ends).map(|(&start, end)| text[start..end].trim_ascii_end());
    lines.map(as_stock_dates_it).collect()
}

/// Stock keeps no times before 1970 (FORMAT.md 3.1); we do, and list them.
fn as_stock_dates_it(line: &[u8]) -> Vec<u8> {
    let early = Regex::new(r"^(?-u)[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d 19[0-6]\d ").unwrap();
    early.replace(line, &b"Thu Jan  1 00:00:00 1970 "[..]).into_owned()
}

impl Repository {
    /// The same files, and the same caches, in another place.
    fn copy(&self) -> Self {
        let other = Self::new(self.password.as_deref());
        copy(&self.place(), &other.place());
        let caches: PathBuf = self.place().with_file_name("cache");
        copy(&caches, &other.place().with_file_name("cache"));
        other
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").args(["-aT", "--sparse=always"]).arg(from).arg(to).status().unwrap();
    assert!(status.success(), "could not copy {} to {}", from.display(), to.display());
}
