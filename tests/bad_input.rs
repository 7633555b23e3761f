//! Bad input gets a sentence and duplicity's exit code, and costs nothing that is stored.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod hash;
    pub(crate) mod sets;
    pub(crate) mod unprivileged;
}

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::backup::PASSWORD;
use support::bytes::bytes;
use support::cli::{Outcome, Repository, ours, scratch};
use support::hash::hashes;
use support::sets::{file_names, set_times};
use support::unprivileged::unprivileged;
use tempfile::TempDir;

/// A repository of two sets and the folder they are of.
struct Backed {
    repository: Repository,
    source: TempDir,
}

impl Backed {
    fn up(password: Option<&str>) -> Self {
        let backed = Self { repository: Repository::new(password), source: scratch() };
        fs::write(backed.source.path().join("letter"), b"Dear Sir").unwrap();
        fs::write(backed.source.path().join("photo"), bytes(1, 200_000)).unwrap();
        backed.again("full").expect(0);
        fs::write(backed.source.path().join("letter"), b"Dear Madam or Sir").unwrap();
        backed.again("incremental").expect(0);
        backed
    }

    fn again(&self, action: &str) -> Outcome {
        self.repository.backup(&ours(), action, self.source.path())
    }

    /// Runs ours with a fresh cache; afterwards every stored file must be as before.
    fn refuses(&self, code: i32, names: &str, arguments: &[&OsStr]) -> Outcome {
        let stored = hashes(&self.repository.place());
        let outcome = self.repository.run(&ours(), scratch().path(), arguments).expect(code);
        assert_eq!(hashes(&self.repository.place()), stored, "stored files changed: {outcome}");
        says(outcome, names)
    }

    /// The same for a restore, whose code the caller looks at.
    fn refuses_restore(&self, names: &str, options: &[&str]) -> Outcome {
        let (stored, target) = (hashes(&self.repository.place()), scratch());
        let mut arguments = vec![OsString::from("restore")];
        arguments.extend(options.iter().map(OsString::from));
        arguments.extend([self.repository.url(), target.path().join("restored").into()]);
        let outcome = self.repository.run(&ours(), scratch().path(), &arguments);
        assert_ne!(outcome.code, 0, "{outcome}");
        assert_eq!(hashes(&self.repository.place()), stored, "stored files changed: {outcome}");
        says(outcome, names)
    }

    fn stored(&self, start: &str, part: &str) -> PathBuf {
        let names = file_names(&self.repository.place());
        let name = names.iter().find(|name| name.starts_with(start) && name.contains(part)).unwrap();
        self.repository.place().join(name)
    }
}

/// Some line is a sentence that names the thing, and nothing looks like a crash.
fn says(outcome: Outcome, names: &str) -> Outcome {
    let told = outcome.stderr.trim();
    let crash =
        ["panicked", "RUST_BACKTRACE", "Traceback", "unwrap", "Err("].iter().any(|word| told.contains(word));
    let sentence = told.lines().any(|line| {
        line.to_lowercase().contains(&names.to_lowercase()) && line.split_whitespace().count() >= 3
    });
    assert!(sentence && !crash, "should say a sentence naming {names:?}: {outcome}");
    outcome
}

#[test]
fn a_missing_source_is_named() {
    let backed = Backed::up(None);
    let (url, missing) = (backed.repository.url(), backed.source.path().join("nowhere"));
    backed.refuses(13, "nowhere", &[OsStr::new("full"), missing.as_os_str(), &url]);
    backed.refuses(13, "nowhere", &[OsStr::new("incremental"), missing.as_os_str(), &url]);
}

#[test]
fn an_unreadable_file_keeps_its_previous_state_and_is_reported() {
    let backed = Backed::up(None);
    let letter = backed.source.path().join("letter");
    fs::write(backed.source.path().join("other"), b"new").unwrap();
    fs::set_permissions(&letter, fs::Permissions::from_mode(0o0)).unwrap();
    let outcome = backed.again_without_privileges("incremental");
    let told = format!("{}{}", String::from_utf8_lossy(&outcome.stdout), outcome.stderr);
    assert!(outcome.code == 0 && told.contains("letter"), "the unreadable file should be named: {outcome}");
    let target = scratch();
    backed.repository.restore(&ours(), scratch().path(), "now", target.path()).expect(0);
    assert_eq!(fs::read(target.path().join("letter")).unwrap(), b"Dear Madam or Sir");
    assert_eq!(fs::read(target.path().join("other")).unwrap(), b"new");
}

