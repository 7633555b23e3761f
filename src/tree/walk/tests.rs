use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Mutex;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;
use crate::context::{Monitor, Problem};
use crate::tree::select::Rule;
use crate::tree::source::Source;

pub(super) fn tree(files: &[&str]) -> TempDir {
    let root = TempDir::new().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    root
}

fn walk(root: &Path) -> Walk {
    Walk::new(root.into(), Arc::new(Selection::everything()), &Context::silent()).unwrap()
}

pub(super) fn entries(walk: Walk) -> Vec<Entry> {
    let entry = |found| match found {
        Found::Entry(entry) => *entry,
        Found::Unreadable { path, error, .. } => panic!("{path}: {error}"),
    };
    walk.map(entry).collect()
}

/// Unreadable paths are marked with `!`.
pub(super) fn shown(walk: Walk) -> Vec<String> {
    let show = |found| match found {
        Found::Entry(entry) => entry.path.to_string(),
        Found::Unreadable { path, .. } => format!("!{path}"),
    };
    walk.map(show).collect()
}

/// Runs `work` as somebody whom permission bits do stop, even when the tests run as root.
fn without_privilege<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    let run = || {
        let mut sets = capabilities(None).unwrap();
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        set_capabilities(None, sets).unwrap();
        work()
    };
    thread::scope(|scope| scope.spawn(run).join().unwrap())
}

#[derive(Default)]
struct Heard {
    problems: Mutex<Vec<Problem>>,
    skipped: Mutex<Vec<EntryPath>>,
}

impl Monitor for Heard {
    fn problem(&self, problem: Problem) {
        self.problems.lock().unwrap().push(problem);
    }

    fn changed(&self, change: Change, path: &EntryPath) {
        assert_eq!(change, Change::Skipped);
        self.skipped.lock().unwrap().push(path.clone());
    }
}

