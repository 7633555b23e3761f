//! Backups whose stored files have names with prefixes: made, continued and restored by duplicity 3.2.1 and by us.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod stock;
}

use std::fs;
use std::path::Path;

use support::cli::{Outcome, Program, Repository, ours, scratch};
use support::compare::{Detail, Snapshot};
use support::stock;

/// One of a character that means something in duplicity's own patterns, but the same.
const PREFIXES: [&str; 4] = [
    "--file-prefix=of.ada-",
    "--file-prefix-archive=a_",
    "--file-prefix-manifest=m_",
    "--file-prefix-signature=s_",
];

/// Runs `action` with both words, the one that is a place written as `URL`.
fn run(repository: &Repository, program: &Program, prefixes: &[&str], words: &[&Path]) -> Outcome {
    let mut command = repository.command(program, &repository.place().with_file_name(program.name));
    command.args(prefixes);
    for word in words {
        match word.to_str() {
            Some("URL") => command.arg(repository.url()),
            _ => command.arg(word),
        };
    }
    Outcome::of(command)
}

fn names(place: &Path) -> Vec<String> {
    let names = place.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("duplicity-")).collect()
}

#[test]
fn stock_and_we_continue_and_restore_each_others_prefixed_backups() {
    let (repository, source) = (Repository::new(None), scratch());
    let url = Path::new("URL");
    fs::write(source.path().join("one"), "first").unwrap();
    run(&repository, &stock::new(), &PREFIXES, &["full".as_ref(), source.path(), url]).expect(0);
    fs::write(source.path().join("two"), "second").unwrap();
    run(&repository, &ours(), &PREFIXES, &["incremental".as_ref(), source.path(), url]).expect(0);

    let names = names(&repository.place());
    let of = |kind: &str| names.iter().filter(|name| name.starts_with(kind)).count();
    let expected = [("of.ada-a_", 2), ("of.ada-m_", 2), ("of.ada-s_", 2)];
    assert_eq!(expected.map(|(kind, _)| of(kind)), expected.map(|(_, count)| count), "{names:?}");
    assert_eq!(names.len(), 6, "{names:?}");

    for program in [stock::new(), ours()] {
        let target = scratch();
        run(&repository, &program, &PREFIXES, &["restore".as_ref(), url, target.path()]).expect(0);
        Snapshot::of(source.path()).expect_at(target.path(), Detail::Stock, program.name);
    }
}

#[test]
fn backups_of_other_prefixes_at_the_same_place_are_others() {
    let (repository, source) = (Repository::new(None), scratch());
    let url = Path::new("URL");
    let back_up = |prefixes: &[&str]| {
        run(&repository, &ours(), prefixes, &["backup".as_ref(), source.path(), url]).expect(0);
    };
    for (number, prefixes) in [&["--file-prefix=a"][..], &["--file-prefix=b"], &[]].iter().enumerate() {
        fs::write(source.path().join("file"), number.to_string()).unwrap();
        back_up(prefixes);
    }
    let fulls = names(&repository.place()).iter().filter(|name| name.contains("duplicity-full.")).count();
    assert_eq!(fulls, 6, "a volume and a manifest of each");
    let target = scratch();
    run(&repository, &ours(), &["--file-prefix=a"], &["restore".as_ref(), url, target.path()]).expect(0);
    assert_eq!(fs::read_to_string(target.path().join("file")).unwrap(), "0");
    let nowhere = scratch();
    run(&repository, &ours(), &["--file-prefix=c"], &["restore".as_ref(), url, nowhere.path()]).expect(30);
    run(&repository, &ours(), &["--file-prefix=c/"], &["collection-status".as_ref(), url]).expect(23);
}
