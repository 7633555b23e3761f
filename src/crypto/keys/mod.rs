//! The person's own GnuPG: which keys there are says gpg, the secret ones are used by gpg-agent, and all else is done
//! here. So the keys of a backup are those that gpg would take, without a gpg for each of thousands of files.
//!
//! Keys on a card are used by the agent like any other, and PASSPHRASE is the card's PIN; every run with a wrong one costs
//! one of its few tries. **No real card has been tried, and no test has one.** Tried once, by hand, was an OpenPGP card 3.4
//! in software, behind vpcd and pcscd, with gpg-agent 2.2, its scdaemon, RSA and Curve25519: signing, opening, a wrong PIN,
//! nobody to ask for it, and the card away. It is no part of the tests, as it takes the one pcscd of the system, as root.
//! Not tried at all: NIST curves, keys that want a touch, PIN pads, other kinds of cards, gpg-agent 2.4.
//!
//! sequoia-gpg-agent is not used: building it needs a Cap'n Proto compiler, and it runs on tokio.

mod agent;
mod assuan;
mod decrypt;
mod file;
mod gpg;
mod protected;
mod secret;
mod sexp;
mod signer;
mod usable;
mod verify;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sequoia_openpgp as openpgp;

use openpgp::crypto::SessionKey;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::{Key, PKESK, Packet, pkesk::PKESK3};
use openpgp::serialize::Serialize;
use openpgp::types::SymmetricAlgorithm;

use crate::secret::Passphrase;
use agent::{Agent, Unlock};
pub(super) use decrypt::Foreign;
use file::KeyFile;
use gpg::{HIDDEN, Program};
use secret::SecretKey;
pub(super) use signer::Signer;
pub use usable::UsableKey;
pub(super) use verify::{Check, Signatories};

type PublicKey = Key<PublicParts, UnspecifiedRole>;

/// Whose keys open, seal and sign the messages of one place.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    pub gnupg: Gnupg,
    /// What is written is sealed to them; without any, by the passphrase.
    pub recipients: Vec<Recipient>,
    /// The passphrase opens what is sealed to recipients, too.
    pub passphrase_too: bool,
    /// What is written is signed with this key, and what is restored must be. As gpg names it.
    pub signer: Option<String>,
    /// Of earlier chains, written before the passphrase changed. Nothing is written with them.
    pub older_passphrases: Vec<Passphrase>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Recipient {
    /// In any form that gpg takes.
    pub id: String,
    /// The messages do not say whose they are.
    pub hidden: bool,
}

/// Why a key cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    #[error("GnuPG has no key {id}")]
    NotFound { id: String },
    #[error("the key {id} is revoked")]
    Revoked { id: String },
    #[error("the key {id} has expired")]
    Expired { id: String },
    /// Neither of the above, but not for encryption or for signing as it should be.
    #[error("the key {id} is not fit for this")]
    Unsuitable { id: String },
    #[error("no secret key for {}", .ids.join(", "))]
    NoSecretKey { ids: Vec<String> },
    /// The agent does not know its passphrase, and nobody could be asked for it.
    #[error("the secret key of {name} is locked")]
    Locked { name: String },
    #[error("the passphrase does not unlock the secret key of {name}")]
    PassphraseWrong { name: String },
    #[error("gpg-agent cannot be reached: {why}")]
    NoAgent { why: String },
    #[error("the keys in {path} cannot be used: {why}")]
    File { path: String, why: String },
    #[error("{program} cannot be run: {why}")]
    NoGpg { program: String, why: String },
    #[error("GnuPG: {what}")]
    Failed { what: String },
}

/// What is told from outside of GnuPG and its keys.
#[derive(Clone, Debug)]
pub struct Setup {
    pub program: PathBuf,
    /// For every call.
    pub options: Vec<OsString>,
    /// Of the secret keys that open messages.
    pub passphrase: Option<Passphrase>,
    /// Of the secret key that signs.
    pub signing_passphrase: Option<Passphrase>,
    /// A file with keys, whose secret halves are used here and not by the agent. GnuPG has all others.
    pub key_file: Option<PathBuf>,
    /// Where the agent may show its dialogue, as options of the agent. `None`: it must not, and what would need it
    /// fails at once.
    pub dialogue: Option<Vec<String>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            program: "gpg".into(),
            options: Vec::new(),
            passphrase: None,
            signing_passphrase: None,
            key_file: None,
            dialogue: None,
        }
    }
}

/// The GnuPG of this person. Clones share what was asked of it; nothing is asked before it is needed.
#[derive(Clone, Default)]
pub struct Gnupg(Arc<Inner>);

#[derive(Default)]
struct Inner {
    setup: Setup,
    /// One at a time works anyway.
    agent: Mutex<Option<Agent>>,
    file: OnceLock<Result<KeyFile, KeyError>>,
    secret: OnceLock<Result<Vec<SecretKey>, KeyError>>,
    opened: Mutex<HashMap<Vec<u8>, Session>>,
    /// Something was opened that anybody could have altered.
    unprotected: AtomicBool,
}