#[test]
fn an_unreadable_folder_keeps_its_previous_state_and_is_reported() {
    let backed = Backed::up(None);
    let folder = backed.source.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("inside"), b"kept").unwrap();
    backed.again("incremental").expect(0);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o0)).unwrap();
    let outcome = backed.again_without_privileges("incremental");
    let told = format!("{}{}", String::from_utf8_lossy(&outcome.stdout), outcome.stderr);
    assert!(outcome.code == 0 && told.contains("folder"), "the unreadable folder should be named: {outcome}");
    let target = scratch();
    backed.repository.restore(&ours(), scratch().path(), "now", target.path()).expect(0);
    assert_eq!(fs::read(target.path().join("folder/inside")).unwrap(), b"kept");
}

#[test]
fn a_wrong_password_is_said_before_anything_is_written() {
    let mut backed = Backed::up(Some(PASSWORD));
    backed.repository.password = Some("not the password".into());
    backed.refuses_restore("pass", &[]).expect(31);
    let (url, source) = (backed.repository.url(), backed.source.path().as_os_str());
    backed.refuses(31, "pass", &[OsStr::new("incremental"), source, &url]);
    backed.refuses(31, "pass", &[OsStr::new("list-current-files"), &url]);
}

#[test]
fn no_password_and_nobody_to_ask_is_an_error_at_once() {
    let mut backed = Backed::up(Some(PASSWORD));
    backed.repository.password = None;
    let stored = hashes(&backed.repository.place());
    let cache = scratch();
    let mut command = Command::new("setsid"); // no terminal to ask on
    command.args(["--wait", "--"]).arg(ours().path).args(["restore", "--archive-dir"]).arg(cache.path());
    command.arg(backed.repository.url()).arg(cache.path().join("restored"));
    command
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", cache.path())
        .env("XDG_RUNTIME_DIR", cache.path());
    let outcome = says(Outcome::of(command), "pass");
    assert!([30, 31].contains(&outcome.code), "{outcome}");
    assert_eq!(hashes(&backed.repository.place()), stored);
}

#[test]
fn garbage_in_the_folder_is_left_alone() {
    let backed = Backed::up(None);
    fs::write(backed.repository.place().join("holiday.jpg"), bytes(5, 5000)).unwrap();
    fs::write(backed.repository.place().join("duplicity-full.2020.manifest.gpg"), bytes(6, 500)).unwrap();
    fs::write(backed.repository.place().join("duplicity-garbage"), b"").unwrap();
    fs::create_dir(backed.repository.place().join("folder")).unwrap();
    let garbage = hashes(&backed.repository.place());
    let target = scratch();
    backed.repository.restore(&ours(), scratch().path(), "now", target.path()).expect(0);
    assert_eq!(hashes(target.path()), hashes(backed.source.path()));
    fs::write(backed.source.path().join("letter"), b"third").unwrap();
    backed.again("incremental").expect(0);
    let after = hashes(&backed.repository.place());
    assert!(garbage.iter().all(|(name, hash)| after.get(name) == Some(hash)), "something stored was changed");
}

#[test]
fn a_folder_of_garbage_alone_holds_no_backup() {
    let backed = Backed { repository: Repository::new(None), source: scratch() };
    fs::write(
        backed.repository.place().join("duplicity-full.20200101T000000Z.vol1.difftar.gz"),
        bytes(7, 900),
    )
    .unwrap();
    fs::write(backed.repository.place().join("notes.txt"), b"not ours").unwrap();
    let outcome = backed.refuses_restore("backup", &[]);
    assert!([4, 20, 30].contains(&outcome.code), "{outcome}");
}

