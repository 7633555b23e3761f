//! Reading messages: the common forms ourselves, others through Sequoia, and the oldest through gpg (FORMAT.md 7.3).

use std::fmt;
use std::io::{Cursor, Read};
use std::sync::{Arc, OnceLock};

use sequoia_openpgp as openpgp;

use openpgp::armor::{Kind, Reader, ReaderMode};
use openpgp::packet::PKESK;
use openpgp::parse::Parse;

use super::envelope::{Envelope, Protection};
use super::keys::{Addressee, Foreign, KeyError, Keys, Session, Signatories, Signer};
use super::mdc::MdcChunks;
use super::message::Demand;
use super::ocb::OcbChunks;
use super::packet::Body;
use super::passphrases::{Known, KnownPassphrases};
use super::password::{Container, PasswordMessage, key_length};
use super::plain::Plain;
use super::s2k::Key;
use super::sealer::{Derived, Sealer};
use super::{Ciphertext, Error, message, sequoia};
use crate::secret::Passphrase;

/// Enough to see what kind of message it is.
const START: u64 = 1024;
const ARMOR: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// Opens messages with one person's passphrases and keys. Clones share the derived keys, so that a chain costs one
/// derivation.
#[derive(Clone)]
pub struct Opener {
    inner: Arc<Inner>,
    demanding: bool,
}

struct Inner {
    passphrases: KnownPassphrases,
    /// What is written may be sealed with the first of the passphrases.
    has_passphrase: bool,
    keys: Keys,
    addressees: OnceLock<Result<Arc<[Addressee]>, KeyError>>,
    signatories: OnceLock<Result<Arc<Signatories>, KeyError>>,
}

impl Inner {
    fn new(passphrases: KnownPassphrases, has_passphrase: bool, keys: Keys) -> Self {
        let (addressees, signatories) = (OnceLock::new(), OnceLock::new());
        Self { passphrases, has_passphrase, keys, addressees, signatories }
    }
}

impl Opener {
    /// Without a passphrase and keys only unencrypted data is recognised as such.
    pub fn new(passphrase: Option<Passphrase>, keys: Keys) -> Self {
        let has_passphrase = passphrase.is_some();
        let passphrases = KnownPassphrases::new(passphrase, &keys.older_passphrases);
        Self { inner: Arc::new(Inner::new(passphrases, has_passphrase, keys)), demanding: false }
    }

    pub fn knows_older(&self) -> bool {
        !self.inner.keys.older_passphrases.is_empty()
    }

    /// Opens only what whoever has the passphrase of today, and the keys, can open.
    pub fn without_older(&self) -> Self {
        if !self.knows_older() {
            return self.clone();
        }
        let Inner { passphrases, has_passphrase, keys, .. } = &*self.inner;
        let passphrases = passphrases.without_older(*has_passphrase);
        let keys = Keys { older_passphrases: Vec::new(), ..keys.clone() };
        let inner = Arc::new(Inner::new(passphrases, *has_passphrase, keys));
        Self { inner, demanding: self.demanding }
    }

