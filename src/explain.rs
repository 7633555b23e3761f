//! Errors and problems in the words of people: what happened, and what to do next.
//!
//! Every match is exhaustive: a new kind of error does not compile without its sentence. Whole sentences only,
//! never glued from fragments, so that they can be translated.

mod keys;
mod services;
#[cfg(test)]
mod tests;

pub use services::{
    explain_folder, explain_hook, explain_keyring, explain_ledger, explain_plan_place, explain_settings,
};

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::context::{Problem, ProblemKind, Why};
use crate::error::{DestinationError, Error, ErrorKind, SelectionError, Shrunk, TargetError, WalkError};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// A noun phrase without a full stop, capitalised as headings are.
    pub title: String,
    /// What happened, naming the thing.
    pub sentence: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Explanation {
    fn new(title: &str, sentence: impl Into<String>) -> Self {
        Self { title: title.into(), sentence: sentence.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

pub fn explain(error: &Error) -> Explanation {
    match error {
        Error::PassphraseNeeded => Explanation::new(
            "Password Needed",
            "These backups are protected by a password, and none was given.",
        )
        .hint("Type the password that was chosen when they were made."),
        Error::PassphraseWrong => {
            Explanation::new("Wrong Password", "The password does not open these backups.")
                .hint("Check the spelling, upper and lower case and the keyboard layout.")
        }
        Error::Key(error) => keys::explain_key(error),
        Error::NotSigned { what, by } => Explanation::new(
            "Not Signed",
            format!("{what} was not signed by {by}. It may have been put there by somebody else."),
        )
        .hint("Nothing of it was used. Check that this is the key that signed the backups."),
        Error::Destination(error) => explain_place(error),
        Error::Source(error) => explain_source(error),
        Error::Selection(error) => explain_selection(error),
        Error::NoBackups { place } => {
            Explanation::new("No Backups", format!("There are no backups in {place}."))
                .hint("Check that this is the place where the backups were made.")
        }
        Error::NothingToContinue => Explanation::new(
            "Nothing to Continue",
            "There is no earlier backup at this place that could be continued.",
        )
        .hint("Make a full backup."),
        Error::NoSuchSet { number } => Explanation::new(
            "No Such Backup",
            format!("There is no backup {number} among the newest full backup and those that continue it."),
        )
        .hint("The newest one is 0."),
        Error::PathNotFound { path, date } => {
            Explanation::new("Not in the Backup", format!("The backup of {date} does not hold {path}."))
                .hint("Check the spelling, or choose another date.")
        }
        Error::NothingSelected { date } => {
            Explanation::new("Nothing Selected", format!("The rules select nothing in the backup of {date}."))
                .hint("Change the patterns, or choose another date.")
        }
        Error::HostChanged { now, before } => Explanation::new(
            "Backups of Another Computer",
            format!("The backups at this place are of the computer {before}, and this one is {now}."),
        )
        .hint("Choose another place, or confirm that this computer continues those backups."),
        Error::SourceChanged { now, before } => Explanation::new(
            "Backups of Another Folder",
            format!("The backups at this place are of the folder {before}, not of {now}."),
        )
        .hint("Choose another place, or confirm that this folder continues those backups."),
        Error::PlaceChanged { place } => Explanation::new(
            "Not the Place of These Backups",
            format!("{place} is there, but it is not the place where this plan keeps its backups."),
        )
        .hint("Connect the drive that was used before, or choose this place anew in the preferences."),
        Error::SourceShrunk { folder, before, now, reason } => explain_shrunk(folder, *before, *now, *reason),
        Error::Target(error) => explain_target(error),
        Error::Damaged { what } => {
            Explanation::new("Damaged Backup", format!("Something stored at the place is damaged: {what}."))
                .hint("Try an earlier date, and make a full backup soon.")
        }
        Error::TooNew { what } => Explanation::new(
            "Backup Not Understood",
            format!("The backups hold something that this version does not know: {what}."),
        )
        .hint("Install the newest version and try again."),
        Error::Busy { what } => Explanation::new(
            "Place in Use",
            format!("Another backup or restore is using this place: {what}."),
        )
        .hint("Wait until it has finished, then try again."),
        Error::Local { path, source } => {
            let (path, cause) = (shown(path), cause(source));
            Explanation::new(
                "Trouble With Temporary Files",
                format!("Files needed for the work could not be used in {path}: {cause}."),
            )
            .hint("Check that there is space and that you may write there.")
        }
        Error::Cancelled(why) => explain_stop(*why),
        Error::Internal(detail) => {
            Explanation::new("Unexpected Error", format!("Something went wrong that never should: {detail}."))
                .hint("Please report this. Your earlier backups are not affected.")
        }
    }
}

fn explain_place(error: &DestinationError) -> Explanation {
    let path = &error.path;
    match error.kind {
        ErrorKind::NotFound => Explanation::new(
            "Place Not Found",
            format!("Could not find {path}: it does not exist or is not connected."),
        )
        .hint("Check the address, and connect the drive if it is on one."),
        ErrorKind::Denied => Explanation::new("Access Denied", format!("Access to {path} was denied."))
            .hint("Check that you may read and write there."),
        ErrorKind::NoSpace => {
            Explanation::new("Place Full", format!("The place is full: there is no space left at {path}."))
                .hint(
                    "Free some space or choose another place, then try again. Nothing saved so far is lost.",
                )
        }
        ErrorKind::ReadOnly => {
            Explanation::new("Place Read-Only", format!("Nothing can be written to {path}, it is read-only."))
                .hint("Check the drive's write protection, or choose another place.")
        }
        ErrorKind::Offline => {
            let sentence = match &error.source {
                Some(source) => {
                    format!("There is no connection to {path}: {}.", without_number(&source.to_string()))
                }
                None => format!("There is no connection to {path}."),
            };
            Explanation::new("Place Not Reachable", sentence).hint("Check the connection, then try again.")
        }
        ErrorKind::Incomplete => {
            Explanation::new("Not Stored Completely", format!("Less is stored than was written at {path}."))
                .hint("Try again. If it fails once more, check the drive.")
        }
        ErrorKind::HostKeyUnknown
        | ErrorKind::HostKeyChanged
        | ErrorKind::PasswordNeeded
        | ErrorKind::SignInRefused => services::explain_sign_in(error),
        ErrorKind::NameTaken => Explanation::new(
            "Place Changed Meanwhile",
            format!("Somebody else wrote {path} while the backup was being written."),
        )
        .hint("Check whether another computer uses this place, then try again."),
        ErrorKind::Misconfigured => {
            let sentence = match &error.source {
                Some(source) => format!("No backups can be kept in {path}: {source}."),
                None => format!("No backups can be kept in {path}."),
            };
            Explanation::new("Place Not Usable", sentence).hint("Choose a folder as the place.")
        }
        ErrorKind::Other => match &error.source {
            Some(source) => {
                let cause = without_number(&source.to_string());
                Explanation::new("Trouble With the Place", format!("Something failed at {path}: {cause}."))
            }
            None => Explanation::new("Trouble With the Place", format!("Something failed at {path}.")),
        }
        .hint("Try again. If it fails once more, check the drive."),
    }
}

fn explain_source(error: &WalkError) -> Explanation {
    match error {
        WalkError::Missing(path) => {
            let path = shown(path);
            Explanation::new("Folder Not Found", format!("{path}, which is to be backed up, does not exist."))
                .hint("Check the spelling, and connect the drive if it is on one.")
        }
        WalkError::Unreadable { path, error } => {
            let (path, cause) = (shown(path), cause(error));
            Explanation::new("Folder Not Readable", format!("{path} cannot be read: {cause}."))
                .hint("Check that you may read it.")
        }
        WalkError::Unsupported(path) => {
            let path = shown(path);
            Explanation::new("Nothing to Back Up", format!("{path} is neither a folder nor a file."))
                .hint("Choose a folder.")
        }
    }
}

fn explain_shrunk(folder: &Path, before: u64, now: u64, reason: Shrunk) -> Explanation {
    let (folder, before) = (shown(folder), files(before));
    let sentence = match reason {
        Shrunk::Missing => format!("{folder} is gone. The last backup holds {before} of it."),
        Shrunk::Empty => format!("{folder} is empty. The last backup holds {before} of it."),
        Shrunk::OtherDevice => {
            format!("The drive of {folder} is not connected. The last backup holds {before} of it.")
        }
        Shrunk::MostGone => {
            format!("{folder} held {before} at the last backup, and holds only {now} now.")
        }
    };
    Explanation::new("Files Have Disappeared", sentence).hint(
        "Nothing was backed up. Bring the files back or connect the drive, or confirm that they were meant to go.",
    )
}

/// With their number.
fn files(count: u64) -> String {
    if count == 1 { "1 file".into() } else { format!("{count} files") }
}

fn explain_selection(error: &SelectionError) -> Explanation {
    let shown_pattern = |pattern: &OsString| shown(Path::new(pattern));
    let sentence = match error {
        SelectionError::OutsideSource { pattern, root } => {
            format!("The pattern {} can match nothing in {}.", shown_pattern(pattern), shown(root))
        }
        SelectionError::InvalidPattern { pattern, reason } => {
            format!("The pattern {} is not valid: {reason}.", shown_pattern(pattern))
        }
        SelectionError::RedundantInclude { pattern } => {
            format!("The pattern {} changes nothing as the last of all.", shown_pattern(pattern))
        }
        SelectionError::OutsideBackup { pattern } => {
            let pattern = shown_pattern(pattern);
            format!("The pattern {pattern} can match nothing: paths in a backup are relative, without dots.")
        }
        SelectionError::InvalidRegexp { pattern, reason } => {
            format!("The regular expression {} cannot be used: {reason}.", shown_pattern(pattern))
        }
        SelectionError::RedundantFilter => {
            "The filter options choose only what is the default anyway.".into()
        }
        SelectionError::TrailingFilter => {
            "The last selection option is a filter, which changes nothing.".into()
        }
        SelectionError::UnreadableList { path, reason } => {
            format!("The list {} cannot be read: {}.", shown(path), without_number(reason))
        }
        SelectionError::ListedOutside { path, entry } => {
            let (entry, path) = (shown_pattern(entry), shown(path));
            format!("{entry} in the list {path} is not relative to the source folder, or leaves it.")
        }
        SelectionError::EmptyList { path } => format!("The list {} names no files.", shown(path)),
    };
    Explanation::new(title_of_selection(error), sentence).hint("Correct it, or remove it.")
}

fn title_of_selection(error: &SelectionError) -> &'static str {
    match error {
        SelectionError::OutsideSource { .. }
        | SelectionError::OutsideBackup { .. }
        | SelectionError::InvalidPattern { .. }
        | SelectionError::InvalidRegexp { .. }
        | SelectionError::RedundantInclude { .. } => "Pattern Not Usable",
        SelectionError::RedundantFilter | SelectionError::TrailingFilter => "Filter Without Effect",
        SelectionError::UnreadableList { .. }
        | SelectionError::ListedOutside { .. }
        | SelectionError::EmptyList { .. } => "List Not Usable",
    }
}

fn explain_target(error: &TargetError) -> Explanation {
    match error {
        TargetError::NotEmpty(path) => {
            let path = shown(path);
            Explanation::new(
                "Folder Not Empty",
                format!("{path} is not empty, and nothing in it was touched."),
            )
            .hint("Restore to a new folder.")
        }
        TargetError::Exists(path) => {
            let path = shown(path);
            Explanation::new("File Exists", format!("{path} exists already and was not touched."))
                .hint("Restore under another name.")
        }
        TargetError::NoParent(path) => {
            let path = shown(path);
            Explanation::new(
                "Folder Missing",
                format!("The folder in which {path} belongs could not be made."),
            )
            .hint("Check that you may write there.")
        }
        TargetError::Io { path, source } => {
            let (path, cause) = (shown(path), cause(source));
            Explanation::new("Cannot Write", format!("{path} could not be written: {cause}."))
                .hint("Check that there is space and that you may write there.")
        }
    }
}

fn explain_stop(why: Why) -> Explanation {
    let sentence = match why {
        Why::User => "Stopped as you asked.",
        Why::OnBattery => "Stopped, since the computer runs on battery.",
        Why::Metered => "Stopped, since the network connection is metered.",
        Why::Quitting => "Stopped, since the session is ending.",
    };
    Explanation::new("Stopped", sentence)
}

/// One sentence about one file.
pub fn explain_problem(problem: &Problem) -> String {
    let (path, detail) = (shown(&problem.path), without_number(&problem.detail));
    match problem.kind {
        ProblemKind::Unreadable | ProblemKind::Inaccessible => {
            format!("{path} could not be read ({detail}). What was saved of it earlier stays in the backup.")
        }
        ProblemKind::Vanished => format!("{path} disappeared before it could be saved."),
        ProblemKind::Missing => format!("{path} does not exist. Nothing of it has been saved."),
        ProblemKind::ChangedWhileReading => {
            format!("{path} changed while it was being saved. The next backup looks at it again.")
        }
        ProblemKind::Lost => format!("{path} could not be brought back ({detail})."),
        ProblemKind::Corrupt => format!("{path} could not be brought back: {detail}."),
        ProblemKind::NotWritten => format!("{path} could not be written ({detail})."),
        ProblemKind::FolderNotWritten => {
            format!("{path} was not written, as {detail} could not be.")
        }
        ProblemKind::MetadataNotRestored => {
            format!("{path} is back, but not everything about it is as it was ({detail}).")
        }
        ProblemKind::Beside => {
            format!("{path} is something else now and stays. What was saved is beside it as {detail}.")
        }
        ProblemKind::Differs => format!("{path} differs from the backup: {detail}."),
        ProblemKind::Unprotected => format!(
            "Backups in {path} are encrypted in an old way that does not show whether somebody has altered them."
        ),
    }
}

/// A path for one line of text: control characters, which could drive a terminal, are escaped.
pub fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if !text.chars().any(char::is_control) {
        return text.into_owned();
    }
    let mut line = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if character.is_control() { line.extend(character.escape_default()) } else { line.push(character) }
    }
    line
}

/// The system's own words.
fn cause(error: &io::Error) -> String {
    without_number(&error.to_string())
}

/// Drops the error numbers that Rust adds.
fn without_number(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut kept = parts.next().unwrap_or_default().to_string();
    for part in parts {
        kept += part.split_once(')').map_or("", |(_, rest)| rest);
    }
    kept
}
