//! The fixture: a folder with every kind of file that FORMAT.md 3 knows, in four stages.
//!
//! `stage(root, 0)` makes the folder; `stage(root, 1)` to `stage(root, 3)` change it in place as a person would.
//! Content, modes, owners and times depend on nothing but the stage, so that a failure can be repeated.
//! Ownership and device nodes need root and are left out for others.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use rustix::process::{Gid, Uid};

use super::bytes::bytes;

/// Seconds since the epoch of stage 0; each stage is a thousand seconds later.
const EPOCH: i64 = 1_600_000_000;
/// An id that does not fit the seven octal digits of a tar header.
const BIG_ID: u32 = 3_000_000;
/// Beyond the eleven octal digits of a tar header (the year 2286).
const FAR_FUTURE: i64 = 10_000_000_000;
const MIB: usize = 1 << 20;

/// Brings the folder at `root` from the stage before to stage `number`.
pub(crate) fn stage(root: &Path, number: u32) {
    let tree = Tree { root: root.to_owned(), time: EPOCH + 1000 * i64::from(number) };
    match number {
        0 => create(&tree),
        1 => first_changes(&tree),
        2 => second_changes(&tree),
        3 => third_changes(&tree),
        _ => panic!("the fixture has stages 0 to 3, not {number}"),
    }
    tree.settle(root);
}

fn create(t: &Tree) {
    fs::create_dir_all(&t.root).unwrap();
    odd_names(t);
    order_of_paths(t);
    sizes(t);
    links(t);
    special_files(t);
    modes_times_and_owners(t);
    extended_attributes(t);
    for name in ["folder", "link"] {
        t.write(&format!("turns/file-to-{name}"), name.as_bytes());
    }
    t.write("turns/folder-to-file/inside/deep", b"below a folder that becomes a file");
    t.write("turns/folder-to-link/inside", b"below a folder that becomes a link");
    t.link("turns/link-to-file", b"file-to-link");
    t.write("gone/file", &bytes(50, 70_000));
    t.write("gone-folder/a", b"a");
    t.write("gone-folder/below/b", b"b");
    t.write("renamed/old name", &bytes(51, 90_000));
}

fn first_changes(t: &Tree) {
    t.patch("big.bin", 5 * MIB as u64 / 2, &bytes(100, 3000));
    t.write("sizes/growing", &[bytes(20, 40_000), bytes(101, 160_000)].concat());
    t.write("sizes/shrinking", &bytes(21, 70_000));
    t.write("sizes/empty", b"no longer empty");
    t.write("sizes/65536", &bytes(103, 65_536));
    t.replace("turns/file-to-folder").write("turns/file-to-folder/now/inside", b"below what was a file");
    t.replace("turns/file-to-link").link("turns/file-to-link", b"folder-to-file");
    t.replace("turns/folder-to-file").write("turns/folder-to-file", b"was a folder");
    t.replace("turns/folder-to-link").link("turns/folder-to-link", b"nowhere/at all");
    t.replace("turns/link-to-file").write("turns/link-to-file", b"was a link");
    t.replace("gone/file").replace("gone-folder");
    fs::rename(t.at("renamed/old name"), t.at("renamed/new name")).unwrap();
    t.replace("renamed/old name");
    t.replace("links/short").link("links/short", b"../sizes/one");
    t.write_at(b"names/caf\xe9", b"changed under a name that is not UTF-8");
    t.mode("modes/plain", 0o604).time("modes/plain", t.time, 7);
    t.own("owners/big", 4242, 2424).time("owners/big", t.time, 8);
    t.attribute("xattr/file", "user.comment", b"another remark").time("xattr/file", t.time, 9);
    t.time("times/touched", t.time, 500);
    t.replace("order/dir/sub").write("order/dir/sub-new/x", b"beside");
    t.patch("sparse.img", 9 * MIB as u64, b"written into a hole");
    t.write("new/in stage one", &bytes(104, 66_000));
}

fn second_changes(t: &Tree) {
    t.append("big.bin", &bytes(200, 200_000));
    t.write("sizes/growing", &[bytes(20, 40_000), bytes(101, 160_000), bytes(201, 65_536)].concat());
    t.write("sizes/shrinking", b"");
    t.write("sizes/65535", b"small now");
    t.write("gone/file", b"came back");
    t.write("gone-folder/below/b", b"b again");
    t.replace("turns/file-to-folder").write("turns/file-to-folder", b"a file once more");
    t.replace("new/in stage one");
    t.write("new/in stage two", b"two");
    t.replace("hard/second").write("hard/second", b"a file of its own now");
    t.replace("empty/folder");
    t.mode("modes/sticky", 0o2770);
    t.write_at(b"names/new\nline", b"changed under a name of two lines");
}

fn third_changes(t: &Tree) {
    t.patch("big.bin", 17, b"seventeen");
    t.replace("order/dir").replace("names");
    t.write("new/in stage three", &bytes(300, 131_072));
}

