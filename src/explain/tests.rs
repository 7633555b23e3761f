//! All the words, compared with a text that people have read.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use super::*;
use crate::destination::SpecError;
use crate::entry::EntryPath;
use crate::error::KeyError;
use crate::hooks::HookError;
use crate::keyring::KeyringError;
use crate::ledger::LedgerError;
use crate::settings::{FolderError, PlaceError, SettingsError};
use crate::tree::glob::GlobError;

const TEXTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/explanations.txt");

fn io_error() -> io::Error {
    io::Error::from_raw_os_error(13)
}

fn errors() -> Vec<Error> {
    let path = || PathBuf::from("/home/ada/Pictures");
    let place = || "/media/ada/disk".to_string();
    let (now, before) = (|| "new".to_string(), || "old".to_string());
    let mut errors = vec![
        Error::PassphraseNeeded,
        Error::PassphraseWrong,
        Error::Source(WalkError::Missing(path())),
        Error::Source(WalkError::Unreadable { path: path(), error: io_error() }),
        Error::Source(WalkError::Unsupported(path())),
        Error::NoBackups { place: place() },
        Error::NothingToContinue,
        Error::NoSuchSet { number: 7 },
        Error::PathNotFound {
            path: EntryPath::parse(b"a/b").unwrap(),
            date: "Sun Sep 13 12:26:40 2020".into(),
        },
        Error::NothingSelected { date: "Sun Sep 13 12:26:40 2020".into() },
        Error::HostChanged { now: now(), before: before() },
        Error::SourceChanged { now: now(), before: before() },
        Error::PlaceChanged { place: place() },
        Error::SourceShrunk { folder: path(), before: 1, now: 0, reason: Shrunk::Missing },
        Error::SourceShrunk { folder: path(), before: 200, now: 0, reason: Shrunk::Empty },
        Error::SourceShrunk { folder: path(), before: 200, now: 0, reason: Shrunk::OtherDevice },
        Error::SourceShrunk { folder: path(), before: 200, now: 12, reason: Shrunk::MostGone },
        Error::Selection(SelectionError::InvalidPattern {
            pattern: "/home/ada/[b-a]".into(),
            reason: GlobError::BackwardRange,
        }),
        Error::Selection(SelectionError::OutsideSource { pattern: "/x".into(), root: path() }),
        Error::Selection(SelectionError::RedundantInclude { pattern: "/home/ada".into() }),
        Error::Selection(SelectionError::OutsideBackup { pattern: "/home/ada".into() }),
        Error::Selection(SelectionError::InvalidRegexp {
            pattern: "(".into(),
            reason: "unclosed group".into(),
        }),
        Error::Selection(SelectionError::RedundantFilter),
        Error::Selection(SelectionError::TrailingFilter),
        Error::Selection(SelectionError::UnreadableList { path: path(), reason: io_error().to_string() }),
        Error::Selection(SelectionError::ListedOutside { path: path(), entry: "../x".into() }),
        Error::Selection(SelectionError::EmptyList { path: path() }),
        Error::Target(TargetError::NotEmpty(path())),
        Error::Target(TargetError::Exists(path())),
        Error::Target(TargetError::NoParent(path())),
        Error::Target(TargetError::Io { path: path(), source: io_error() }),
        Error::Damaged { what: "volume 3 is missing".into() },
        Error::TooNew { what: "records of version 9".into() },
        Error::Busy { what: "/run/user/1000/hindsight is locked by another run".into() },
        Error::Local { path: path(), source: io_error() },
        Error::Internal("index out of bounds".into()),
    ];
    let kinds = [
        ErrorKind::NotFound,
        ErrorKind::Denied,
        ErrorKind::NoSpace,
        ErrorKind::ReadOnly,
        ErrorKind::Offline,
        ErrorKind::Incomplete,
        ErrorKind::NameTaken,
        ErrorKind::Misconfigured,
        ErrorKind::Other,
    ];
    errors.extend(keys().map(Error::Key));
    errors.push(Error::NotSigned {
        what: "duplicity-full.20200913T122640Z.vol3.difftar.gpg".into(),
        by: "ada@example.org".into(),
    });
    errors.extend(kinds.map(|kind| Error::Destination(DestinationError::new(kind, place()))));
    errors.push(Error::Destination(DestinationError::from_io(place(), io::Error::from_raw_os_error(5))));
    let key = "ssh-ed25519 SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    let at_server = [
        (ErrorKind::HostKeyUnknown, key),
        (ErrorKind::HostKeyChanged, key),
        (ErrorKind::PasswordNeeded, "no key or password of ada was accepted"),
        (ErrorKind::SignInRefused, "no key or password of ada was accepted"),
        (ErrorKind::Offline, "Connection refused (os error 111)"),
        (ErrorKind::Misconfigured, "the server offers no sftp"),
    ];
    errors.extend(at_server.map(|(kind, cause)| {
        let error = DestinationError::new(kind, "sftp://ada@server/backups");
        Error::Destination(DestinationError { source: Some(cause.into()), ..error })
    }));
    errors.extend([Why::User, Why::OnBattery, Why::Metered, Why::Quitting].map(Error::Cancelled));
    errors
}