/// The key of a message.
pub(super) type Session = (SymmetricAlgorithm, SessionKey);

impl fmt::Debug for Gnupg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.setup.fmt(f)
    }
}

impl Gnupg {
    pub fn new(setup: Setup) -> Self {
        Self(Arc::new(Inner { setup, ..Inner::default() }))
    }

    fn program(&self) -> Program {
        let Setup { program, options, .. } = &self.0.setup;
        Program { path: program.clone(), options: options.clone() }
    }

    /// Of the setup.
    fn key_file(&self) -> Result<Option<&KeyFile>, KeyError> {
        let Some(path) = &self.0.setup.key_file else { return Ok(None) };
        let file = self.0.file.get_or_init(|| KeyFile::read(path));
        file.as_ref().map(Some).map_err(KeyError::clone)
    }

    fn unlock<'a>(&'a self, passphrase: &'a Option<Passphrase>) -> Unlock<'a> {
        match (passphrase, &self.0.setup.dialogue) {
            (Some(passphrase), _) => Unlock::Passphrase(passphrase),
            (None, Some(_)) => Unlock::Dialogue,
            (None, None) => Unlock::Never,
        }
    }

    /// An agent that was ended and runs anew is noticed.
    fn with_agent<T>(&self, work: impl Fn(&mut Agent) -> Result<T, KeyError>) -> Result<T, KeyError> {
        let mut slot = self.0.agent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut agent) = slot.take() {
            let done = work(&mut agent);
            if !matches!(done, Err(KeyError::NoAgent { .. })) {
                *slot = Some(agent);
                return done;
            }
        }
        let socket = self.program().launch_agent()?;
        let mut agent = Agent::connect(&socket, self.0.setup.dialogue.as_deref().unwrap_or_default())?;
        let done = work(&mut agent);
        *slot = Some(agent);
        done
    }
}

/// A key that messages are sealed to.
pub(super) struct Addressee {
    key: PublicKey,
    hidden: bool,
}

impl Keys {
    /// The keys of the recipients: those of the file, else those that gpg takes.
    pub(super) fn addressees(&self) -> Result<Vec<Addressee>, KeyError> {
        let file = self.gnupg.key_file()?;
        let mut addressees = Vec::new();
        for hidden in [false, true] {
            let mut ids = Vec::new();
            for recipient in self.recipients.iter().filter(|recipient| recipient.hidden == hidden) {
                match file.map(|file| file.recipient(&recipient.id)).transpose()?.flatten() {
                    Some(key) => addressees.push(Addressee { key, hidden }),
                    None => ids.push(recipient.id.as_str()),
                }
            }
            if !ids.is_empty() {
                addressees.extend(self.addressees_called(&ids, hidden)?);
            }
        }
        Ok(addressees)
    }

    fn addressees_called(&self, ids: &[&str], hidden: bool) -> Result<Vec<Addressee>, KeyError> {
        let program = self.gnupg.program();
        let mut chosen = program.chosen(ids, hidden)?;
        // The options of gpg say that nobody is to be known.
        let hidden = hidden || chosen.contains(&HIDDEN);
        if chosen.contains(&HIDDEN) {
            chosen = program.chosen(ids, true)?;
        }
        chosen.sort_unstable();
        chosen.dedup();
        let names: Vec<_> = chosen.iter().map(|id| format!("0x{}", hex(id))).collect();
        let certificates = program.export(&names)?;
        let find = |(id, name): (&[u8; 8], &String)| {
            let keys = gpg::keys_of(&certificates, |key| key.keyid().as_bytes() == id);
            let key = keys.into_iter().next().ok_or_else(|| KeyError::Unsuitable { id: name.clone() })?;
            Ok(Addressee { key, hidden })
        };
        chosen.iter().zip(&names).map(find).collect()
    }
}

impl Addressee {
    /// As in the message.
    pub(super) fn id(&self) -> [u8; 8] {
        if self.hidden { HIDDEN } else { self.key.keyid().as_bytes().try_into().unwrap_or(HIDDEN) }
    }

    /// Appends the packet that gives this recipient the session key.
    pub(super) fn wrap(&self, session_key: &SessionKey, out: &mut Vec<u8>) -> Result<(), KeyError> {
        let mut wrap = || {
            let mut packet = PKESK3::for_recipient(SymmetricAlgorithm::AES256, session_key, &self.key)?;
            if self.hidden {
                packet.set_recipient(None);
            }
            Packet::from(PKESK::from(packet)).serialize(out)
        };
        wrap().map_err(failed)
    }
}

fn failed(error: openpgp::anyhow::Error) -> KeyError {
    error.downcast().unwrap_or_else(|error| KeyError::Failed { what: error.to_string() })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
