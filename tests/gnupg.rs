//! Encryption and signing with the keys of a real GnuPG: what we write gpg and stock duplicity read, and the reverse;
//! what is locked, missing, altered or of somebody else ends with the right code, and nothing ever waits.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

#[allow(dead_code)]
mod support {
    pub(crate) mod cli;
    pub(crate) mod gnupg;
    pub(crate) mod stock;
}

use std::fs;
use std::time::{Duration, Instant};

use support::cli::{Program, ours};
use support::gnupg::{CURVE25519, Kinds, NIST, Person, RSA};
use support::stock;

const PASSPHRASE: &str = "PASSPHRASE=that of the key";
const THAT: &str = "that of the key";

/// Longer than any of these calls takes; somebody at a dialogue would be waited for much longer.
const AT_ONCE: Duration = Duration::from_secs(20);

#[test]
fn what_we_write_for_rsa_keys_all_read() {
    we_write(RSA);
}

#[test]
fn what_we_write_for_keys_on_curve25519_all_read() {
    we_write(CURVE25519);
}

#[test]
fn what_we_write_for_keys_on_nist_curves_all_read() {
    we_write(NIST);
}

fn we_write(kinds: Kinds) {
    let person = Person::new();
    let key = person.make_key("ada", kinds, THAT);
    let keys = format!("--encrypt-key {key} --sign-key {key}");
    round(&person, &ours(), &[ours(), stock::new(), stock::old()], &keys, &[PASSPHRASE]);
    for file in person.stored("duplicity-") {
        assert!(person.gpg_opens(&file), "{}", file.display());
    }
}

#[test]
fn what_stock_writes_for_rsa_keys_we_continue_and_restore() {
    stock_writes(RSA);
}

#[test]
fn what_stock_writes_for_keys_on_curve25519_we_continue_and_restore() {
    stock_writes(CURVE25519);
}

#[test]
fn what_stock_writes_for_keys_on_nist_curves_we_continue_and_restore() {
    stock_writes(NIST);
}

fn stock_writes(kinds: Kinds) {
    for writer in [stock::new(), stock::old()] {
        let person = Person::new();
        let key = person.make_key("ada", kinds, THAT);
        we_continue(&person, &writer, &format!("--encrypt-key {key} --sign-key {key}"), &[PASSPHRASE]);
    }
}

/// What `writer` has written, and `writer` what we have added to it.
fn we_continue(person: &Person, writer: &Program, keys: &str, variables: &[&str]) {
    round(person, writer, &[ours(), writer.clone()], keys, variables);
    let fulls = person.stored("full").len();
    fs::write(person.path("src/a"), "third").unwrap();
    // Our cache is fresh here: the chain is continued, not begun anew.
    let add = format!("incremental --no-print-statistics {keys} SRC URL");
    person.run(&ours(), variables, &add).expect(0);
    assert_eq!(person.stored("full").len(), fulls);
    person.run(writer, variables, &format!("restore {keys} URL OUT")).expect(0);
    person.expect_all_back();
}

#[test]
fn a_passphrase_alone_works_both_ways() {
    let variables = ["PASSPHRASE=no key at all"];
    for writer in [stock::new(), stock::old()] {
        we_continue(&Person::new(), &writer, "", &variables);
    }
    let person = Person::new();
    round(&person, &ours(), &[ours(), stock::new(), stock::old()], "", &variables);
    // The salt among it: reading the chain takes one derivation of the key.
    let beginnings: Vec<_> =
        person.stored("duplicity-").iter().map(|file| fs::read(file).unwrap()[..15].to_vec()).collect();
    assert!(beginnings.len() > 5 && beginnings.iter().all(|beginning| *beginning == beginnings[0]));
}

#[test]
fn a_passphrase_and_a_signature_work_both_ways() {
    // Stock has one passphrase for both.
    let variables = [PASSPHRASE, "SIGN_PASSPHRASE=that of the key"];
    for writer in [ours(), stock::new(), stock::old()] {
        let person = Person::new();
        let key = person.make_key("ada", CURVE25519, THAT);
        round(
            &person,
            &writer,
            &[ours(), stock::new(), stock::old()],
            &format!("--sign-key {key}"),
            &variables,
        );
    }
}

