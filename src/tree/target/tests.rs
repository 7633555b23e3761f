use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Mutex;

use super::*;
use crate::context::{Monitor, Problem, ProblemKind};
use crate::entry::Timestamp;

const TIME: Timestamp = Timestamp { seconds: 1_234_567_890, nanos: 123_456_789 };

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

fn attributes(kind: Kind, mode: u32) -> Attributes {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Attributes { kind, mode, uid, gid, mtime: TIME, ..Attributes::default() }
}

fn directory(mode: u32) -> Attributes {
    attributes(Kind::Directory, mode)
}

fn symlink_to(target: &Path) -> Attributes {
    Attributes { link_target: target.as_os_str().as_bytes().to_vec(), ..attributes(Kind::Symlink, 0o777) }
}

fn forced() -> Options {
    Options { existing: Existing::Overwrite, ..Options::default() }
}

/// A folder with `root`, the target, and `outside`, where nothing may arrive.
struct Place {
    _dir: tempfile::TempDir,
    root: PathBuf,
    outside: PathBuf,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
    fs::create_dir(&outside).unwrap();
    Place { _dir: dir, root, outside }
}

impl Place {
    fn target(&self, options: Options) -> Target {
        Target::create(&self.root, options, &Context::silent()).unwrap()
    }

    fn assert_outside_untouched(&self) {
        assert_eq!(fs::read_dir(&self.outside).unwrap().count(), 0);
    }
}

fn fill(pending: PendingFile, content: &[u8], attributes: &Attributes) -> Result<(), TargetError> {
    let temporary = pending.temporary()?;
    temporary.file().write_all(content).unwrap();
    pending.finish(temporary, attributes).map(drop)
}

fn write(target: &mut Target, name: &str, content: &[u8]) -> Result<(), TargetError> {
    fill(target.file(&path(name))?, content, &attributes(Kind::File, 0o640))
}

