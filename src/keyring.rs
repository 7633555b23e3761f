//! Passwords that are remembered between runs, by the id of a plan.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::secret::Passphrase;

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

    /// Fine if nothing was remembered.
    fn forget(&self, plan: &str) -> Result<(), KeyringError>;
}

/// Remembers until the program ends: where there is no keyring, and in tests.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<String, Passphrase>>);

impl SecretStore for Memory {
    fn lookup(&self, plan: &str) -> Result<Option<Passphrase>, KeyringError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(plan).cloned())
    }

    fn remember(&self, plan: &str, _label: &str, passphrase: &Passphrase) -> Result<(), KeyringError> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(plan.to_string(), passphrase.clone());
        Ok(())
    }

    fn forget(&self, plan: &str) -> Result<(), KeyringError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(plan);
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
}
