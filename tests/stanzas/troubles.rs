//! What went wrong with single files, and what is wrong with the backups that are there.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::cli::{Outcome, Program, Repository, ours, scratch};
use crate::support::sets::file_names;
use crate::support::stanzas::{Stanza, parse};
use crate::support::stock;
use crate::support::unprivileged::unprivileged;
use crate::{Both, FIRST, Side};

/// The stanzas of these codes as often as they are told, sorted.
fn told(log: &[Stanza], codes: &[(&str, u32)]) -> Vec<String> {
    let wanted = |stanza: &&Stanza| codes.iter().any(|(keyword, code)| stanza.is(keyword, *code));
    let mut heads: Vec<_> = log.iter().filter(wanted).map(Stanza::head).collect();
    heads.sort();
    heads
}

fn unprivileged_run(side: &Side, line: &str, source: &Path) -> Vec<Stanza> {
    let log = side.path("log");
    let _ = fs::remove_file(&log);
    Outcome::of(unprivileged(&side.command(line, source)));
    parse(&fs::read_to_string(&log).unwrap())
}

fn close(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_cannot_be_saved_is_told_by_how_far_it_got() {
    let both = Both::new(None);
    for folder in ["closed", "names/in"] {
        fs::create_dir_all(both.source(folder)).unwrap();
        fs::write(both.source(folder).join("file"), "in it").unwrap();
    }
    fs::write(both.source("names/file"), "only its name can be seen").unwrap();
    close(&both.source("sub/b"), 0);
    close(&both.source("closed"), 0);
    close(&both.source("names"), 0o444);
    let source = both.source("");
    let codes = [("INFO", 15), ("WARNING", 8), ("WARNING", 9), ("WARNING", 10)];
    let line = format!("full src URL -v9 --current-time {FIRST}");
    let [ours, stocks] =
        [&both.ours, &both.stock].map(|side| told(&unprivileged_run(side, &line, &source), &codes));
    for folder in ["closed", "names"] {
        close(&both.source(folder), 0o755);
    }
    assert_eq!(ours, stocks);
    let expected = [
        "INFO 15 'src/socket'",
        "WARNING 10 'src/closed'",
        "WARNING 10 'src/sub/b'",
        "WARNING 9 'src/names/file'",
        "WARNING 9 'src/names/in'",
    ];
    assert_eq!(ours, expected);
}

#[test]
fn what_cannot_be_written_is_told_and_what_lies_in_it_is_skipped() {
    let both = Both::new(None);
    fs::create_dir_all(both.source("sub/deep")).unwrap();
    both.agree(&format!("full src URL --current-time {FIRST}"));
    let codes = [("WARNING", 12), ("WARNING", 13)];
    let [ours, stocks] = [&both.ours, &both.stock].map(|side| {
        fs::create_dir(side.path("out")).unwrap();
        close(&side.path("out"), 0o555);
        told(&unprivileged_run(side, "restore URL OUT -v9", &both.source("")), &codes)
    });
    assert_eq!(ours, stocks);
    assert!(ours.contains(&"WARNING 12 'sub'".into()), "{ours:?}");
    assert!(ours.contains(&"WARNING 13 'sub/deep'".into()), "{ours:?}");
}

#[test]
fn lists_of_what_is_older_than_all_signatures_are_told_to_be_of_the_first() {
    let both = Both::new(None);
    both.agree(&format!("full src URL --current-time {FIRST}"));
    let log = both.agree(&format!("list-current-files URL -v9 --time {}", FIRST - 1000));
    assert_eq!(told(&log, &[("WARNING", 11)]), ["WARNING 11 20300317T174640Z"]);
    let log = both.agree(&format!("list-current-files URL -v9 --time {}", FIRST + 1));
    assert_eq!(told(&log, &[("WARNING", 11)]), [""; 0]);
}

/// A full backup and two increments, of which the files are missing whose names contain all of these.
struct Damaged(Repository);

impl Damaged {
    fn without(missing: &[&[&str]]) -> Self {
        let source = scratch();
        let repository = Repository::new(None);
        for (number, action) in (0..).zip(["full", "incremental", "incremental"]) {
            fs::write(source.path().join(number.to_string()), "new").unwrap();
            let date = (FIRST + 1000 * number).to_string();
            let words = [action.into(), "--current-time".into(), date.into()];
            let paths = [source.path().into(), repository.url()];
            repository.run(&ours(), scratch().path(), &[&words[..], &paths].concat()).expect(0);
        }
        let is_missing =
            |name: &&String| missing.iter().any(|parts| parts.iter().all(|part| name.contains(part)));
        let names = file_names(&repository.place());
        let gone: Vec<_> = names.iter().filter(is_missing).collect();
        assert!(!gone.is_empty(), "{names:?}");
        gone.iter().for_each(|name| fs::remove_file(repository.place().join(name)).unwrap());
        Self(repository)
    }

    fn warnings(&self, program: &Program) -> Vec<String> {
        let (cache, folder) = (scratch(), scratch());
        let log = folder.path().join("log");
        let words = ["collection-status".into(), "--log-file".into(), log.clone().into(), self.0.url()];
        self.0.run(program, cache.path(), &words).expect(0);
        let codes = [2, 3, 4, 5, 6].map(|code| ("WARNING", code));
        let mut warnings = told(&parse(&fs::read_to_string(log).unwrap()), &codes);
        warnings.dedup();
        warnings
    }
}

#[test]
fn what_is_wrong_with_the_backups_is_told_by_the_codes_that_front_ends_act_upon() {
    const SECOND: &str = "20300317T174640Z.to.20300317T180320Z";
    const THIRD: &str = "20300317T180320Z.to.20300317T182000Z";
    let old = stock::old();
    // 3.2.1 counts a set without a manifest among the whole ones, and fails on it later.
    let of_both = [old.clone(), stock::new()];
    for (missing, expected, stocks) in [
        (&[&["duplicity-inc", THIRD][..]][..], &["WARNING 4"][..], &of_both[..]),
        (&[&["full-signatures"]], &["WARNING 2"], &of_both),
        (&[&["new-signatures", SECOND]], &["WARNING 2", "WARNING 4"], &of_both),
        (&[&[SECOND]], &["WARNING 2", "WARNING 6"], &of_both),
        (&[&[THIRD, ".manifest"]], &["WARNING 4", "WARNING 5"], &of_both[..1]),
        (&[&[THIRD, ".manifest"], &[THIRD, ".sigtar"]], &["WARNING 5"], &of_both[..1]),
    ] {
        let damaged = Damaged::without(missing);
        for program in [&[ours()], stocks].concat() {
            assert_eq!(damaged.warnings(&program), expected, "{missing:?} by {}", program.name);
        }
    }
}
