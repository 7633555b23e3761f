//! A connection that breaks, a server that dies, and we ourselves: nothing is lost, and nothing is left behind.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hindsight::context::Context;
use hindsight::destination::{Destination, DestinationError, ErrorKind, Existing, is_upload_name, put_bytes};

use super::scene::Scene;
use super::support::bytes::bytes;
use super::support::cli::ours;
use super::support::proxy::Proxy;
use super::support::sets::file_names;
use super::support::sshd::{Sshd, place_at};

/// Connections that break before one does not: more than are made anew in one call.
const FOREVER: usize = usize::MAX;

fn expect_only_whole(folder: &Path, name: &str, content: &[u8]) {
    for found in file_names(folder) {
        let found = found.to_string();
        if !is_upload_name(&found) {
            assert_eq!(found, name);
            assert!(fs::read(folder.join(&found)).unwrap() == content, "a final name with wrong content");
        }
    }
}

/// Bytes from us after which to cut, of `all`.
fn moments(all: u64) -> [u64; 9] {
    [0, 1, 1000, 3000, 64 << 10, all / 2, all - 2000, all - 1, all]
}

#[test]
fn an_object_is_whole_or_absent_wherever_the_connection_breaks() {
    let (sshd, content) = (Sshd::start(), bytes(5, 3 << 20));
    let put =
        |place: &dyn Destination| put_bytes(place, "object", &content, Existing::Refuse, &Context::silent());
    let proxy = Proxy::to(sshd.port);
    let folder = tempfile::tempdir().unwrap();
    put(&*place_at(&sshd, proxy.port, folder.path())).unwrap();
    let all = proxy.take_passed();
    for moment in moments(all) {
        for cuts in [1, 2] {
            let folder = tempfile::tempdir().unwrap();
            let place = place_at(&sshd, proxy.port, folder.path());
            // At first contact nothing is tried again: that one is let through.
            assert!(place.list().unwrap().is_empty());
            proxy.cut_now();
            proxy.cut(moment, cuts);
            put(&*place).unwrap_or_else(|error| panic!("cut after {moment} of {all}: {error}"));
            assert_eq!(file_names(folder.path()), ["object"], "cut after {moment} of {all}, {cuts} times");
            expect_only_whole(folder.path(), "object", &content);
            proxy.cut(0, 0);
        }
    }
}

/// While the upload is under way, and for good.
#[test]
fn a_place_that_stays_away_has_no_half_object_and_is_tidied_later() {
    let (sshd, content) = (Sshd::start(), bytes(6, 3 << 20));
    let proxy = Proxy::to(sshd.port);
    for moment in [0, 1000, 64 << 10, 1 << 20] {
        let folder = tempfile::tempdir().unwrap();
        let place = place_at(&sshd, proxy.port, folder.path());
        place.list().unwrap();
        let upload = |folder: &Path| -> hindsight::destination::Result<()> {
            let mut upload = place.stage()?;
            let mut write =
                |bytes| upload.write_all(bytes).map_err(|error| DestinationError::from_io("", error));
            write(&content[..1 << 20])?;
            proxy.cut(moment, FOREVER);
            proxy.cut_now();
            write(&content[1 << 20..])?;
            let published = upload.publish("object", Existing::Refuse);
            expect_only_whole(folder, "object", &content);
            published
        };
        match upload(folder.path()) {
            // Each connection has brought it a little further.
            Ok(()) => assert!(moment > 1000),
            Err(error) => assert_eq!(error.kind, ErrorKind::Offline, "cut after {moment}"),
        }
        proxy.cut(0, 0);
        expect_only_whole(folder.path(), "object", &content);
        place.delete("object").unwrap();
        // What was given up was removed once there was a connection again.
        assert_eq!(file_names(folder.path()), [""; 0], "cut after {moment}");
    }
}

#[test]
fn reading_goes_on_where_the_connection_broke() {
    let (sshd, content) = (Sshd::start(), bytes(7, 30 << 20));
    let proxy = Proxy::to(sshd.port);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("object"), &content).unwrap();
    let place = place_at(&sshd, proxy.port, folder.path());
    let mut reader = place.open("object").unwrap();
    let mut read = Vec::new();
    for _ in 0..5 {
        reader.by_ref().take(5 << 20).read_to_end(&mut read).unwrap();
        proxy.cut_now();
    }
    reader.read_to_end(&mut read).unwrap();
    assert!(read == content);

    let mut reader = place.open("object").unwrap();
    reader.read_exact(&mut [0; 1000]).unwrap();
    fs::remove_file(folder.path().join("object")).unwrap();
    fs::write(folder.path().join("object"), &content[1..]).unwrap();
    proxy.cut_now();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("replaced while it was being read"), "{error}");
}

/// Runs that break off at many moments, each followed by one that does not.
#[test]
fn a_backup_that_breaks_off_is_finished_by_the_next() {
    let scene = Scene::new();
    let proxy = Proxy::to(scene.sshd.port);
    let broken = format!("sftp://127.0.0.1:{}/{}", proxy.port, scene.repository.place().display());
    let known = fs::read_to_string(scene.ssh("known_hosts")).unwrap();
    let known = known + &scene.sshd.known_as(&format!("[127.0.0.1]:{}", proxy.port));
    fs::write(scene.ssh("known_hosts"), known).unwrap();
    scene.backup_to(&broken, &ours(), "full", &[]).expect(0);
    let all = proxy.take_passed();
    for (number, moment) in moments(all).into_iter().enumerate() {
        scene.change(10 + number as u64);
        proxy.cut(moment, FOREVER);
        let options = ["--num-retries", "2", "--backend-retry-delay", "0"];
        let outcome = scene.backup_to(&broken, &ours(), "full", &options);
        proxy.cut(0, 0);
        assert!([0, 50].contains(&outcome.code), "cut after {moment} of {all}: {outcome}");
        scene.change(100 + number as u64);
        scene.backup(&ours(), "incremental").expect(0);
        scene.expect_back(&ours());
        scene.expect_tidy();
    }
}

#[test]
fn a_backup_outlives_a_server_that_is_started_again() {
    let mut scene = Scene::new();
    fs::write(scene.source.path().join("larger"), bytes(9, 40 << 20)).unwrap();
    let mut command = scene.backup_command(&ours(), "full", &scene.url(), &["--num-retries", "9"]);
    let mut running = command.stdin(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let has_begun = |scene: &Scene| file_names(&scene.repository.place()).len() > 4;
    while !has_begun(&scene) && running.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing is stored");
        std::thread::sleep(Duration::from_millis(5));
    }
    scene.sshd.kill();
    std::thread::sleep(Duration::from_secs(2));
    scene.sshd.run();
    scene.sshd.kill_sessions();
    assert_eq!(running.wait().unwrap().code(), Some(0));
    scene.expect_back(&ours());
    scene.expect_tidy();
}

#[test]
fn a_backup_that_is_killed_is_finished_by_the_next() {
    let scene = Scene::new();
    fs::write(scene.source.path().join("larger"), bytes(9, 40 << 20)).unwrap();
    for wait in [100, 300, 600, 1000, 1500] {
        let mut command = scene.backup_command(&ours(), "full", &scene.url(), &[]);
        let mut running = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        running.kill().unwrap();
        running.wait().unwrap();
        scene.change(wait);
    }
    scene.backup(&ours(), "full").expect(0);
    scene.expect_back(&ours());
    scene.expect_tidy();
}
