//! The desktop's Secret Service; in a sandbox a file of our own, opened with the portal's secret.

use std::collections::HashMap;

use oo7::{Keyring, Secret, XDG_SCHEMA_ATTRIBUTE};

use super::{KeyringError, SecretStore};
use crate::runtime::block_on;
use crate::secret::Passphrase;

const SCHEMA: &str = "io.github.hindsight_backup.Hindsight";

#[derive(Clone, Copy, Default)]
pub struct SecretService;

impl SecretStore for SecretService {
    fn lookup(&self, plan: &str) -> Result<Option<Passphrase>, KeyringError> {
        run(async { lookup(&open().await?, plan).await })
    }

    fn remember(&self, plan: &str, label: &str, passphrase: &Passphrase) -> Result<(), KeyringError> {
        run(async { remember(&open().await?, plan, label, passphrase).await })
    }

    fn forget(&self, plan: &str) -> Result<(), KeyringError> {
        run(async { open().await?.delete(&attributes(plan)).await })
    }
}

fn run<T>(work: impl Future<Output = oo7::Result<T>>) -> Result<T, KeyringError> {
    match block_on(work) {
        Ok(done) => done.map_err(KeyringError::from),
        Err(error) => Err(KeyringError::Other(error.to_string())),
    }
}

async fn open() -> oo7::Result<Keyring> {
    let keyring = Keyring::new().await?;
    keyring.unlock().await?;
    Ok(keyring)
}

async fn lookup(keyring: &Keyring, plan: &str) -> oo7::Result<Option<Passphrase>> {
    let found = keyring.search_items(&attributes(plan)).await?;
    let Some(item) = found.first() else { return Ok(None) };
    Ok(Some(Passphrase::new(item.secret().await?.as_bytes())))
}

async fn remember(keyring: &Keyring, plan: &str, label: &str, passphrase: &Passphrase) -> oo7::Result<()> {
    // As text where it is one, so that people can read it in their keyring.
    let secret = match std::str::from_utf8(passphrase.expose()) {
        Ok(text) => Secret::text(text),
        Err(_) => Secret::blob(passphrase.expose()),
    };
    keyring.create_item(label, &attributes(plan), secret, true).await
}

fn attributes(plan: &str) -> HashMap<&str, &str> {
    HashMap::from([(XDG_SCHEMA_ATTRIBUTE, SCHEMA), ("application", SCHEMA), ("plan", plan)])
}

impl From<oo7::Error> for KeyringError {
    fn from(error: oo7::Error) -> Self {
        use oo7::dbus::{Error, ServiceError};
        match error {
            oo7::Error::DBus(Error::Dismissed) => Self::Dismissed,
            oo7::Error::DBus(
                error @ (Error::ZBus(_)
                | Error::Service(ServiceError::ZBus(_))
                | Error::IO(_)
                | Error::NotFound(_)),
            ) => Self::Unavailable(error.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_in_a_file_remembers_any_password_by_plan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("default.keyring");
        let keyring = || Keyring::sandboxed_with_path(&path, Secret::blob([7; 64]));
        let odd = Passphrase::new(*b"\xff odd");
        run(async {
            let keyring = keyring().await?;
            remember(&keyring, "a", "First", &Passphrase::new("old")).await?;
            remember(&keyring, "a", "First", &Passphrase::new("päss wörd")).await?;
            remember(&keyring, "b", "Second", &odd).await
        })
        .unwrap();
        let (first, second, none) = run(async {
            let keyring = keyring().await?;
            let first = lookup(&keyring, "a").await?;
            keyring.delete(&attributes("a")).await?;
            Ok((first, lookup(&keyring, "b").await?, lookup(&keyring, "a").await?))
        })
        .unwrap();
        assert_eq!((first, second, none), (Some(Passphrase::new("päss wörd")), Some(odd), None));
        let stored = std::fs::read(&path).unwrap();
        assert!(!stored.windows(4).any(|bytes| bytes == b"odd\0" || bytes == b" odd"));
    }
}
