//! The keys that somebody can choose from.

use super::gpg::Listed;
use super::{Gnupg, KeyError};

/// A key with its subkeys, under the name of its owner. None that is revoked, has expired or must not be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsableKey {
    /// Of the primary key.
    pub fingerprint: String,
    pub name: String,
    /// Empty if it has none.
    pub email: String,
    /// Seconds since 1970.
    pub expires: Option<i64>,
    pub encrypts: bool,
    /// With its secret half.
    pub signs: bool,
    /// Its secret half is here, or on a card.
    pub own: bool,
}

impl Gnupg {
    /// By name; asks gpg.
    pub fn usable_keys(&self) -> Result<Vec<UsableKey>, KeyError> {
        let program = self.program();
        let (public, secret) = (program.all_public_keys()?, program.secret_keys(None)?);
        Ok(usable(&public, &secret))
    }
}

fn usable(public: &[Listed], secret: &[Listed]) -> Vec<UsableKey> {
    let has_secret = |fingerprint: &str, capability| {
        certificates(secret).any(|keys| keys[0].fingerprint == fingerprint && can(keys, capability))
    };
    let usable = |keys: &[Listed]| {
        let Listed { fingerprint, name, expires, .. } = &keys[0];
        let (name, email) = name_and_email(name);
        let (signs, own) = (has_secret(fingerprint, 's'), has_secret(fingerprint, 'e'));
        let (fingerprint, encrypts) = (fingerprint.clone(), can(keys, 'e'));
        UsableKey { fingerprint, name, email, expires: *expires, encrypts, signs, own }
    };
    let good = |keys: &&[Listed]| keys[0].is_valid() && !keys[0].fingerprint.is_empty();
    let mut usable: Vec<_> = certificates(public).filter(good).map(usable).collect();
    usable.retain(|key| key.encrypts || key.signs);
    usable.sort_by_key(|key| (key.name.to_lowercase(), key.fingerprint.clone()));
    usable
}

/// Primary keys, each followed by its subkeys.
fn certificates(listed: &[Listed]) -> impl Iterator<Item = &[Listed]> {
    listed.chunk_by(|_, next| !next.primary).filter(|keys| keys[0].primary)
}

fn can(keys: &[Listed], capability: char) -> bool {
    keys.iter().any(|key| key.is_valid() && !key.away && key.can(capability))
}

/// `Ada Lovelace (work) <ada@example.org>`, as GnuPG escapes it.
fn name_and_email(user_id: &str) -> (String, String) {
    let user_id = unescaped(user_id);
    match user_id.trim_end_matches('>').rsplit_once('<').filter(|_| user_id.ends_with('>')) {
        Some((name, email)) if name.trim().is_empty() => (email.into(), String::new()),
        Some((name, email)) => (name.trim().into(), email.into()),
        None => (user_id, String::new()),
    }
}

/// Octets that would part fields are written as `\x3a`.
fn unescaped(text: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.strip_prefix(b"x").filter(|_| *first == b'\\').and_then(|digits| digits.get(..2));
        let octet = escaped.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        octets.push(octet.unwrap_or(*first));
        rest = if octet.is_some() { &after[3..] } else { after };
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(primary: bool, name: &str, capabilities: &str) -> Listed {
        Listed {
            primary,
            validity: 'u',
            capabilities: capabilities.into(),
            fingerprint: name.to_uppercase(),
            name: name.into(),
            ..Listed::default()
        }
    }

    #[test]
    fn only_keys_that_can_be_used_are_offered() {
        let with = |change: fn(&mut Listed), mut key: Listed| {
            change(&mut key);
            key
        };
        let public = [
            key(true, "whole", "sc"),
            key(false, "", "e"),
            key(true, "for signing", "sc"),
            with(|key| key.validity = 'r', key(true, "revoked", "sc")),
            key(false, "", "e"),
            with(|key| key.validity = 'e', key(true, "expired", "sce")),
            with(|key| key.away = true, key(true, "disabled", "sce")),
            key(true, "expired below", "c"),
            with(|key| key.validity = 'e', key(false, "", "e")),
            key(true, "Another's", "sc"),
            key(false, "", "e"),
        ];
        let secret = [
            key(true, "whole", "sc"),
            key(false, "", "e"),
            key(true, "for signing", "sc"),
            with(|key| key.away = true, key(true, "another's", "sc")),
        ];
        let offered = usable(&public, &secret);
        let shown: Vec<_> =
            offered.iter().map(|key| (&*key.name, key.encrypts, key.signs, key.own)).collect();
        let expected = [
            ("Another's", true, false, false),
            ("for signing", false, true, false),
            ("whole", true, true, true),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_user_id_is_a_name_and_an_address() {
        let parts = |user_id| name_and_email(user_id);
        let both = |name: &str, email: &str| (name.to_owned(), email.to_owned());
        assert_eq!(parts("Ada (work) <ada@x.org>"), both("Ada (work)", "ada@x.org"));
        assert_eq!(parts("<ada@x.org>"), both("ada@x.org", ""));
        assert_eq!(parts("Ada"), both("Ada", ""));
        assert_eq!(parts("Ada\\x3a \\xc3\\xa4 \\x <a>"), both("Ada: ä \\x", "a"));
    }
}