#[test]
fn entries_come_depth_first_in_byte_order_after_their_parent() {
    let root = tree(&["dir/sub/f2", "dir/f1", "dir-a", "dir.txt", "Z"]);
    let seen = shown(walk(root.path()));
    assert_eq!(seen, [".", "Z", "dir", "dir/f1", "dir/sub", "dir/sub/f2", "dir-a", "dir.txt"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_tree_comes_in_strictly_increasing_order(
        files in prop::collection::vec("[a\\-./\u{e9}]{1,8}", 0..40)
    ) {
        let root = TempDir::new().unwrap();
        for file in &files {
            let Ok(path) = EntryPath::parse(file.as_bytes()) else { continue };
            let path = path.below(root.path());
            // A file may already stand where this one needs a folder.
            let _ = path.parent().map(fs::create_dir_all);
            let _ = fs::write(path, b"");
        }
        let entries = entries(walk(root.path()));
        prop_assert!(entries[0].path.is_root());
        prop_assert!(entries.windows(2).all(|pair| pair[0].path < pair[1].path));
    }
}

#[test]
fn attributes_are_those_of_the_file() {
    let root = tree(&["file"]);
    let path = root.path().join("file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4640)).unwrap();
    let found = entries(walk(root.path())).pop().unwrap();
    assert_eq!((found.attributes.kind, found.attributes.mode, found.size), (Kind::File, 0o4640, 4));
    assert_eq!(found.attributes.uid, rustix::process::getuid().as_raw());
    assert!(!found.attributes.user.is_empty());
    assert_eq!((found.attributes.links, found.attributes.sparse), (None, false));
    let file = Source::open(root.path()).unwrap().open_file(&found.path).unwrap();
    assert_eq!(found.disk_identity(), Some(crate::tree::source::disk_identity(&file).unwrap()));
}

#[test]
fn a_folder_that_cannot_be_listed_is_told_after_its_own_entry() {
    let root = tree(&["a/hidden", "b"]);
    fs::set_permissions(root.path().join("a"), fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(without_privilege(|| shown(walk(root.path()))), [".", "a", "!a", "b"]);
}

#[test]
fn names_that_cannot_be_looked_at_are_told_one_by_one() {
    let root = tree(&["a/1", "a/2", "b"]);
    fs::set_permissions(root.path().join("a"), fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(without_privilege(|| shown(walk(root.path()))), [".", "a", "!a/1", "!a/2", "b"]);
}

#[test]
fn a_scanned_folder_that_cannot_be_listed_comes_with_its_parents() {
    let root = tree(&["a/b/c/wanted", "a/x", "d/wanted"]);
    fs::set_permissions(root.path().join("a/b"), fs::Permissions::from_mode(0o000)).unwrap();
    let rules = [Rule::include("src/*/*/c/wanted"), Rule::exclude("**")];
    let selection = Arc::new(Selection::new(Path::new("src"), rules).unwrap());
    let walk = || Walk::new(root.path().into(), selection, &Context::silent()).unwrap();
    assert_eq!(without_privilege(|| shown(walk())), [".", "a", "a/b", "!a/b"]);
}

#[test]
fn a_root_that_cannot_be_listed_or_is_not_there_is_an_error() {
    let root = tree(&["a/b"]);
    let (a, none) = (root.path().join("a"), root.path().join("none"));
    fs::set_permissions(&a, fs::Permissions::from_mode(0o000)).unwrap();
    let walk = |path| Walk::new(path, Arc::default(), &Context::silent()).map(drop);
    let denied = without_privilege(|| walk(a)).unwrap_err();
    assert!(matches!(denied, WalkError::Unreadable { .. }), "{denied}");
    assert!(matches!(walk(none), Err(WalkError::Missing(_))));
}

#[test]
fn names_that_vanish_after_the_listing_are_problems_and_not_entries() {
    let root = tree(&["a", "b/c", "d"]);
    let heard = Arc::new(Heard::default());
    let context = Context { monitor: heard.clone(), ..Context::silent() };
    let listed = Scanner::open(root.path().into(), Arc::default(), 1000).unwrap();
    fs::remove_file(root.path().join("a")).unwrap();
    fs::remove_dir_all(root.path().join("b")).unwrap();
    let paths = shown(Walk::start(root.path().into(), listed, &context, &Limits::of_this_computer()));
    assert_eq!(paths, [".", "d"]);
    let problems = heard.problems.lock().unwrap();
    assert_eq!(problems.len(), 2);
    assert!(problems.iter().all(|problem| problem.kind == ProblemKind::Vanished));
    assert_eq!(problems[0].path, root.path().join("a"));
}

#[test]
fn sockets_are_mentioned_and_left_out_while_a_fifo_is_an_entry() {
    let root = tree(&[]);
    let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
    mknodat(CWD, root.path().join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    let heard = Arc::new(Heard::default());
    let context = Context { monitor: heard.clone(), ..Context::silent() };
    let found = entries(Walk::new(root.path().into(), Arc::default(), &context).unwrap());
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].attributes.kind, Kind::Fifo);
    assert_eq!(*heard.skipped.lock().unwrap(), [EntryPath::root().child(b"socket")]);
}

#[test]
fn names_need_not_be_utf_8() {
    let root = tree(&[]);
    let name = b"caf\xe9\n\xff";
    fs::write(root.path().join(OsStr::from_bytes(name)), b"").unwrap();
    assert_eq!(entries(walk(root.path()))[1].path.as_bytes(), name);
}

#[test]
fn symlinks_are_entries_except_for_the_root() {
    let root = tree(&["real/file"]);
    symlink("real", root.path().join("alias")).unwrap();
    symlink("nowhere", root.path().join("dangling")).unwrap();
    let found = entries(walk(root.path()));
    let targets: Vec<_> = found.iter().map(|e| e.attributes.link_target.as_slice()).collect();
    assert_eq!(targets, [b"".as_slice(), b"real", b"nowhere", b"", b""]);
    assert_eq!(shown(walk(&root.path().join("alias"))), [".", "file"]);
    assert_eq!(shown(walk(&root.path().join("real/file"))), ["."]);
}

#[test]
fn names_of_one_file_share_a_link_identity() {
    let root = tree(&["a", "c"]);
    fs::hard_link(root.path().join("a"), root.path().join("b")).unwrap();
    let links: Vec<_> = entries(walk(root.path())).iter().map(|e| e.attributes.links).collect();
    assert!(links[1].is_some_and(|id| id.birth != Default::default()));
    assert_eq!(links[1], links[2]);
    assert_eq!((links[0], links[3]), (None, None));
}

#[test]
fn files_with_holes_are_known() {
    let root = tree(&["dense"]);
    fs::write(root.path().join("dense"), vec![1; 1 << 20]).unwrap();
    fs::File::create(root.path().join("holes")).unwrap().set_len(1 << 20).unwrap();
    let sparse: Vec<_> = entries(walk(root.path())).iter().map(|e| e.attributes.sparse).collect();
    assert_eq!(sparse, [false, false, true]);
}

#[test]
fn left_out_folders_stay_out_even_under_another_name_of_the_root() {
    let root = tree(&["a/place/volume", "a/place2", "later/x"]);
    symlink(root.path(), root.path().join("self")).unwrap();
    let mut selection = Selection::everything();
    selection.exclude_subtree(root.path().join("self/a/place"));
    selection.exclude_subtree(root.path().join("not/yet/there"));
    let selection = Arc::new(selection);
    fs::create_dir_all(root.path().join("not/yet/there/inside")).unwrap();
    let walk = Walk::new(root.path().join("self"), selection, &Context::silent()).unwrap();
    assert_eq!(shown(walk), [".", "a", "a/place2", "later", "later/x", "not", "not/yet", "self"]);
}

#[test]
#[should_panic(expected = "the monitor died")]
fn a_thread_that_dies_is_not_taken_for_the_end() {
    struct Dies;
    impl Monitor for Dies {
        fn changed(&self, _: Change, _: &EntryPath) {
            panic!("the monitor died");
        }
    }
    let root = tree(&["a"]);
    let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
    let context = Context { monitor: Arc::new(Dies), ..Context::silent() };
    Walk::new(root.path().into(), Arc::default(), &context).unwrap().for_each(drop);
}
