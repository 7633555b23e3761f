//! Passwords that are remembered between runs, by the id of a plan.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::secret::{Passphrase, Passphrases};

#[cfg(feature = "keyring")]
mod service;
#[cfg(feature = "keyring")]
pub use service::SecretService;

/// Nothing of the secrets in any of them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyringError {
    /// No keyring runs in this session.
    #[error("no keyring is available: {0}")]
    Unavailable(String),
    /// Somebody closed the dialog that would have unlocked it.
    #[error("the keyring stays locked")]
    Dismissed,
    #[error("the keyring failed: {0}")]
    Other(String),
}

/// Calls may wait for somebody to unlock a keyring: never from a thread that draws.
pub trait SecretStore: Send + Sync {
    fn lookup(&self, plan: &str) -> Result<Option<Passphrase>, KeyringError>;

    /// `label`: what people find in the keyring.
    fn remember(&self, plan: &str, label: &str, passphrase: &Passphrase) -> Result<(), KeyringError>;

    /// Those that were set aside, in no order.
    fn older(&self, plan: &str) -> Result<Vec<Passphrase>, KeyringError>;

    /// Keeps a password that is not used any more, for the backups that were made with it until then, in seconds since
    /// 1970.
    fn set_aside(
        &self,
        plan: &str,
        label: &str,
        passphrase: &Passphrase,
        until: i64,
    ) -> Result<(), KeyringError>;

    /// What was set aside stays. Fine if nothing was remembered.
    fn forget(&self, plan: &str) -> Result<(), KeyringError>;

    /// Also what was set aside: the backups are nobody's business any more.
    fn forget_all(&self, plan: &str) -> Result<(), KeyringError>;
}

/// Both kinds. `with_older`: there may be such.
pub fn all(store: &dyn SecretStore, plan: &str, with_older: bool) -> Result<Passphrases, KeyringError> {
    let older = if with_older { store.older(plan)? } else { Vec::new() };
    Ok(Passphrases { today: store.lookup(plan)?, older })
}

/// Remembers until the program ends: where there is no keyring, and in tests.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<String, Passphrases>>);

impl Memory {
    fn of<T>(&self, plan: &str, work: impl FnOnce(&mut Passphrases) -> T) -> T {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(remembered.entry(plan.to_string()).or_default())
    }
}

impl SecretStore for Memory {
    fn lookup(&self, plan: &str) -> Result<Option<Passphrase>, KeyringError> {
        Ok(self.of(plan, |known| known.today.clone()))
    }

    fn remember(&self, plan: &str, _label: &str, passphrase: &Passphrase) -> Result<(), KeyringError> {
        self.of(plan, |known| known.today = Some(passphrase.clone()));
        Ok(())
    }

    fn older(&self, plan: &str) -> Result<Vec<Passphrase>, KeyringError> {
        Ok(self.of(plan, |known| known.older.clone()))
    }

    fn set_aside(
        &self,
        plan: &str,
        _label: &str,
        passphrase: &Passphrase,
        _until: i64,
    ) -> Result<(), KeyringError> {
        self.of(plan, |known| known.older.push(passphrase.clone()));
        Ok(())
    }

    fn forget(&self, plan: &str) -> Result<(), KeyringError> {
        self.of(plan, |known| known.today = None);
        Ok(())
    }

    fn forget_all(&self, plan: &str) -> Result<(), KeyringError> {
        self.of(plan, |known| *known = Passphrases::default());
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn memory_remembers_by_plan_until_told_to_forget() {
        let memory = Memory::default();
        memory.remember("a", "First", &Passphrase::new("one")).unwrap();
        memory.remember("b", "Second", &Passphrase::new("two")).unwrap();
        memory.remember("a", "First", &Passphrase::new("three")).unwrap();
        assert_eq!(memory.lookup("a").unwrap(), Some(Passphrase::new("three")));
        memory.forget("a").unwrap();
        memory.forget("a").unwrap();
        assert_eq!(memory.lookup("a").unwrap(), None);
        assert_eq!(memory.lookup("b").unwrap(), Some(Passphrase::new("two")));
    }

    #[test]
    fn what_was_set_aside_stays_until_all_is_forgotten() {
        let memory = Memory::default();
        memory.remember("a", "Now", &Passphrase::new("new")).unwrap();
        memory.set_aside("a", "Until then", &Passphrase::new("old"), 7).unwrap();
        memory.forget("a").unwrap();
        let known = Passphrases { today: None, older: vec![Passphrase::new("old")] };
        assert_eq!(all(&memory, "a", true).unwrap(), known);
        memory.forget_all("a").unwrap();
        assert_eq!(all(&memory, "a", true).unwrap(), Passphrases::default());
    }
}