#[test]
fn the_files_of_a_set_share_one_session_key() {
    let person = Person::new();
    let key = person.make_key("ada", CURVE25519, "");
    let full = || {
        person.run(&ours(), &[], &format!("full --volsize 1 --encrypt-key {key} SRC URL")).expect(0);
        person.stored("duplicity-")
    };
    // The packet of a key on Curve25519 has less than 192 octets.
    let head = |file: &std::path::PathBuf| {
        let bytes = fs::read(file).unwrap();
        bytes[..2 + usize::from(bytes[1])].to_vec()
    };
    let first = full();
    assert!(first.len() > 3, "{first:?}");
    assert!(first.iter().all(|file| head(file) == head(&first[0])));
    std::thread::sleep(Duration::from_millis(1100));
    let second: Vec<_> = full().into_iter().filter(|file| !first.contains(file)).collect();
    assert!(second.iter().all(|file| head(file) == head(&second[0]) && head(file) != head(&first[0])));
}

#[test]
fn backups_for_a_subkey_that_has_expired_since_are_restored_and_continued_with_its_successor() {
    let writers = [ours(), stock::new(), stock::old()];
    for writer in &writers {
        let person = Person::new();
        let key = person.make_key("ada", CURVE25519, "");
        person.run(writer, &["PASSPHRASE="], &format!("full --encrypt-key {key} SRC URL")).expect(0);
        person.replace_encryption_key(&key);
        for reader in &writers {
            person.run(reader, &["PASSPHRASE="], "restore URL OUT").expect(0);
            person.expect_all_back();
        }
        fs::write(person.path("src/a"), "second").unwrap();
        person.run(&ours(), &["PASSPHRASE="], &format!("--encrypt-key {key} SRC URL")).expect(0);
        for reader in &writers {
            person.run(reader, &["PASSPHRASE="], "restore URL OUT").expect(0);
            person.expect_all_back();
        }
    }
}

#[test]
fn keys_in_a_file_need_neither_gpg_nor_an_agent() {
    for kinds in [RSA, CURVE25519, NIST] {
        let (keeper, person) = (Person::new(), Person::new());
        let key = keeper.make_key("ada <ada@example.org>", kinds, THAT);
        let file = keeper.export_secret(&key, THAT);
        let options = format!("--encrypt-secret-keyring {} --sign-key {key}", file.display());
        // No gpg, but what the tests start it with.
        fs::create_dir(person.path("bin")).unwrap();
        for name in ["timeout", "setsid"] {
            std::os::unix::fs::symlink(format!("/usr/bin/{name}"), person.path("bin").join(name)).unwrap();
        }
        let path = format!("PATH={}", person.path("bin").display());
        let run = |variables: &[&str], line: &str| {
            let variables = [&[path.as_str()][..], variables].concat();
            person.run(&ours(), &variables, &format!("--gpg-binary gpg {options} {line}"))
        };
        run(&[PASSPHRASE], &format!("full --encrypt-key {key} SRC URL")).expect(0);
        fs::write(person.path("src/a"), "second").unwrap();
        person.forget_backups();
        run(&[PASSPHRASE], &format!("incremental --encrypt-key {key} SRC URL")).expect(0);
        let locked = run(&[], "restore URL OUT").expect(31);
        assert!(locked.stderr.contains("locked"), "{locked}");
        person.forget_backups();
        run(&["PASSPHRASE=wrong"], "restore URL OUT").expect(31);
        run(&[PASSPHRASE], "restore URL OUT").expect(0);
        person.expect_all_back();

        let place = person.path("place");
        let restore = format!("restore --sign-key {key} URL OUT");
        keeper.run_at(&stock::new(), &[PASSPHRASE], &restore, &place).expect(0);
        assert_eq!(fs::read(keeper.path("out/a")).unwrap(), b"second");
        let stranger = Person::new();
        let other = stranger.make_key("eve", kinds, "");
        let theirs = stranger.export_secret(&other, "");
        let restore = format!("restore --encrypt-secret-keyring {} URL OUT", theirs.display());
        let missing = stranger.run_at(&ours(), &[], &restore, &place).expect(31);
        assert!(missing.stderr.contains("no secret key"), "{missing}");
    }
    let person = Person::new();
    let nothing =
        person.run(&ours(), &[], "full --encrypt-secret-keyring /nowhere --encrypt-key ada SRC URL");
    assert!(nothing.expect(31).stderr.contains("/nowhere"));
}

