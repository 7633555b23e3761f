//! Keys of GnuPG that cannot be used.

use super::Explanation;
use crate::error::KeyError;

pub(super) fn explain_key(error: &KeyError) -> Explanation {
    match error {
        KeyError::NotFound { id } => {
            Explanation::new("Key Not Found", format!("GnuPG knows no key called {id}."))
                .hint("Check the spelling, or import the key.")
        }
        KeyError::Revoked { id } => Explanation::new(
            "Key Revoked",
            format!("The key {id} was revoked, and must not be used any more."),
        )
        .hint("Choose another key."),
        KeyError::Expired { id } => Explanation::new("Key Expired", format!("The key {id} has expired."))
            .hint("Extend it with GnuPG, or choose another key."),
        KeyError::Unsuitable { id } => Explanation::new(
            "Key Not Suitable",
            format!("The key {id} was not made for this, or is of a kind that is not supported."),
        )
        .hint("Choose another key."),
        KeyError::NoSecretKey { ids } if ids.is_empty() => {
            Explanation::new("Secret Key Missing", "No secret key on this computer opens these backups.")
                .hint("Import the secret key, or connect the card that it is on.")
        }
        KeyError::NoSecretKey { ids } => {
            let ids = ids.join(", ");
            Explanation::new(
                "Secret Key Missing",
                format!("There is no secret key of {ids} on this computer."),
            )
            .hint("Import the secret key, or connect the card that it is on.")
        }
        KeyError::Locked { name } => Explanation::new(
            "Key Locked",
            format!("The secret key of {name} is locked, and nobody could be asked for its password."),
        )
        .hint("Unlock it in the GnuPG agent, then try again."),
        KeyError::PassphraseWrong { name } => Explanation::new(
            "Wrong Password of a Key",
            format!("The password does not unlock the secret key of {name}."),
        )
        .hint("Check the spelling, upper and lower case and the keyboard layout."),
        KeyError::NoAgent { why } => Explanation::new(
            "No Answer From GnuPG",
            format!("The GnuPG agent, which keeps the secret keys, cannot be reached: {why}."),
        )
        .hint("Check that GnuPG is installed, and that gpg can be used."),
        KeyError::File { path, why } => {
            Explanation::new("Key File Not Usable", format!("The keys in {path} cannot be used: {why}."))
                .hint("Check that this is the file that GnuPG exported the secret key to.")
        }
        KeyError::NoGpg { program, why } => {
            Explanation::new("GnuPG Missing", format!("{program} cannot be run: {why}."))
                .hint("Install GnuPG, or say where it is.")
        }
        KeyError::Failed { what } => {
            Explanation::new("Trouble With GnuPG", format!("GnuPG could not do its part: {what}."))
                .hint("Check that gpg can be used with this key.")
        }
    }
}
