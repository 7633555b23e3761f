//! Restoring among files that are there: what it would do, that it does just that, and that it can be undone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod faulty;
    pub(crate) mod nobody;
    pub(crate) mod runs;
}

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hindsight::context::{Context, Monitor, Problem, ProblemKind};
use hindsight::destination::Folder;
use hindsight::engine::undo::{Undone, recorded, undo};
use hindsight::engine::{
    self, BringBackJob, Counts, Estimate, Existing, Hindrance, Instead, Job, Ownership, Part, Place, Report,
    RestoreReport, To, Wish,
};
use hindsight::entry::EntryPath;
use hindsight::error::Error;
use proptest::prelude::*;
use support::bytes::bytes;
use support::faulty::{Faulty, Op};
use support::nobody::as_nobody;
use support::runs::Home;

const FIRST: i64 = 1_700_000_000;

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

/// Everything below a folder: content, link target, or nothing for folders; of names that begin with a dot as well.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    add(folder, "", &mut found);
    found
}

fn add(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.insert(name.clone(), "/".into());
            add(&entry.path(), &format!("{name}/"), found);
        } else if kind.is_symlink() {
            found.insert(name, format!("-> {}", fs::read_link(entry.path()).unwrap().display()));
        } else {
            found.insert(name, String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned());
        }
    }
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
}

/// A home with letters of which one was saved in two versions.
fn home() -> Home {
    let home = Home::new();
    write(&home.source, &[("letters/ada.txt", "first"), ("letters/old/zoe", "zoe"), ("top", "top")]);
    symlink("ada.txt", home.source.join("letters/link")).unwrap();
    home.backup(FIRST);
    write(&home.source, &[("letters/ada.txt", "second"), ("letters/bob", "bob")]);
    home.backup(FIRST + 10);
    home
}

fn wish(home: &Home, paths: &[&str], existing: Existing) -> Wish {
    wish_of(home, FIRST + 10, paths, existing)
}

fn wish_of(home: &Home, date: i64, paths: &[&str], existing: Existing) -> Wish {
    let to = To::Original { root: home.source.clone(), instead: None };
    Wish { parts: vec![part(date, paths, "12 May 2026")], to, existing }
}

fn part(date: i64, paths: &[&str], mark: &str) -> Part {
    Part { paths: paths.iter().map(|text| path(text)).collect(), date, mark: mark.into() }
}

#[derive(Default)]
struct Heard(Mutex<Vec<Problem>>);

impl Monitor for Heard {
    fn problem(&self, problem: Problem) {
        self.0.lock().unwrap().push(problem);
    }
}

/// What was said beforehand, and what came of it.
struct Done {
    estimate: Estimate,
    report: RestoreReport,
    problems: Vec<Problem>,
    record: PathBuf,
}

impl Done {
    fn undo(&self) -> Undone {
        undo(&self.record, &Context::silent()).unwrap()
    }

    fn counts(&self) -> Counts {
        self.report.counts
    }
}

fn estimate(home: &Home, wish: &Wish) -> Result<Estimate, Error> {
    hindsight::engine::estimate(&home.reader(), wish, &Context::silent())
}

fn job(place: Place, wish: &Wish, undo: Option<PathBuf>) -> Job {
    Job::BringBack(BringBackJob { place, wish: wish.clone(), ownership: Ownership::ByName, undo })
}

/// Estimates, restores, and checks that the one was right about the other.
fn restore(home: &Home, wish: &Wish) -> Done {
    let estimate = estimate(home, wish).unwrap();
    let destination = Faulty::new(Arc::new(Folder::new(home.path("place"))));
    let place = Place { destination: Arc::new(destination.clone()), ..home.reader() };
    let heard = Arc::new(Heard::default());
    let ctx = Context { monitor: heard.clone(), ..Context::silent() };
    let record = (0..).map(|n| home.path(&format!("{n}.undo"))).find(|path| !path.exists()).unwrap();
    let Report::Restore(report) = engine::run(job(place, wish, Some(record.clone())), &ctx).unwrap() else {
        unreachable!()
    };
    assert_eq!(estimate.counts, report.counts);
    assert_eq!(estimate.write, report.bytes);
    let barred: u64 = estimate.obstacles.iter().map(|obstacle| obstacle.items).sum();
    assert_eq!((report.not_written, report.lost), (barred, estimate.absent.len() as u64));
    let calls = destination.calls().into_iter();
    let opened = calls.filter(|call| call.op == Op::Open && call.name.contains("difftar"));
    let size = |name: String| fs::metadata(home.path("place").join(name)).unwrap().len();
    assert_eq!(estimate.fetch, opened.map(|call| size(call.name)).sum::<u64>());
    let problems = std::mem::take(&mut *heard.0.lock().unwrap());
    Done { estimate, report, problems, record }
}

