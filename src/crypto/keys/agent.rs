//! gpg-agent: it keeps the secret keys, and uses them for us. They never leave it.

use std::path::Path;
use std::time::Duration;

use sequoia_openpgp as openpgp;

use openpgp::crypto::mpi::{Ciphertext, Signature};

use super::assuan::{Connection, Fault, Refusal, Reply};
use super::secret::SecretKey;
use super::sexp::{self, Sexp};
use super::{KeyError, hex};
use crate::i18n::gettext_f;
use crate::secret::Passphrase;

/// How long it may take where nobody is asked; a card may want to be touched.
const PATIENCE: Duration = Duration::from_secs(60);

// Of libgpg-error.
pub(super) const BAD_PASSPHRASE: u16 = 11;
const NO_SECRET_KEY: u16 = 17;
const NOT_SUPPORTED: u16 = 60;
const TIMEOUT: u16 = 62;
const NO_PINENTRY: u16 = 85;
const PINENTRY_FAILED: u16 = 86;
const CANCELLED: u16 = 99;
const FULLY_CANCELLED: u16 = 198;
const NO_PASSPHRASE: u16 = 177;
/// Of a card.
const BAD_PIN: u16 = 87;
const NO_CARD: u16 = 112;
/// The one question that we do not answer: whether the card is there now.
const UNANSWERED: u16 = 277;
/// Errors of the system have it: the dialogue has no terminal to be shown at.
const SYSTEM: u16 = 0x8000;

/// Where the passphrase of a secret key comes from, unless the agent still knows it.
#[derive(Clone, Copy)]
pub(super) enum Unlock<'a> {
    Passphrase(&'a Passphrase),
    /// Somebody types it into the agent's own dialogue.
    Dialogue,
    /// From nowhere: it fails at once.
    Never,
}

/// A raw decryption, and whether it is still padded.
pub(super) struct Decrypted {
    pub(super) reply: Reply,
    pub(super) padded: bool,
}

pub(super) struct Agent(Connection);

impl Agent {
    /// `dialogue`: the agent's own words for where its dialogue is to be shown.
    pub(super) fn connect(socket: &Path, dialogue: &[String]) -> Result<Self, KeyError> {
        let mut connection = Connection::open(socket).map_err(unreachable)?;
        for option in dialogue {
            // An agent that does not know one of them still does what it can.
            if let Err(fault @ Fault::Broken(_)) = connection.command(&format!("OPTION {option}")) {
                return Err(unreachable(fault));
            }
        }
        Ok(Self(connection))
    }

    pub(super) fn decrypt(
        &mut self,
        key: &SecretKey,
        ciphertext: &Ciphertext,
        unlock: Unlock<'_>,
    ) -> Result<Decrypted, KeyError> {
        let ciphertext = match ciphertext {
            Ciphertext::RSA { c } => sexp::encrypted("rsa", &[("a", c.value())]),
            Ciphertext::ElGamal { e, c } => sexp::encrypted("elg", &[("a", e.value()), ("b", c.value())]),
            Ciphertext::ECDH { e, key } => sexp::encrypted("ecdh", &[("s", key), ("e", e.value())]),
            _ => return Err(KeyError::Failed { what: "the key is of an unknown kind".into() }),
        };
        let reply = self.with_key("SETKEY", key, unlock, |connection, passphrase| {
            connection.dialogue("PKDECRYPT", &|question| match question {
                "CIPHERTEXT" => Some(ciphertext.as_slice()),
                "PASSPHRASE" => passphrase,
                _ => None,
            })
        })?;
        let padded = !reply.status.iter().any(|(keyword, rest)| keyword == "PADDING" && rest == "0");
        Ok(Decrypted { reply, padded })
    }

    /// `hash` is the number that OpenPGP has for what made the digest.
    pub(super) fn sign(
        &mut self,
        key: &SecretKey,
        hash: u8,
        digest: &[u8],
        unlock: Unlock<'_>,
    ) -> Result<Signature, KeyError> {
        let digest = hex(digest);
        let reply = self.with_key("SIGKEY", key, unlock, |connection, passphrase| {
            connection.command(&format!("SETHASH {hash} {digest}"))?;
            connection.dialogue("PKSIGN", &|question| passphrase.filter(|_| question == "PASSPHRASE"))
        })?;
        Sexp::parse(&reply.data)
            .and_then(|parsed| signature(&parsed))
            .ok_or_else(|| KeyError::Failed { what: "the agent's signature is not understood".into() })
    }

    fn with_key(
        &mut self,
        choose: &str,
        key: &SecretKey,
        unlock: Unlock<'_>,
        work: impl FnOnce(&mut Connection, Option<&[u8]>) -> Result<Reply, Fault>,
    ) -> Result<Reply, KeyError> {
        let connection = &mut self.0;
        let done = || {
            let passphrase = prepare(connection, unlock)?;
            connection.command(&format!("{choose} {}", key.keygrip))?;
            if matches!(unlock, Unlock::Dialogue) {
                connection.command(&format!("SETKEYDESC {}", description(&key.name)))?;
            }
            work(connection, passphrase)
        };
        done().map_err(|fault| match fault {
            Fault::Refused(refusal) => refused(refusal, key, unlock),
            broken @ Fault::Broken(_) => unreachable(broken),
        })
    }
}