/// A full and an incremental by `writer`, and the latter restored by all.
fn round(person: &Person, writer: &Program, readers: &[Program], keys: &str, variables: &[&str]) {
    person.run(writer, variables, &format!("full --volsize 1 {keys} SRC URL")).expect(0);
    fs::write(person.path("src/a"), "second").unwrap();
    std::thread::sleep(Duration::from_millis(1100)); // stock has one name for a second
    person.run(writer, variables, &format!("incremental {keys} SRC URL")).expect(0);
    for reader in readers {
        person.run(reader, variables, &format!("restore {keys} URL OUT")).expect(0);
        person.expect_all_back();
    }
}

#[test]
fn each_of_several_recipients_restores_even_when_nobody_is_named() {
    let (ada, bob) = (Person::new(), Person::new());
    let of_ada = ada.make_key("ada <ada@example.org>", CURVE25519, "");
    bob.make_key("bob <bob@example.org>", RSA, "");
    ada.meet(&bob);
    bob.meet(&ada); // stock reads nothing that is signed by a stranger
    for keys in [
        format!("--encrypt-key {of_ada} --encrypt-key bob@example.org"),
        format!("--hidden-encrypt-key {of_ada} --hidden-encrypt-key bob"),
        format!("--encrypt-sign-key {of_ada} --hidden-encrypt-key <bob@example.org>"),
    ] {
        for writer in [ours(), stock::new(), stock::old()] {
            // 0.8.22 cannot sign and hide a recipient at once: its gpg finds the commands in conflict.
            let keys = match writer == stock::old() {
                true => {
                    keys.replace("--hidden-encrypt-key <bob@example.org>", "--encrypt-key bob@example.org")
                }
                false => keys.clone(),
            };
            ada.run(&writer, &["PASSPHRASE="], &format!("full {keys} SRC URL")).expect(0);
            for (person, reader) in
                [(&ada, ours()), (&bob, ours()), (&bob, stock::new()), (&ada, stock::old())]
            {
                person.run_at(&reader, &["PASSPHRASE="], "restore URL OUT", &ada.path("place")).expect(0);
                assert_eq!(fs::read(person.path("out/a")).unwrap(), b"first");
                person.forget_backups();
            }
        }
    }
    assert!(ada.stored("full").len() > 6);
}

#[test]
fn a_backup_for_keys_needs_no_secret() {
    let (server, admin) = (Person::new(), Person::new());
    let key = admin.make_key("admin", CURVE25519, THAT);
    server.meet(&admin);
    let backup = |action: &str| server.run(&ours(), &[], &format!("{action} --encrypt-key {key} SRC URL"));
    backup("full").expect(0);
    fs::write(server.path("src/a"), "second").unwrap();
    backup("incremental").expect(0);
    assert_eq!(server.stored("duplicity-inc").len(), 2);
    server.run(&ours(), &[], "restore URL OUT").expect(31);

    server.forget_backups();
    backup("incremental").expect(31);
    backup("full").expect(0);
    admin.run_at(&ours(), &[PASSPHRASE], "restore URL OUT", &server.path("place")).expect(0);
    assert_eq!(fs::read(admin.path("out/a")).unwrap(), b"second");
}

