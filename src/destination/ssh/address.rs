//! `[user[:password]@]host[:port]/folder`, as duplicity reads it.

use std::fmt;

use super::super::SpecError;
use super::super::spec::percent_decode;
use crate::secret::Passphrase;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::destination) struct Address {
    pub(super) user: Option<String>,
    pub(super) password: Option<Passphrase>,
    /// As typed, in lower case: it may be a name that only ssh's configuration knows.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// Absolute, or relative to the folder in which a session begins.
    pub(super) folder: String,
}

impl Address {
    /// `rest`: what follows `scheme://`, without query and fragment. One slash after the host begins a relative path,
    /// two begin an absolute one.
    pub(in crate::destination) fn parse(rest: &[u8]) -> Result<Self, SpecError> {
        let slash = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (server, path) = rest.split_at(slash);
        let text = |bytes: &[u8]| String::from_utf8(percent_decode(bytes)).map_err(|_| SpecError::NotText);
        let (login, server) = match server.iter().rposition(|byte| *byte == b'@') {
            Some(at) => (&server[..at], &server[at + 1..]),
            None => (&[][..], server),
        };
        let (user, password) = match login.iter().position(|byte| *byte == b':') {
            Some(colon) => (&login[..colon], percent_decode(&login[colon + 1..])),
            None => (login, Vec::new()),
        };
        let (host, port) = host_and_port(server).ok_or(SpecError::NoHost)?;
        let folder = match text(path.strip_prefix(b"/").unwrap_or(path))? {
            folder if folder.is_empty() => ".".into(),
            folder => folder,
        };
        if host.is_empty() || folder.contains('\0') {
            return Err(if host.is_empty() { SpecError::NoHost } else { SpecError::NoPath });
        }
        let user = Some(text(user)?).filter(|user| !user.is_empty());
        let password = Some(Passphrase::new(password)).filter(|password| !password.is_empty());
        Ok(Self { user, password, host, port, folder })
    }

    pub(in crate::destination) fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The same for every way to write one place.
    pub(in crate::destination) fn normalised(&self) -> String {
        let parts: Vec<_> = self.folder.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let root = if self.folder.starts_with('/') { "/" } else { "" };
        let Self { user, host, port, .. } = self;
        let (user, port) = (user.as_deref().unwrap_or_default(), port.unwrap_or(super::PORT));
        format!("ssh://{user}@{host}:{port}/{root}{}", parts.join("/"))
    }
}

/// For people and logs: without user and password, as duplicity shows addresses.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sftp://")?;
        let bracketed = self.host.contains(':');
        if bracketed {
            write!(f, "[{}]", self.host)?
        } else {
            f.write_str(&self.host)?
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.folder.as_str() {
            "." => Ok(()),
            folder => write!(f, "/{folder}"),
        }
    }
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
pub(super) fn host_and_port(text: &[u8]) -> Option<(String, Option<u16>)> {
    let text = std::str::from_utf8(text).ok()?;
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(number) => Some(number.parse().ok().filter(|number| *number > 0)?),
    };
    Some((host.to_lowercase(), port))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn addresses_mean_what_they_mean_to_duplicity() {
        let address = parse("me:s%40cret@Host:2222/a%20b/c");
        assert_eq!((address.user.as_deref(), address.host.as_str()), (Some("me"), "host"));
        assert_eq!(address.password, Some(Passphrase::new("s@cret")));
        assert_eq!((address.port, address.folder.as_str()), (Some(2222), "a b/c"));
        assert_eq!(parse("host//abs/dir").folder, "/abs/dir");
        assert_eq!(parse("host///").folder, "//");
        assert_eq!(parse("host").folder, ".");
        assert_eq!(parse("host/").folder, ".");
        assert_eq!(parse("a@b@host/x").user.as_deref(), Some("a@b"));
        assert_eq!((parse("[::1]:22/x").host.as_str(), parse("[::1]:22/x").port), ("::1", Some(22)));
    }

    #[test]
    fn what_names_no_server_or_no_port_is_refused() {
        for text in ["", "/x", "me@/x", ":22/x", "host:0/x", "host:99999/x", "host:x/y", "[::1/x"] {
            assert_eq!(Address::parse(text.as_bytes()), Err(SpecError::NoHost), "{text}");
        }
        assert_eq!(Address::parse(b"host/a%00b"), Err(SpecError::NoPath));
        assert_eq!(Address::parse(b"host/%FF"), Err(SpecError::NotText));
    }

    #[test]
    fn neither_words_for_people_nor_debug_output_show_the_password() {
        let address = parse("me:secret@host:7/x");
        assert_eq!(address.to_string(), "sftp://host:7/x");
        assert!(!format!("{address:?}").contains("secret"));
        assert_eq!(parse("host//x").to_string(), "sftp://host//x");
    }

    #[test]
    fn all_spellings_of_a_place_normalise_to_one() {
        for other in ["me@host/x", "me:pw@HOST:22/./x/", "me@host:/x//"] {
            assert_eq!(parse(other).normalised(), "ssh://me@host:22/x", "{other}");
        }
        assert_ne!(parse("me@host/x").normalised(), parse("me@host//x").normalised());
    }
}