#[test]
fn only_what_is_missing_comes_back_and_only_that_is_fetched() {
    let home = home();
    write(&home.source, &[("letters/ada.txt", "mine")]);
    fs::remove_file(home.source.join("letters/bob")).unwrap();
    fs::remove_dir_all(home.source.join("letters/old")).unwrap();
    fs::remove_file(home.source.join("letters/link")).unwrap();
    let before = tree(&home.source);
    let done = restore(&home, &wish(&home, &["letters"], Existing::OnlyMissing));
    assert_eq!(done.counts(), Counts { created: 3, folders: 1, kept: 1, ..Counts::default() });
    let after = tree(&home.source);
    assert_eq!(after["letters/ada.txt"], "mine");
    assert_eq!((&*after["letters/bob"], &*after["letters/old/zoe"]), ("bob", "zoe"));
    assert_eq!(after["letters/link"], "-> ada.txt");
    assert_eq!(done.problems, []);
    assert_eq!(done.undo(), Undone { removed: 4, ..Undone::default() });
    assert_eq!(tree(&home.source), before);
    assert!(!done.record.exists());
}

#[test]
fn nothing_missing_fetches_and_changes_nothing() {
    let home = home();
    let before = tree(&home.source);
    for existing in [Existing::OnlyMissing, Existing::KeepBoth, Existing::Replace] {
        let done = restore(&home, &wish(&home, &[""], existing));
        assert_eq!(done.counts(), Counts { kept: 5, ..Counts::default() }, "{existing:?}");
        assert_eq!((done.estimate.fetch, done.record.exists()), (0, false));
    }
    assert_eq!(tree(&home.source), before);
}

#[test]
fn both_are_kept_where_they_differ() {
    let home = home();
    write(&home.source, &[("letters/ada.txt", "mine"), ("letters/ada (12 May 2026).txt", "taken")]);
    let before = tree(&home.source);
    let both = wish(&home, &["letters", "top"], Existing::KeepBoth);
    let done = restore(&home, &both);
    assert_eq!(done.counts(), Counts { renamed: 1, kept: 4, ..Counts::default() });
    let mut expected = before.clone();
    expected.insert("letters/ada (12 May 2026, 2).txt".into(), "second".into());
    assert_eq!(tree(&home.source), expected);
    let again = restore(&home, &both);
    assert_eq!(again.counts(), Counts { kept: 5, ..Counts::default() }, "it is there already");
    assert_eq!(done.undo().removed, 1);
    assert_eq!(tree(&home.source), before);
}

#[test]
fn what_is_replaced_is_moved_away_first_and_comes_back() {
    let home = home();
    write(&home.source, &[("letters/ada.txt", "mine, and longer"), ("letters/old/zoe", "abc")]);
    let before = tree(&home.source);
    let inode = fs::metadata(home.source.join("letters/ada.txt")).unwrap().ino();
    let done = restore(&home, &wish(&home, &["letters"], Existing::Replace));
    assert_eq!(done.counts(), Counts { replaced: 2, kept: 2, ..Counts::default() });
    let after = tree(&home.source);
    assert_eq!((&*after["letters/ada.txt"], &*after["letters/old/zoe"]), ("second", "zoe"));
    let aside: Vec<_> = after.iter().filter(|(name, _)| name.starts_with(".hindsight-replaced-")).collect();
    let aside =
        |end: &str| aside.iter().find(|(name, _)| name.ends_with(end)).map(|(_, content)| &***content);
    assert_eq!(aside("/letters/ada.txt"), Some("mine, and longer"));
    assert_eq!(aside("/letters/old/zoe"), Some("abc"));
    let undone = done.undo();
    assert_eq!((undone.put_back, undone.left), (2, vec![]));
    assert_eq!(tree(&home.source), before);
    assert_eq!(fs::metadata(home.source.join("letters/ada.txt")).unwrap().ino(), inode);
}

