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
        run(async { Ok(find(&open().await?, &attributes(plan)).await?.pop()) })
    }

    fn remember(&self, plan: &str, label: &str, passphrase: &Passphrase) -> Result<(), KeyringError> {
        run(async { keep(&open().await?, label, &attributes(plan), passphrase).await })
    }

    fn older(&self, plan: &str) -> Result<Vec<Passphrase>, KeyringError> {
        run(async { find(&open().await?, &set_aside(plan)).await })
    }

    fn set_aside(
        &self,
        plan: &str,
        label: &str,
        passphrase: &Passphrase,
        until: i64,
    ) -> Result<(), KeyringError> {
        let until = until.to_string();
        let mut attributes = set_aside(plan);
        attributes.insert("until", &until);
        run(async { keep(&open().await?, label, &attributes, passphrase).await })
    }

    fn forget(&self, plan: &str) -> Result<(), KeyringError> {
        run(async { open().await?.delete(&attributes(plan)).await })
    }

    fn forget_all(&self, plan: &str) -> Result<(), KeyringError> {
        self.forget(plan)?;
        run(async { open().await?.delete(&set_aside(plan)).await })
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

async fn find(keyring: &Keyring, attributes: &Attributes<'_>) -> oo7::Result<Vec<Passphrase>> {
    let mut found = Vec::new();
    for item in keyring.search_items(attributes).await? {
        found.push(Passphrase::new(item.secret().await?.as_bytes()));
    }
    Ok(found)
}

async fn keep(
    keyring: &Keyring,
    label: &str,
    attributes: &Attributes<'_>,
    passphrase: &Passphrase,
) -> oo7::Result<()> {
    // As text where it is one, so that people can read it in their keyring.
    let secret = match std::str::from_utf8(passphrase.expose()) {
        Ok(text) => Secret::text(text),
        Err(_) => Secret::blob(passphrase.expose()),
    };
    keyring.create_item(label, attributes, secret, true).await
}

type Attributes<'a> = HashMap<&'a str, &'a str>;

fn attributes(plan: &str) -> Attributes<'_> {
    HashMap::from([(XDG_SCHEMA_ATTRIBUTE, SCHEMA), ("application", SCHEMA), ("plan", plan)])
}

/// Of what was set aside: a search for today's password must not find it.
fn set_aside(plan: &str) -> Attributes<'_> {
    HashMap::from([(XDG_SCHEMA_ATTRIBUTE, SCHEMA), ("application", SCHEMA), ("earlier-of", plan)])
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
    use std::sync::Arc;

    use tokio::sync::RwLock;

    use super::*;

    #[test]
    fn a_keyring_in_a_file_remembers_any_password_by_plan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("default.keyring");
        let keyring = async || -> oo7::Result<Keyring> {
            let file = oo7::file::UnlockedKeyring::load(&path, Secret::blob([7; 64])).await?;
            Ok(Keyring::File(Arc::new(RwLock::new(Some(oo7::file::Keyring::Unlocked(file))))))
        };
        let odd = Passphrase::new(*b"\xff odd");
        run(async {
            let keyring = keyring().await?;
            keep(&keyring, "First", &attributes("a"), &Passphrase::new("old")).await?;
            keep(&keyring, "First", &attributes("a"), &Passphrase::new("päss wörd")).await?;
            for until in ["7", "8"] {
                let attributes = set_aside("a").into_iter().chain([("until", until)]).collect();
                keep(&keyring, "Until then", &attributes, &Passphrase::new("old")).await?;
            }
            keep(&keyring, "Second", &attributes("b"), &odd).await
        })
        .unwrap();
        let (first, second, none, older) = run(async {
            let keyring = keyring().await?;
            let first = find(&keyring, &attributes("a")).await?;
            keyring.delete(&attributes("a")).await?;
            let (second, none) =
                (find(&keyring, &attributes("b")).await?, find(&keyring, &attributes("a")).await?);
            Ok((first, second, none, find(&keyring, &set_aside("a")).await?))
        })
        .unwrap();
        assert_eq!((first, second), (vec![Passphrase::new("päss wörd")], vec![odd]));
        assert_eq!((none, older), (Vec::new(), vec![Passphrase::new("old"); 2]));
        let stored = std::fs::read(&path).unwrap();
        assert!(!stored.windows(4).any(|bytes| bytes == b"odd\0" || bytes == b" odd"));
    }
}
