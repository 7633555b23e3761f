//! Words for what goes wrong around the backups: settings, folders, drives, passwords, history.

use super::{Explanation, cause, shown};
use crate::destination::SpecError;
use crate::error::{DestinationError, ErrorKind};
use crate::hooks::HookError;
use crate::keyring::KeyringError;
use crate::ledger::LedgerError;
use crate::settings::{FolderError, PlaceError, SettingsError};

pub fn explain_settings(error: &SettingsError) -> Explanation {
    match error {
        SettingsError::Newer { path, .. } => Explanation::new(
            "Settings of a Newer Version",
            format!("A newer version of Hindsight wrote the settings in {}.", shown(path)),
        )
        .hint("Install the newest version. Nothing was changed."),
        SettingsError::Damaged { path, reason } => Explanation::new(
            "Settings Not Understood",
            format!("The settings in {} cannot be understood: {reason}.", shown(path)),
        )
        .hint("Correct the file, or move it away to begin anew. Your backups are not affected."),
        SettingsError::NoHome => no_home(),
        SettingsError::Io { path, source } => Explanation::new(
            "Settings Not Usable",
            format!("The settings in {} could not be used: {}.", shown(path), cause(source)),
        )
        .hint("Check that there is space and that you may write there."),
    }
}

pub fn explain_folder(error: &FolderError) -> Explanation {
    match error {
        FolderError::Lent { path } => Explanation::new(
            "Folder Not Known",
            format!(
                "{} is only lent to this program, and the desktop does not say where it really is.",
                shown(path)
            ),
        )
        .hint("Allow Hindsight to see your files, or choose a folder inside your home folder."),
        FolderError::NotFolder { path } => {
            Explanation::new("Not a Folder", format!("{} is not a folder.", shown(path)))
                .hint("Choose a folder.")
        }
        FolderError::Io { path, source } => Explanation::new(
            "Folder Not Usable",
            format!("{} cannot be looked at: {}.", shown(path), cause(source)),
        )
        .hint("Check that it exists and that you may read it."),
    }
}

pub fn explain_plan_place(error: &PlaceError) -> Explanation {
    match error {
        PlaceError::NotConnected { label } => {
            Explanation::new("Drive Not Connected", format!("The drive {label} is not connected."))
                .hint("Connect and unlock it, then try again.")
        }
        PlaceError::OutsideDrive { label } => Explanation::new(
            "Place Not Usable",
            format!("The folder for backups on the drive {label} leads out of the drive."),
        )
        .hint("Choose the place anew."),
        PlaceError::Relative => Explanation::new(
            "Address Not Complete",
            "The address does not begin at the root of the computer.",
        )
        .hint("Write it in full, as in file:///media/disk/backups."),
        PlaceError::Password => Explanation::new(
            "Password in the Address",
            "The address holds a password, which would be kept where others can read it.",
        )
        .hint("Leave it out. Servers let you in by a key of ssh."),
        PlaceError::Address(SpecError::NotUrl) => {
            Explanation::new("Not an Address", "This is not an address of a place.")
                .hint("Write it as in file:///media/disk/backups.")
        }
        PlaceError::Address(SpecError::UnsupportedScheme { scheme }) => Explanation::new(
            "Kind of Place Not Supported",
            format!("Places of the kind {scheme}:// are not supported yet."),
        )
        .hint("Choose a folder, a drive, or a server by ssh."),
        PlaceError::Address(SpecError::NoHost) => {
            Explanation::new("Address Not Complete", "The address names no server, or a port that cannot be.")
                .hint("Write it as in sftp://user@server/folder.")
        }
        PlaceError::Address(SpecError::NotText) => {
            Explanation::new("Address Not Usable", "The address of a server's folder has to be text.")
                .hint("Write it as in sftp://user@server/folder.")
        }
        PlaceError::Address(SpecError::NoPath) => {
            Explanation::new("Address Not Complete", "The address names no folder.")
                .hint("Write it in full, as in file:///media/disk/backups.")
        }
    }
}