/// The passphrase to answer with.
fn prepare<'a>(connection: &mut Connection, unlock: Unlock<'a>) -> Result<Option<&'a [u8]>, Fault> {
    connection.wait_at_most(if matches!(unlock, Unlock::Dialogue) { None } else { Some(PATIENCE) })?;
    let mode = match unlock {
        Unlock::Passphrase(_) => "loopback",
        Unlock::Dialogue => "ask",
        Unlock::Never => "error",
    };
    match (connection.command(&format!("OPTION pinentry-mode={mode}")), unlock) {
        (Ok(_), Unlock::Passphrase(passphrase)) => Ok(Some(passphrase.expose())),
        // The agent is set up to take none from programs. It may know it already.
        (Err(Fault::Refused(refusal)), Unlock::Passphrase(_)) if refusal.code == NOT_SUPPORTED => {
            connection.command("OPTION pinentry-mode=error")?;
            Ok(None)
        }
        (Err(fault), _) => Err(fault),
        (Ok(_), _) => Ok(None),
    }
}

fn refused(refusal: Refusal, key: &SecretKey, unlock: Unlock<'_>) -> KeyError {
    let name = key.name.clone();
    match (refusal.code, unlock) {
        (BAD_PASSPHRASE | BAD_PIN, _) => KeyError::PassphraseWrong { name },
        (NO_SECRET_KEY | NO_CARD | UNANSWERED, _) => KeyError::NoSecretKey { ids: vec![name] },
        (
            TIMEOUT | NO_PINENTRY | PINENTRY_FAILED | CANCELLED | FULLY_CANCELLED | NO_PASSPHRASE
            | NOT_SUPPORTED,
            _,
        ) => KeyError::Locked { name },
        (code, Unlock::Dialogue) if code & SYSTEM != 0 => KeyError::Locked { name },
        _ => KeyError::Failed { what: refusal.text },
    }
}

fn unreachable(fault: Fault) -> KeyError {
    let why = match fault {
        Fault::Broken(error) => error.to_string(),
        Fault::Refused(refusal) => refusal.text,
    };
    KeyError::NoAgent { why }
}

/// What the dialogue says, as the protocol wants it.
fn description(name: &str) -> String {
    let text =
        gettext_f("Please enter the passphrase to unlock the secret key:\n“{name}”", &[("name", name)]);
    text.bytes()
        .map(|octet| match octet {
            b' ' => "+".to_string(),
            b'%' | b'+' | b'"' | 0..0x20 | 0x80.. => format!("%{octet:02X}"),
            plain => char::from(plain).to_string(),
        })
        .collect()
}

/// `(sig-val (KIND (NAME NUMBER) …))`.
fn signature(parsed: &Sexp<'_>) -> Option<Signature> {
    let number = |name| parsed.text(name).map(openpgp::crypto::mpi::MPI::new);
    let kind = |name| parsed.find(name).is_some();
    Some(match () {
        () if kind("rsa") => Signature::RSA { s: number("s")? },
        () if kind("eddsa") => Signature::EdDSA { r: number("r")?, s: number("s")? },
        () if kind("ecdsa") => Signature::ECDSA { r: number("r")?, s: number("s")? },
        () if kind("dsa") => Signature::DSA { r: number("r")?, s: number("s")? },
        () => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use openpgp::packet::Key;
    use openpgp::packet::key::{Key4, PublicParts, UnspecifiedRole};
    use openpgp::types::Curve;

    use super::*;

    /// The numbers are those that gpg-agent 2.2 gave with a card in software.
    #[test]
    fn troubles_with_a_card_are_those_of_any_key() {
        let key = Key4::<_, UnspecifiedRole>::generate_ecc(false, Curve::Cv25519).unwrap();
        let key: Key<PublicParts, _> = Key::from(key).parts_into_public();
        let key = SecretKey { key, keygrip: String::new(), name: "Ada".into(), can_decrypt: true };
        let told = |code: u32| {
            let refusal = Refusal { code: code as u16, text: String::new() };
            refused(refusal, &key, Unlock::Passphrase(&Passphrase::new("123456")))
        };
        let (name, ids) = (|| "Ada".to_string(), || vec!["Ada".to_string()]);
        assert_eq!(told(100_663_383), KeyError::PassphraseWrong { name: name() });
        assert_eq!(told(67_108_976), KeyError::NoSecretKey { ids: ids() });
        assert_eq!(told(67_109_141), KeyError::NoSecretKey { ids: ids() }, "somebody should insert it");
        assert_eq!(told(67_108_949), KeyError::Locked { name: name() });
    }

    #[test]
    fn the_dialogues_words_are_one_word_of_the_protocol() {
        let escaped = description("Ünï 100% <u@x>");
        assert!(escaped.is_ascii() && !escaped.contains([' ', '\n']), "{escaped}");
        assert!(escaped.ends_with("%0A%E2%80%9C%C3%9Cn%C3%AF+100%25+<u@x>%E2%80%9D"), "{escaped}");
    }
}
