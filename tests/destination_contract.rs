//! One suite for every destination (`destination/mod.rs` states the contract), then what only real folders can show,
//! of this computer or of a server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/faulty.rs"]
mod faulty;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/sshd.rs"]
#[allow(dead_code)]
mod sshd;

use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use faulty::{Fault, Faulty, Op, When};
use hindsight::context::Context;
use hindsight::destination::{
    Destination, ErrorKind, Existing, Folder, Rclone, Staged, is_upload_name, put_bytes, read_bytes, sweep,
};
use memory::Memory;
use sshd::Sshd;

const NAME: &str = "duplicity-full.20260101T000000Z.vol1.difftar.gpg";

/// Runs a test on every kind of place.
fn on_every_place(test: impl Fn(Arc<dyn Destination>)) {
    let dir = tempfile::tempdir().unwrap();
    test(Arc::new(Folder::new(dir.path())));
    test(Arc::new(Memory::default()));
    let dir = tempfile::tempdir().unwrap();
    test(Arc::new(Faulty::new(Arc::new(Folder::new(dir.path())))));
    let (dir, sshd) = (tempfile::tempdir().unwrap(), Sshd::start());
    test(sshd::place(&sshd, dir.path()));
    let dir = tempfile::tempdir().unwrap();
    test(Arc::new(Rclone::new(&format!(":local:{}", dir.path().display()))));
    #[cfg(feature = "fault-injection")]
    {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("fortestsonly://{}", dir.path().display());
        test(Arc::from(
            hindsight::destination::Spec::parse(url.as_ref())
                .unwrap()
                .connect(hindsight::destination::Login::default()),
        ));
    }
}

/// Makes a place of a folder.
type Reach<'a> = &'a dyn Fn(&Path) -> Arc<dyn Destination>;

/// Runs a test on every way to reach a folder, with a new folder each.
fn on_every_folder(test: impl Fn(&Path, Reach)) {
    let dir = tempfile::tempdir().unwrap();
    test(dir.path(), &|path| Arc::new(Folder::new(path)));
    let (dir, sshd) = (tempfile::tempdir().unwrap(), Sshd::start());
    test(dir.path(), &|path| sshd::place(&sshd, path));
}

fn names(place: &dyn Destination) -> Vec<String> {
    let mut names: Vec<_> = place.list().unwrap().into_iter().map(|stored| stored.name).collect();
    names.sort();
    names
}

fn staged(place: &dyn Destination, bytes: &[u8]) -> Box<dyn Staged> {
    let mut staged = place.stage().unwrap();
    staged.write_all(bytes).unwrap();
    staged
}

fn put(place: &dyn Destination, name: &str, bytes: &[u8]) {
    staged(place, bytes).publish(name, Existing::Refuse).unwrap();
}