#[test]
fn undo_leaves_alone_what_was_changed_since() {
    let home = home();
    write(&home.source, &[("letters/ada.txt", "mine"), ("top", "mine too")]);
    fs::remove_dir_all(home.source.join("letters/old")).unwrap();
    fs::remove_file(home.source.join("letters/bob")).unwrap();
    let done = restore(&home, &wish(&home, &[""], Existing::Replace));
    assert_eq!(done.counts(), Counts { created: 2, folders: 1, replaced: 2, kept: 1, ..Counts::default() });
    write(
        &home.source,
        &[("letters/bob", "changed"), ("letters/old/new", "new"), ("letters/ada.txt", "changed too")],
    );
    let undone = done.undo();
    let left = ["letters/ada.txt", "letters/bob"].map(|name| home.source.join(name));
    assert_eq!(undone.left, left);
    assert_eq!(undone.put_back, 1);
    let after = tree(&home.source);
    assert_eq!((&*after["letters/bob"], &*after["letters/ada.txt"]), ("changed", "changed too"));
    assert_eq!((&*after["letters/old/new"], &*after["top"]), ("new", "mine too"));
    assert!(!after.contains_key("letters/old/zoe"));
    assert!(after.values().any(|content| content == "mine"), "the older one stays where it was moved to");
}

#[test]
fn nothing_goes_through_a_link_that_is_there() {
    let home = home();
    let outside = home.path("outside");
    fs::create_dir(&outside).unwrap();
    write(&outside, &[("zoe", "outside"), ("ada", "outside")]);
    fs::remove_dir_all(home.source.join("letters/old")).unwrap();
    symlink(&outside, home.source.join("letters/old")).unwrap();
    fs::remove_file(home.source.join("letters/ada.txt")).unwrap();
    symlink(outside.join("ada"), home.source.join("letters/ada.txt")).unwrap();
    let before = (tree(&home.source), tree(&outside));
    for existing in [Existing::OnlyMissing, Existing::KeepBoth, Existing::Replace] {
        let done = restore(&home, &wish(&home, &["letters"], existing));
        assert_eq!(tree(&outside), before.1, "{existing:?}");
        let beside = home.source.join("letters/old (12 May 2026)/zoe");
        let kinds: Vec<_> = done.problems.iter().map(|problem| problem.kind).collect();
        match existing {
            Existing::OnlyMissing => {
                assert_eq!(tree(&home.source), before.0);
                let [obstacle] = &done.estimate.obstacles[..] else { panic!("{:?}", done.estimate) };
                assert_eq!((obstacle.why, obstacle.items), (Hindrance::InTheWay, 2));
                assert_eq!(obstacle.path, home.source.join("letters/old"));
                assert_eq!(kinds, [ProblemKind::NotWritten]);
                continue;
            }
            Existing::KeepBoth => assert_eq!(kinds, []),
            Existing::Replace => assert_eq!(kinds, [ProblemKind::Beside]),
        }
        assert_eq!(fs::read_to_string(beside).unwrap(), "zoe");
        done.undo();
        assert_eq!(tree(&home.source), before.0);
    }
    // Above what is wanted, too.
    let wanted = wish(&home, &["letters/old/zoe"], Existing::Replace);
    let estimate = estimate(&home, &wanted).unwrap();
    assert!(!estimate.is_possible(), "{estimate:?}");
    restore(&home, &wanted);
    assert_eq!(tree(&outside), before.1);
}

#[test]
fn a_folder_is_not_replaced_by_a_file_nor_the_reverse() {
    let home = home();
    fs::remove_dir_all(home.source.join("letters/old")).unwrap();
    fs::remove_file(home.source.join("top")).unwrap();
    write(&home.source, &[("letters/old", "a file now"), ("top/inner", "in a folder now")]);
    let before = tree(&home.source);
    let done = restore(&home, &wish(&home, &[""], Existing::Replace));
    assert_eq!(done.counts(), Counts { created: 1, folders: 1, renamed: 1, kept: 3, ..Counts::default() });
    let mut expected = before.clone();
    expected.insert("letters/old (12 May 2026)".into(), "/".into());
    expected.insert("letters/old (12 May 2026)/zoe".into(), "zoe".into());
    expected.insert("top (12 May 2026)".into(), "top".into());
    assert_eq!(tree(&home.source), expected);
    assert!(done.problems.iter().all(|problem| problem.kind == ProblemKind::Beside));
    assert_eq!(done.problems.len(), 2);
    done.undo();
    assert_eq!(tree(&home.source), before);
    let done = restore(&home, &wish(&home, &[""], Existing::OnlyMissing));
    assert_eq!(done.counts(), Counts { kept: 4, ..Counts::default() });
    assert_eq!((done.report.not_written, tree(&home.source)), (2, before));
}

