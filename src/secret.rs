//! Passphrases: zeroed when dropped, masked in Debug, never turned into a `String`, and in no core dump.

mod strength;

use std::fmt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use zeroize::Zeroizing;

pub use strength::{Strength, strength};

/// Where the environment may hold passwords.
const VARIABLES: [&str; 4] = ["PASSPHRASE", "SIGN_PASSPHRASE", "BACKEND_PASSWORD", "FTP_PASSWORD"];

/// A program that has no need of our passwords does not inherit them.
pub fn keep_from(command: &mut Command) {
    for variable in VARIABLES {
        command.env_remove(variable);
    }
}

/// What a person types to open a backup. Raw bytes as typed (usually UTF-8), without a trailing newline.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes themselves. Callers hand them to key derivation and to nothing else.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of what is no text nobody guesses words.
    pub fn strength(&self) -> Strength {
        std::str::from_utf8(&self.0).map_or(Strength::Fair, strength)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(***)")
    }
}

/// If this program crashes, the system keeps no copy of its memory. For the beginning of a program; the programs that
/// it starts inherit it.
///
/// One octet, not none: a handler that the system pipes core dumps to gets them whatever the limit is, but for this
/// one (fs/coredump.c of Linux). A program that is not dumpable at all would be worse off: portals could not see who
/// asks.
pub fn keep_out_of_core_dumps() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    let current = Some(maximum.map_or(1, |maximum| maximum.min(1)));
    // Nothing can be done where even that is not allowed.
    let _ = setrlimit(Resource::Core, Rlimit { current, maximum });
}

/// Those of one plan.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Passphrases {
    /// What is written is protected by it.
    pub today: Option<Passphrase>,
    /// Of earlier backups.
    pub older: Vec<Passphrase>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_core_dump_is_made_of_this_program() {
        keep_out_of_core_dumps();
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        let soft: u64 = core.split_whitespace().nth(4).unwrap().parse().unwrap();
        assert!(soft <= 1, "{core}");
    }

    #[test]
    fn debug_output_never_shows_the_passphrase() {
        let shown = format!("{:?}", Passphrase::new("correct horse"));
        assert_eq!(shown, "Passphrase(***)");
    }
}
