//! `--rename` brings things back under other names, as in duplicity 3.2.1.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod stock;
}

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;

use support::cli::{Outcome, Program, Repository, ours, scratch};
use support::compare::{Detail, Snapshot};
use support::stock;
use tempfile::TempDir;

fn back_up() -> Repository {
    let (repository, source) = (Repository::new(None), scratch());
    for folder in ["a/b", "c", "empty"] {
        fs::create_dir_all(source.path().join(folder)).unwrap();
    }
    for file in ["a/b/f", "a/g", "c/h", "top"] {
        fs::write(source.path().join(file), file).unwrap();
    }
    fs::hard_link(source.path().join("top"), source.path().join("twin")).unwrap();
    symlink("a", source.path().join("link")).unwrap();
    let backup = ["full".into(), source.path().into(), repository.url()];
    repository.run(&ours(), scratch().path(), &backup).expect(0);
    repository
}

fn restore(program: &Program, repository: &Repository, options: &str) -> TempDir {
    let (target, cache) = (scratch(), scratch());
    let mut command = repository.command(program, cache.path());
    command.arg("restore").args(options.split(' ')).arg(repository.url()).arg(target.path());
    Outcome::of(command).expect(0);
    target
}

#[test]
fn things_come_to_lie_where_stock_puts_them() {
    let repository = back_up();
    for options in [
        "--rename a q",
        "--rename a/b x/y/z",
        "--rename top c/h2 --rename link a/b/link",
        "--rename a/b/ zz --rename a y",
        "--rename a y --rename a z",
        "--path-to-restore a --rename b k",
        "--rename nothing else",
    ] {
        let (ours, theirs) =
            (restore(&ours(), &repository, options), restore(&stock::new(), &repository, options));
        let mut differences =
            Snapshot::of(theirs.path()).differences(&Snapshot::of(ours.path()), Detail::Stock);
        // Folders in which something came to lie later have the time of that.
        differences.retain(|sentence| !sentence.contains("modification time"));
        assert!(differences.is_empty(), "{options}: {differences:?}");
    }
}

#[test]
fn a_path_may_be_written_in_several_ways() {
    let target = restore(&ours(), &back_up(), "--rename ./a//g /deep/down");
    assert!(target.path().join("deep/down").exists() && !target.path().join("a/g").exists());
}

#[test]
fn nothing_comes_to_lie_outside_the_target() {
    let (repository, target) = (back_up(), scratch());
    let rename = ["restore", "--rename", "a", "../out"].map(OsString::from);
    let words = [&rename[..], &[repository.url(), target.path().into()]].concat();
    repository.run(&ours(), scratch().path(), &words).expect(23);
}
