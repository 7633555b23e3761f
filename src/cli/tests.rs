//! Command lines and what becomes of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsString;
use std::path::Path;

use super::exit;
use super::options::Typed;
use super::resolve::{Action, Environment, Request};
use super::usage::UsageError;
use crate::engine::{Mode, Outdated, Ownership};

/// 2020-09-13 12:26:40 UTC.
const NOW: i64 = 1_600_000_000;

fn variable(name: &str) -> Option<OsString> {
    let value = match name {
        "HOME" => "/home/u",
        "PLACE" => "disk",
        _ => return None,
    };
    Some(value.into())
}

fn request(line: &str) -> Result<Request, UsageError> {
    let words = std::iter::once("hindsight-cli").chain(line.split_whitespace());
    let environment = Environment { variable: &variable, terminal: None, now: NOW };
    Request::new(Typed::parse(words.map(OsString::from))?, &environment)
}

fn action(line: &str) -> Action {
    request(line).unwrap_or_else(|error| panic!("{line}: {error}")).action
}

fn code(line: &str) -> u8 {
    exit::of_usage(&request(line).map(|request| request.action).expect_err(line))
}

#[test]
fn actions_are_named_abbreviated_or_implied() {
    let mode = |line: &str| match action(line) {
        Action::Backup { mode, source, .. } => (mode, source),
        other => panic!("{line}: {other:?}"),
    };
    for (names, expected) in
        [("backup bu", Mode::Auto), ("full fb", Mode::Full), ("incremental inc incr ib", Mode::Incremental)]
    {
        for name in names.split(' ') {
            assert_eq!(mode(&format!("{name} /src file:///dst")), (expected, "/src".into()), "{name}");
        }
    }
    assert_eq!(mode("/src file:///dst"), (Mode::Auto, "/src".into()));
    assert_eq!(mode("full/ file:///dst"), (Mode::Auto, "full/".into()));
    for line in ["file:///src dst", "restore file:///src dst", "rb file:///src dst"] {
        assert!(matches!(action(line), Action::Restore { .. }), "{line}");
    }
    for line in ["verify file:///src dst", "vb file:///src dst"] {
        assert!(matches!(action(line), Action::Verify { .. }), "{line}");
    }
    for line in ["list-current-files file:///src", "ls file:///src"] {
        assert!(matches!(action(line), Action::List { .. }), "{line}");
    }
    for line in ["collection-status file:///src", "st file:///src"] {
        assert!(matches!(action(line), Action::Status), "{line}");
    }
}

#[test]
fn options_stand_anywhere_and_may_be_abbreviated() {
    for line in [
        "--path-to-restore a/b --time 3D restore file:///src dst --force",
        "restore --path a/b file:///src -t 3D dst --force",
        "file:///src --file-to-restore=a/b dst --restore-t=3D --forc",
        "-ra/b -t3D --force file:///src dst",
    ] {
        let Action::Restore { target, path, time, force, ownership, .. } = action(line) else {
            panic!("{line}")
        };
        assert_eq!((target.as_path(), path.as_bytes()), (Path::new("dst"), b"a/b".as_slice()), "{line}");
        assert_eq!((time, force, ownership), (Some(NOW - 3 * 86_400), true, Ownership::ByName), "{line}");
    }
}

#[test]
fn removals_only_tell_unless_they_are_forced() {
    for (line, expected) in [
        ("remove-older-than 3D file:///x", Outdated::Before(NOW - 3 * 86_400)),
        ("ro 1599999999 file:///x", Outdated::Before(NOW - 1)),
        ("ra 2 file:///x", Outdated::AllButFulls(2)),
        ("remove-all-inc-of-but-n-full 1 file:///x", Outdated::IncrementsOfAllButFulls(1)),
    ] {
        for (option, deletes) in [("", false), ("--force", true), ("--force --dry-run", false)] {
            let Action::Remove { outdated, delete } = action(&format!("{line} {option}")) else {
                panic!("{line}")
            };
            assert_eq!((outdated, delete), (expected, deletes), "{line} {option}");
        }
    }
    assert!(matches!(action("cl file:///x"), Action::CleanUp { delete: false }));
    assert!(matches!(action("--force cleanup file:///x"), Action::CleanUp { delete: true }));
}

#[test]
fn a_copy_has_a_cache_of_its_own() {
    let request = request("replicate file:///x file:///y --name n -t 1D").unwrap();
    let Action::Replicate { to, before, dry_run } = request.action else { panic!() };
    assert_eq!((before, dry_run), (Some(NOW - 86_400), false));
    assert!(request.cache.ends_with("n") && to.cache != request.cache, "{:?}", to.cache);
    assert_eq!(to.place.folder(), Some(Path::new("/y")));
}

#[test]
fn of_contradicting_options_the_last_wins() {
    assert!(!request("--no-encryption /src file:///dst").unwrap().encrypt);
    assert!(request("--no-encrypt --encryption /src file:///dst").unwrap().encrypt);
    assert!(!request("--encryption --no-encryption --no-encryption /src file:///dst").unwrap().encrypt);
    let Action::Backup { volume_size, .. } = action("--volsize 5 --vol=1 /src file:///dst") else { panic!() };
    assert_eq!(volume_size, Some(1 << 20));
}

