//! Backups to a server by ssh: our program and stock duplicity with one OpenSSH, and everything that can go wrong on
//! the way to it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code)]
mod support {
    pub(crate) mod backup;
    pub(crate) mod bytes;
    pub(crate) mod cli;
    pub(crate) mod compare;
    pub(crate) mod hash;
    pub(crate) mod proxy;
    pub(crate) mod sets;
    pub(crate) mod sshd;
    pub(crate) mod stock;
}

#[path = "servers/faults.rs"]
mod faults;
#[path = "servers/scene.rs"]
mod scene;
#[path = "servers/ways.rs"]
mod ways;

use std::fs;
use std::time::Instant;

use scene::{Scene, expect_refused};
use support::cli::{Outcome, ours};
use support::sets::file_names;
use support::sshd::{Sshd, make_key};
use support::stock;

#[test]
fn backups_go_to_a_server_and_come_back_by_both_programs() {
    let scene = Scene::new();
    scene.backup(&ours(), "full").expect(0);
    scene.expect_tidy();
    scene.change(2);
    scene.backup(&ours(), "incremental").expect(0);
    scene.expect_tidy();
    scene.expect_back(&ours());
    scene.expect_back(&stock::new());
    scene.change(3);
    scene.backup(&stock::new(), "incremental").expect(0);
    scene.expect_back(&ours());
    let log = scene.sshd.log();
    assert!(log.contains("Accepted publickey"), "{log}");
}

#[test]
fn all_actions_work_on_a_server() {
    let scene = Scene::new();
    for seed in [1, 2, 3] {
        scene.change(seed);
        scene.backup(&ours(), "full").expect(0);
    }
    let run = |arguments: &[&str]| Outcome::of(scene.command(&ours(), arguments)).expect(0);
    let url = &*scene.url();
    let listed = run(&["list-current-files", url]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("folder/small"), "{listed}");
    run(&["verify", "--compare-data", url, scene.source.path().to_str().unwrap()]);
    run(&["remove-all-but-n-full", "1", "--force", url]);
    let status = run(&["collection-status", url]);
    assert_eq!(String::from_utf8_lossy(&status.stdout).matches(" Full ").count(), 1, "{status}");
    run(&["cleanup", "--force", url]);
    scene.expect_back(&ours());
}

#[test]
fn a_relative_path_begins_in_the_home_folder_there() {
    let scene = Scene::new();
    let home = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().dir;
    let folder = tempfile::tempdir_in(home).unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let url = format!("scp://127.0.0.1:{}/{name}/a%20new/place", scene.sshd.port);
    scene.backup_to(&url, &ours(), "full", &[]).expect(0);
    let stored = file_names(&folder.path().join("a new/place"));
    assert!(stored.iter().any(|name| name.ends_with(".manifest.gpg")), "{stored:?}");
}

#[test]
fn a_server_that_is_not_known_is_refused_until_it_is_accepted() {
    let scene = Scene::new();
    fs::write(scene.ssh("known_hosts"), "").unwrap();
    let begun = Instant::now();
    let refused = scene.backup(&ours(), "full");
    assert!(refused.stderr.contains("ssh-ed25519 SHA256:"), "{refused}");
    expect_refused(refused, begun, 38, "is not known yet");
    assert_eq!(file_names(&scene.repository.place()).len(), 0);
    let accept = "--ssh-options=-oStrictHostKeyChecking=accept-new";
    scene.backup_to(&scene.url(), &ours(), "full", &[accept]).expect(0);
    let known = fs::read_to_string(scene.ssh("known_hosts")).unwrap();
    assert_eq!(known, scene.sshd.known_as(&format!("[127.0.0.1]:{}", scene.sshd.port)));
    scene.expect_back(&ours());
}

#[test]
fn a_server_with_another_key_than_before_is_never_accepted() {
    let scene = Scene::new();
    let other = Sshd::start();
    let name = format!("[127.0.0.1]:{}", scene.sshd.port);
    fs::write(scene.ssh("known_hosts"), other.known_as(&name)).unwrap();
    for options in ["", "-oStrictHostKeyChecking=accept-new", "-oStrictHostKeyChecking=no"] {
        let begun = Instant::now();
        let refused = scene.backup_to(&scene.url(), &ours(), "full", &["--ssh-options", options]);
        expect_refused(refused, begun, 38, "is not the one that was known");
    }
    fs::write(scene.ssh("known_hosts"), format!("@revoked {}", scene.sshd.known_as("*"))).unwrap();
    let begun = Instant::now();
    expect_refused(scene.backup(&ours(), "full"), begun, 38, "is not the one that was known");
}

#[test]
fn a_key_that_is_not_accepted_is_told_and_tried_once() {
    let scene = Scene::new();
    make_key(&scene.ssh("stranger"), "");
    let stranger = format!("--ssh-options=-oIdentitiesOnly=yes -i {}", scene.ssh("stranger").display());
    let config = fs::read_to_string(scene.ssh("config")).unwrap();
    fs::write(scene.ssh("config"), config.lines().next().unwrap()).unwrap();
    let begun = Instant::now();
    let refused = scene.backup_to(&scene.url(), &ours(), "full", &[&stranger]);
    expect_refused(refused, begun, 51, "lets nobody in");
}

#[test]
fn a_missing_or_a_read_only_folder_and_no_connection_have_their_own_words() {
    let scene = Scene::new();
    let missing = scene.sshd.url(&scene.repository.place().join("not/there"));
    let begun = Instant::now();
    let status = Outcome::of(scene.command(&ours(), &["collection-status", &missing]));
    expect_refused(status, begun, 52, "it does not exist");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [format!("sftp://127.0.0.1:{closed}/x"), "sftp://no-such-server.invalid/x".into()] {
        let begun = Instant::now();
        expect_refused(scene.backup_to(&url, &ours(), "full", &[]), begun, 50, "There is no connection to");
    }

    let read_only = Scene::with(Sshd::with("Subsystem sftp internal-sftp -R", &[]));
    let begun = Instant::now();
    expect_refused(read_only.backup(&ours(), "full"), begun, 51, "was denied");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let scene = Scene::new();
    let url = format!("sftp://127.0.0.1:{}/x", silent.local_addr().unwrap().port());
    let begun = Instant::now();
    expect_refused(scene.backup_to(&url, &ours(), "full", &[]), begun, 50, "does not answer");
}
