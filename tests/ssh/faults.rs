//! A connection that breaks, a server that dies, and we ourselves: nothing is lost, and nothing is left behind.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hindsight::context::Context;
use hindsight::destination::{Destination, ErrorKind, Existing, is_upload_name, put_bytes, sweep};

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
    let put = |place: &dyn Destination| {
        put_bytes(place, "object", &content, Existing::Refuse, &Context::silent())
    };
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

#[test]
fn a_place_that_stays_away_leaves_no_half_object_and_is_tidied_later() {
    let (sshd, content) = (Sshd::start(), bytes(6, 3 << 20));
    let proxy = Proxy::to(sshd.port);
    let folder = tempfile::tempdir().unwrap();
    for moment in [0, 3000, 64 << 10, 1 << 20, (3 << 20) + 2000] {
        let place = place_at(&sshd, proxy.port, folder.path());
        place.list().unwrap();
        let mut upload = place.stage().unwrap();
        std::io::Write::write_all(&mut upload, &content[..1 << 20]).unwrap();
        proxy.cut(moment, FOREVER);
        proxy.cut_now();
        let written = std::io::Write::write_all(&mut upload, &content[1 << 20..]);
        let sealed = written.map_err(|error| hindsight::destination::DestinationError::from_io("", error));
        let published = sealed.and_then(|()| upload.publish("object", Existing::Refuse));
        assert_eq!(published.unwrap_err().kind, ErrorKind::Offline);
        proxy.cut(0, 0);
        expect_only_whole(folder.path(), "object", &content);
        // The next time there is a connection what was given up is removed.
        let left = place.list().unwrap();
        assert!(left.is_empty() || place.list().unwrap().is_empty(), "{left:?}");
    }
    let place = place_at(&sshd, sshd.port, folder.path());
    put_bytes(&*place, "object", &content, Existing::Refuse, &Context::silent()).unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(2 * 86_400);
    sweep(&*place, &place.list().unwrap(), later, Duration::from_secs(86_400), &[], &[]).unwrap();
    assert_eq!(file_names(folder.path()), ["object"]);
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
        std::io::Read::read_to_end(&mut std::io::Read::take(&mut reader, 5 << 20), &mut read).unwrap();
        proxy.cut_now();
    }
    std::io::Read::read_to_end(&mut reader, &mut read).unwrap();
    assert!(read == content);

    let mut reader = place.open("object").unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 1000]).unwrap();
    fs::remove_file(folder.path().join("object")).unwrap();
    fs::write(folder.path().join("object"), &content[1..]).unwrap();
    proxy.cut_now();
    let error = std::io::Read::read_to_end(&mut reader, &mut Vec::new()).unwrap_err();
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