#[test]
fn options_for_other_programs_are_joined_without_their_quotes() {
    let words = ["x", "--gpg-options='--homedir=/a b'", "--gpg-opt", "--batch", "--gpg-options=\"--quiet\""];
    let typed = Typed::parse(words.map(OsString::from)).unwrap();
    assert_eq!(typed.gpg_options, "--homedir=/a b --batch --quiet");
}

#[test]
fn options_that_change_nothing_are_accepted_and_explained() {
    let typed = |line: &str| Typed::parse(line.split(' ').map(OsString::from)).unwrap();
    assert_eq!(typed("x --volsize 5").explained, [""; 0]);
    let explained = typed("x --concurr 3 --asynchronous-upload --concurrency=4").explained;
    assert_eq!(explained.len(), 2, "{explained:?}");
    assert!(explained.iter().any(|text| text.starts_with("The option --concurrency changes nothing here. ")));
}

#[test]
fn our_own_actions_and_options_exist_only_under_our_own_name() {
    let called = |name: &str, line: &str| {
        let environment = Environment { variable: &variable, terminal: None, now: NOW };
        let words = std::iter::once(name).chain(line.split(' ')).map(OsString::from);
        Request::new(Typed::parse(words)?, &environment)
    };
    assert!(matches!(
        called("bin/hindsight-cli", "search file:///x a").unwrap().action,
        Action::Search { .. }
    ));
    let error = called("/usr/bin/duplicity", "search file:///x a").unwrap_err();
    assert!(matches!(error, UsageError::UnknownAction(_)), "{error}");
    let error = called("duplicity", "--accept-missing /src file:///x").unwrap_err();
    assert!(error.to_string().contains("There is no option --accept-missing"), "{error}");
}

#[test]
fn ownership_of_restored_files_is_by_name_by_number_or_left() {
    let ownership = |option: &str| match action(&format!("file:///src dst {option}")) {
        Action::Restore { ownership, .. } => ownership,
        other => panic!("{other:?}"),
    };
    assert_eq!(ownership(""), Ownership::ByName);
    assert_eq!(ownership("--numeric-owner"), Ownership::ByNumber);
    assert_eq!(ownership("--no-restore-ownership"), Ownership::Ignore);
    assert_eq!(ownership("--do-not-restore-ownership --numeric-owner"), Ownership::Ignore);
}

#[test]
fn selection_rules_keep_their_order_across_options() {
    let words =
        ["x", "--exclude", "/s/a", "--include=/s/b", "/s", "--exclude-if-present", "N", "--exclude=/s/c"];
    let typed = Typed::parse(words.map(OsString::from)).unwrap();
    let expected =
        [("exclude", "/s/a"), ("include", "/s/b"), ("exclude-if-present", "N"), ("exclude", "/s/c")];
    assert_eq!(typed.selection, expected.map(|(name, value)| (name, OsString::from(value))));
}

#[test]
fn a_restore_selects_by_paths_in_the_backup() {
    let Action::Restore { selection, .. } = action("file:///src dst --include a/b --exclude **") else {
        panic!()
    };
    assert!(!selection.is_everything());
    let Action::Restore { selection, .. } = action("file:///src dst") else { panic!() };
    assert!(selection.is_everything());
    for (line, expected) in [
        ("--exclude /a", 14),
        ("--exclude a/../b", 14),
        ("--exclude a//b", 15),
        ("--include a", 16),
        ("--exclude-if-present x", 23),
        ("--exclude-other-filesystems", 23),
        ("--files-from /dev/null", 23),
        ("--path-to-restore a --exclude b", 23),
    ] {
        assert_eq!(code(&format!("file:///src dst {line}")), expected, "{line}");
    }
}

#[test]
fn the_cache_is_where_duplicity_has_it() {
    let cache = |line: &str| request(line).unwrap().cache;
    let url = "file:///tmp/backup";
    let md5 = "ba8d32ccb88d13597b4784252744fc75";
    assert_eq!(cache(&format!("st {url}")), Path::new("/home/u/.cache/duplicity").join(md5));
    assert_eq!(cache(&format!("st {url} --archive-dir /c --name n")), Path::new("/c/n"));
    assert_eq!(cache(&format!("st {url} --archive-dir=~/c --name n")), Path::new("/home/u/c/n"));
    assert_eq!(
        cache(&format!("st {url} --archive-dir /$PLACE/${{PLACE}}s --name n")),
        Path::new("/disk/disks/n")
    );
    assert_eq!(cache(&format!("st {url} --archive-dir /$NONE/~ --name n")), Path::new("/$NONE/~/n"));
}

