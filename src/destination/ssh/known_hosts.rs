//! ssh's memory of servers: `known_hosts` files, with names in the clear or hashed.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, KnownHosts, Marker};
use russh::keys::{Algorithm, PublicKey};
use sha1::Sha1;

use super::config::patterns_match;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Known,
    Unknown,
    /// Another key is known, or this one was revoked.
    Changed,
}

/// What the files say of one server. Lines that cannot be understood, and authorities, say nothing.
pub(super) struct KnownKeys {
    entries: Vec<Entry>,
    /// `host`, or `[host]:port` where the port is not the usual one.
    name: String,
    host: String,
}

/// The name under which a server is remembered.
pub(super) fn name(host: &str, port: u16) -> String {
    if port == super::PORT { host.to_owned() } else { format!("[{host}]:{port}") }
}

impl KnownKeys {
    /// Files that are missing say nothing.
    pub(super) fn read(files: &[PathBuf], host: &str, port: u16) -> Self {
        let mut known = Self { entries: Vec::new(), name: name(host, port), host: host.to_owned() };
        for file in files {
            let Ok(text) = fs::read(file) else { continue };
            let text = String::from_utf8_lossy(&text);
            let entries = KnownHosts::new(&text).flatten();
            known.entries.extend(entries.filter(|entry| {
                entry.marker() != Some(&Marker::CertAuthority)
                    && (is_for(entry, &known.name) || is_for(entry, &known.host))
            }));
        }
        known
    }

    pub(super) fn verdict(&self, key: &PublicKey) -> Verdict {
        let is_same = |entry: &&Entry| entry.public_key().key_data() == key.key_data();
        let mut same = self.entries.iter().filter(is_same).peekable();
        if same.any(|entry| entry.marker() == Some(&Marker::Revoked)) {
            return Verdict::Changed;
        }
        // As in ssh a key that is known without a port is good on any.
        if self.entries.iter().any(|entry| is_same(&entry)) {
            return Verdict::Known;
        }
        match self.accepted().next() {
            Some(_) => Verdict::Changed,
            None => Verdict::Unknown,
        }
    }

    /// Kinds of keys to ask the server for, so that it shows one that is known.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        self.accepted().map(|entry| entry.public_key().algorithm()).collect()
    }

    /// Those of exactly this host and port.
    fn accepted(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.marker().is_none() && is_for(entry, &self.name))
    }
}

fn is_for(entry: &Entry, name: &str) -> bool {
    match entry.host_patterns() {
        HostPatterns::Patterns(patterns) => patterns_match(patterns, name),
        HostPatterns::HashedName { salt, hash } => Hmac::<Sha1>::new_from_slice(salt)
            .is_ok_and(|hmac| hmac.chain_update(name).verify_slice(hash).is_ok()),
    }
}

/// Adds a key. The folder of the file is made if need be, for its owner alone.
pub(super) fn remember(file: &Path, host: &str, port: u16, key: &PublicKey) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let before = fs::read(file).unwrap_or_default();
    let begin = if before.is_empty() || before.ends_with(b"\n") { "" } else { "\n" };
    let key = key.to_openssh().map_err(io::Error::other)?;
    let key: Vec<_> = key.split(' ').take(2).collect();
    let line = format!("{begin}{} {}\n", name(host, port), key.join(" "));
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    file.write_all(line.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G2sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    fn verdict(lines: &str, host: &str, port: u16) -> Verdict {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, lines.replace("ONE", ONE).replace("OTHER", OTHER)).unwrap();
        let files = ["/does/not/exist".into(), file.path().to_path_buf()];
        KnownKeys::read(&files, host, port).verdict(&ONE.parse().unwrap())
    }

    #[test]
    fn names_are_found_in_all_their_forms() {
        for line in
            ["host ONE", "x,host ONE a comment", "h*t,!hist ONE", "# c\n\n  \nhost ONE", "nonsense\nhost ONE"]
        {
            assert_eq!(verdict(line, "host", 22), Verdict::Known, "{line}");
        }
        assert_eq!(verdict("[host]:7 ONE", "host", 7), Verdict::Known);
        assert_eq!(verdict("host ONE", "host", 7), Verdict::Known, "as in ssh");
        assert_eq!(verdict("[host]:7 ONE", "host", 22), Verdict::Unknown);
        assert_eq!(verdict("*,!host ONE", "host", 22), Verdict::Unknown);
        // Of example.com, as made by ssh-keygen -H.
        let hashed = "|1|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak= ONE";
        assert_eq!(verdict(hashed, "example.com", 22), Verdict::Known);
        assert_eq!(verdict(hashed, "example.org", 22), Verdict::Unknown);
    }

    #[test]
    fn another_key_or_a_revoked_one_is_no_stranger() {
        assert_eq!(verdict("host OTHER", "host", 22), Verdict::Changed);
        assert_eq!(verdict("host OTHER\nhost ONE", "host", 22), Verdict::Known);
        assert_eq!(verdict("@revoked * ONE\nhost ONE", "host", 22), Verdict::Changed);
        assert_eq!(verdict("host OTHER", "host", 7), Verdict::Unknown, "of another port");
        assert_eq!(verdict("@cert-authority host ONE", "host", 22), Verdict::Unknown);
        assert_eq!(verdict("", "host", 22), Verdict::Unknown);
    }

    #[test]
    fn what_is_remembered_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".ssh/known_hosts");
        let key: PublicKey = ONE.parse().unwrap();
        remember(&file, "host", 22, &OTHER.parse().unwrap()).unwrap();
        fs::write(&file, fs::read_to_string(&file).unwrap().trim_end()).unwrap();
        remember(&file, "host", 7, &key).unwrap();
        let known = |port| KnownKeys::read(std::slice::from_ref(&file), "host", port).verdict(&key);
        assert_eq!((known(7), known(22)), (Verdict::Known, Verdict::Changed));
    }
}
