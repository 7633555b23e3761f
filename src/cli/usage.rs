//! Command lines that cannot be followed, told in a sentence.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::destination::{SpecError, SshOptionError};
use crate::error::Error;
use crate::explain::{explain, shown};
use crate::tree::select::SelectionError;

#[derive(Debug, thiserror::Error)]
pub(super) enum UsageError {
    /// Asked for the help or version text: no error at all.
    #[error("{0}")]
    Shown(String),
    #[error("{0}")]
    Options(String),
    #[error("{what} is not supported yet.")]
    NotYet { what: String },
    /// duplicity takes it, and we do not.
    #[error("The option --{name} cannot be used. {why}")]
    Refused { name: &'static str, why: &'static str },
    #[error("{value:?} is no value for --{option}: it is not {expected}.")]
    Value { option: String, value: String, expected: &'static str },
    #[error("{0} and {1} contradict each other.")]
    Contradiction(&'static str, &'static str),
    #[error("There is no action {0:?}. See --help.")]
    UnknownAction(OsString),
    #[error("{action} needs {expected}. See --help.")]
    Words { action: &'static str, expected: String },
    #[error(
        "One of the two must be a place (a URL such as file:///folder) and the other a folder of this computer."
    )]
    Direction,
    /// Never shows the address: there may be a password in it.
    #[error("This place cannot be used: {0}.")]
    Place(SpecError),
    #[error("--ssh-options cannot be followed: {0}.")]
    Ssh(SshOptionError),
    #[error("{typed:?} is not a time. Write for example 2026-05-31, 2026-05-31T12:00:00Z, 3D12h or now.")]
    Time { typed: String },
    #[error("{typed:?} is not a number of full backups: write 1 or more.")]
    Count { typed: String },
    #[error("{typed:?} is not a path inside a backup.")]
    Path { typed: OsString },
    #[error("{}", selection(.0))]
    Selection(#[from] SelectionError),
    #[error("The log cannot be written to {to}: {reason}.")]
    Log { to: String, reason: std::io::Error },
    #[error("The home folder is not known. Give --archive-dir.")]
    NoHome,
    #[error("The folder to back up is the place itself.")]
    SourceIsPlace,
    #[error("The working folder is gone.")]
    NoWorkingFolder,
    #[error("The plan says what is saved, where and how. Change it in the app, or use the action backup.")]
    PlanSays,
    /// The option, and the action.
    #[error("{0} is for the action {1}.")]
    OnlyWith(&'static str, &'static str),
}

impl UsageError {
    pub(super) fn from_clap(error: clap::Error) -> Self {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => text.clone(),
            Some(ContextValue::Strings(texts)) => texts.join(", "),
            _ => String::new(),
        };
        let argument = text(ContextKind::InvalidArg);
        // Without the name of its value.
        let argument = argument.split(' ').next().unwrap_or_default();
        let sentence = match error.kind() {
            ErrorKind::UnknownArgument => format!("There is no option {argument}. See --help."),
            ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_empty() => {
                format!("The option {argument} needs a value.")
            }
            _ => {
                let rendered = error.render().to_string();
                let line = rendered.lines().next().unwrap_or_default();
                format!("{}. See --help.", line.trim_start_matches("error: "))
            }
        };
        Self::Options(sentence)
    }
}

fn selection(error: &SelectionError) -> String {
    match error {
        SelectionError::OutsideSource { pattern, root } => {
            let (pattern, root) = (pattern.to_string_lossy(), shown(root));
            format!(
                "The pattern {pattern} can match nothing in {root}. Patterns begin like the source as typed."
            )
        }
        SelectionError::InvalidPattern { pattern, reason } => {
            format!("The pattern {} is not valid: {reason}.", pattern.to_string_lossy())
        }
        SelectionError::RedundantInclude { pattern } => {
            let pattern = pattern.to_string_lossy();
            format!("The last rule includes {pattern}, which changes nothing: add an --exclude after it.")
        }
        error => explain(&Error::Selection(error.clone())).sentence,
    }
}
