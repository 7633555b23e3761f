//! Where the passphrase comes from: the variable `PASSPHRASE`, else somebody at the terminal. Without either
//! there is none: nothing ever waits.

use std::os::unix::ffi::OsStringExt;

use crate::secret::Passphrase;

/// As in duplicity an empty variable counts as none.
pub(super) fn from_environment() -> Option<Passphrase> {
    let value = std::env::var_os("PASSPHRASE")?;
    Some(Passphrase::new(value.into_vec())).filter(|passphrase| !passphrase.is_empty())
}

/// Asks at the controlling terminal; `None` when there is none or nothing was typed.
pub(super) fn ask() -> Option<Passphrase> {
    read("Backup passphrase: ")
}

/// Asks for what is to protect a backup, until the same is typed twice.
pub(super) fn ask_twice() -> Option<Passphrase> {
    loop {
        let first = read("Backup passphrase: ")?;
        if read("Retype passphrase to confirm: ")? == first {
            return Some(first);
        }
        super::terminal::err("The two differ. Please try again.");
    }
}

fn read(prompt: &str) -> Option<Passphrase> {
    let typed = rpassword::prompt_password(prompt).ok()?;
    Some(Passphrase::new(typed)).filter(|passphrase| !passphrase.is_empty())
}
