//! Backups to what rclone reaches: our program and stock duplicity with one remote, and what can go wrong with it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code)] // what others need
mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod sets;
    pub(crate) mod stock;
}

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::backup::PASSWORD;
use support::bytes::bytes;
use support::cli::{Outcome, Program, Repository, ours, scratch};
use support::compare::{Detail, Snapshot};
use support::sets::file_names;
use support::stock;
use tempfile::TempDir;

/// A repository in a folder that a remote called “there” leads to, and the folder that it is of.
struct Scene {
    repository: Repository,
    source: TempDir,
    folder: String,
}

impl Scene {
    /// The remote is a folder of this computer.
    fn new() -> Self {
        let repository = Repository::new(Some(PASSWORD));
        let folder = repository.place().display().to_string();
        Self::with(repository, folder, "type = local\n")
    }

    /// The remote is a server on `port` that shares the place.
    fn on_server(port: u16) -> Self {
        let repository = Repository::new(Some(PASSWORD));
        let remote = format!("type = webdav\nvendor = other\nurl = http://127.0.0.1:{port}\n");
        Self::with(repository, "/".into(), &remote)
    }

    fn with(repository: Repository, folder: String, remote: &str) -> Self {
        let source = scratch();
        fs::create_dir(source.path().join("folder")).unwrap();
        fs::write(source.path().join("folder/small"), "small").unwrap();
        fs::write(source.path().join("large"), bytes(1, 3 << 20)).unwrap();
        let scene = Self { repository, source, folder };
        fs::create_dir_all(scene.settings().parent().unwrap()).unwrap();
        fs::write(scene.settings(), format!("[there]\n{remote}")).unwrap();
        scene
    }

    fn settings(&self) -> PathBuf {
        self.repository.place().with_file_name("home").join(".config/rclone/rclone.conf")
    }

    fn url(&self) -> String {
        format!("rclone://there:/{}", self.folder)
    }

    fn backup_command(&self, program: &Program, url: &str) -> Command {
        let mut command = self.repository.command(program, &self.repository.cache(program));
        command.args(["--volsize", "1", "--allow-source-mismatch", "--num-retries", "1", "backup"]);
        command.arg(self.source.path()).arg(url);
        command
    }

    fn backup(&self, program: &Program) -> Outcome {
        Outcome::of(self.backup_command(program, &self.url()))
    }

    /// What comes back is what is there now.
    fn expect_back(&self, program: &Program) {
        let target = scratch();
        let target = target.path().join("target");
        let mut command = self.repository.command(program, &target.with_file_name("fresh cache"));
        command.args(["restore", &self.url()]).arg(&target);
        Outcome::of(command).expect(0);
        let differences = Snapshot::of(self.source.path()).differences(&Snapshot::of(&target), Detail::Stock);
        assert!(differences.is_empty(), "{}: {differences:?}", program.name);
    }

    /// The place has sets and its marker. An upload that a server took with it is removed when it is a day old.
    fn expect_tidy(&self) {
        let names = file_names(&self.repository.place());
        let is_known = |name: &String| name.starts_with("duplicity-") || name == "hindsight-place.json";
        assert!(names.iter().all(is_known), "leftovers: {names:?}");
    }

    fn change(&self, seed: u64) {
        fs::write(self.source.path().join("folder/small"), format!("changed {seed}")).unwrap();
        fs::write(self.source.path().join("large"), bytes(seed, 3 << 20)).unwrap();
        // Sets are named by the second.
        std::thread::sleep(Duration::from_millis(1100));
    }
}

/// rclone itself, sharing a folder by WebDAV.
struct Server(Child);

impl Server {
    fn start(folder: &std::path::Path, port: u16) -> Self {
        let mut command = Command::new("rclone");
        command.args(["serve", "webdav", "--addr", &format!("127.0.0.1:{port}")]).arg(folder);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "rclone does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn backups_go_to_a_remote_and_come_back_by_both_programs() {
    let scene = Scene::new();
    scene.backup(&ours()).expect(0);
    scene.change(2);
    scene.backup(&ours()).expect(0);
    scene.expect_tidy();
    scene.expect_back(&ours());
    scene.expect_back(&stock::new());
    scene.change(3);
    scene.backup(&stock::new()).expect(0);
    scene.expect_back(&ours());
}

#[test]
fn a_server_that_dies_costs_only_the_run_that_it_died_in() {
    let port = free_port();
    let scene = Scene::on_server(port);
    let server = Server::start(&scene.repository.place(), port);
    scene.backup(&ours()).expect(0);
    scene.change(2);
    let mut running = scene.backup_command(&ours(), &scene.url());
    let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    // Some of it is there.
    while !file_names(&scene.repository.place()).iter().any(|name| name.ends_with(".part")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing was stored");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(server);
    assert!(!running.wait().unwrap().success());
    let failed = scene.backup(&ours());
    assert!(failed.code != 0 && failed.stderr.contains("There is no connection"), "{failed}");
    let _server = Server::start(&scene.repository.place(), port);
    scene.backup(&ours()).expect(0);
    scene.expect_back(&ours());
}

#[test]
fn what_cannot_work_is_told_at_once() {
    let scene = Scene::new();
    let begun = Instant::now();
    let nowhere = Outcome::of(scene.backup_command(&ours(), "rclone://elsewhere:folder"));
    assert!(nowhere.code != 0 && nowhere.stderr.contains("config file"), "{nowhere}");
    let mut without = scene.backup_command(&ours(), &scene.url());
    without.env("PATH", "/nonexistent");
    let output = without.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("rclone is not installed"), "{said}");
    let colonless = Outcome::of(scene.backup_command(&ours(), "rclone://folder"));
    assert_ne!(colonless.code, 0);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