fn keys() -> [KeyError; 12] {
    let id = || "ada@example.org".to_string();
    let name = || "Ada <ada@example.org>".to_string();
    [
        KeyError::NotFound { id: id() },
        KeyError::Revoked { id: id() },
        KeyError::Expired { id: id() },
        KeyError::Unsuitable { id: id() },
        KeyError::NoSecretKey { ids: Vec::new() },
        KeyError::NoSecretKey { ids: vec!["044EC55BEC2F1C39".into(), "83DF61157491B84E".into()] },
        KeyError::Locked { name: name() },
        KeyError::PassphraseWrong { name: name() },
        KeyError::NoAgent { why: "no such file".into() },
        KeyError::File { path: "/home/ada/key.asc".into(), why: "there is no key in it".into() },
        KeyError::NoGpg { program: "gpg".into(), why: "no such file".into() },
        KeyError::Failed { what: "no data".into() },
    ]
}

/// Of what is around the backups.
fn services() -> Vec<Explanation> {
    let path = || PathBuf::from("/home/ada/Pictures");
    let settings = [
        SettingsError::Newer { path: path(), version: 9 },
        SettingsError::Damaged { path: path(), reason: "expected value at line 1 column 2".into() },
        SettingsError::NoHome,
        SettingsError::Io { path: path(), source: io_error() },
    ];
    let folders = [
        FolderError::Lent { path: path() },
        FolderError::NotFolder { path: path() },
        FolderError::Io { path: path(), source: io_error() },
    ];
    let places = [
        PlaceError::NotConnected { label: "Red Disk".into() },
        PlaceError::OutsideDrive { label: "Red Disk".into() },
        PlaceError::Relative,
        PlaceError::Password,
        PlaceError::Address(SpecError::NotUrl),
        PlaceError::Address(SpecError::UnsupportedScheme { scheme: "mega".into() }),
        PlaceError::Address(SpecError::NoPath),
        PlaceError::Address(SpecError::NoHost),
        PlaceError::Address(SpecError::NotText),
    ];
    let keyring = [
        KeyringError::Unavailable("no bus".into()),
        KeyringError::Dismissed,
        KeyringError::Other("no session".into()),
    ];
    let ledger = [
        LedgerError::AlreadyRunning,
        LedgerError::NoHome,
        LedgerError::Sqlite(rusqlite::Error::QueryReturnedNoRows),
        LedgerError::Io { path: path(), source: io_error() },
    ];
    let hooks = [
        HookError::Start(io_error()),
        HookError::Failed(2),
        HookError::Killed(9),
        HookError::TooLong(60),
        HookError::Cancelled(crate::context::Cancelled(Why::User)),
    ];
    let hooks = [true, false]
        .into_iter()
        .flat_map(|before| hooks.iter().map(move |error| explain_hook(error, before)));
    let settings = settings.iter().map(explain_settings);
    let others = folders.iter().map(explain_folder).chain(places.iter().map(explain_plan_place));
    let others = others.chain(keyring.iter().map(explain_keyring)).chain(ledger.iter().map(explain_ledger));
    settings.chain(others).chain(hooks).collect()
}

fn all() -> Vec<Explanation> {
    errors().iter().map(explain).chain(services()).collect()
}

fn problems() -> Vec<Problem> {
    let kinds = [
        ProblemKind::Unreadable,
        ProblemKind::Inaccessible,
        ProblemKind::Vanished,
        ProblemKind::Missing,
        ProblemKind::ChangedWhileReading,
        ProblemKind::Lost,
        ProblemKind::Corrupt,
        ProblemKind::NotWritten,
        ProblemKind::FolderNotWritten,
        ProblemKind::MetadataNotRestored,
        ProblemKind::Beside,
        ProblemKind::Differs,
        ProblemKind::Unprotected,
    ];
    let path = PathBuf::from("/home/ada/Pictures/1.jpg");
    kinds.map(|kind| Problem { kind, path: path.clone(), detail: "the detail".into() }).into()
}

/// Changed wording is to be read by somebody: `HINDSIGHT_BLESS=1 cargo test explain` writes the file anew.
#[test]
fn every_error_and_problem_has_the_words_that_were_agreed() {
    let mut texts = String::new();
    for Explanation { title, sentence, hint } in all() {
        texts += &format!("[{title}]\n{sentence}\n{}\n\n", hint.unwrap_or_default());
    }
    for problem in problems() {
        texts += &format!("{}\n", explain_problem(&problem));
    }
    if std::env::var_os("HINDSIGHT_BLESS").is_some() {
        std::fs::write(TEXTS, &texts).unwrap();
    }
    assert_eq!(texts, std::fs::read_to_string(TEXTS).unwrap());
}

#[test]
fn titles_have_no_full_stop_and_sentences_have_one() {
    for Explanation { title, sentence, hint } in all() {
        assert!(!title.ends_with('.'), "{title}");
        assert!(sentence.ends_with('.') && hint.is_none_or(|hint| hint.ends_with('.')), "{sentence}");
    }
}

#[test]
fn people_never_read_the_words_of_the_code() {
    // What is damaged names the stored thing.
    let errors = errors().into_iter().filter(|error| !matches!(error, Error::Damaged { .. }));
    for explanation in errors.map(|error| explain(&error)).chain(services()) {
        let text = format!("{explanation:?}").to_lowercase();
        for word in ["repository", "chain", "volume", "incremental", "snapshot", "signature", "passphrase"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

#[test]
fn numbers_of_system_errors_are_dropped() {
    assert_eq!(without_number("a: Denied (os error 13), b: No (os error 2)"), "a: Denied, b: No");
    assert_eq!(without_number("plain (text)"), "plain (text)");
}

#[test]
fn names_cannot_drive_the_terminal() {
    assert_eq!(shown(Path::new("a\n\x1b[2Jb")), "a\\n\\u{1b}[2Jb");
    assert_eq!(shown(Path::new("Grüße")), "Grüße");
}