/// Why a server cannot be used, or does not let us in.
pub(super) fn explain_sign_in(error: &DestinationError) -> Explanation {
    let path = &error.path;
    let cause = error.source.as_ref().map_or_else(|| "no reason was given".into(), ToString::to_string);
    match error.kind {
        ErrorKind::HostKeyUnknown => {
            Explanation::new("Unknown Server", format!("The server of {path} is not known yet. Its key is {cause}."))
                .hint(
                    "Compare the key with what the server's administrator says. To accept it, connect by ssh once, \
                     or give --ssh-options=-oStrictHostKeyChecking=accept-new.",
                )
        }
        ErrorKind::HostKeyChanged => Explanation::new(
            "Another Server",
            format!("The server of {path} is not the one that was known. Its key is {cause} now."),
        )
        .hint(
            "Somebody may be pretending to be the server. If it was set up anew, remove its old key by ssh-keygen -R.",
        ),
        ErrorKind::PasswordNeeded => {
            Explanation::new("Password Needed", format!("{path} cannot be opened without a password: {cause}."))
                .hint("Type the password of the account, or of the private key.")
        }
        _ => Explanation::new("Sign-In Refused", format!("{path} lets nobody in: {cause}."))
            .hint("Check the user's name, the password and the keys."),
    }
}

pub fn explain_keyring(error: &KeyringError) -> Explanation {
    match error {
        KeyringError::Unavailable(_) => Explanation::new(
            "No Keyring",
            "There is no keyring in this session that could remember passwords.",
        )
        .hint("The password is remembered until you quit. Keep it in a safe place."),
        KeyringError::Dismissed => Explanation::new("Keyring Locked", "The keyring was not unlocked.")
            .hint("Unlock it to have the password remembered."),
        KeyringError::Other(reason) => {
            Explanation::new("Trouble With the Keyring", format!("The keyring did not work: {reason}."))
                .hint("The password is remembered until you quit. Keep it in a safe place.")
        }
    }
}

pub fn explain_ledger(error: &LedgerError) -> Explanation {
    match error {
        LedgerError::AlreadyRunning => {
            Explanation::new("Backup Going On", "This is being backed up already.")
                .hint("Wait until it has finished.")
        }
        LedgerError::NoHome => no_home(),
        LedgerError::Sqlite(error) => Explanation::new(
            "Trouble With the History",
            format!("What became of earlier backups could not be looked up or noted: {error}."),
        )
        .hint("Check that there is space in your home folder. Your backups are not affected."),
        LedgerError::Io { path, source } => Explanation::new(
            "Trouble With the History",
            format!("{} could not be used: {}.", shown(path), cause(source)),
        )
        .hint("Check that you may write there. Your backups are not affected."),
    }
}

/// `before`: of the command before a run, not of the one after it.
pub fn explain_hook(error: &HookError, before: bool) -> Explanation {
    let hint = "Look at what it printed, or correct it in the settings of the plan.";
    let title = if before { "Command Before the Backup Failed" } else { "Command After the Backup Failed" };
    let which = if before { "The command before the backup" } else { "The command after the backup" };
    let sentence = match error {
        HookError::Start(error) => format!("{which} could not be started: {}.", cause(error)),
        HookError::Failed(code) => format!("{which} ended with the code {code}."),
        HookError::Killed(signal) => format!("{which} was ended by signal {signal}."),
        HookError::TooLong(seconds) => format!("{which} did not end within {seconds} seconds."),
        HookError::Cancelled(_) => format!("{which} was stopped."),
    };
    Explanation::new(title, sentence).hint(hint)
}

fn no_home() -> Explanation {
    Explanation::new("Home Folder Not Known", "It is not known which folder is your home folder.")
        .hint("Set the variable HOME.")
}
