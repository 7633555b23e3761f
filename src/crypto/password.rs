//! Recognises messages in password mode that we read ourselves, from their first octets.

use std::io::{Cursor, Read};

use super::packet::{Body, SEIPD, SKESK};
use super::s2k::{Hash, S2k};

const SIMPLE: u8 = 0;
const SALTED: u8 = 1;
const ITERATED: u8 = 3;

/// A message of one SKESK (version 4, AES, no encrypted session key) and one SEIPD (version 1).
pub(super) struct PasswordMessage {
    pub(super) s2k: S2k,
    pub(super) key_length: usize,
    /// Where the SEIPD packet begins.
    pub(super) offset: usize,
}

impl PasswordMessage {
    /// `start` is the beginning of a message, some hundred octets if there are as many.
    pub(super) fn recognise(start: &[u8]) -> Option<Self> {
        let mut skesk = Body::next(Cursor::new(start)).ok()?.filter(|body| body.tag() == SKESK)?;
        let mut fields = Vec::new();
        skesk.read_to_end(&mut fields).ok()?;
        let offset = skesk.into_source().position() as usize;

        let mut seipd = Body::next(&start[offset..]).ok()?.filter(|body| body.tag() == SEIPD)?;
        let mut version = [0];
        seipd.read_exact(&mut version).ok()?;
        let &[4, cipher, ref specifier @ ..] = fields.as_slice() else { return None };
        (version == [1]).then_some(Self { s2k: s2k(specifier)?, key_length: key_length(cipher)?, offset })
    }
}

fn key_length(cipher: u8) -> Option<usize> {
    match cipher {
        7 => Some(16),
        8 => Some(24),
        9 => Some(32),
        _ => None,
    }
}

/// Nothing may follow the specifier: that would be an encrypted session key.
fn s2k(specifier: &[u8]) -> Option<S2k> {
    let (&[kind, hash], rest) = specifier.split_first_chunk()?;
    let hash = Hash::from_id(hash)?;
    match (kind, rest) {
        (SIMPLE, []) => Some(S2k { hash, salt: None, octets: 0 }),
        (SALTED, salt) => Some(S2k { hash, salt: Some(salt.try_into().ok()?), octets: 0 }),
        (ITERATED, [salt @ .., count]) => {
            Some(S2k { hash, salt: Some(salt.try_into().ok()?), octets: S2k::octets_of(*count) })
        }
        _ => None,
    }
}