fn odd_names(t: &Tree) {
    let names: [&[u8]; 18] = [
        b"caf\xe9",
        b"new\nline",
        b"tab\there",
        b"\"double\"",
        b"it's",
        b"back\\slash",
        b" leading",
        b"trailing ",
        b"-v",
        b"*[a-z]?",
        b"#hash",
        b"a=b%41",
        b"\x01\x7f",
        "größe 日本語".as_bytes(),
        b"e\xcc\x81 combining",
        b"lone \xed\xb3\xbf surrogate",
        b"~",
        b"...",
    ];
    for (number, name) in names.into_iter().enumerate() {
        t.write_at(&[b"names/", name].concat(), &bytes(number as u64, 100 + number));
    }
    t.write_at(b"names/folder \xff\xfe\n/inside", b"inside a folder whose name is not UTF-8");
    t.write(&format!("names/{}", "l".repeat(120)), b"a name of 120 bytes");
    t.write(&format!("names/{}", "m".repeat(255)), b"a name of 255 bytes");
    t.write(&format!("names/{}", "ü".repeat(60)), b"a long name beyond ASCII");
    let deep = ["first", "second", "third"].map(|word| word.repeat(20)).join("/");
    t.write(&format!("deep/{deep}/file"), b"at the end of a path of more than 300 bytes");
    t.write_at(
        format!("deep/{deep}/").as_bytes().iter().copied().chain(*b"\xe9").collect::<Vec<_>>().as_slice(),
        b"e",
    );
}

/// Neighbours whose order by component differs from the order of the joined paths (FORMAT.md 3.5).
fn order_of_paths(t: &Tree) {
    for path in ["dir/f1", "dir/sub/f2", "dir-a", "dir.txt", "dir0", "dir/sub!", "Dir"] {
        t.write(&format!("order/{path}"), path.as_bytes());
    }
}

fn sizes(t: &Tree) {
    for (seed, size) in [(10, 1), (11, 65_535), (12, 65_536), (13, 65_537), (14, 131_072)] {
        t.write(&format!("sizes/{size}"), &bytes(seed, size));
    }
    t.write("sizes/empty", b"");
    t.write("sizes/one", b"1");
    t.write("sizes/growing", &bytes(20, 40_000));
    t.write("sizes/shrinking", &bytes(21, 250_000));
    t.write("sizes/text", "the same line again and again\n".repeat(9000).as_bytes());
    t.write("big.bin", &bytes(22, 5 * MIB));
    t.write("sparse.img", b"");
    let sparse = OpenOptions::new().write(true).open(t.at("sparse.img")).unwrap();
    sparse.set_len(20 * MIB as u64).unwrap();
    t.patch("sparse.img", 3 * MIB as u64, &bytes(23, 5000));
}

fn links(t: &Tree) {
    t.link("links/short", b"../order/dir.txt");
    t.link("links/dangling", b"nowhere");
    t.link("links/absolute", b"/etc/hostname");
    t.link("links/folder", b"../order/dir/");
    t.link("links/long", "target/".repeat(40).as_bytes());
    t.link("links/bytes", b"not UTF-8: \xff\xe9");
    t.link("links/lines", b"two\nlines");
    t.link("links/loop", b"loop");
    t.write("hard/first", &bytes(30, 80_000));
    for name in ["hard/second", "hard/third", "linked elsewhere"] {
        fs::hard_link(t.at("hard/first"), t.at(name)).unwrap();
    }
}

fn special_files(t: &Tree) {
    t.node("special/fifo", FileType::Fifo, 0);
    drop(UnixListener::bind(t.at("special/socket")).unwrap());
    if is_root() {
        t.node("special/char", FileType::CharacterDevice, rustix::fs::makedev(1, 3));
        t.node("special/block", FileType::BlockDevice, rustix::fs::makedev(7, 200));
    }
    fs::create_dir_all(t.at("empty/folder")).unwrap();
    fs::create_dir_all(t.at("empty/nested/twice")).unwrap();
}

fn modes_times_and_owners(t: &Tree) {
    for (name, mode) in [("plain", 0o644), ("setuid", 0o4755), ("setgid", 0o2755), ("read-only", 0o444)] {
        t.write(&format!("modes/{name}"), name.as_bytes()).mode(&format!("modes/{name}"), mode);
    }
    fs::create_dir(t.at("modes/sticky")).unwrap();
    t.mode("modes/sticky", 0o1777);
    t.write("modes/closed/inside", b"in a folder nobody may write to").mode("modes/closed", 0o555);
    for (name, seconds, nanoseconds) in [
        ("future", FAR_FUTURE, 0),
        ("negative", -86_400, 0),
        ("before the epoch", -1, 250_000_000),
        ("epoch", 0, 0),
        ("fraction", EPOCH, 123_456_789),
        ("nearly the next second", EPOCH, 999_999_999),
        ("touched", EPOCH, 1),
    ] {
        t.write(&format!("times/{name}"), name.as_bytes()).time(
            &format!("times/{name}"),
            seconds,
            nanoseconds,
        );
    }
    t.write("owners/big", b"owned by somebody with a big number");
    if is_root() {
        t.write("modes/nothing", b"only root reads this").mode("modes/nothing", 0);
        t.own("owners/big", BIG_ID, BIG_ID + 1);
        t.link("owners/link", b"big").own("owners/link", 1234, 4321);
    }
}

