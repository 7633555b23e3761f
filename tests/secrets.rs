//! Passwords are where they are needed and nowhere else: in no process list, log or output.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

// Shared with test files that use more of it.
#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod gnupg;
}

use std::fs;
use std::os::unix::fs::PermissionsExt;

use support::cli::{Outcome, ours};
use support::gnupg::{CURVE25519, Person};

const OF_THE_KEY: &str = "quiet-heron";
const MISTYPED: &str = "loud-heron";

fn holds(text: &str, outcome: &Outcome) -> bool {
    String::from_utf8_lossy(&outcome.stdout).contains(text) || outcome.stderr.contains(text)
}

/// A gpg that writes down the words that it is called with.
fn recording_gpg(person: &Person) -> String {
    let gpg = person.path("recording-gpg");
    let calls = person.path("calls");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$*\" >>'{}'\nexec gpg \"$@\"\n", calls.display());
    fs::write(&gpg, script).unwrap();
    fs::set_permissions(&gpg, fs::Permissions::from_mode(0o755)).unwrap();
    gpg.to_str().unwrap().to_owned()
}

#[test]
fn passphrases_are_in_no_process_list_no_log_and_no_output() {
    let person = Person::new();
    let key = person.make_key("ada", CURVE25519, OF_THE_KEY);
    let gpg = recording_gpg(&person);
    let log = person.path("log");
    let common = format!("-v9 --gpg-binary {gpg} --log-file {}", log.display());
    let keys = format!("--encrypt-key {key} --sign-key {key}");
    for (passphrase, line, code) in [
        (OF_THE_KEY, format!("full {keys} SRC URL"), 0),
        (OF_THE_KEY, format!("incremental {keys} SRC URL"), 0),
        (OF_THE_KEY, "restore URL OUT".into(), 0),
        (MISTYPED, "restore URL OUT".into(), 31),
    ] {
        // Neither what an agent remembers nor a cache.
        person.lock();
        person.forget_backups();
        let outcome =
            person.run(&ours(), &[&format!("PASSPHRASE={passphrase}")], &format!("{common} {line}"));
        let outcome = outcome.expect(code);
        assert!(!holds(passphrase, &outcome), "{line}: {outcome}");
        std::thread::sleep(std::time::Duration::from_millis(1_100));
    }
    for file in ["calls", "log"] {
        let text = fs::read_to_string(person.path(file)).unwrap();
        assert!(!text.is_empty(), "nothing was written to {file}");
        for passphrase in [OF_THE_KEY, MISTYPED] {
            assert!(!text.contains(passphrase), "{file}: {text}");
        }
    }
}

#[test]
fn who_and_with_what_password_is_in_no_text_about_a_url() {
    let person = Person::new();
    let log = person.path("log");
    for scheme in ["sftp", "webdavs", "nonsense"] {
        let url = format!("{scheme}://heron:{OF_THE_KEY}@127.0.0.1:1/folder");
        for line in
            ["full SRC PLACE", "restore PLACE OUT", "collection-status PLACE", "PLACE SRC OUT", "full PLACE"]
        {
            let line = line.replace("PLACE", &url);
            let line = format!("-v9 --log-file {} --num-retries 1 --no-encryption {line}", log.display());
            let outcome = person.run(&ours(), &[], &line);
            assert_ne!(outcome.code, 0);
            assert!(!holds("heron", &outcome), "{line}: {}", outcome.stderr);
        }
    }
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("ERROR") && !log.contains("heron"), "{log}");
}
