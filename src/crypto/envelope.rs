//! What stands before the encrypted data of a message: whom it is for.

use std::io::{self, Cursor, ErrorKind, Read};

use super::Error;
use super::packet::{Body, MARKER, PKESK, SKESK};
use super::password::{Container, PasswordMessage, container};

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
    recorded: Vec<u8>,
    /// Where in `recorded` the encrypted data begins.
    data: usize,
    source: R,
}

impl<R: Read> Envelope<R> {
    pub(super) fn read(source: R) -> Result<Self, Error> {
        let mut recorder = Recorder { source, recorded: Vec::new() };
        let mut protection = Protection::default();
        let mut for_keys = Vec::new();
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
                SKESK => protection.passphrase = true,
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
        Ok(Self { protection, for_keys, recorded, data, source })
    }

    /// In what the data is, encrypted with this cipher, if it is something that we read ourselves.
    pub(super) fn container(&self, cipher: u8) -> Option<Container> {
        container(&self.recorded[self.data..], cipher)
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
