#![allow(clippy::unwrap_used)]

use super::*;
use crate::cli::usage::UsageError;
use crate::context::{Change, Problem, ProblemKind, Progress};
use crate::engine::JobKind;
use crate::entry::EntryPath;
use crate::error::{DestinationError, Error, ErrorKind};

/// What a log of this verbosity holds after `write`.
fn logged(verbosity: u8, write: impl FnOnce(&Log)) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut log = Log::new(verbosity);
    log.add_file(file.path()).unwrap();
    write(&log);
    std::fs::read_to_string(file.path()).unwrap()
}

#[test]
fn a_stanza_has_a_head_lines_for_people_and_an_empty_line() {
    let text = logged(9, |log| log.write(Keyword::Info, "4 'a'", "A a\nand more"));
    assert_eq!(text, "INFO 4 'a'\n. A a\n. and more\n\n");
    assert_eq!(logged(9, |log| log.write(Keyword::Info, "2 5 7", "")), "INFO 2 5 7\n\n");
}

#[test]
fn verbosity_decides_what_is_written() {
    let all = |log: &Log| {
        for keyword in [Keyword::Debug, Keyword::Info, Keyword::Notice, Keyword::Warning, Keyword::Error] {
            log.say(keyword, "x");
        }
    };
    for (verbosity, count) in [(9, 5), (8, 4), (5, 4), (4, 3), (3, 3), (2, 2), (1, 1), (0, 1)] {
        assert_eq!(logged(verbosity, all).matches("\n\n").count(), count, "{verbosity}");
    }
    assert!(logged(0, |log| log.write_always(Keyword::Info, "10", "x")).starts_with("INFO 10\n"));
}

#[test]
fn a_log_that_was_not_opened_takes_nothing() {
    let log = Log::new(9);
    log.say(Keyword::Error, "x");
    assert!(!log.takes(Keyword::Error) && !log.is_open());
}

#[test]
fn problems_have_the_codes_of_what_went_wrong_with_a_file() {
    for (kind, expected) in [
        (ProblemKind::Inaccessible, r"WARNING 9 '/s/it\x27s'"),
        (ProblemKind::Unreadable, r"WARNING 10 '/s/it\x27s'"),
        (ProblemKind::Lost, r"WARNING 12 'it\x27s'"),
        (ProblemKind::MetadataNotRestored, r"WARNING 12 'it\x27s'"),
        (ProblemKind::FolderNotWritten, r"WARNING 13 'it\x27s'"),
        (ProblemKind::Differs, "NOTICE 1"),
    ] {
        let problem = Problem { kind, path: "/s/it's".into(), detail: "for a reason".into() };
        let text = logged(5, |log| JobLog::new(log.clone(), "/s".into(), None).problem(&problem));
        assert_eq!(text.lines().next(), Some(expected));
    }
}

#[test]
fn changes_are_told_with_relative_names() {
    let path = EntryPath::parse("d/\u{e9}".as_bytes()).unwrap();
    let text = logged(5, |log| {
        let job = JobLog::new(log.clone(), "/s".into(), None);
        job.changed(Change::Added, &EntryPath::root());
        job.changed(Change::Deleted, &path);
        job.changed(Change::Skipped, &path);
    });
    let skipped = "INFO 15 '/s/d/\\xe9'\n. Skipping socket /s/d/\u{e9}\n\n";
    assert_eq!(text, format!("INFO 4 '.'\n. A .\n\nINFO 6 'd/\\xe9'\n. D d/\u{e9}\n\n{skipped}"));
}

#[test]
fn progress_that_was_asked_for_has_its_numbers() {
    let progress = Progress { bytes_done: 50, bytes_total: Some(200), ..Progress::default() };
    let text = logged(3, |log| {
        JobLog::new(log.clone(), "/s".into(), Some(std::time::Duration::ZERO)).progress(&progress);
    });
    assert!(text.starts_with("NOTICE 16 50 0 25 0 ") && text.contains(" 0\n. 25% "), "{text}");
}

#[test]
fn errors_carry_what_front_ends_act_upon() {
    let head = |code, error: Error, doing| {
        let text = logged(0, |log| log.error(code, &error, doing, "Said."));
        text.lines().next().unwrap_or_default().to_owned()
    };
    let changed = Error::HostChanged { now: "a b".into(), before: "c".into() };
    assert_eq!(head(3, changed, None), "ERROR 3 'a b' 'c'");
    let full = || Error::from(DestinationError::new(ErrorKind::NoSpace, "/place"));
    assert_eq!(head(53, full(), Some(JobKind::Backup)), "ERROR 53 put '/place' '/place'");
    assert_eq!(head(53, full(), None), "ERROR 53 list '/place'");
    assert_eq!(head(30, Error::NoBackups { place: "x".into() }, None), "ERROR 30 CollectionsError");
    assert_eq!(head(30, Error::PassphraseNeeded, None), "ERROR 30 EOFError");
    assert_eq!(head(19, Error::NothingToContinue, None), "ERROR 19");
    let text = logged(0, |log| log.error(31, &Error::PassphraseWrong, None, "Said."));
    assert_eq!(text, "ERROR 31 GPGError\n. Said.\n. gpg: decryption failed: Bad session key\n\n");
}

#[test]
fn command_lines_that_cannot_be_followed_are_told_as_duplicity_does() {
    let text = logged(0, |log| log.refused(23, &UsageError::Direction));
    assert!(text.starts_with("ERROR 23 CommandLineError\n. CommandLineError: One of the two "), "{text}");
}