#[test]
fn a_repository_from_the_future_is_read_but_not_written() {
    let backed = Backed::up(None);
    let manifest = backed.stored("duplicity-inc.", "manifest");
    let text = fs::read(&manifest).unwrap();
    let text = String::from_utf8_lossy(&text).replace("X-Hindsight-Version 1", "X-Hindsight-Version 99");
    assert!(text.contains("X-Hindsight-Version 99"), "our manifests say their version: {text}");
    fs::write(&manifest, text).unwrap();
    let (url, source) = (backed.repository.url(), backed.source.path().as_os_str());
    let cache = scratch();
    let stored = hashes(&backed.repository.place());
    let refused = backed.repository.run(&ours(), cache.path(), &[OsStr::new("incremental"), source, &url]);
    assert_ne!(refused.code, 0, "{refused}");
    assert_eq!(hashes(&backed.repository.place()), stored, "{refused}");
    says(refused, "newer");
    let target = scratch();
    let restored = backed.repository.restore(&ours(), scratch().path(), "now", target.path()).expect(0);
    assert!(restored.to_string().contains("newer"), "reading warns: {restored}");
}

#[test]
fn a_missing_volume_in_the_middle_is_named() {
    let backed = Backed { repository: Repository::new(None), source: scratch() };
    (0..4).for_each(|number| {
        fs::write(backed.source.path().join(format!("{number}")), bytes(number, 900_000)).unwrap()
    });
    backed.again("full").expect(0);
    let volume = backed.stored("duplicity-full.", ".vol2.");
    fs::remove_file(&volume).unwrap();
    backed.refuses_restore("vol2", &[]);
    fs::write(backed.source.path().join("0"), b"changed").unwrap();
    let stored = hashes(&backed.repository.place());
    let appended = backed.again("incremental"); // stock appends in silence (FORMAT.md 17)
    assert!(
        appended.code != 0 || appended.to_string().contains("vol2"),
        "the loss should be noticed: {appended}"
    );
    let after = hashes(&backed.repository.place());
    assert!(stored.iter().all(|(name, hash)| after.get(name) == Some(hash)), "something stored was changed");
}

#[test]
fn a_truncated_manifest_is_named() {
    for password in [None, Some(PASSWORD)] {
        let backed = Backed::up(password);
        let manifest = backed.stored("duplicity-full.", "manifest");
        let content = fs::read(&manifest).unwrap();
        fs::write(&manifest, &content[..content.len() / 2]).unwrap();
        backed.refuses_restore("manifest", &[]);
    }
}

#[test]
fn a_time_before_the_first_backup_gives_the_first_one() {
    let backed = Backed::up(None);
    let target = scratch();
    backed.repository.restore(&ours(), scratch().path(), "2001-01-01", target.path()).expect(0); // FORMAT.md 9
    assert_eq!(fs::read(target.path().join("letter")).unwrap(), b"Dear Sir");
}

#[test]
fn a_time_that_is_none_is_quoted() {
    let backed = Backed::up(None);
    let outcome = backed.refuses_restore("yesterdayish", &["--time", "yesterdayish"]);
    assert!([2, 23].contains(&outcome.code), "{outcome}");
}

#[test]
fn a_target_that_holds_something_is_left_as_it_is() {
    let backed = Backed::up(None);
    let target = scratch();
    fs::write(target.path().join("letter"), b"mine").unwrap();
    let url = backed.repository.url();
    let path = target.path().to_str().unwrap();
    backed.refuses(11, path, &[OsStr::new("restore"), &url, target.path().as_os_str()]);
    assert_eq!(fs::read(target.path().join("letter")).unwrap(), b"mine");
    assert_eq!(file_names(target.path()), ["letter"]);
}

#[test]
fn a_path_that_was_never_stored_is_named() {
    let backed = Backed::up(None);
    backed.refuses_restore("no/such/path", &["--path-to-restore", "no/such/path"]).expect(19);
}

#[test]
fn an_unknown_scheme_is_named() {
    let backed = Backed::up(None);
    let url = OsString::from("gopher://example.org/backup");
    backed.refuses(23, "gopher", &[OsStr::new("full"), backed.source.path().as_os_str(), &url]);
    backed.refuses(23, "gopher", &[OsStr::new("collection-status"), &url]);
}

#[test]
fn an_incremental_with_nothing_to_build_on_is_refused() {
    let backed = Backed { repository: Repository::new(None), source: scratch() };
    let url = backed.repository.url();
    backed.refuses(17, "full", &[OsStr::new("incremental"), backed.source.path().as_os_str(), &url]);
}

