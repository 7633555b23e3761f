//! The source as a stream of entries in the order of the format (`FORMAT.md` 3.5): depth first, names sorted
//! bytewise, a parent before its children.
//!
//! A thread reads ahead, at most a few batches; of the tree only one list of names per open directory is in
//! memory. Directories are opened relative to their parent, so that a folder swapped for a symlink is not followed.

use std::io;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::vec;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::scan::{self, Scanner};
use super::select::Selection;
use super::source::DiskIdentity;
use crate::context::Context;
use crate::entry::{Attributes, EntryPath, Kind};

/// One selected object of the source, as `lstat` shows it.
#[derive(Debug)]
pub struct Entry {
    pub path: EntryPath,
    /// Everything but xattrs, ACLs and content.
    pub attributes: Attributes,
    /// Bytes of a regular file; 0 for anything else.
    pub size: u64,
    /// The file system that it lies on.
    pub device_id: u64,
}

impl Entry {
    pub fn is_directory(&self) -> bool {
        self.attributes.kind == Kind::Directory
    }

    /// What [`super::source::disk_identity`] tells while nobody writes to the file.
    pub fn disk_identity(&self) -> Option<DiskIdentity> {
        let disk = self.attributes.disk?;
        Some(DiskIdentity { size: self.size, mtime: self.attributes.mtime, disk })
    }
}

#[derive(Debug)]
pub enum Found {
    Entry(Box<Entry>),
    /// Nothing is known of `path` and all that lies below it now, and that is no reason to think it gone. When
    /// the entry of a directory came just before with the same path, only its content could not be listed.
    Unreadable {
        path: EntryPath,
        error: io::Error,
    },
}

/// The root itself cannot be walked.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error("source {0:?} does not exist")]
    Missing(PathBuf),
    #[error("source {path:?} cannot be read: {error}")]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("source {0:?} is of a kind that cannot be saved")]
    Unsupported(PathBuf),
}

/// Yields the root first. Does not look at the context's cancel token: an end of the stream always means
/// that the whole source was seen. Dropping it stops the thread.
#[derive(Debug)]
pub struct Walk {
    batch: vec::IntoIter<Found>,
    batches: Option<Receiver<Vec<Found>>>,
    thread: Option<JoinHandle<()>>,
}

/// Few enough that the first entries come at once, many enough that the channel costs nothing.
const BATCH: usize = 128;
const BATCHES_AHEAD: usize = 16;

impl Walk {
    /// `root` is the source as typed, a directory or any single object; a symlink there is followed.
    pub fn new(root: PathBuf, selection: Arc<Selection>, context: &Context) -> Result<Self, WalkError> {
        let (sender, receiver) = bounded(BATCHES_AHEAD);
        let scanner = Scanner::open(root, selection, context.clone())?;
        let run = move || {
            let mut batches = Batches { batch: Vec::with_capacity(BATCH), sender };
            // The only failure is that nobody listens any more.
            let _ = scanner.run(|found| batches.push(found)).and_then(|()| batches.flush());
        };
        let thread = thread::Builder::new()
            .name("walk".into())
            .spawn(run)
            .map_err(|error| WalkError::Unreadable { path: PathBuf::new(), error })?;
        Ok(Self { batch: Vec::new().into_iter(), batches: Some(receiver), thread: Some(thread) })
    }

    fn next_batch(&mut self) -> Option<Vec<Found>> {
        let batch = self.batches.as_ref()?.recv().ok();
        if batch.is_none() {
            self.finish();
        }
        batch
    }

    /// A thread that died must not look like a source that ended: all the rest would count as deleted.
    fn finish(&mut self) {
        self.batches = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            if let Some(found) = self.batch.next() {
                return Some(found);
            }
            self.batch = self.next_batch()?.into_iter();
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Batches {
    batch: Vec<Found>,
    sender: Sender<Vec<Found>>,
}

impl Batches {
    fn push(&mut self, found: Found) -> Result<(), scan::Stopped> {
        self.batch.push(found);
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), scan::Stopped> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.sender.send(batch).map_err(|_| scan::Stopped)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
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
    use crate::context::{Level, Monitor, Problem, ProblemKind};
    use crate::tree::select::Rule;
    use crate::tree::source::Source;

    fn tree(files: &[&str]) -> TempDir {
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

    fn entries(walk: Walk) -> Vec<Entry> {
        let entry = |found| match found {
            Found::Entry(entry) => *entry,
            Found::Unreadable { path, error } => panic!("{path}: {error}"),
        };
        walk.map(entry).collect()
    }

    /// Unreadable paths are marked with `!`.
    fn shown(walk: Walk) -> Vec<String> {
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
        messages: Mutex<Vec<String>>,
    }

    impl Monitor for Heard {
        fn problem(&self, problem: Problem) {
            self.problems.lock().unwrap().push(problem);
        }

        fn message(&self, _: Level, text: &dyn std::fmt::Display) {
            self.messages.lock().unwrap().push(text.to_string());
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
        let scanner = Scanner::open(root.path().into(), Arc::default(), context).unwrap();
        fs::remove_file(root.path().join("a")).unwrap();
        fs::remove_dir_all(root.path().join("b")).unwrap();
        let mut paths = Vec::new();
        let emit = |found| {
            match found {
                Found::Entry(entry) => paths.push(entry.path.to_string()),
                Found::Unreadable { path, error } => panic!("{path}: {error}"),
            }
            Ok(())
        };
        scanner.run(emit).unwrap();
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
        assert_eq!(heard.messages.lock().unwrap().len(), 1);
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
    fn dropping_a_walk_early_ends_its_thread() {
        let root = TempDir::new().unwrap();
        for n in 0..BATCH * (BATCHES_AHEAD + 4) {
            fs::write(root.path().join(n.to_string()), b"").unwrap();
        }
        let mut walk = walk(root.path());
        walk.next().unwrap();
        drop(walk); // joins
    }

    #[test]
    #[should_panic(expected = "the monitor died")]
    fn a_thread_that_dies_is_not_taken_for_the_end() {
        struct Dies;
        impl Monitor for Dies {
            fn message(&self, _: Level, _: &dyn std::fmt::Display) {
                panic!("the monitor died");
            }
        }
        let root = tree(&["a"]);
        let _socket = UnixListener::bind(root.path().join("socket")).unwrap();
        let context = Context { monitor: Arc::new(Dies), ..Context::silent() };
        Walk::new(root.path().into(), Arc::default(), &context).unwrap().for_each(drop);
    }
}