#[test]
fn a_separate_key_signs_with_a_passphrase_of_its_own() {
    let person = Person::new();
    let (opens, signs) =
        (person.make_key("opens", NIST, THAT), person.make_key("signs", CURVE25519, "other"));
    let keys = format!("--encrypt-key {opens} --sign-key {signs}");
    let backup = |variables: &[&str]| person.run(&ours(), variables, &format!("full {keys} SRC URL"));
    person.lock();
    backup(&[PASSPHRASE]).expect(31);
    backup(&[PASSPHRASE, "SIGN_PASSPHRASE=wrong"]).expect(31);
    assert!(person.stored("duplicity-").is_empty(), "it fails before anything is stored");
    backup(&[PASSPHRASE, "SIGN_PASSPHRASE=other"]).expect(0);
    for writer in [ours(), stock::new(), stock::old()] {
        std::thread::sleep(Duration::from_millis(1100)); // stock has one name for a second
        let variables = [PASSPHRASE, "SIGN_PASSPHRASE=other"];
        person.run(&writer, &variables, &format!("full {keys} SRC URL")).expect(0);
        for reader in [ours(), stock::new(), stock::old()] {
            person.run(&reader, &[PASSPHRASE], &format!("restore {keys} URL OUT")).expect(0);
            person.expect_all_back();
        }
    }
}

#[test]
fn each_passphrase_stands_in_for_the_other_where_the_key_is_the_same() {
    let person = Person::new();
    let key = person.make_key("ada", CURVE25519, THAT);
    for variable in [PASSPHRASE, "SIGN_PASSPHRASE=that of the key"] {
        person.lock();
        person.run(&ours(), &[variable], &format!("full --encrypt-sign-key {key} SRC URL")).expect(0);
        person.lock();
        person.forget_backups();
        let restore = format!("restore --encrypt-key {key} --sign-key {key} URL OUT");
        person.run(&ours(), &[variable], &restore).expect(0);
    }
}

#[test]
fn the_agent_alone_suffices_while_it_knows_the_passphrase() {
    let person = Person::new();
    let key = person.make_key("ada", RSA, THAT);
    let options = format!("--use-agent --encrypt-key {key} --sign-key {key}");
    person.lock();
    // PASSPHRASE is not given to the agent.
    let start = Instant::now();
    let locked = person.run(&ours(), &[PASSPHRASE], &format!("full {options} SRC URL")).expect(31);
    assert!(locked.stderr.contains("locked"), "{locked}");
    assert!(start.elapsed() < AT_ONCE);

    person.run(&ours(), &[PASSPHRASE], &format!("full --encrypt-sign-key {key} SRC URL")).expect(0);
    fs::write(person.path("src/a"), "second").unwrap();
    person.run(&ours(), &[], &format!("incremental {options} SRC URL")).expect(0);
    person.forget_backups();
    person.run(&ours(), &[], &format!("restore {options} URL OUT")).expect(0);
    person.expect_all_back();

    person.lock();
    person.forget_backups();
    for variables in [&[][..], &[PASSPHRASE], &["GPG_TTY=/dev/null"]] {
        let start = Instant::now();
        person.run(&ours(), variables, &format!("restore {options} URL OUT")).expect(31);
        assert!(start.elapsed() < AT_ONCE, "nobody is waited for");
    }
    person.run(&ours(), &["PASSPHRASE=wrong"], "restore URL OUT").expect(31);
    person.run(&ours(), &[], "restore URL OUT").expect(31);
    person.run(&ours(), &[PASSPHRASE], "restore URL OUT").expect(0);
}

#[test]
fn what_stock_writes_we_continue_by_the_agent_alone() {
    for writer in [stock::new(), stock::old()] {
        let person = Person::new();
        let key = person.make_key("ada", CURVE25519, THAT);
        person.unlock(&key, THAT);
        we_continue(&person, &writer, &format!("--use-agent --encrypt-key {key} --sign-key {key}"), &[]);
    }
}