#[test]
fn folders_above_come_back_as_they_were() {
    let home = home();
    fs::set_permissions(home.source.join("letters"), Permissions::from_mode(0o750)).unwrap();
    home.backup(FIRST + 20);
    fs::remove_dir_all(home.source.join("letters")).unwrap();
    let before = tree(&home.source);
    let wanted = wish_of(&home, FIRST + 20, &["letters/old/zoe", "letters/bob"], Existing::OnlyMissing);
    let done = restore(&home, &wanted);
    assert_eq!(done.counts(), Counts { created: 2, folders: 2, ..Counts::default() });
    assert_eq!(fs::metadata(home.source.join("letters")).unwrap().permissions().mode() & 0o7777, 0o750);
    assert_eq!(fs::read_to_string(home.source.join("letters/old/zoe")).unwrap(), "zoe");
    assert_eq!(done.undo().removed, 4);
    assert_eq!(tree(&home.source), before);
}

#[test]
fn several_paths_come_into_a_chosen_folder_and_two_of_one_name_do_not_meet() {
    let home = home();
    write(&home.source, &[("other/ada.txt", "another ada")]);
    home.backup(FIRST + 20);
    let target = home.path("chosen/new");
    let paths = ["letters/ada.txt", "other/ada.txt", "letters/old"];
    let wanted =
        Wish { to: To::Folder(target.clone()), ..wish_of(&home, FIRST + 20, &paths, Existing::OnlyMissing) };
    let done = restore(&home, &wanted);
    let expected =
        [("ada.txt", "second"), ("ada (12 May 2026).txt", "another ada"), ("old", "/"), ("old/zoe", "zoe")];
    let expected = expected.map(|(name, content)| (name.to_string(), content.to_string()));
    assert_eq!(tree(&target), BTreeMap::from(expected));
    assert_eq!(done.counts(), Counts { created: 3, folders: 1, ..Counts::default() });
}

#[test]
fn another_persons_home_comes_into_this_one() {
    let home = Home::new();
    write(&home.source, &[("home/alice/letters/ada", "ada"), ("home/alice/top", "top")]);
    home.backup(FIRST);
    let root = home.path("here");
    write(&root, &[("home/bob/top", "bob's")]);
    let instead = Some(Instead { of: path("home/alice"), here: path("home/bob") });
    let to = To::Original { root: root.clone(), instead };
    let done = restore(&home, &Wish { to, ..wish(&home, &["home/alice"], Existing::KeepBoth) });
    assert_eq!(done.counts(), Counts { created: 1, folders: 1, renamed: 1, ..Counts::default() });
    let after = tree(&root);
    assert_eq!((&*after["home/bob/letters/ada"], &*after["home/bob/top"]), ("ada", "bob's"));
    assert_eq!(after["home/bob/top (12 May 2026)"], "top");
    assert!(!after.contains_key("home/alice"));
}

#[test]
fn only_the_volumes_that_hold_what_is_missing_are_read() {
    let home = Home::new();
    for n in 0..40 {
        fs::write(home.source.join(format!("file-{n:02}")), bytes(n, 40_000)).unwrap();
    }
    home.backup(FIRST);
    for n in [3, 21] {
        fs::remove_file(home.source.join(format!("file-{n:02}"))).unwrap();
    }
    let done = restore(&home, &wish(&home, &[""], Existing::OnlyMissing));
    assert_eq!((done.counts().created, done.estimate.write), (2, 80_000));
    assert!((80_000..500_000).contains(&done.estimate.fetch), "{:?}", done.estimate);
    for n in [3, 21] {
        assert_eq!(fs::read(home.source.join(format!("file-{n:02}"))).unwrap(), bytes(n, 40_000));
    }
}