    /// From now on every message must bear a signature of the key that signs, if there is one.
    pub fn demanding_signatures(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), demanding: true }
    }

    /// Whose signature every message must bear.
    pub fn demands(&self) -> Option<&str> {
        self.inner.keys.signer.as_deref().filter(|_| self.demanding)
    }

    /// What is written needs no passphrase.
    pub fn writes_for_keys(&self) -> bool {
        !self.inner.keys.recipients.is_empty() && !self.inner.keys.passphrase_too
    }

    /// The literal body of the message. Damage shows as an error at the latest at the end of the stream
    /// (`Error::from` turns it into one of ours), so that nothing is to be believed before the end was reached.
    pub fn open<'a, R>(
        &self,
        mut source: R,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>, Error>
    where
        R: Read + Send + Sync + 'a,
    {
        let start = read_start(&mut source)?;
        let &[first, ..] = start.as_slice() else { return Err(Error::damaged("it is empty")) };
        if begins_message(first) {
            return self.open_binary(start, source, ciphertext);
        }
        if !start.windows(ARMOR.len()).any(|window| window == ARMOR) {
            return Err(Error::NotEncrypted);
        }
        let armored = Cursor::new(start).chain(source);
        let mut binary = Reader::from_reader(armored, ReaderMode::Tolerant(Some(Kind::Message)));
        self.open_binary(read_start(&mut binary)?, binary, ciphertext)
    }

    fn open_binary<'a, R>(
        &self,
        start: Vec<u8>,
        source: R,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>, Error>
    where
        R: Read + Send + Sync + 'a,
    {
        match PasswordMessage::recognise(&start) {
            Some(message) => {
                let key = self.inner.passphrases.key_of(&message, &start)?;
                let mut start = Cursor::new(start);
                start.set_position(message.offset as u64);
                self.open_password_message(message, key, start.chain(source), ciphertext)
            }
            None => self.open_other(Cursor::new(start).chain(source), ciphertext),
        }
    }

    /// How the messages of a new set are written. `salt` is that of the chain that they continue: so they have the key that
    /// reading it has already derived, or will use.
    pub fn sealer(&self, salt: Option<[u8; 8]>) -> Result<Sealer, Error> {
        let Keys { gnupg, signer, .. } = &self.inner.keys;
        let derived = match self.protection()?.passphrase {
            true => Some(self.derived(salt)?),
            false => None,
        };
        let signer = signer.as_deref().map(|id| Signer::new(gnupg, id)).transpose()?;
        Sealer::new(derived.as_ref(), &self.addressees()?, signer)
    }

    /// Who will be able to open what is written.
    pub fn protection(&self) -> Result<Protection, Error> {
        let addressees = self.addressees()?;
        let mut recipients: Vec<_> = addressees.iter().map(Addressee::id).collect();
        recipients.sort_unstable();
        let passphrase = recipients.is_empty() || self.inner.keys.passphrase_too;
        Ok(Protection { recipients, passphrase, salt: None })
    }

    fn addressees(&self) -> Result<Arc<[Addressee]>, Error> {
        let find = || self.inner.keys.addressees().map(Arc::from);
        Ok(self.inner.addressees.get_or_init(find).clone()?)
    }

    fn derived(&self, salt: Option<[u8; 8]>) -> Result<Derived, Error> {
        let mut new = [0; 8];
        if salt.is_none() {
            getrandom::fill(&mut new).map_err(std::io::Error::from)?;
        }
        let salt = salt.unwrap_or(new);
        if !self.inner.has_passphrase {
            return Err(Error::PassphraseNeeded);
        }
        let today = self.first_passphrase()?;
        Ok(Derived { key: today.key(Sealer::s2k(salt), Sealer::KEY_LENGTH), salt })
    }

    #[cfg(test)]
    pub(super) fn gnupg(&self) -> &super::Gnupg {
        &self.inner.keys.gnupg
    }

    pub(super) fn passphrases(&self) -> &[Arc<Known>] {
        self.inner.passphrases.all()
    }

    fn first_passphrase(&self) -> Result<&Known, Error> {
        self.passphrases().first().map(Arc::as_ref).ok_or(Error::PassphraseNeeded)
    }

    /// By a secret key of this person's.
    pub(super) fn session_key(&self, packets: &[PKESK]) -> Result<Session, Error> {
        Ok(self.inner.keys.gnupg.session_key(packets)?)
    }

    pub(super) fn signatories(&self) -> Result<Option<Arc<Signatories>>, Error> {
        let Some(id) = self.demands() else { return Ok(None) };
        let find = || Signatories::find(&self.inner.keys.gnupg, id).map(Arc::new);
        Ok(Some(self.inner.signatories.get_or_init(find).clone()?))
    }

    /// With a key that is not proven right, garbage at the beginning means a wrong passphrase.
    fn open_password_message<'a, R>(
        &self,
        message: PasswordMessage,
        mut key: Arc<Key>,
        source: R,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>, Error>
    where
        R: Read + Send + 'a,
    {
        if let Some(wrapped) = message.wrapped_key {
            let unwrapped = wrapped.unwrap(key.bytes())?.ok_or_else(|| wrong(&key))?;
            key.prove();
            key = Arc::new(Key::of_message(&unwrapped));
        }
        self.open_container(message.container, source, &key, ciphertext)
    }

    /// Messages for keys, and forms that few programs write.
    fn open_other<'a, R>(&self, source: R, ciphertext: Ciphertext) -> Result<Box<dyn Read + Send + 'a>, Error>
    where
        R: Read + Send + Sync + 'a,
    {
        let envelope = Envelope::read(source)?;
        // Who has the passphrase needs no key, and may have none.
        let by_passphrase =
            envelope.for_keys.is_empty() || envelope.protection.passphrase && !self.passphrases().is_empty();
        if envelope.is_unprotected() {
            return self.open_by_gpg(envelope, by_passphrase, ciphertext);
        }
        if by_passphrase {
            return match envelope.suits_sequoia(None) {
                true => sequoia::open(self, envelope.into_message()),
                false => self.open_by_gpg(envelope, true, ciphertext),
            };
        }
        let packets = envelope.for_keys.iter().filter_map(|fields| PKESK::from_bytes(fields).ok());
        let (cipher, session_key) = self.session_key(&packets.collect::<Vec<_>>())?;
        let cipher = cipher.into();
        match envelope.container(cipher).filter(|_| key_length(cipher) == Some(session_key.len())) {
            Some(container) => {
                let key = Arc::new(Key::of_message(&session_key));
                self.open_container(container, envelope.into_data(), &key, ciphertext)
            }
            None if envelope.suits_sequoia(Some(cipher)) => sequoia::open(self, envelope.into_message()),
            None => self.open_by_gpg(envelope, false, ciphertext),
        }
    }

    fn open_by_gpg<'a, R: Read>(
        &self,
        envelope: Envelope<R>,
        by_passphrase: bool,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>, Error> {
        let foreign = Foreign {
            recipients: envelope.protection.known_recipients(),
            passphrase: if by_passphrase { Some(&self.first_passphrase()?.passphrase) } else { None },
            unprotected: envelope.is_unprotected(),
            ciphertext,
            signatories: self.signatories()?,
        };
        self.inner.keys.gnupg.decrypt(envelope.into_message(), foreign)
    }

    fn open_container<'a, R>(
        &self,
        container: Container,
        source: R,
        key: &Arc<Key>,
        ciphertext: Ciphertext,
    ) -> Result<Box<dyn Read + Send + 'a>, Error>
    where
        R: Read + Send + 'a,
    {
        let demand = self.signatories()?.map(Demand::new);
        let mut body = Body::next(source)?.ok_or_else(|| wrong(key))?;
        body.read_exact(&mut [0])?;
        let opened = match container {
            Container::Mdc => {
                let chunks = MdcChunks::new(body, key.bytes(), ciphertext)?.ok_or_else(|| wrong(key))?;
                if chunks.is_authenticated() {
                    key.prove();
                }
                message::open(Plain::new(chunks), key, demand)
            }
            Container::Ocb => message::open(Plain::new(OcbChunks::new(body, key.bytes())?), key, demand),
        };
        opened.map_err(|error| if matches!(error, Error::Damaged(_)) { wrong(key) } else { error })
    }
}

fn wrong(key: &Key) -> Error {
    if key.is_proven() { Error::damaged("its beginning") } else { Error::PassphraseWrong }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(***)")
    }
}

fn read_start(source: impl Read) -> Result<Vec<u8>, Error> {
    let mut start = Vec::new();
    source.take(START).read_to_end(&mut start)?;
    Ok(start)
}

/// Binary OpenPGP data begins with a set bit; of such packets those that begin an encrypted message count.
fn begins_message(first: u8) -> bool {
    let tag = if first & 0x40 != 0 { first & 0x3F } else { (first >> 2) & 0x0F };
    first & 0x80 != 0 && matches!(tag, 1 | 3 | 9 | 10 | 18 | 20)
}