fn mtime(metadata: &fs::Metadata) -> Timestamp {
    Timestamp { seconds: metadata.mtime(), nanos: metadata.mtime_nsec() as u32 }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_tree_comes_back_with_modes_and_times() {
    let place = place();
    let mut target = place.target(Options::default());
    target.directory(&EntryPath::root(), &directory(0o755)).unwrap();
    target.directory(&path("a"), &directory(0o555)).unwrap();
    write(&mut target, "a/file", b"content").unwrap();
    target.directory(&path("a/sub"), &directory(0o700)).unwrap();
    target.object(&path("a-link"), &symlink_to(Path::new("a/file"))).unwrap();
    target.object(&path("fifo"), &attributes(Kind::Fifo, 0o604)).unwrap();
    drop(target);
    for (name, mode) in [("", 0o755), ("a", 0o555), ("a/file", 0o640), ("a/sub", 0o700), ("fifo", 0o604)] {
        let metadata = place.root.join(name).symlink_metadata().unwrap();
        assert_eq!((metadata.mode() & 0o7777, mtime(&metadata)), (mode, TIME), "{name}");
    }
    assert_eq!(fs::read_to_string(place.root.join("a-link")).unwrap(), "content");
    assert_eq!(mtime(&place.root.join("a-link").symlink_metadata().unwrap()), TIME);
    assert_eq!(names(&place.root.join("a")), ["file", "sub"]);
}

#[test]
fn directories_wait_for_files_that_other_threads_write() {
    let place = place();
    let mut target = place.target(Options::default());
    target.directory(&EntryPath::root(), &directory(0o500)).unwrap();
    target.directory(&path("d"), &directory(0o500)).unwrap();
    let pending: Vec<_> = (0..20).map(|n| target.file(&path(&format!("d/{n:02}"))).unwrap()).collect();
    target.directory(&path("e"), &directory(0o700)).unwrap();
    drop(target);
    assert_eq!(fs::metadata(place.root.join("d")).unwrap().mode() & 0o777, 0o700);
    std::thread::scope(|scope| {
        for file in pending {
            scope.spawn(move || fill(file, b"x", &attributes(Kind::File, 0o600)).unwrap());
        }
    });
    for name in ["", "d", "e"] {
        let metadata = fs::metadata(place.root.join(name)).unwrap();
        assert_eq!(mtime(&metadata), TIME, "{name:?}");
    }
    assert_eq!(fs::metadata(place.root.join("d")).unwrap().mode() & 0o777, 0o500);
    assert_eq!(names(&place.root.join("d")).len(), 20);
}

#[test]
fn nothing_goes_through_a_restored_symlink() {
    let place = place();
    for options in [Options::default(), forced()] {
        let mut target = place.target(options);
        target.object(&path("link"), &symlink_to(&place.outside)).unwrap();
        assert!(matches!(write(&mut target, "link/file", b"x"), Err(TargetError::NoParent(_))));
        assert!(target.directory(&path("link"), &directory(0o777)).is_err());
        assert!(matches!(write(&mut target, "link/file", b"x"), Err(TargetError::NoParent(_))));
        assert!(target.directory(&path("link/sub"), &directory(0o777)).is_err());
        write(&mut target, "other", b"x").unwrap();
        assert!(target.link(&path("stolen"), &path("link/any"), Kind::File).is_err());
    }
    place.assert_outside_untouched();
    assert_eq!(names(&place.root), ["link", "other"]);
}

#[test]
fn nothing_goes_through_a_symlink_that_was_there_before() {
    let place = place();
    fs::create_dir(&place.root).unwrap();
    symlink(&place.outside, place.root.join("dir")).unwrap();
    symlink(place.outside.join("file"), place.root.join("file")).unwrap();
    let mut target = place.target(forced());
    assert!(target.directory(&path("dir"), &directory(0o755)).is_err());
    assert!(write(&mut target, "dir/file", b"x").is_err());
    write(&mut target, "file", b"replaced").unwrap();
    drop(target);
    place.assert_outside_untouched();
    assert!(place.root.join("file").symlink_metadata().unwrap().is_file());
}

#[test]
fn a_name_that_comes_twice_is_written_once() {
    let place = place();
    let mut target = place.target(Options::default());
    write(&mut target, "a", b"first").unwrap();
    assert!(matches!(write(&mut target, "a", b"second"), Err(TargetError::Exists(_))));
    assert!(matches!(target.directory(&path("a"), &directory(0o700)), Err(TargetError::Exists(_))));
    target.directory(&path("b"), &directory(0o700)).unwrap();
    assert!(matches!(target.object(&path("b"), &symlink_to(&place.outside)), Err(TargetError::Exists(_))));
    assert!(matches!(target.directory(&path("b"), &directory(0o700)), Err(TargetError::Exists(_))));
    assert_eq!(fs::read(place.root.join("a")).unwrap(), b"first");
    assert_eq!(names(&place.root), ["a", "b"]);
}

#[test]
fn entries_without_their_directory_or_out_of_order_fail_alone() {
    let place = place();
    let mut target = place.target(Options::default());
    assert!(matches!(write(&mut target, "a/b", b"x"), Err(TargetError::NoParent(_))));
    target.directory(&path("c"), &directory(0o700)).unwrap();
    write(&mut target, "d", b"x").unwrap();
    assert!(matches!(write(&mut target, "c/late", b"x"), Err(TargetError::NoParent(_))));
    assert!(write(&mut target, "d/below-a-file", b"x").is_err());
    assert_eq!(names(&place.root), ["c", "d"]);
}

#[test]
fn force_never_replaces_a_directory_nor_makes_one_of_a_file() {
    let place = place();
    fs::create_dir_all(place.root.join("full/inner")).unwrap();
    fs::create_dir(place.root.join("empty")).unwrap();
    fs::write(place.root.join("file"), "old").unwrap();
    let mut target = place.target(forced());
    assert!(write(&mut target, "empty", b"x").is_err());
    assert!(target.directory(&path("file"), &directory(0o700)).is_err());
    assert!(target.object(&path("full"), &symlink_to(&place.outside)).is_err());
    target.directory(&path("full"), &directory(0o711)).unwrap();
    drop(target);
    assert_eq!(names(&place.root), ["empty", "file", "full"]);
    assert_eq!(names(&place.root.join("full")), ["inner"]);
    assert_eq!(fs::metadata(place.root.join("full")).unwrap().permissions().mode() & 0o777, 0o711);
}

#[test]
fn a_target_with_content_needs_force() {
    let place = place();
    drop(place.target(Options::default()));
    drop(place.target(Options::default()));
    fs::write(place.root.join("x"), "").unwrap();
    let refused = Target::create(&place.root, Options::default(), &Context::silent());
    assert!(matches!(refused.err(), Some(TargetError::NotEmpty(_))));
    drop(place.target(forced()));
}

#[test]
fn a_file_can_be_the_target_itself() {
    let place = place();
    let file = place.root.join("deep/file");
    for (options, content) in [(Options::default(), b"one"), (forced(), b"two")] {
        let mut target = Target::create_for_file(&file, options, &Context::silent()).unwrap();
        write(&mut target, "", content).unwrap();
        assert!(matches!(write(&mut target, "x", b"x"), Err(TargetError::NoParent(_))));
        assert_eq!(fs::read(&file).unwrap(), content);
    }
    let refused = Target::create_for_file(&file, Options::default(), &Context::silent());
    assert!(matches!(refused.err(), Some(TargetError::Exists(_))));
    assert_eq!(names(&place.root.join("deep")), ["file"]);
}

#[test]
fn unfinished_files_leave_nothing() {
    let place = place();
    let mut target = place.target(Options::default());
    let pending = target.file(&path("a")).unwrap();
    let (first, second) = (pending.temporary().unwrap(), pending.temporary().unwrap());
    first.file().write_all(b"x").unwrap();
    assert_eq!(names(&place.root).len(), 2);
    drop((first, second, pending));
    assert!(names(&place.root).is_empty());
}

#[test]
fn links_are_made_only_to_files_below_the_root() {
    let place = place();
    for options in [Options::default(), forced(), forced()] {
        let forced = options.existing == Existing::Overwrite;
        let mut target = place.target(options);
        if !place.root.join("a").exists() {
            target.directory(&path("a"), &directory(0o700)).unwrap();
            write(&mut target, "a/one", b"x").unwrap();
        }
        if !forced || !place.root.join("b").exists() {
            target.link(&path("b"), &path("a/one"), Kind::File).unwrap();
        }
        assert!(target.link(&path("c"), &path("a"), Kind::File).is_err());
        assert!(target.link(&path("c"), &path("a/none"), Kind::File).is_err());
        if forced {
            target.link(&path("b"), &path("a/one"), Kind::File).unwrap();
        }
    }
    let inode = |name: &str| fs::metadata(place.root.join(name)).unwrap().ino();
    assert_eq!(inode("a/one"), inode("b"));
    assert_eq!(names(&place.root), ["a", "b"]);
}

#[test]
fn zeros_become_holes_in_any_chunking() {
    let place = place();
    let mut content = vec![0u8; 1 << 20];
    content[300_000..300_010].fill(7);
    content.extend([0; 100]);
    for (name, size, chunk) in
        [("a", content.len(), 1000), ("b", content.len(), 1 << 19), ("c", 1 << 20, 4097)]
    {
        let mut target = place.target(forced());
        let pending = target.file(&path(name)).unwrap();
        let temporary = pending.temporary().unwrap();
        let mut writer = SparseWriter::new(temporary.file().try_clone().unwrap());
        content[..size].chunks(chunk).for_each(|piece| writer.write_all(piece).unwrap());
        assert_eq!(writer.finish().unwrap(), size as u64);
        pending.finish(temporary, &attributes(Kind::File, 0o600)).unwrap();
        assert!(fs::read(place.root.join(name)).unwrap() == content[..size], "{name}");
        assert!(fs::metadata(place.root.join(name)).unwrap().blocks() * 512 <= 64 << 10, "{name}");
    }
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Problem>>);

impl Monitor for Recorder {
    fn problem(&self, problem: Problem) {
        self.0.lock().unwrap().push(problem);
    }
}

#[test]
fn a_program_that_runs_as_its_owner_keeps_that_only_with_the_owner() {
    let place = place();
    let recorder = Arc::new(Recorder::default());
    let ctx = Context { monitor: recorder.clone(), ..Context::silent() };
    let options = Options { restore_ownership: false, ..Options::default() };
    let mut target = Target::create(&place.root, options, &ctx).unwrap();
    let mine = attributes(Kind::File, 0o6755);
    let foreign = Attributes { uid: mine.uid + 1, gid: mine.gid + 1, ..mine.clone() };
    fill(target.file(&path("foreign")).unwrap(), b"x", &foreign).unwrap();
    fill(target.file(&path("mine")).unwrap(), b"x", &mine).unwrap();
    let mode = |name: &str| fs::metadata(place.root.join(name)).unwrap().mode() & 0o7777;
    assert_eq!((mode("foreign"), mode("mine")), (0o755, 0o6755));
    let problems = recorder.0.lock().unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (problems[0].kind, &problems[0].path),
        (ProblemKind::MetadataNotRestored, &place.root.join("foreign"))
    );
}

