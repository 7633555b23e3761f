//! Where the passphrase comes from: the variable `PASSPHRASE`, else somebody at the terminal. Without either
//! there is none: nothing ever waits.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStringExt;

use crate::destination::HostKey;
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

/// Of a server: duplicity's variable of today, or its older one.
pub(super) fn of_place() -> Option<Passphrase> {
    variable("BACKEND_PASSWORD").or_else(|| variable("FTP_PASSWORD"))
}

pub(super) fn ask_for_place(place: &str) -> Option<Passphrase> {
    read(&format!("Password of {place}: "))
}

/// Whether somebody at the terminal says that this is the server.
pub(super) fn accepts(place: &str, key: &HostKey) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        write!(
            terminal,
            "The server of {place} is not known yet. Its key is {key}.\n\
             Compare it with what the server's administrator says. Is this the server (yes/no)? "
        )?;
        let mut answer = String::new();
        BufReader::new(terminal).read_line(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.trim().eq_ignore_ascii_case("yes"))
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
