//! Which files belong to a backup: random rules over random trees select what they select in duplicity 3.2.1, for
//! backups and for restores, and what it refuses is refused with its exit code.
//!
//! A seeded sample; `HINDSIGHT_FULL` takes more (`tests/long`).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod rules;
    pub(crate) mod stock;
}

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use regex::bytes::{Captures, Regex};
use support::cli::{Outcome, Program, Repository, ours, scratch};
use support::rules::{Case, Dice, Tree};
use support::stock;

/// Rule lists for one tree.
const LISTS: u64 = 6;

/// How many cases are tried.
fn cases(sample: u64, full: u64) -> u64 {
    if std::env::var_os("HINDSIGHT_FULL").is_some() { full } else { sample }
}

#[test]
fn backups_hold_what_stock_would_select() {
    let mut worked = 0;
    for number in 0..cases(60, 500) {
        let folder = scratch();
        let mut dice = Dice::new(number / LISTS);
        let tree = Tree::plant(&folder.path().join("src"), &mut dice);
        let case = Case::for_backup(&tree, folder.path(), &mut Dice::new(1_000_000 + number));
        let (ours, theirs) = (back_up(&ours(), &case), back_up(&stock::new(), &case));
        compare(number, &case, &ours, &theirs);
        worked += u64::from(theirs.outcome.code == 0);
    }
    assert!(worked >= cases(20, 200), "only {worked} cases selected anything");
}

#[test]
fn restores_bring_back_what_stock_would_select() {
    let mut worked = 0;
    for number in 0..cases(18, 150) {
        let folder = scratch();
        let mut dice = Dice::new(number / LISTS);
        let tree = Tree::plant(&folder.path().join("src"), &mut dice);
        let repository = Repository::new(None);
        let backup = ["full".into(), tree.root.clone().into(), repository.url()];
        repository.run(&ours(), scratch().path(), &backup).expect(0);
        let case = Case::for_restore(&tree, folder.path(), &mut Dice::new(2_000_000 + number));
        let (ours, theirs) =
            (restore(&ours(), &repository, &case), restore(&stock::new(), &repository, &case));
        compare(number, &case, &ours, &theirs);
        worked += u64::from(theirs.outcome.code == 0);
    }
    assert!(worked >= cases(5, 50), "only {worked} cases selected anything");
}

#[test]
fn links_are_followed_where_stock_follows_them() {
    let (folder, elsewhere) = (scratch(), scratch());
    let source = folder.path().join("src");
    fs::create_dir_all(source.join("a/b")).unwrap();
    for file in [source.join("a/b/f"), source.join("top"), elsewhere.path().join("g")] {
        fs::write(&file, "content").unwrap();
    }
    let away = elsewhere.path().to_str().unwrap();
    for (target, link) in [("a", "folder"), ("top", "file"), ("nowhere", "none"), (away, "a/away")] {
        symlink(target, source.join(link)).unwrap();
    }
    let rules: [&[&str]; 3] =
        [&[], &["--include", "src/folder/b", "--exclude", "**"], &["--exclude", "src/folder/"]];
    for (number, rules) in (0..).zip(rules) {
        let case = Case::of(folder.path(), "src", &[&["--copy-links"][..], rules].concat());
        compare(number, &case, &back_up(&ours(), &case), &back_up(&stock::new(), &case));
    }

    symlink("../..", source.join("a/b/up")).unwrap();
    let repository = Repository::new(None);
    let backup = ["full".into(), "--copy-links".into(), source.into(), repository.url()];
    repository.run(&ours(), scratch().path(), &backup).expect(0);
    let target = scratch();
    repository.restore(&ours(), scratch().path(), "now", target.path()).expect(0);
    for file in ["folder/b/f", "file", "folder/away/g"] {
        assert_eq!(fs::read_to_string(target.path().join(file)).unwrap(), "content", "{file}");
    }
    assert!(target.path().join("a/b/up").symlink_metadata().is_err(), "it has no end");
}

/// How a program ended, and the paths that it saved or restored.
struct Ended {
    outcome: Outcome,
    paths: BTreeSet<PathBuf>,
}

fn compare(number: u64, case: &Case, ours: &Ended, theirs: &Ended) {
    let (a, b) = (&ours.outcome, &theirs.outcome);
    assert_eq!(a.code, b.code, "case {number}: {case}\n{a}\n{b}");
    let differ: Vec<_> = ours.paths.symmetric_difference(&theirs.paths).collect();
    assert!(differ.is_empty(), "case {number}: {case}\n{differ:?}\nours: {:?}", ours.paths);
}

fn back_up(program: &Program, case: &Case) -> Ended {
    let (repository, cache) = (Repository::new(None), scratch());
    let mut command = repository.command(program, cache.path());
    command.current_dir(&case.folder).arg("full").args(&case.options).arg(&case.source).arg(repository.url());
    let outcome = Outcome::of(command);
    let paths = if outcome.code == 0 { listed(&repository) } else { BTreeSet::new() };
    Ended { outcome, paths }
}

/// Asked of ours, which is faster: that both list alike is tested elsewhere.
fn listed(repository: &Repository) -> BTreeSet<PathBuf> {
    let list: [OsString; 2] = ["list-current-files".into(), repository.url()];
    let outcome = repository.run(&ours(), scratch().path(), &list).expect(0);
    let entry = r"(?m-u)^[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d \d{4} (.*)$";
    let path = |found: Captures<'_>| OsStr::from_bytes(&found[1]).into();
    Regex::new(entry).unwrap().captures_iter(&outcome.stdout).map(path).collect()
}

fn restore(program: &Program, repository: &Repository, case: &Case) -> Ended {
    let (target, cache) = (scratch(), scratch());
    let mut command = repository.command(program, cache.path());
    command.current_dir(&case.folder).arg("restore").args(&case.options);
    command.arg(repository.url()).arg(target.path());
    let outcome = Outcome::of(command);
    let mut paths = BTreeSet::new();
    if outcome.code == 0 {
        walk(target.path(), target.path(), &mut paths);
    }
    Ended { outcome, paths }
}

fn walk(root: &Path, folder: &Path, paths: &mut BTreeSet<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let entry = entry.unwrap();
        paths.insert(entry.path().strip_prefix(root).unwrap().into());
        if entry.file_type().unwrap().is_dir() {
            walk(root, &entry.path(), paths);
        }
    }
}