#[test]
fn owners_and_devices_come_back_when_root_restores() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = place();
    let options = Options { owner: Arc::new(|a| (a.uid + 1, a.gid)), ..Options::default() };
    let mut target = place.target(options);
    let owned = |kind| Attributes { uid: 1000, gid: 1001, device: (1, 3), ..attributes(kind, 0o4711) };
    target.object(&path("device"), &owned(Kind::CharDevice)).unwrap();
    target.directory(&path("dir"), &owned(Kind::Directory)).unwrap();
    fill(target.file(&path("file")).unwrap(), b"x", &owned(Kind::File)).unwrap();
    target.object(&path("link"), &Attributes { link_target: b"x".to_vec(), ..owned(Kind::Symlink) }).unwrap();
    drop(target);
    for name in ["device", "dir", "file", "link"] {
        let metadata = place.root.join(name).symlink_metadata().unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1001, 1001), "{name}");
        assert!(name == "link" || metadata.mode() & 0o7777 == 0o4711, "{name}");
    }
    assert_eq!(fs::metadata(place.root.join("device")).unwrap().rdev(), rustix::fs::makedev(1, 3));
}

#[test]
fn a_deep_tree_is_left_without_overflow() {
    let place = place();
    let mut target = place.target(Options::default());
    let mut deep = String::from("d");
    let mut pending = None;
    for _ in 0..500 {
        target.directory(&path(&deep), &directory(0o700)).unwrap();
        deep.push_str("/d");
        pending = target.file(&path(&deep)).ok();
    }
    drop(target);
    drop(pending);
    assert_eq!(mtime(&fs::metadata(place.root.join("d")).unwrap()), TIME);
}