#[test]
fn a_second_run_at_the_same_time_is_refused() {
    let backed = Backed::up(None);
    (0..40).for_each(|number| {
        fs::write(backed.source.path().join(format!("{number}")), bytes(number, 4_000_000)).unwrap()
    });
    let mut first = backed.repository.backup_command(&ours(), "incremental", backed.source.path());
    first.stdout(Stdio::null()).stderr(Stdio::null());
    let mut first = first.spawn().unwrap();
    let started = file_names(&backed.repository.place()).len();
    while file_names(&backed.repository.place()).len() == started {
        assert!(first.try_wait().unwrap().is_none(), "the first run was too fast for this test");
    }
    let (url, source) = (backed.repository.url(), backed.source.path().as_os_str());
    let arguments = [OsStr::new("incremental"), source, &url];
    let same_cache = backed.repository.run(&ours(), &backed.repository.cache(&ours()), &arguments);
    let other_cache = backed.repository.run(&ours(), scratch().path(), &arguments);
    assert!(first.wait().unwrap().success());
    says(same_cache.expect(23), "other");
    says(other_cache.expect(23), "other");
    let sets = set_times(&backed.repository.place());
    assert_eq!(sets.len(), 3, "only the first run wrote: {sets:?}");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let backed = Backed::up(None);
    fs::write(backed.source.path().join("letter"), b"third").unwrap();
    let disk = SmallDisk::mounted(&backed, "ro");
    let stored = hashes(disk.path());
    let outcome = disk.backup(&backed, "incremental");
    assert!([50, 51].contains(&outcome.code), "{outcome}");
    assert_eq!(hashes(disk.path()), stored);
    let target = scratch();
    let arguments = [OsString::from("restore"), disk.url(), target.path().into()];
    backed.repository.run(&ours(), scratch().path(), &arguments).expect(0); // reading needs no writing
    assert_eq!(fs::read(target.path().join("letter")).unwrap(), b"Dear Madam or Sir");
}

#[test]
fn a_full_disk_at_the_place_costs_nothing_that_is_stored() {
    let backed = Backed::up(None);
    let disk = SmallDisk::mounted(&backed, "rw");
    let before = hashes(disk.path());
    (0..8).for_each(|number| {
        fs::write(backed.source.path().join(format!("{number}")), bytes(number, 1_000_000)).unwrap()
    });
    let outcome = says(disk.backup(&backed, "incremental"), "full");
    assert!([50, 53].contains(&outcome.code), "{outcome}");
    let after = hashes(disk.path());
    assert!(before.iter().all(|(name, hash)| after.get(name) == Some(hash)), "something stored was changed");
    for time in set_times(disk.path()) {
        let target = scratch();
        let restore =
            [OsString::from("restore"), "--time".into(), time.into(), disk.url(), target.path().into()];
        backed.repository.run(&ours(), scratch().path(), &restore).expect(0);
    }
}

impl Backed {
    /// A backup that may not read everything, which root only may with two of its capabilities.
    fn again_without_privileges(&self, action: &str) -> Outcome {
        let backup = self.repository.backup_command(&ours(), action, self.source.path());
        Outcome::of(unprivileged(&backup))
    }
}

/// A tmpfs of 3 MiB with a copy of a repository, unmounted when dropped.
struct SmallDisk {
    mount: TempDir,
}

impl SmallDisk {
    fn mounted(backed: &Backed, access: &str) -> Self {
        let disk = Self { mount: scratch() };
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(disk.path()));
        for name in file_names(&backed.repository.place()) {
            fs::copy(backed.repository.place().join(&name), disk.path().join(&name)).unwrap();
        }
        run(Command::new("mount").args(["-o", &format!("remount,{access}")]).arg(disk.path()));
        disk
    }

    fn path(&self) -> &Path {
        self.mount.path()
    }

    fn url(&self) -> OsString {
        OsString::from_iter([OsStr::new("file://"), self.path().as_os_str()])
    }

    fn backup(&self, backed: &Backed, action: &str) -> Outcome {
        let options =
            [action, "--volsize", "1", "--allow-source-mismatch", "--num-retries", "1"].map(OsString::from);
        let arguments = [&options[..], &[backed.source.path().into(), self.url()]].concat();
        backed.repository.run(&ours(), scratch().path(), &arguments)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn run(command: &mut Command) {
    assert!(
        command.status().unwrap().success(),
        "{command:?} failed: this test mounts a small disk and needs root"
    );
}