#[test]
fn without_gpg_or_without_an_agent_it_fails_with_a_sentence() {
    let person = Person::new();
    let key = person.make_key("ada", CURVE25519, "");
    person.run(&ours(), &[], &format!("full --encrypt-key {key} SRC URL")).expect(0);
    let no_gpg = "--gpg-binary /nowhere/gpg";
    let missing = person.run(&ours(), &[], &format!("restore {no_gpg} URL OUT")).expect(31);
    assert!(missing.stderr.contains("/nowhere/gpg cannot be run"), "{missing}");
    person.run(&ours(), &[], &format!("full {no_gpg} --encrypt-key {key} SRC URL")).expect(31);

    person.gpgconf(&["--kill", "gpg-agent"]);
    fs::write(person.path("gpg.conf"), "no-autostart\n").unwrap();
    fs::write(person.path("gpg-agent.conf"), "no-such-option\n").unwrap();
    person.run(&ours(), &[], "restore URL OUT").expect(31);
    fs::remove_file(person.path("gpg-agent.conf")).unwrap();
}

#[test]
fn keys_that_must_not_be_used_are_refused_by_name() {
    let person = Person::new();
    let backup = |keys: &str| person.run(&ours(), &[], &format!("full {keys} SRC URL"));
    let unknown = backup("--encrypt-key nobody@example.org").expect(31);
    assert!(unknown.stderr.contains("no key called nobody@example.org"), "{unknown}");
    let past = ["--faked-system-time", "20200101T000000", "--passphrase", ""];
    person.run_gpg(&[&past[..], &["--quick-generate-key", "old", "rsa2048", "sign,encr", "1d"]].concat());
    let expired = backup("--encrypt-key old").expect(31);
    assert!(expired.stderr.contains("old has expired"), "{expired}");
    assert!(person.stored("duplicity-").is_empty());
}

#[test]
fn other_recipients_begin_a_new_chain() {
    let person = Person::new();
    let (one, other) = (person.make_key("one", CURVE25519, ""), person.make_key("other", CURVE25519, ""));
    let backup = |keys: &str| person.run(&ours(), &["PASSPHRASE=x"], &format!("{keys} SRC URL")).expect(0);
    backup(&format!("--encrypt-key {one}"));
    backup(&format!("--encrypt-key {one}"));
    assert_eq!(person.stored("full-signatures").len(), 1);
    backup(&format!("--encrypt-key {one} --encrypt-key {other}"));
    backup(&format!("--encrypt-key {other} --encrypt-key {one}"));
    assert_eq!(person.stored("full-signatures").len(), 2);
    backup("");
    assert_eq!(person.stored("full-signatures").len(), 3);
    person.run(&ours(), &["PASSPHRASE=x"], &format!("inc --encrypt-key {other} SRC URL")).expect(17);
}

#[test]
fn what_is_altered_or_cut_is_refused() {
    let person = Person::new();
    let key = person.make_key("ada", CURVE25519, "");
    person.run(&ours(), &[], &format!("full --encrypt-key {key} SRC URL")).expect(0);
    let alter = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let file = person.stored(name).remove(0);
        let whole = fs::read(&file).unwrap();
        let mut altered = whole.clone();
        change(&mut altered);
        fs::write(&file, altered).unwrap();
        person.forget_backups();
        let code = person.run(&ours(), &[], "restore URL OUT").code;
        fs::write(&file, whole).unwrap();
        code
    };
    for name in ["vol1.difftar", "manifest"] {
        assert_eq!(alter(name, &|bytes| *bytes.last_mut().unwrap() ^= 1), 21, "{name}: flipped at the end");
        assert_eq!(alter(name, &|bytes| bytes[200] ^= 1), 21, "{name}: flipped");
        assert_eq!(alter(name, &|bytes| bytes.truncate(bytes.len() - 30)), 21, "{name}: cut");
        let without_mdc = |bytes: &mut Vec<u8>| {
            let data = 2 + usize::from(bytes[1]); // after the packet with the session key
            assert_eq!(bytes[data], 0xD2);
            bytes[data] = 0xC9;
        };
        assert!([21, 33].contains(&alter(name, &without_mdc)), "{name}: not protected any more");
    }
    person.run(&ours(), &[], "restore URL OUT").expect(0);
}

