//! Recognises messages in password mode that we read ourselves, from their first octets.

use std::io::{Cursor, Read};

use super::mdc;
use super::ocb::{OCB, WrappedKey};
use super::packet::{AEAD, Body, SEIPD, SKESK};
use super::s2k::{Hash, Key, S2k};
use super::sealer::Sealer;

const SIMPLE: u8 = 0;
const SALTED: u8 = 1;
const ITERATED: u8 = 3;

/// A message with one passphrase and AES.
pub(super) struct PasswordMessage {
    pub(super) s2k: S2k,
    pub(super) key_length: usize,
    /// Without it the derived key is the session key.
    pub(super) wrapped_key: Option<WrappedKey>,
    pub(super) container: Container,
    /// Where the container's packet begins.
    pub(super) offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// SEIPD, version 1.
    Mdc,
    /// GnuPG's packet 20 in OCB mode.
    Ocb,
}

impl PasswordMessage {
    /// `start` is the beginning of a message, some hundred octets if there are as many.
    pub(super) fn recognise(start: &[u8]) -> Option<Self> {
        let mut skesk = Body::next(Cursor::new(start)).ok()?.filter(|body| body.tag() == SKESK)?;
        let mut fields = Vec::new();
        skesk.read_to_end(&mut fields).ok()?;
        let offset = skesk.into_source().position() as usize;

        let (cipher, specifier) = match *fields.as_slice() {
            [4, cipher, ref specifier @ ..] | [5, cipher, OCB, ref specifier @ ..] => (cipher, specifier),
            _ => return None,
        };
        let (s2k, rest) = s2k(specifier)?;
        let wrapped_key = match (fields[0], rest) {
            (4, []) => None,
            (5, rest) => Some(WrappedKey::parse(cipher, rest)?),
            _ => return None,
        };
        let container = container(&start[offset..], cipher)?;
        Some(Self { s2k, key_length: key_length(cipher)?, wrapped_key, container, offset })
    }

    /// Whether the key is that of the message that begins so: a wrong one passes once in a million times.
    pub(super) fn seems_to_open(&self, start: &[u8], key: &Key) -> bool {
        match (&self.wrapped_key, self.container) {
            (Some(wrapped), _) => matches!(wrapped.unwrap(key.bytes()), Ok(Some(_))),
            (None, Container::Mdc) => mdc::begins_well(&start[self.offset..], key.bytes()).unwrap_or(false),
            // Chunks tell only when they are whole.
            (None, Container::Ocb) => true,
        }
    }

    /// If the message was written exactly as [`super::Sealer`] writes.
    pub(super) fn our_salt(&self) -> Option<[u8; 8]> {
        let ours = self.container == Container::Mdc
            && self.wrapped_key.is_none()
            && self.key_length == Sealer::KEY_LENGTH;
        self.s2k.salt.filter(|&salt| ours && self.s2k == Sealer::s2k(salt))
    }
}

pub(super) fn container(start: &[u8], cipher: u8) -> Option<Container> {
    let mut body = Body::next(start).ok()??;
    let mut version = [0];
    body.read_exact(&mut version).ok()?;
    match (body.tag(), version) {
        (SEIPD, [1]) => Some(Container::Mdc),
        (AEAD, [1]) => {
            let mut algorithms = [0; 2];
            body.read_exact(&mut algorithms).ok()?;
            (algorithms == [cipher, OCB]).then_some(Container::Ocb)
        }
        _ => None,
    }
}

/// Of a cipher that we read ourselves.
pub(super) fn key_length(cipher: u8) -> Option<usize> {
    match cipher {
        7 => Some(16),
        8 => Some(24),
        9 => Some(32),
        _ => None,
    }
}

/// A specifier, and what follows it.
fn s2k(fields: &[u8]) -> Option<(S2k, &[u8])> {
    let (&[kind, hash], rest) = fields.split_first_chunk()?;
    let hash = Hash::from_id(hash)?;
    if kind == SIMPLE {
        return Some((S2k { hash, salt: None, octets: 0 }, rest));
    }
    let (&salt, rest) = rest.split_first_chunk()?;
    match (kind, rest) {
        (SALTED, rest) => Some((S2k { hash, salt: Some(salt), octets: 0 }, rest)),
        (ITERATED, [count, rest @ ..]) => {
            Some((S2k { hash, salt: Some(salt), octets: S2k::octets_of(*count) }, rest))
        }
        _ => None,
    }
}
