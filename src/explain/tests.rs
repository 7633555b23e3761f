//! All the words, compared with a text that people have read.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use super::*;
use crate::entry::EntryPath;

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
        Error::PathNotFound {
            path: EntryPath::parse(b"a/b").unwrap(),
            date: "Sun Sep 13 12:26:40 2020".into(),
        },
        Error::HostChanged { now: now(), before: before() },
        Error::SourceChanged { now: now(), before: before() },
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
        ErrorKind::NameTaken,
        ErrorKind::Misconfigured,
        ErrorKind::Other,
    ];
    errors.extend(kinds.map(|kind| Error::Destination(DestinationError::new(kind, place()))));
    errors.push(Error::Destination(DestinationError::from_io(place(), io::Error::from_raw_os_error(5))));
    errors.extend([Why::User, Why::OnBattery, Why::Metered, Why::Quitting].map(Error::Cancelled));
    errors
}

fn problems() -> Vec<Problem> {
    let kinds = [
        ProblemKind::Unreadable,
        ProblemKind::Vanished,
        ProblemKind::ChangedWhileReading,
        ProblemKind::Unsupported,
        ProblemKind::Lost,
        ProblemKind::Corrupt,
        ProblemKind::NotWritten,
        ProblemKind::MetadataNotRestored,
        ProblemKind::Differs,
    ];
    let path = PathBuf::from("/home/ada/Pictures/1.jpg");
    kinds.map(|kind| Problem { kind, path: path.clone(), detail: "the detail".into() }).into()
}

/// Changed wording is to be read by somebody: `HINDSIGHT_BLESS=1 cargo test explain` writes the file anew.
#[test]
fn every_error_and_problem_has_the_words_that_were_agreed() {
    let mut texts = String::new();
    for error in errors() {
        let Explanation { title, sentence, hint } = explain(&error);
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
    for error in errors() {
        let Explanation { title, sentence, hint } = explain(&error);
        assert!(!title.ends_with('.'), "{title}");
        assert!(sentence.ends_with('.') && hint.is_none_or(|hint| hint.ends_with('.')), "{sentence}");
    }
}

#[test]
fn people_never_read_the_words_of_the_code() {
    for error in errors() {
        if matches!(error, Error::Damaged { .. }) {
            continue; // names the stored thing
        }
        let text = format!("{:?}", explain(&error)).to_lowercase();
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
