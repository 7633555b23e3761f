//! Exit codes: duplicity's numbers, which scripts and front ends know.

use super::usage::UsageError;
use crate::engine::Report;
use crate::error::{Error, ErrorKind, SelectionError, TargetError, WalkError};
use crate::settings::{PlaceError, SettingsError};
use crate::tree::glob::GlobError;

pub(super) const DIFFERENCES: u8 = 1;
pub(super) const INTERRUPTED: u8 = 4;
const DAMAGED: u8 = 21;

/// A backup with unreadable files has done what it could: 0, as in duplicity. What a restore could not bring
/// back is told, unlike there.
pub(super) fn of_report(report: &Report) -> u8 {
    match report {
        Report::Restore(report) if report.lost > 0 => DAMAGED,
        Report::Restore(report) if report.not_written > 0 => DIFFERENCES,
        Report::Verify(report) if report.lost > 0 => DAMAGED,
        Report::Verify(report) if report.differences > 0 => DIFFERENCES,
        Report::Backup(_)
        | Report::Restore(_)
        | Report::Verify(_)
        | Report::List
        | Report::Search
        | Report::Status(_)
        | Report::Erase(_)
        | Report::Remove(_)
        | Report::CleanUp(_)
        | Report::Replicate(_)
        | Report::Volumes(_)
        | Report::Changes(_) => 0,
    }
}

pub(super) fn of_error(error: &Error) -> u8 {
    match error {
        // Missing and wrong alike: front ends answer both by asking for it.
        Error::PassphraseNeeded | Error::PassphraseWrong | Error::Key(_) => 31,
        Error::NotSigned { .. } => 22,
        Error::Destination(error) => of_destination(error.kind),
        Error::Source(WalkError::Missing(_) | WalkError::Unreadable { .. } | WalkError::Unsupported(_)) => 13,
        Error::Selection(error) => of_selection(error),
        Error::NoBackups { .. } | Error::NoSuchSet { .. } => 30,
        Error::NothingToContinue => 17,
        Error::PathNotFound { .. } => 19,
        Error::NothingSelected { .. } => 20,
        Error::HostChanged { .. } => 3,
        Error::PlaceChanged { .. } => 52,
        Error::SourceShrunk { .. } => 13,
        Error::SourceChanged { .. } => 42,
        Error::Target(TargetError::NotEmpty(_) | TargetError::Exists(_)) => 11,
        Error::Target(TargetError::NoParent(_) | TargetError::Io { .. }) => 30,
        Error::Damaged { .. } => DAMAGED,
        Error::TooNew { .. } => 33,
        Error::Busy { .. } => 23,
        Error::Local { .. } => 30,
        Error::Cancelled(_) => INTERRUPTED,
        Error::Internal(_) => 30,
    }
}

/// Under duplicity's name a few errors end as they do there: front ends know these numbers.
pub(super) fn of_error_of_duplicity(error: &Error) -> u8 {
    match error {
        // An exception, which front ends answer by asking for the passphrase.
        Error::PassphraseNeeded => 30,
        // Found by looking at the command line.
        Error::Source(WalkError::Missing(_)) => 23,
        _ => of_error(error),
    }
}

fn of_destination(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::NotFound => 52,
        ErrorKind::HostKeyUnknown | ErrorKind::HostKeyChanged => 38,
        ErrorKind::Denied | ErrorKind::ReadOnly | ErrorKind::PasswordNeeded | ErrorKind::SignInRefused => 51,
        ErrorKind::NoSpace => 53,
        ErrorKind::Incomplete => 56,
        ErrorKind::Offline | ErrorKind::NameTaken | ErrorKind::Misconfigured | ErrorKind::Other => 50,
    }
}

pub(super) fn of_settings(error: &SettingsError) -> u8 {
    match error {
        SettingsError::Newer { .. } => 33,
        SettingsError::Damaged { .. } | SettingsError::NoHome | SettingsError::Io { .. } => 30,
    }
}

pub(super) fn of_plan_place(error: &PlaceError) -> u8 {
    match error {
        PlaceError::NotConnected { .. } => 52,
        PlaceError::OutsideDrive { .. }
        | PlaceError::Relative
        | PlaceError::Password
        | PlaceError::Address(_) => 23,
    }
}

fn of_selection(error: &SelectionError) -> u8 {
    match error {
        SelectionError::OutsideSource { .. } | SelectionError::OutsideBackup { .. } => 14,
        // Python's own error, which nobody catches.
        SelectionError::InvalidPattern { reason: GlobError::BackwardRange, .. }
        | SelectionError::InvalidRegexp { .. } => 30,
        SelectionError::InvalidPattern { .. } => 15,
        SelectionError::RedundantInclude { .. } => 16,
        SelectionError::UnreadableList { .. } => 23,
        SelectionError::RedundantFilter => 70,
        SelectionError::TrailingFilter => 71,
        SelectionError::ListedOutside { .. } => 72,
        SelectionError::EmptyList { .. } => 73,
    }
}

pub(super) fn of_usage(error: &UsageError) -> u8 {
    match error {
        UsageError::Shown(_) => 0,
        UsageError::Selection(error) => of_selection(error),
        UsageError::Options(_)
        | UsageError::NotYet { .. }
        | UsageError::Refused { .. }
        | UsageError::Value { .. }
        | UsageError::Contradiction(..)
        | UsageError::UnknownAction(_)
        | UsageError::Words { .. }
        | UsageError::Direction
        | UsageError::Place(_)
        | UsageError::Ssh(_)
        | UsageError::Time { .. }
        | UsageError::Path { .. }
        | UsageError::Log { .. }
        | UsageError::Count { .. }
        | UsageError::NoHome
        | UsageError::SourceIsPlace
        | UsageError::NoWorkingFolder
        | UsageError::PlanSays
        | UsageError::OnlyWith(..) => 23,
    }
}