fn content(place: &dyn Destination, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    place.open(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn kind<T>(result: hindsight::destination::Result<T>) -> ErrorKind {
    result.err().expect("should have failed").kind
}

#[test]
fn an_object_appears_whole_and_only_when_published() {
    on_every_place(|place| {
        let mut upload = staged(&*place, b"some ");
        let meanwhile = names(&*place);
        assert!(
            meanwhile.iter().all(|name| name == upload.parked_name()),
            "under its foreign name, if at all"
        );
        assert!(is_upload_name(upload.parked_name()));
        upload.write_all(b"bytes").unwrap();
        assert_eq!(upload.seal().unwrap(), 10);
        assert_eq!(upload.seal().unwrap(), 10, "sealing again does nothing");
        assert!(upload.write_all(b"late").is_err());
        assert_eq!(kind(place.open(NAME)), ErrorKind::NotFound);
        upload.publish(NAME, Existing::Refuse).unwrap();
        assert_eq!(names(&*place), [NAME]);
        assert_eq!(content(&*place, NAME), b"some bytes");
        assert_eq!(place.size(NAME).unwrap(), Some(10));
    });
}

#[test]
fn an_empty_and_a_large_object_come_back_as_they_were() {
    on_every_place(|place| {
        let large: Vec<u8> =
            (0..3_000_001_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        put(&*place, "empty", b"");
        put(&*place, "large", &large);
        assert_eq!(content(&*place, "empty"), b"");
        assert!(content(&*place, "large") == large);
        let sizes: Vec<u64> = place.list().unwrap().iter().map(|stored| stored.size).collect();
        assert_eq!(sizes.iter().sum::<u64>(), large.len() as u64);
    });
}

#[test]
fn a_name_that_exists_is_replaced_only_when_asked() {
    on_every_place(|place| {
        put(&*place, NAME, b"old");
        let refused = staged(&*place, b"new").publish(NAME, Existing::Refuse);
        assert_eq!(kind(refused), ErrorKind::NameTaken);
        assert_eq!(content(&*place, NAME), b"old");
        assert_eq!(names(&*place), [NAME], "the refused upload is gone");
        staged(&*place, b"new").publish(NAME, Existing::Replace).unwrap();
        assert_eq!(content(&*place, NAME), b"new");
        assert_eq!(names(&*place), [NAME]);
    });
}

#[test]
fn a_reader_keeps_the_object_it_opened() {
    on_every_place(|place| {
        put(&*place, NAME, b"old");
        let mut reader = place.open(NAME).unwrap();
        staged(&*place, b"new").publish(NAME, Existing::Replace).unwrap();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"old");
    });
}

#[test]
fn an_upload_given_up_leaves_nothing() {
    on_every_place(|place| {
        drop(staged(&*place, b"half"));
        let mut sealed = staged(&*place, b"whole");
        sealed.seal().unwrap();
        drop(sealed);
        assert!(names(&*place).is_empty());
    });
}

#[test]
fn a_parked_upload_can_be_adopted_later_once() {
    on_every_place(|place| {
        let parked = staged(&*place, b"kept").park().unwrap();
        assert_eq!(names(&*place), [parked.as_str()]);
        assert_eq!(place.size(&parked).unwrap(), Some(4));
        place.adopt(&parked, NAME).unwrap();
        assert_eq!(names(&*place), [NAME]);
        assert_eq!(content(&*place, NAME), b"kept");
        assert_eq!(kind(place.adopt(&parked, "other")), ErrorKind::NotFound);
    });
}

#[test]
fn adopting_neither_replaces_an_object_nor_takes_a_foreign_one() {
    on_every_place(|place| {
        put(&*place, NAME, b"old");
        let parked = staged(&*place, b"kept").park().unwrap();
        assert_eq!(kind(place.adopt(&parked, NAME)), ErrorKind::NameTaken);
        assert_eq!(content(&*place, NAME), b"old");
        assert_eq!(content(&*place, &parked), b"kept", "and the upload stays");
        assert_eq!(kind(place.adopt(NAME, "other")), ErrorKind::Misconfigured);
    });
}

#[test]
fn what_is_missing_is_not_found_and_can_be_deleted() {
    on_every_place(|place| {
        assert_eq!(kind(place.open(NAME)), ErrorKind::NotFound);
        assert_eq!(place.size(NAME).unwrap(), None);
        place.delete(NAME).unwrap();
        put(&*place, NAME, b"x");
        place.delete(NAME).unwrap();
        assert!(names(&*place).is_empty());
    });
}

#[test]
fn names_that_are_not_single_components_are_refused() {
    on_every_place(|place| {
        for name in ["", ".", "..", "../up", "a/b", "/etc/passwd", "nul\0"] {
            assert_eq!(kind(place.open(name)), ErrorKind::Misconfigured, "{name:?}");
            assert_eq!(kind(place.delete(name)), ErrorKind::Misconfigured, "{name:?}");
            let published = staged(&*place, b"x").publish(name, Existing::Replace);
            assert_eq!(kind(published), ErrorKind::Misconfigured, "{name:?}");
        }
        assert!(names(&*place).is_empty());
    });
}

#[test]
fn sweeping_removes_dead_and_old_uploads_and_nothing_else() {
    on_every_place(|place| {
        let day = Duration::from_secs(86_400);
        let park = || staged(&*place, b"x").park().unwrap();
        let (dead, kept, other) = (park(), park(), park());
        put(&*place, ".volume.notours.part", b"foreign");
        put(&*place, NAME, b"volume");
        let (dead, keep) = ([dead], [kept]);
        let now = SystemTime::now();
        assert_eq!(sweep(&*place, &place.list().unwrap(), now, day, &dead, &keep).unwrap(), dead);
        assert_eq!(names(&*place).len(), 4);
        assert_eq!(sweep(&*place, &place.list().unwrap(), now + 2 * day, day, &[], &keep).unwrap(), [other]);
        let mut left = [".volume.notours.part", NAME, keep[0].as_str()];
        left.sort_unstable();
        assert_eq!(names(&*place), left);
    });
}

#[test]
fn putting_survives_one_temporary_fault_anywhere_whatever_its_outcome() {
    let survive = |op: Op, when: When, existing: Existing| {
        let memory = Arc::new(Memory::default());
        let place = Faulty::new(memory.clone());
        place.plan(Fault::at(op, 0, when));
        put_bytes(&place, NAME, b"manifest", existing, &Context::silent()).unwrap();
        assert!(place.reached(), "{op:?} {when:?}");
        assert_eq!(content(&*memory, NAME), b"manifest");
        assert_eq!(names(&*memory), [NAME], "no litter after {op:?} {when:?}");
        let tried_twice = op == Op::Publish && when != When::After;
        assert_eq!(place.count(Op::Publish), if tried_twice { 2 } else { 1 }, "{op:?} {when:?}");
    };
    // Side by side, for each waits before it tries again.
    std::thread::scope(|scope| {
        for op in [Op::Stage, Op::Write, Op::Seal, Op::Publish] {
            for when in [When::Before, When::Half, When::After] {
                for existing in [Existing::Refuse, Existing::Replace] {
                    scope.spawn(move || survive(op, when, existing));
                }
            }
        }
    });
}

#[test]
fn putting_does_not_take_a_different_object_for_its_own() {
    let place = Faulty::new(Arc::new(Memory::default()));
    put(&place, NAME, b"somebody else's");
    place.plan(Fault::at(Op::Seal, 0, When::Before));
    let result = put_bytes(&place, NAME, b"manifest", Existing::Refuse, &Context::silent());
    assert_eq!(kind(result), ErrorKind::NameTaken);
    assert_eq!(content(&place, NAME), b"somebody else's");
}

#[test]
fn a_fault_that_is_not_temporary_is_not_tried_again() {
    let place = Faulty::new(Arc::new(Memory::default()));
    place.plan(Fault { kind: ErrorKind::NoSpace, temporary: false, ..Fault::at(Op::Write, 0, When::Half) });
    let result = put_bytes(&place, NAME, b"manifest", Existing::Refuse, &Context::silent());
    assert_eq!(kind(result), ErrorKind::NoSpace);
    assert_eq!((place.count(Op::Stage), names(&place).len()), (1, 0));
}

#[test]
fn killed_at_any_call_a_final_name_holds_everything_or_does_not_exist() {
    for when in [When::Before, When::Half, When::After] {
        for nth in 0.. {
            let memory = Arc::new(Memory::default());
            let place = Faulty::new(memory.clone());
            place.plan(Fault::kill_at(nth, when));
            let _ = put_bytes(&place, NAME, b"manifest", Existing::Refuse, &Context::silent());
            if !place.reached() {
                assert_eq!(place.published(), [NAME]);
                break;
            }
            for name in names(&*memory) {
                assert!(is_upload_name(&name) || content(&*memory, &name) == b"manifest");
            }
            let later = SystemTime::now() + Duration::from_secs(1);
            sweep(&*memory, &memory.list().unwrap(), later, Duration::ZERO, &[], &[]).unwrap();
            assert!(names(&*memory).iter().all(|name| name == NAME), "no litter after the next start");
        }
    }
}

#[test]
fn a_read_that_breaks_off_is_an_error_not_an_end() {
    let place = Faulty::new(Arc::new(Memory::default()));
    put(&place, NAME, b"0123456789");
    for when in [When::Half, When::After] {
        place.plan(Fault::at(Op::Open, 0, when));
        assert_eq!(kind(read_bytes(&place, NAME, 100)), ErrorKind::Offline);
        assert!(place.reached());
    }
    assert_eq!(kind(read_bytes(&place, NAME, 9)), ErrorKind::Other, "larger than allowed");
    assert_eq!(read_bytes(&place, NAME, 10).unwrap(), b"0123456789");
}

#[test]
fn a_missing_folder_is_not_found_until_it_is_created() {
    on_every_folder(|dir, reach| {
        let root = dir.join("a/b");
        let place = reach(&root);
        assert_eq!(kind(place.list()), ErrorKind::NotFound);
        assert_eq!(kind(place.open(NAME)), ErrorKind::NotFound);
        assert_eq!(kind(place.size(NAME)), ErrorKind::NotFound);
        assert_eq!(kind(place.stage()), ErrorKind::NotFound);
        assert!(!root.exists());
        place.create().unwrap();
        place.create().unwrap();
        put(&*place, NAME, b"x");
        assert!(place.free_space().unwrap().is_some_and(|bytes| bytes > 0));
    });
}

#[test]
fn a_drive_that_goes_during_a_run_leaves_its_bare_mount_point_alone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("drive");
    let place = Folder::new(&root);
    place.create().unwrap();
    let upload = staged(&place, b"x");
    std::fs::rename(&root, dir.path().join("unplugged")).unwrap();
    std::fs::create_dir(&root).unwrap();
    upload.publish(NAME, Existing::Refuse).unwrap();
    put(&place, "second", b"x");
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
}

#[test]
fn a_file_where_the_folder_should_be_is_not_a_place() {
    on_every_folder(|dir, reach| {
        let root = dir.join("file");
        std::fs::write(&root, "").unwrap();
        assert_eq!(kind(reach(&root).create()), ErrorKind::Misconfigured);
        assert_eq!(kind(reach(&root).list()), ErrorKind::NotFound);
    });
}

#[test]
fn foreign_things_in_a_folder_do_no_harm() {
    on_every_folder(|dir, reach| {
        let at = |name: &str| dir.join(name);
        let place = reach(dir);
        put(&*place, NAME, b"volume");
        std::fs::create_dir(at("lost+found")).unwrap();
        std::fs::write(at(".hidden"), "h").unwrap();
        std::fs::write(at("with\nnewline"), "n").unwrap();
        std::fs::write(dir.join(std::ffi::OsStr::from_bytes(b"not utf-8 \xff")), "").unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        std::os::unix::fs::symlink(NAME, at("moved")).unwrap();
        assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
        assert_eq!(names(&*place), [".hidden", NAME, "moved", "with\nnewline"]);
        assert_eq!(content(&*place, "moved"), b"volume");
        assert_eq!(kind(place.open("fifo")), ErrorKind::Other, "and does not hang");
        assert_eq!(kind(place.open("lost+found")), ErrorKind::Other);
        assert!(place.delete("lost+found").is_err());
    });
}

#[test]
fn objects_are_private_to_their_owner() {
    on_every_folder(|dir, reach| {
        put(&*reach(dir), NAME, b"x");
        assert_eq!(dir.join(NAME).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    });
}

#[test]
fn listing_while_others_write_shows_whole_objects_only() {
    on_every_folder(|dir, reach| {
        let place = &*reach(dir);
        std::thread::scope(|scope| {
            let write = move |writer| (0..40).for_each(|i| put(place, &format!("{writer}-{i}"), &[7; 9000]));
            let writers = [0, 1].map(|writer| scope.spawn(move || write(writer)));
            while writers.iter().any(|writer| !writer.is_finished()) {
                let listed = place.list().unwrap();
                assert!(listed.iter().all(|stored| stored.size == 9000 || is_upload_name(&stored.name)));
            }
        });
        assert_eq!(names(place).len(), 80);
    });
}

/// Set for the second run of a test inside a changed environment; holds the folder to use.
const INSIDE: &str = "HINDSIGHT_TEST_INSIDE";

/// Runs one test of this program again behind `wrapper`, or gives the folder if this is that run.
fn inside(test: &str, wrapper: &[&str]) -> Option<std::path::PathBuf> {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return Some(folder.into());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(std::env::current_exe().unwrap()).args(["--exact", test]);
    let output = command.env(INSIDE, dir.path()).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{wrapper:?}:\n{text}");
    None
}

/// A mount of its own for this one process; gone with it.
fn on_small_drive(test: &str) -> Option<std::path::PathBuf> {
    let flags = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let script = format!("mount -t tmpfs -o size=1m none \"${INSIDE}\" && exec \"$0\" \"$@\"");
    inside(test, &["unshare", flags, "sh", "-c", &script])
}

#[test]
fn a_full_drive_says_so_and_keeps_what_it_has() {
    let Some(root) = on_small_drive("a_full_drive_says_so_and_keeps_what_it_has") else { return };
    let sshd = sshd::can_run().then(Sshd::start);
    let by_ssh = sshd.as_ref().map(|sshd| sshd::place(sshd, &root));
    for place in by_ssh.into_iter().chain([Arc::new(Folder::new(&root)) as Arc<dyn Destination>]) {
        put(&*place, NAME, &[1; 600_000]);
        let error = put_bytes(&*place, "second", &[2; 600_000], Existing::Refuse, &Context::silent());
        assert_eq!(kind(error), ErrorKind::NoSpace);
        assert_eq!(names(&*place), [NAME], "the half-written upload is gone");
        assert_eq!(content(&*place, NAME), [1; 600_000]);
        assert!(place.free_space().unwrap().is_some_and(|bytes| bytes < 600_000));
        put(&*place, "small", &[3; 1000]);
        place.delete(NAME).unwrap();
        place.delete("small").unwrap();
    }
}

#[test]
fn a_read_only_drive_can_be_read() {
    let Some(root) = on_small_drive("a_read_only_drive_can_be_read") else { return };
    let place = Folder::new(&root);
    put(&place, NAME, b"x");
    let parked = staged(&place, b"y").park().unwrap();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&root).status().unwrap();
    assert!(remounted.success());
    let sshd = sshd::can_run().then(Sshd::start);
    let by_ssh = sshd.as_ref().map(|sshd| sshd::place(sshd, &root));
    for place in by_ssh.into_iter().chain([Arc::new(place) as Arc<dyn Destination>]) {
        assert_eq!(content(&*place, NAME), b"x");
        assert_eq!(kind(place.stage()), ErrorKind::ReadOnly);
        assert_eq!(kind(place.delete(NAME)), ErrorKind::ReadOnly);
        assert_eq!(kind(place.adopt(&parked, "other")), ErrorKind::ReadOnly);
    }
}

#[test]
fn a_folder_without_write_permission_is_denied_not_empty() {
    // Root may write anywhere unless it gives that power up.
    let wrapper = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    let wrapper: &[&str] = if rustix::process::geteuid().is_root() { &wrapper } else { &["env"] };
    let Some(root) = inside("a_folder_without_write_permission_is_denied_not_empty", wrapper) else { return };
    let place = Folder::new(&root);
    put(&place, NAME, b"x");
    let allow =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(&root, 0o500);
    assert_eq!(content(&place, NAME), b"x");
    assert_eq!(kind(place.stage()), ErrorKind::Denied);
    assert_eq!(kind(place.delete(NAME)), ErrorKind::Denied);
    allow(&root, 0);
    assert_eq!(kind(Folder::new(&root).list()), ErrorKind::Denied);
    allow(&root, 0o700);
}