#[test]
fn what_cannot_be_followed_is_refused_with_duplicitys_codes() {
    for (line, expected) in [
        ("", 23),
        ("--nope st file:///x", 23),
        ("--force=yes st file:///x", 23),
        ("--num-retries", 23),
        ("--use-gpgsm /src file:///x", 23),
        ("--gio /src file:///x", 23),
        ("--short-filenames /src file:///x", 23),
        ("--exclude-filelist-stdin /src file:///x", 23),
        ("-v 77 st file:///x", 23),
        ("-v", 23),
        ("--ex x", 23),
        ("unknown-action", 23),
        ("unknown-action file:///x y", 23),
        ("cleanup x file:///x", 23),
        ("par2+file:///x /y", 23),
        ("st multi:///x.json", 23),
        ("remove-older-than 3d file:///x", 23),
        ("remove-all-but-n-full 0 file:///x", 23),
        ("remove-all-but-n-full one file:///x", 23),
        ("remove-all-inc-of-but-n-full file:///x", 23),
        ("replicate file:///x", 23),
        ("/a /b", 23),
        ("file:///a file:///b", 23),
        ("full file:///a /b", 23),
        ("restore /b file:///a", 23),
        ("full /a", 23),
        ("st", 23),
        ("st file:///a file:///b", 23),
        ("st /a", 23),
        ("st gopher://a/b", 23),
        ("ls file:///x --time 3d", 23),
        ("restore file:///x y -r ../z", 23),
        ("/src file:///x --volsize 0", 23),
        ("/usr/../nowhere/ file:///nowhere", 23),
        ("/src file:///x --no-encryption --encrypt-key k", 23),
        ("/src file:///x --sign-key a --encrypt-sign-key b", 23),
        ("/src file:///x --gpg-options=--cipher-algo=3DES", 23),
        ("/src file:///x --gpg-options=--symmetric", 23),
        ("/src file:///x --exclude /other", 14),
        ("/src file:///x --exclude /src//a", 15),
        ("/src file:///x --exclude /src/[b-a]", 30),
        ("/src file:///x --include /src/a", 16),
        ("/src file:///x --include /src/a --exclude-device-files", 16),
        ("/src file:///x --exclude-regexp (", 30),
        ("/src file:///x --exclude=", 23),
        ("/src file:///x --exclude-older-than 3d", 23),
        ("/src file:///x --exclude-filelist /nowhere", 23),
        ("/src file:///x --filter-literal --exclude src", 14),
        ("/src file:///x --filter-globbing --exclude /src/a", 70),
        ("/src file:///x --exclude /src/a --filter-literal", 71),
        ("/src file:///x --files-from /dev/null", 73),
    ] {
        assert_eq!(code(line), expected, "{line}");
    }
    for line in ["--help", "-h st", "--version", "-V"] {
        assert_eq!(code(line), 0, "{line}");
    }
}

#[test]
fn a_refused_address_is_not_repeated() {
    for line in [
        "st gopher://me:secret@host/x",
        "sftp://me:secret@host/x",
        "sftp://me:secret@host/x a b",
        "full a sftp://me:secret@host/x b",
        "unknown sftp://me:secret@host/x b",
    ] {
        let error = request(line).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[test]
fn verbosity_has_names_and_numbers() {
    for (typed, expected) in
        [("0", 0), ("9", 9), ("Error", 0), ("w", 2), ("NOTICE", 3), ("info", 5), ("d", 9)]
    {
        let words = ["x", "-v", typed].map(OsString::from);
        assert_eq!(Typed::parse(words).unwrap().verbosity, expected, "{typed}");
    }
    assert_eq!(Typed::parse(["x", "-v5"].map(OsString::from)).unwrap().verbosity, 5);
    assert_eq!(Typed::parse([OsString::from("x")]).unwrap().verbosity, 3);
}

#[test]
fn keys_are_gathered_and_gpg_gets_what_it_must_know() {
    let keys = |line: &str| request(&format!("/src file:///x {line}")).unwrap().keys;
    let named = |line: &str| {
        let recipients = keys(line).recipients.into_iter();
        recipients.map(|recipient| (recipient.id, recipient.hidden)).collect::<Vec<_>>()
    };
    let expected = [("a", false), ("b", false), ("c", true)].map(|(id, hidden)| (id.to_string(), hidden));
    assert_eq!(named("--encrypt-key a --hidden-encrypt-key c --encrypt-key=b"), expected);
    assert_eq!(named("--encrypt-sign-key a").len(), 1);
    assert_eq!(keys("--encrypt-sign-key a").signer.as_deref(), Some("a"));
    assert!(keys("--encrypt-key a --sign-key a").signer_is_recipient());
    assert!(!keys("--encrypt-key a --sign-key b").signer_is_recipient());

    let options = |line: &str| keys(line).setup.options;
    assert_eq!(options("--gpg-options=--homedir=/keys"), ["--homedir", "/keys"]);
    assert_eq!(
        options("--gpg-options=--compress-algo=bzip2 --gpg-options --homedir=/a"),
        ["--homedir", "/a"]
    );
    assert!(options("--gpg-options=--cipher-algo=aes256").is_empty());
    assert_eq!(keys("--gpg-binary ~/gpg").setup.program, Path::new("/home/u/gpg"));
    assert_eq!(keys("--use-agent").setup.dialogue, None, "there is nobody to ask");
}