fn extended_attributes(t: &Tree) {
    t.write("xattr/file", b"with attributes");
    t.attribute("xattr/file", "user.comment", b"a remark");
    t.attribute("xattr/file", "user.empty", b"");
    // A reader that splits PAX records at newlines would take the value for the entry's name (FORMAT.md 21).
    t.attribute("xattr/file", "user.evil", b"\n22 path=snapshot/evil\n\0");
    t.attribute("xattr/file", "user.odd=name%41", b"an equals sign in the name");
    t.write("xattr/folder/inside", b"");
    t.attribute("xattr/folder", "user.comment", b"of a folder");
    t.write("acl/file", b"somebody else may read this").mode("acl/file", 0o640);
    t.attribute(
        "acl/file",
        "system.posix_acl_access",
        &access_list(&[(1, 6, !0), (2, 4, 1234), (4, 4, !0), (16, 4, !0), (32, 0, !0)]),
    );
    t.write("acl/folder/inside", b"").mode("acl/folder", 0o750);
    t.attribute(
        "acl/folder",
        "system.posix_acl_default",
        &access_list(&[(1, 7, !0), (4, 5, !0), (8, 7, 4321), (16, 7, !0), (32, 0, !0)]),
    );
}

/// The kernel's form of a POSIX access control list: version 2, then (tag, permissions, id) each.
fn access_list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut list = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Changes below one folder. Everything changed gets the stage's time, its folders too (`settle`).
struct Tree {
    root: PathBuf,
    time: i64,
}

impl Tree {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, content: &[u8]) -> &Self {
        self.write_at(path.as_bytes(), content)
    }

    fn write_at(&self, path: &[u8], content: &[u8]) -> &Self {
        let path = self.root.join(OsStr::from_bytes(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        set_time(&path, self.time, 0);
        self
    }

    fn patch(&self, path: &str, offset: u64, content: &[u8]) {
        let mut file = OpenOptions::new().write(true).open(self.at(path)).unwrap();
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(content).unwrap();
        set_time(&self.at(path), self.time, 0);
    }

    fn append(&self, path: &str, content: &[u8]) {
        let end = fs::metadata(self.at(path)).unwrap().len();
        self.patch(path, end, content);
    }

    fn link(&self, path: &str, target: &[u8]) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(OsStr::from_bytes(target), &path).unwrap();
        set_time(&path, self.time, 0);
        self
    }

    /// Removes what is at `path`, whatever it is; something else may follow.
    fn replace(&self, path: &str) -> &Self {
        let path = self.at(path);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path).unwrap(),
            Ok(_) => fs::remove_file(&path).unwrap(),
            Err(_) => {}
        }
        self
    }

    fn node(&self, path: &str, kind: FileType, device: u64) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        rustix::fs::mknodat(CWD, &path, kind, Mode::from_raw_mode(0o640), device).unwrap();
        set_time(&path, self.time, 0);
    }

    fn mode(&self, path: &str, mode: u32) -> &Self {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn time(&self, path: &str, seconds: i64, nanoseconds: i64) -> &Self {
        set_time(&self.at(path), seconds, nanoseconds);
        self
    }

    fn own(&self, path: &str, user: u32, group: u32) -> &Self {
        if is_root() {
            let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
            rustix::fs::chownat(CWD, self.at(path), Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)
                .unwrap();
        }
        self
    }

    fn attribute(&self, path: &str, name: &str, value: &[u8]) -> &Self {
        let path = self.at(path);
        rustix::fs::setxattr(&path, name, value, XattrFlags::empty()).unwrap_or_else(|error| {
            panic!("the tests need a disk that keeps {name} ({}: {error})", path.display())
        });
        self
    }

    /// Gives folders that the stage touched its time, so that nothing depends on when the test runs.
    fn settle(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                self.settle(&entry.path());
            }
        }
        let changed = fs::metadata(folder).unwrap().modified().unwrap();
        let fixture = std::time::UNIX_EPOCH + std::time::Duration::from_secs(EPOCH.unsigned_abs() + 10_000);
        if changed > fixture {
            set_time(folder, self.time, 0);
        }
    }
}

/// Sets the modification time of `path` itself, also of a symlink.
pub(crate) fn set_time(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}