/// Three letters that were deleted one after the other, the first of them before a new chain began, and their folder
/// in the end.
fn letters_of_several_dates() -> Home {
    let home = Home::new();
    let files =
        [("desk/a.txt", "a, first"), ("desk/b/one", "one"), ("desk/c.txt", "c, first"), ("top", "top")];
    write(&home.source, &files);
    home.backup(FIRST);
    write(&home.source, &[("desk/a.txt", "a, second"), ("desk/c.txt", "c, second")]);
    home.backup(FIRST + 10);
    fs::remove_file(home.source.join("desk/a.txt")).unwrap();
    write(&home.source, &[("desk/b/one", "one, second"), ("desk/b/two", "two")]);
    home.full_backup(FIRST + 20);
    fs::remove_dir_all(home.source.join("desk/b")).unwrap();
    write(&home.source, &[("desk/c.txt", "c, third")]);
    home.backup(FIRST + 30);
    fs::remove_dir_all(home.source.join("desk")).unwrap();
    home.backup(FIRST + 40);
    home
}

fn wish_of_several_dates(home: &Home, existing: Existing) -> Wish {
    let parts = vec![
        part(FIRST + 30, &["desk/c.txt"], "30 May"),
        part(FIRST + 10, &["desk/a.txt"], "10 May"),
        part(FIRST + 20, &["desk/b"], "20 May"),
    ];
    Wish { parts, ..wish(home, &[], existing) }
}

#[test]
fn what_was_deleted_at_several_dates_comes_back_each_as_it_last_was() {
    let home = letters_of_several_dates();
    let before = tree(&home.source);
    let done = restore(&home, &wish_of_several_dates(&home, Existing::OnlyMissing));
    assert_eq!(done.counts(), Counts { created: 4, folders: 2, ..Counts::default() });
    assert_eq!((done.report.time, &done.problems), (FIRST + 30, &vec![]));
    let after = tree(&home.source);
    let expected =
        [("a.txt", "a, second"), ("b/one", "one, second"), ("b/two", "two"), ("c.txt", "c, third")];
    for (name, content) in expected {
        assert_eq!(after[&format!("desk/{name}")], content);
    }
    assert_eq!(done.undo(), Undone { removed: 6, ..Undone::default() });
    assert_eq!(tree(&home.source), before);
}

#[test]
fn of_several_dates_each_gets_its_own_in_its_name() {
    let home = letters_of_several_dates();
    let mine = [("desk/a.txt", "mine"), ("desk/b", "a file now"), ("desk/c.txt", "mine too")];
    write(&home.source, &mine);
    let before = tree(&home.source);
    let both = wish_of_several_dates(&home, Existing::KeepBoth);
    let done = restore(&home, &both);
    assert_eq!(done.counts(), Counts { created: 2, renamed: 2, folders: 1, ..Counts::default() });
    let after = tree(&home.source);
    for (name, content) in [
        ("desk/a (10 May).txt", "a, second"),
        ("desk/b (20 May)/one", "one, second"),
        ("desk/c (30 May).txt", "c, third"),
    ] {
        assert_eq!(after[name], content);
    }
    assert!(mine.iter().all(|(name, content)| after[*name] == *content));
    done.undo();
    assert_eq!(tree(&home.source), before);
    let done = restore(&home, &Wish { existing: Existing::Replace, ..both });
    assert_eq!(done.counts(), Counts { created: 2, replaced: 2, folders: 1, ..Counts::default() });
    assert_eq!(tree(&home.source)["desk/a.txt"], "a, second");
    done.undo();
    assert_eq!(tree(&home.source), before);
}

#[test]
fn what_lies_in_a_folder_of_another_date_comes_back_into_it() {
    let home = letters_of_several_dates();
    let desk =
        |date, other, paths: &[&str]| vec![part(date, &["desk"], "1 May"), part(other, paths, "2 May")];
    let into = home.path("chosen");
    // Gone at the folder's date, there as another version, and not there at its own.
    let parts = desk(FIRST + 30, FIRST + 10, &["desk/a.txt", "desk/c.txt", "desk/none"]);
    let wanted = Wish { parts, to: To::Folder(into.clone()), ..wish(&home, &[], Existing::OnlyMissing) };
    let done = restore(&home, &wanted);
    let expected = [("desk", "/"), ("desk/a.txt", "a, second"), ("desk/c.txt", "c, second")];
    let expected = expected.map(|(name, content)| (name.to_string(), content.to_string()));
    assert_eq!(tree(&into), BTreeMap::from(expected));
    assert_eq!(done.counts(), Counts { created: 2, folders: 1, ..Counts::default() });
    assert_eq!(done.estimate.absent, [path("desk/none")]);
    // Beside a file, below the folder's other name; and the folder stays open for what comes after.
    write(&home.source, &[("desk", "a file now")]);
    let before = tree(&home.source);
    let parts = desk(FIRST + 20, FIRST, &["desk/b/one"]);
    let done = restore(&home, &Wish { parts, ..wish(&home, &[], Existing::KeepBoth) });
    let after = tree(&home.source);
    let content = |name: &str| &*after[&format!("desk (1 May)/{name}")];
    assert_eq!(["b/one", "b/two", "c.txt"].map(content), ["one", "two", "c, second"]);
    assert_eq!(done.counts(), Counts { created: 3, folders: 2, ..Counts::default() });
    done.undo();
    assert_eq!(tree(&home.source), before);
}