#[test]
fn only_what_the_key_signed_is_restored() {
    let person = Person::new();
    let (ada, eve) = (person.make_key("ada", CURVE25519, ""), person.make_key("eve", RSA, ""));
    let backup =
        |keys: &str| person.run(&ours(), &["PASSPHRASE=x"], &format!("full {keys} SRC URL")).expect(0);
    let restore = |options: &str| {
        person.forget_backups();
        person.run(&ours(), &["PASSPHRASE=x"], &format!("restore {options} URL OUT"))
    };
    backup(&format!("--encrypt-key {ada} --sign-key {eve}"));
    restore(&format!("--sign-key {eve}")).expect(0);
    restore("").expect(0);
    let wrong = restore(&format!("--sign-key {ada}")).expect(22);
    assert!(wrong.stderr.contains(&format!("was not signed by {ada}")), "{wrong}");
    assert!(!person.path("out/a").exists(), "nothing of it was used");

    backup(&format!("--encrypt-key {ada}"));
    restore(&format!("--sign-key {ada}")).expect(22);
    backup(&format!("--sign-key {ada}"));
    restore(&format!("--sign-key {ada}")).expect(0);
    person.expect_all_back();
    person.run(&stock::new(), &["PASSPHRASE=x"], &format!("restore --sign-key {ada} URL OUT")).expect(0);
    person.run(&ours(), &["PASSPHRASE=x"], "full --no-encryption SRC URL").expect(0);
    restore(&format!("--sign-key {ada}")).expect(22);
    person.run(&ours(), &[], &format!("verify --sign-key {ada} URL SRC")).expect(22);
}

/// A volume that the key did sign, but for another set.
#[test]
fn a_volume_of_another_set_is_refused() {
    let person = Person::new();
    let key = person.make_key("ada", CURVE25519, "");
    let keys = format!("--encrypt-sign-key {key}");
    person.run(&ours(), &[], &format!("full {keys} SRC URL")).expect(0);
    fs::write(person.path("src/a"), "second").unwrap();
    person.run(&ours(), &[], &format!("full {keys} SRC URL")).expect(0);
    let volumes = person.stored("vol1.difftar");
    fs::copy(&volumes[0], &volumes[1]).unwrap();
    person.run(&ours(), &[], &format!("restore {keys} URL OUT")).expect(21);
    assert!(!person.path("out/a").exists(), "nothing of it was used");
}

#[test]
fn no_core_dump_has_our_memory() {
    let person = Person::new();
    let gpg = person.path("spy");
    fs::write(&gpg, "#!/bin/sh\ngrep core /proc/$PPID/limits >\"$0.limits\"\nexit 1\n").unwrap();
    fs::set_permissions(&gpg, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let options = format!("--gpg-binary {} --encrypt-key ada", gpg.display());
    person.run(&ours(), &[], &format!("full {options} SRC URL")).expect(31);
    let limits = fs::read_to_string(person.path("spy.limits")).unwrap();
    let soft: u64 = limits.split_whitespace().nth(4).unwrap().parse().unwrap();
    assert!(soft <= 1, "{limits}");
}

#[test]
fn gpg_is_the_one_that_the_options_name() {
    let (person, keeper) = (Person::new(), Person::new());
    let key = keeper.make_key("ada", CURVE25519, "");
    let home = keeper.path("");
    let options = format!("--gpg-options=--homedir={} --encrypt-key {key} --sign-key {key}", home.display());
    person.run(&ours(), &[], &format!("full {options} SRC URL")).expect(0);
    person.run(&ours(), &[], &format!("restore {options} URL OUT")).expect(0);
    person.expect_all_back();
    person.run(&ours(), &[], "restore URL OUT").expect(31);
}

#[test]
fn options_that_contradict_or_would_change_the_backup_are_refused() {
    let person = Person::new();
    for options in [
        "--no-encryption --encrypt-key ada",
        "--no-encryption --sign-key ada",
        "--sign-key ada --encrypt-sign-key bob",
        "--gpg-options=--cipher-algo=3DES --encrypt-key ada",
        "--gpg-options=--symmetric --encrypt-key ada",
        "--use-gpgsm",
    ] {
        person.run(&ours(), &[], &format!("full {options} SRC URL")).expect(23);
    }
}
