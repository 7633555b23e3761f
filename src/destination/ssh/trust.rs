//! Whether a server is the one that it should be.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{DisconnectReason, Handler};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};

use super::config::Strangers;
use super::known_hosts::{KnownKeys, Verdict, remember};
use super::{DestinationError, ErrorKind};

/// The key that a server has shown.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{algorithm} {fingerprint}")]
pub struct HostKey {
    /// As in `ssh-ed25519`.
    pub algorithm: String,
    /// As in `SHA256:…`.
    pub fingerprint: String,
}

/// Looks at the server's key, and hears why a conversation ends.
pub(super) struct Trust {
    pub(super) known: KnownKeys,
    /// The name under which the key is known.
    pub(super) host: String,
    pub(super) port: u16,
    /// Where a new key is remembered.
    pub(super) file: Option<PathBuf>,
    pub(super) strangers: Strangers,
    /// The fingerprint that somebody has just accepted.
    pub(super) accepted: Option<String>,
    pub(super) said: Said,
}

/// What the conversation ended with, for who waits for its result.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<Option<Ended>>>);

enum Ended {
    Refused(ErrorKind, HostKey),
    NotRemembered(std::io::Error),
    /// The server's own words.
    Disconnected(String),
}

impl Said {
    fn note(&self, ended: Ended) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(ended);
    }

    /// `None` if nothing is known but that it ended.
    pub(super) fn error(&self, shown: &str) -> Option<DestinationError> {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(match ended {
            Ended::Refused(kind, key) => DestinationError::new(kind, shown).because(key),
            Ended::NotRemembered(error) => {
                let why = format!("its key cannot be remembered: {error}");
                DestinationError::new(ErrorKind::Misconfigured, shown).because(why)
            }
            Ended::Disconnected(words) => {
                DestinationError::new(ErrorKind::SignInRefused, shown).because(words)
            }
        })
    }
}

impl Trust {
    fn accepts(&self, key: &PublicKey) -> bool {
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let refused = |kind| {
            let algorithm = key.algorithm().to_string();
            self.said.note(Ended::Refused(kind, HostKey { algorithm, fingerprint: fingerprint.clone() }));
            false
        };
        let is_welcome =
            self.strangers == Strangers::Accept || self.accepted.as_deref() == Some(&*fingerprint);
        match self.known.verdict(key) {
            Verdict::Known => true,
            Verdict::Changed => refused(ErrorKind::HostKeyChanged),
            Verdict::Unknown if !is_welcome => refused(ErrorKind::HostKeyUnknown),
            Verdict::Unknown => {
                let Some(file) = &self.file else { return true };
                let remembered = remember(file, &self.host, self.port, key);
                remembered.map_err(|error| self.said.note(Ended::NotRemembered(error))).is_ok()
            }
        }
    }
}

impl Handler for Trust {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        Ok(self.accepts(&key.public_key()))
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.said.note(Ended::Disconnected(info.message));
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}