#[test]
fn what_is_not_there_at_that_date_is_told_beforehand() {
    let home = home();
    let wanted = wish_of(&home, FIRST, &["letters/bob", "top"], Existing::OnlyMissing);
    fs::remove_file(home.source.join("top")).unwrap();
    let done = restore(&home, &wanted);
    assert_eq!(done.estimate.absent, [path("letters/bob")]);
    assert_eq!(done.counts().created, 1);
    let nothing = Wish { parts: vec![part(FIRST, &["letters/bob"], "")], ..wanted };
    let error = engine::run(job(home.reader(), &nothing, None), &Context::silent()).unwrap_err();
    assert!(matches!(error, Error::PathNotFound { .. }), "{error}");
    let file = Wish { to: To::Folder(home.source.join("letters/ada.txt")), ..nothing };
    assert!(matches!(estimate(&home, &file), Err(Error::Target(_))), "a file is no place");
}

#[test]
fn names_of_one_file_are_one_file_again() {
    let home = Home::new();
    write(&home.source, &[("a", "linked")]);
    fs::hard_link(home.source.join("a"), home.source.join("b")).unwrap();
    fs::hard_link(home.source.join("a"), home.source.join("c")).unwrap();
    home.backup(FIRST);
    for name in ["b", "c"] {
        fs::remove_file(home.source.join(name)).unwrap();
    }
    write(&home.source, &[("a", "mine")]);
    restore(&home, &wish(&home, &[""], Existing::OnlyMissing));
    let inode = |name| fs::metadata(home.source.join(name)).unwrap().ino();
    assert_eq!(inode("b"), inode("c"));
    assert_eq!(fs::read_to_string(home.source.join("a")).unwrap(), "mine");
    assert_ne!(inode("a"), inode("b"), "what was there is no copy of it");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_told_beforehand() {
    as_nobody("a_folder_that_cannot_be_written_to_is_told_beforehand", || {
        let home = home();
        fs::remove_file(home.source.join("letters/old/zoe")).unwrap();
        fs::remove_file(home.source.join("letters/bob")).unwrap();
        let closed = home.source.join("letters/old");
        fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
        let done = restore(&home, &wish(&home, &["letters"], Existing::OnlyMissing));
        let [obstacle] = &done.estimate.obstacles[..] else { panic!("{:?}", done.estimate) };
        assert_eq!((&obstacle.path, obstacle.items), (&closed, 1));
        assert_eq!(obstacle.why, Hindrance::NotPermitted { of_another_user: false });
        assert_eq!((done.counts().created, done.report.not_written), (1, 1));
        assert!(done.estimate.is_possible());
        let nowhere = Wish { to: To::Folder("/usr".into()), ..wish(&home, &["top"], Existing::OnlyMissing) };
        let estimate = estimate(&home, &nowhere).unwrap();
        assert!(!estimate.is_possible(), "{estimate:?}");
        assert_eq!(estimate.obstacles[0].why, Hindrance::NotPermitted { of_another_user: true });
    });
}

#[test]
fn folders_that_came_back_read_only_can_be_undone() {
    as_nobody("folders_that_came_back_read_only_can_be_undone", || {
        let home = home();
        let closed = home.source.join("letters/old");
        fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
        home.backup(FIRST + 20);
        fs::set_permissions(&closed, Permissions::from_mode(0o755)).unwrap();
        fs::remove_dir_all(&closed).unwrap();
        let before = tree(&home.source);
        let wanted = wish_of(&home, FIRST + 20, &[""], Existing::OnlyMissing);
        let done = restore(&home, &wanted);
        assert_eq!(fs::metadata(&closed).unwrap().permissions().mode() & 0o777, 0o555);
        assert_eq!(done.undo().removed, 2);
        assert_eq!(tree(&home.source), before);
    });
}

#[test]
fn a_stopped_restore_can_be_undone() {
    struct StopAtFirst(hindsight::context::CancelToken);
    impl Monitor for StopAtFirst {
        fn changed(&self, _: hindsight::context::Change, _: &EntryPath) {
            self.0.cancel(hindsight::context::Why::User);
        }
    }
    let home = home();
    write(&home.source, &[("letters/ada.txt", "mine"), ("letters/old/zoe", "mine")]);
    fs::remove_file(home.source.join("letters/bob")).unwrap();
    let before = tree(&home.source);
    let cancel = hindsight::context::CancelToken::default();
    let monitor = Arc::new(StopAtFirst(cancel.clone()));
    let ctx = Context { cancel, monitor, ..Context::silent() };
    let record = home.path("stopped.undo");
    let wanted = wish(&home, &["letters"], Existing::Replace);
    let error = engine::run(job(home.reader(), &wanted, Some(record.clone())), &ctx).unwrap_err();
    assert!(matches!(error, Error::Cancelled(_)));
    let recorded = recorded(&record);
    assert_eq!(recorded.is_some(), record.exists());
    if let Some(recorded) = recorded {
        let undone = undo(&record, &Context::silent()).unwrap();
        assert_eq!((undone.removed, undone.put_back), (recorded.files + recorded.folders, recorded.replaced));
    }
    assert_eq!(tree(&home.source), before);
}

/// What happens to a file or folder after it was saved.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Stays,
    Gone,
    Changed,
    OtherKind,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Stays), Just(Fate::Gone), Just(Fate::Changed), Just(Fate::OtherKind)]
}

