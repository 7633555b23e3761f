//! Where the passphrase comes from: the variable `PASSPHRASE`, else somebody at the terminal. Without either
//! there is none: nothing ever waits.

use std::os::unix::ffi::OsStringExt;

use crate::secret::Passphrase;

pub(super) fn from_environment() -> Option<Passphrase> {
    variable("PASSPHRASE")
}

/// Those of the secret keys: the one that opens, and the one that signs. Where it is the same key, each variable
/// stands in for the other.
pub(super) fn of_secret_keys(same: bool) -> (Option<Passphrase>, Option<Passphrase>) {
    let (opening, signing) = (from_environment(), variable("SIGN_PASSPHRASE"));
    match same {
        true => (opening.clone().or(signing.clone()), signing.or(opening)),
        false => (opening, signing),
    }
}

/// As in duplicity an empty variable counts as none.
fn variable(name: &str) -> Option<Passphrase> {
    let value = std::env::var_os(name)?;
    Some(Passphrase::new(value.into_vec())).filter(|passphrase| !passphrase.is_empty())
}

/// Asks at the controlling terminal; `None` when there is none or nothing was typed.
pub(super) fn ask() -> Option<Passphrase> {
    read("Backup passphrase: ")
}

pub(super) fn ask_for_key(name: &str) -> Option<Passphrase> {
    read(&format!("GnuPG passphrase of {name}: "))
}

/// Asks for what is to protect a backup, until the same is typed twice; a weak one only where that `is_fine`.
pub(super) fn ask_twice(is_fine: bool) -> Option<Passphrase> {
    loop {
        let first = read("Backup passphrase: ")?;
        if !is_fine && first.strength().is_weak() {
            super::terminal::err(
                "This passphrase is weak. Whoever gets hold of the backups finds it by trying. Four or more words that \
                 have nothing to do with each other are better. Try again, or give --allow-weak-password.",
            );
            continue;
        }
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
