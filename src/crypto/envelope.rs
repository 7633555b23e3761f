//! What stands before the encrypted data of a message: whom it is for.

use std::io::{self, Cursor, ErrorKind, Read};

use super::packet::{AEAD, Body, MARKER, PKESK, SED, SKESK};
use super::password::{Container, PasswordMessage, container};
use super::{Error, sequoia};

/// More octets than any message has before its data.
const LIMIT: usize = 256 * 1024;

/// Who can open a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Protection {
    /// Key ids in ascending order; zeros stand for one that is not to be known.
    pub(super) recipients: Vec<[u8; 8]>,
    /// Whoever has the passphrase can.
    pub(super) passphrase: bool,
    /// Of the passphrase, where the message was written exactly as we do: to continue with.
    pub(super) salt: Option<[u8; 8]>,
}

impl Protection {
    /// Whether who can open the one can open the other, as far as that can be seen.
    pub fn is_like(&self, other: &Self) -> bool {
        let only_passphrase = self.recipients.is_empty();
        self.recipients == other.recipients && (only_passphrase || self.passphrase == other.passphrase)
    }

    pub fn is_for_keys(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// By their key ids, as GnuPG shows them.
    pub(super) fn known_recipients(&self) -> Vec<String> {
        let known = self.recipients.iter().filter(|id| **id != [0; 8]);
        known.map(|id| format!("{:016X}", u64::from_be_bytes(*id))).collect()
    }

    pub fn salt(&self) -> Option<[u8; 8]> {
        self.salt
    }
}

/// Of the message that begins here; nobody's for what is in a form that only Sequoia reads.
pub fn protection_of(source: impl Read) -> Result<Protection, Error> {
    Ok(Envelope::read(io::BufReader::new(source))?.protection)
}

/// The packets before the encrypted data, read off a message.
pub(super) struct Envelope<R> {
    pub(super) protection: Protection,
    /// Fields of the packets with session keys for secret keys.
    pub(super) for_keys: Vec<Vec<u8>>,
    /// What each passphrase opens, by the number of the cipher.
    for_passphrases: Vec<u8>,
    recorded: Vec<u8>,
    /// Where in `recorded` the encrypted data begins.
    data: usize,
    source: R,
}

impl<R: Read> Envelope<R> {
    pub(super) fn read(source: R) -> Result<Self, Error> {
        let mut recorder = Recorder { source, recorded: Vec::new() };
        let mut protection = Protection::default();
        let (mut for_keys, mut for_passphrases) = (Vec::new(), Vec::new());
        let (mut start, mut data) = (0, 0);
        // What is no packet is left to who reads on.
        while let Ok(Some(mut packet)) = Body::next(&mut recorder) {
            let tag = packet.tag();
            if !matches!(tag, PKESK | SKESK | MARKER) {
                break;
            }
            let mut fields = Vec::new();
            packet.read_to_end(&mut fields)?;
            match tag {
                PKESK => {
                    protection.recipients.push(recipient(&fields).unwrap_or_default());
                    for_keys.push(fields);
                }
                SKESK => {
                    protection.passphrase = true;
                    for_passphrases.extend(fields.get(1));
                }
                _ => {}
            }
            data = recorder.recorded.len();
            if tag != SKESK {
                start = data;
            }
        }
        protection.recipients.sort_unstable();
        // Enough of what comes next to see how it is encrypted.
        let Recorder { mut source, mut recorded } = recorder;
        source.by_ref().take(64).read_to_end(&mut recorded)?;
        protection.salt =
            PasswordMessage::recognise(&recorded[start..]).and_then(|message| message.our_salt());
        Ok(Self { protection, for_keys, for_passphrases, recorded, data, source })
    }

    /// In what the data is, encrypted with this cipher, if it is something that we read ourselves.
    pub(super) fn container(&self, cipher: u8) -> Option<Container> {
        container(&self.recorded[self.data..], cipher)
    }

    /// Nothing tells whether the data was altered.
    pub(super) fn is_unprotected(&self) -> bool {
        self.data_tag() == Some(SED)
    }

    /// Whether Sequoia reads it, once it has a session key for this cipher, or a passphrase.
    pub(super) fn suits_sequoia(&self, cipher: Option<u8>) -> bool {
        let ciphers: Vec<_> = cipher.into_iter().chain(self.for_passphrases.iter().copied()).collect();
        let one_suits = ciphers.is_empty() || ciphers.into_iter().any(sequoia::reads);
        one_suits && !matches!(self.data_tag(), Some(SED | AEAD))
    }

    fn data_tag(&self) -> Option<u8> {
        Some(Body::next(&self.recorded[self.data..]).ok()??.tag())
    }

    pub(super) fn into_data(self) -> io::Chain<Cursor<Vec<u8>>, R> {
        let mut recorded = Cursor::new(self.recorded);
        recorded.set_position(self.data as u64);
        recorded.chain(self.source)
    }

    /// From its beginning.
    pub(super) fn into_message(self) -> io::Chain<Cursor<Vec<u8>>, R> {
        Cursor::new(self.recorded).chain(self.source)
    }
}

/// The key id in the fields of a packet with a session key, version 3.
pub(super) fn recipient(fields: &[u8]) -> Option<[u8; 8]> {
    fields.get(1..9)?.try_into().ok()
}

struct Recorder<R> {
    source: R,
    recorded: Vec<u8>,
}

impl<R: Read> Read for Recorder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.recorded.len() > LIMIT {
            return Err(io::Error::new(ErrorKind::InvalidData, "there is no end to its beginning"));
        }
        let count = self.source.read(out)?;
        self.recorded.extend_from_slice(&out[..count]);
        Ok(count)
    }
}
