//! The recovery sheet: what it says is done, word by word, by somebody who has nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod stock;
}

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hindsight::recovery::{Block, sheet};
use hindsight::settings::{PlaceKind, Plan, PlanPlace, Protection};
use support::bytes::bytes;
use support::cli::{Outcome, ours, scratch};
use support::stock;
use tempfile::TempDir;

const PASSPHRASE: &str = "eleven quiet herons at dawn";

/// A person's home folder, and a place whose name is not a plain word.
struct Person {
    folder: TempDir,
    /// Its path is short because of the agent's socket.
    gnupg: TempDir,
    plan: Plan,
}

impl Person {
    fn new(protection: Protection) -> Self {
        let folder = scratch();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("home/Ada's files")).unwrap();
        fs::write(root.join("home/Ada's files/letter"), "Dear Ada").unwrap();
        fs::write(root.join("home/film"), bytes(1, 2_600_000)).unwrap();
        let kind = PlaceKind::Folder { path: root.join("Ada's Red Disk") };
        let place = PlanPlace { kind, label: "Red Disk".into(), marker: None };
        let plan = Plan::for_home("Home", place, &root.join("home")).unwrap();
        let gnupg = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap();
        Self { folder, gnupg, plan: Plan { protection, ..plan } }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn back_up(&self) {
        let mut url = std::ffi::OsString::from("file://");
        url.push(self.path("Ada's Red Disk"));
        let mut command = Command::new(ours().path);
        command
            .args(["full", "--volsize", "1", "--include"])
            .arg(self.path("home"))
            .args(["--exclude", "**"]);
        if !self.plan.protection.encrypts() {
            command.arg("--no-encryption");
        }
        command.arg("/").arg(url);
        self.with_nothing_else(&mut command, "old");
        Outcome::of(command).expect(0);
    }

    /// Another home folder, and what is asked for is known.
    fn with_nothing_else(&self, command: &mut Command, home: &str) {
        let home = self.path(home);
        fs::create_dir_all(&home).unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &home).env("LC_ALL", "C.UTF-8").env("XDG_RUNTIME_DIR", &home);
        command.env("GNUPGHOME", self.gnupg.path());
        command.env("PASSPHRASE", PASSPHRASE).stdin(Stdio::null());
    }

    /// Types the commands of the sheet that have this word, in a shell whose `programs` come first.
    fn type_in(&self, word: &str, programs: &Path) {
        let blocks = sheet(&self.plan, "today");
        let commands = blocks.iter().filter_map(|block| match block {
            Block::Commands(lines) if lines.iter().any(|line| line.contains(word)) => Some(lines.join("\n")),
            _ => None,
        });
        let mut shell = Command::new("sh");
        shell.arg("-ec").arg(commands.collect::<Vec<_>>().join("\n"));
        self.with_nothing_else(&mut shell, "new");
        let path = std::env::var_os("PATH").unwrap_or_default();
        shell.env("PATH", format!("{}:{}", programs.display(), path.display()));
        Outcome::of(shell).expect(0);
    }

    fn expect_all_back(&self, below: &str) {
        let restored = self.path("new").join(below).join(self.path("home").strip_prefix("/").unwrap());
        let same = Command::new("diff").arg("-r").args([&self.path("home"), &restored]).output().unwrap();
        assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
    }

    /// A folder with one program of this name.
    fn only(&self, name: &str, program: &Path) -> PathBuf {
        let folder = self.path(&format!("bin-{name}"));
        fs::create_dir_all(&folder).unwrap();
        symlink(program, folder.join(name)).unwrap();
        folder
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        let _ = end.arg("--homedir").arg(self.gnupg.path()).args(["--kill", "all"]).status();
    }
}

#[test]
fn stock_duplicity_restores_by_what_is_on_the_sheet() {
    for protection in [Protection::Password, Protection::None] {
        let person = Person::new(protection);
        person.back_up();
        person.type_in("duplicity restore", &person.only("duplicity", &stock::new().path));
        person.expect_all_back("restored");
    }
}

#[test]
fn gpg_and_tar_restore_by_what_is_on_the_sheet() {
    for protection in [Protection::Password, Protection::None] {
        let person = Person::new(protection);
        person.back_up();
        // As gpg, with the password typed.
        let gpg = person.path("gpg");
        let script = format!(
            "#!/bin/sh\necho '{PASSPHRASE}' | exec /usr/bin/gpg --batch --quiet --pinentry-mode loopback --passphrase-fd 0 \"$@\"\n"
        );
        fs::write(&gpg, script).unwrap();
        fs::set_permissions(&gpg, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let programs = person.only("gpg", &gpg);
        person.type_in("tar -x", &programs);
        person.type_in("multivol_snapshot", &programs);
        person.expect_all_back("restored/snapshot");
    }
}