#[test]
fn checked_content_takes_its_place_at_once_in_new_directories_and_old_ones() {
    let place = place();
    fs::create_dir_all(place.root.join("old")).unwrap();
    fs::write(place.root.join("old/file"), b"before, and longer").unwrap();
    let mut target = place.target(forced());
    for folder in ["new", "old"] {
        target.directory(&path(folder), &directory(0o755)).unwrap();
        let file = target.file(&path(&format!("{folder}/file"))).unwrap();
        file.write(b"content", &attributes(Kind::File, 0o640)).unwrap();
    }
    drop(target);
    for folder in ["new", "old"] {
        let (dir, file) = (place.root.join(folder), place.root.join(folder).join("file"));
        assert_eq!(fs::read(&file).unwrap(), b"content");
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!((metadata.mode() & 0o7777, mtime(&metadata)), (0o640, TIME), "{folder}");
        assert_eq!((names(&dir), mtime(&fs::metadata(&dir).unwrap())), (vec!["file".into()], TIME));
    }
}

#[test]
fn a_name_that_comes_twice_is_replaced_only_by_force() {
    for (options, kept) in [(Options::default(), "first"), (forced(), "second")] {
        let place = place();
        let mut target = place.target(options);
        target.file(&path("x")).unwrap().write(b"first", &attributes(Kind::File, 0o600)).unwrap();
        let second = target.file(&path("x")).unwrap().write(b"second", &attributes(Kind::File, 0o600));
        assert_eq!(second.is_err(), kept == "first");
        drop(target);
        assert_eq!(fs::read_to_string(place.root.join("x")).unwrap(), kept);
        assert_eq!(names(&place.root), ["x"]);
    }
}