fn befall(path: &Path, fate: Fate) {
    let Ok(found) = path.symlink_metadata() else { return };
    let remove = || if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match fate {
        Fate::Stays => {}
        Fate::Gone => remove().unwrap(),
        Fate::Changed if found.is_dir() => fs::write(path.join("added"), "added").unwrap(),
        Fate::Changed => fs::write(path, "changed").unwrap(),
        Fate::OtherKind => {
            remove().unwrap();
            if found.is_dir() { fs::write(path, "a file").unwrap() } else { fs::create_dir(path).unwrap() }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happened_the_estimate_is_right_and_undo_brings_back_what_was(
        names in prop::collection::btree_set("[ab]/[ab]/[ab]|[ab]/[cd]|[ef]", 1..8),
        fates in prop::collection::vec(fate(), 14),
        folders in prop::collection::vec(fate(), 6),
        existing in prop_oneof![
            Just(Existing::OnlyMissing), Just(Existing::KeepBoth), Just(Existing::Replace)
        ],
        whole: bool,
    ) {
        let home = Home::new();
        for name in &names {
            write(&home.source, &[(name, name)]);
        }
        home.backup(FIRST);
        let saved = tree(&home.source);
        for (name, fate) in names.iter().zip(&fates) {
            befall(&home.source.join(name), *fate);
        }
        for (name, fate) in ["a/a", "a/b", "b/a", "b/b", "a", "b"].iter().zip(&folders) {
            befall(&home.source.join(name), *fate);
        }
        let before = tree(&home.source);
        let paths: Vec<_> = if whole { vec![""] } else { names.iter().map(String::as_str).collect() };
        let done = restore(&home, &wish(&home, &paths, existing));
        let after = tree(&home.source);
        for (name, content) in &before {
            let kept = existing != Existing::Replace || content == "/";
            prop_assert!(!kept || after.get(name) == Some(content), "{name} stays");
        }
        for (name, content) in &saved {
            let free = !before.contains_key(name);
            let above = Path::new(name).ancestors().skip(1).filter_map(Path::to_str);
            let blocked = above.filter(|above| !above.is_empty()).any(|above| {
                before.get(above).is_some_and(|there| there != "/")
            });
            if free && !blocked && (whole || content != "/") {
                prop_assert_eq!(after.get(name), Some(content), "{} comes back", name);
            }
        }
        if done.record.exists() {
            prop_assert_eq!(done.undo().left, Vec::<PathBuf>::new());
        }
        prop_assert_eq!(tree(&home.source), before);
    }
}
