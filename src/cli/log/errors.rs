//! Why nothing came of a run.

use std::fmt::Display;

use super::{Keyword, Log, quoted};
use crate::cli::usage::UsageError;
use crate::destination::SpecError;
use crate::engine::JobKind;
use crate::error::{DestinationError, Error, KeyError};

impl Log {
    /// `said`: what people are told. `doing`: what the run was about, if it came so far.
    pub(in crate::cli) fn error(&self, code: u8, error: &Error, doing: Option<JobKind>, said: &str) {
        let arguments = arguments(error, code, doing);
        match gpg_would_say(error) {
            Some(more) => self.write(Keyword::Error, head(code, arguments), format!("{said}\n{more}")),
            None => self.write(Keyword::Error, head(code, arguments), said),
        }
    }

    /// Nothing was done, as the command line or the settings do not allow it.
    pub(in crate::cli) fn refused(&self, code: u8, error: &UsageError) {
        let name = match error {
            UsageError::Place(SpecError::UnsupportedScheme { .. }) => "UnsupportedBackendScheme",
            _ => "CommandLineError",
        };
        match code {
            23 => self.write(Keyword::Error, head(code, name), format!("{name}: {error}")),
            _ => self.write(Keyword::Error, head(code, ""), error),
        }
    }

    pub(in crate::cli) fn failed(&self, code: u8, said: &str) {
        self.write(Keyword::Error, head(code, ""), said);
    }
}

fn head(code: u8, arguments: impl Display) -> String {
    format!("{code} {arguments}").trim_end().into()
}

/// What front ends look for.
fn arguments(error: &Error, code: u8, doing: Option<JobKind>) -> String {
    match error {
        Error::HostChanged { now, before } | Error::SourceChanged { now, before } => {
            format!("{} {}", quoted(now.as_bytes()), quoted(before.as_bytes()))
        }
        Error::Destination(error) => at_place(error, doing),
        _ if code == 23 && matches!(error, Error::Source(_)) => "CommandLineError".into(),
        _ if code == 30 => exception(error).into(),
        _ if code == 31 => "GPGError".into(),
        _ => String::new(),
    }
}

/// What was being done, the local file and the stored one; we know only where it happened.
fn at_place(error: &DestinationError, doing: Option<JobKind>) -> String {
    let path = quoted(error.path.as_bytes());
    match doing {
        Some(JobKind::Backup | JobKind::Replicate) => format!("put {path} {path}"),
        Some(JobKind::Restore | JobKind::Verify) => format!("get {path} {path}"),
        Some(JobKind::Erase | JobKind::Remove | JobKind::CleanUp) => format!("delete {path}"),
        Some(JobKind::List | JobKind::Search | JobKind::Status) | None => format!("list {path}"),
    }
}

/// The exception that duplicity ends by.
fn exception(error: &Error) -> &'static str {
    match error {
        Error::PassphraseNeeded => "EOFError",
        Error::NoBackups { .. } => "CollectionsError",
        Error::Local { .. } | Error::Target(_) => "IOError",
        _ => "RuntimeError",
    }
}

/// Words by which front ends know that another passphrase may help.
fn gpg_would_say(error: &Error) -> Option<&'static str> {
    match error {
        Error::PassphraseWrong | Error::Key(KeyError::PassphraseWrong { .. }) => {
            Some("gpg: decryption failed: Bad session key")
        }
        Error::PassphraseNeeded | Error::Key(KeyError::NoSecretKey { .. } | KeyError::Locked { .. }) => {
            Some("gpg: decryption failed: No secret key")
        }
        _ => None,
    }
}
