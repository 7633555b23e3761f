//! What gpg itself says of keys: which ones are meant, which of them are valid, and the keys themselves.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::cert::CertParser;
use openpgp::parse::Parse;

use super::{KeyError, PublicKey};
use crate::crypto::envelope::recipient;
use crate::crypto::packet::{Body, PKESK};

/// Where GnuPG is and what its programs are always told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) options: Vec<OsString>,
}

/// The key id of a recipient who is not to be known.
pub(super) const HIDDEN: [u8; 8] = [0; 8];

/// A key or subkey as gpg lists it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Listed {
    pub(super) primary: bool,
    /// `r` revoked, `e` expired, … ; else how far it is trusted.
    pub(super) validity: char,
    pub(super) capabilities: String,
    /// Seconds since 1970.
    pub(super) created: i64,
    pub(super) fingerprint: String,
    pub(super) keygrip: String,
    /// Seconds since 1970.
    pub(super) expires: Option<i64>,
    /// Somebody told GnuPG not to use it, or its secret half is kept elsewhere.
    pub(super) away: bool,
    /// Of the whole certificate.
    pub(super) name: String,
}

impl Listed {
    pub(super) fn is_revoked(&self) -> bool {
        self.validity == 'r'
    }

    pub(super) fn is_expired(&self) -> bool {
        self.validity == 'e'
    }

    pub(super) fn is_valid(&self) -> bool {
        !matches!(self.validity, 'r' | 'e' | 'd' | 'i' | 'n')
    }

    pub(super) fn can(&self, capability: char) -> bool {
        self.capabilities.contains(capability)
    }
}

impl Program {
    pub(super) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.options).args(["--batch", "--no-tty", "--no-armor"]).args(arguments);
        command
    }

    fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Output, KeyError> {
        let output = self.command(arguments).stdin(Stdio::null()).output();
        output.map_err(|error| self.missing(&error))
    }

    fn missing(&self, error: &std::io::Error) -> KeyError {
        KeyError::NoGpg { program: self.path.display().to_string(), why: error.to_string() }
    }

    /// The encryption keys that gpg chooses for each of `ids`, by their key ids: it encrypts nothing to them. So what
    /// gpg.conf says of groups and default recipients counts too.
    pub(super) fn chosen(&self, ids: &[&str], show_hidden: bool) -> Result<Vec<[u8; 8]>, KeyError> {
        // Keys are not looked for on the network.
        let mut arguments = vec!["--status-fd", "2", "--always-trust", "--no-auto-key-locate"];
        if show_hidden {
            arguments.push("--no-throw-keyids");
        }
        arguments.extend(ids.iter().flat_map(|id| ["--recipient", id]));
        arguments.push("--encrypt");
        let output = self.run(&arguments)?;
        if !output.status.success() {
            return Err(self.refused(ids, &output));
        }
        let mut chosen = Vec::new();
        let mut message = output.stdout.as_slice();
        while let Ok(Some(mut packet)) = Body::next(message)
            && packet.tag() == PKESK
        {
            let mut fields = Vec::new();
            packet.read_to_end(&mut fields).map_err(|error| failed(&error))?;
            chosen.push(recipient(&fields).ok_or_else(|| failed("it wrote something unknown"))?);
            message = packet.into_source();
        }
        Ok(chosen)
    }

    /// Why gpg takes one of `ids` for no recipient.
    fn refused(&self, ids: &[&str], output: &Output) -> KeyError {
        let status = String::from_utf8_lossy(&output.stderr);
        let named = status.lines().find_map(|line| line.strip_prefix("[GNUPG:] INV_RECP ")?.split_once(' '));
        let Some(id) = named.map(|(_, id)| id).filter(|id| ids.contains(id)) else {
            return failed(last_words(&String::from_utf8_lossy(&output.stderr)));
        };
        self.unusable(id, 'e')
    }

    /// What keeps the keys called `id` from being used for what has this letter.
    pub(super) fn unusable(&self, id: &str, capability: char) -> KeyError {
        let id = id.to_string();
        let Ok(listed) = self.public_keys(&id) else { return KeyError::NotFound { id } };
        let any = |is: fn(&Listed) -> bool| {
            listed.iter().any(|key| (key.primary || key.can(capability)) && is(key))
        };
        if listed.is_empty() {
            KeyError::NotFound { id }
        } else if any(|key| key.primary && key.is_revoked()) {
            KeyError::Revoked { id }
        } else if any(Listed::is_expired) {
            KeyError::Expired { id }
        } else if any(Listed::is_revoked) {
            KeyError::Revoked { id }
        } else {
            KeyError::Unsuitable { id }
        }
    }

    pub(super) fn public_keys(&self, id: &str) -> Result<Vec<Listed>, KeyError> {
        self.list("--list-keys", &[id])
    }

    /// Those whose secret half is here or on a card; all, or those called `id`.
    pub(super) fn secret_keys(&self, id: Option<&str>) -> Result<Vec<Listed>, KeyError> {
        self.list("--list-secret-keys", id.as_slice())
    }

    /// All of them.
    pub(super) fn all_public_keys(&self) -> Result<Vec<Listed>, KeyError> {
        self.list("--list-keys", &[])
    }

    fn list(&self, how: &str, ids: &[&str]) -> Result<Vec<Listed>, KeyError> {
        let fixed = ["--with-colons", "--fixed-list-mode", "--with-keygrip", how, "--"];
        let output = self.run(&[&fixed[..], ids].concat())?;
        // gpg fails when there are none.
        Ok(parse_listing(&String::from_utf8_lossy(&output.stdout)))
    }

    /// The certificates that the keys with these fingerprints or key ids are in.
    pub(super) fn export(&self, ids: &[String]) -> Result<Vec<Cert>, KeyError> {
        if ids.is_empty() {
            return Ok(Vec::new()); // gpg would export all
        }
        // Not minimal: that leaves out subkeys that have expired, which open old messages.
        let mut arguments = vec!["--export", "--"];
        arguments.extend(ids.iter().map(String::as_str));
        let output = self.run(&arguments)?;
        let certificates = CertParser::from_bytes(&output.stdout).map_err(|error| failed(&error))?;
        // What Sequoia does not understand is as if it were not there.
        Ok(certificates.filter_map(Result::ok).collect())
    }

    /// The socket of the agent, which is started if it does not run.
    pub(super) fn launch_agent(&self) -> Result<PathBuf, KeyError> {
        let gpgconf = |arguments: &[&str]| {
            let mut command = Command::new(self.beside("gpgconf"));
            if let Some(home) = self.home() {
                command.arg("--homedir").arg(home);
            }
            let output = command.args(arguments).stdin(Stdio::null()).output();
            output.map_err(|error| KeyError::NoAgent { why: error.to_string() })
        };
        // If it does not start, connecting to it says so.
        gpgconf(&["--launch", "gpg-agent"])?;
        let output = gpgconf(&["--list-dirs", "agent-socket"])?;
        let line = output.stdout.split(|octet| *octet == b'\n').next().unwrap_or_default();
        let path = OsStr::from_bytes(line);
        if path.is_empty() {
            return Err(KeyError::NoAgent { why: last_words(&String::from_utf8_lossy(&output.stderr)) });
        }
        Ok(path.into())
    }

    /// Another program of the same installation.
    fn beside(&self, name: &str) -> PathBuf {
        let sibling = self.path.with_file_name(name);
        let in_folder = self.path.parent().is_some_and(|folder| folder != Path::new(""));
        if in_folder && sibling.exists() { sibling } else { name.into() }
    }

    /// Where the options say that the keys are.
    fn home(&self) -> Option<&OsStr> {
        let joined = |option: &OsString| option.as_bytes().starts_with(b"--homedir=");
        if let Some(option) = self.options.iter().rfind(|option| joined(option)) {
            return Some(OsStr::from_bytes(&option.as_bytes()["--homedir=".len()..]));
        }
        let place = self.options.iter().rposition(|option| option == "--homedir")?;
        self.options.get(place + 1).map(OsString::as_os_str)
    }
}

/// The keys of `certificates` for which `wanted` holds.
pub(super) fn keys_of(certificates: &[Cert], wanted: impl Fn(&PublicKey) -> bool) -> Vec<PublicKey> {
    let keys = certificates.iter().flat_map(|certificate| certificate.keys());
    keys.map(|found| found.key().clone().role_into_unspecified()).filter(wanted).collect()
}

fn failed(what: impl std::fmt::Display) -> KeyError {
    KeyError::Failed { what: what.to_string() }
}

/// gpg's last line, without its name.
pub(super) fn last_words(said: &str) -> String {
    let line = said.lines().rfind(|line| !line.starts_with("[GNUPG:]")).unwrap_or_default();
    line.trim_start_matches("gpg: ").to_string()
}

/// Colons part the fields (`doc/DETAILS` of GnuPG).
fn parse_listing(text: &str) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for line in text.lines() {
        let fields: Vec<_> = line.split(':').collect();
        let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default();
        match field(1) {
            kind @ ("pub" | "sec" | "sub" | "ssb") => {
                listed.push(Listed {
                    primary: matches!(kind, "pub" | "sec"),
                    validity: field(2).chars().next().unwrap_or_default(),
                    capabilities: field(12).chars().filter(char::is_ascii_lowercase).collect(),
                    created: field(6).parse().unwrap_or_default(),
                    expires: field(7).parse().ok(),
                    away: field(12).contains('D') || field(15) == "#",
                    ..Listed::default()
                });
            }
            "fpr" => listed.last_mut().into_iter().for_each(|key| key.fingerprint = field(10).into()),
            "grp" => listed.last_mut().into_iter().for_each(|key| key.keygrip = field(10).into()),
            // The first one names the certificate; all are listed before the subkeys.
            "uid" => listed
                .last_mut()
                .filter(|key| key.name.is_empty())
                .into_iter()
                .for_each(|key| key.name = field(10).into()),
            _ => {}
        }
    }
    name_subkeys(&mut listed);
    listed
}

fn name_subkeys(listed: &mut [Listed]) {
    let mut name = String::new();
    for key in listed {
        if key.primary {
            name.clone_from(&key.name);
        } else {
            key.name.clone_from(&name);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LISTING: &str = "\
tru::1:1795885135:1795971532:3:1:5
sec:u:2048:1:80A28F318364EE46:1795885103:::u:::scESC:::+:::23::0:
fpr:::::::::EBFEC57932F509332F85CB3980A28F318364EE46:
grp:::::::::AB544720B2D1C017D497D5650DA1E4A0A84D834E:
uid:u::::1795885103::5430BC1D4C781F62F148E5CA864F25F47413089E::Ada <ada@x>::::::::::0:
uid:u::::1795885103::6430BC1D4C781F62F148E5CA864F25F47413089E::Another <a@x>::::::::::0:
ssb:e:2048:1:D9FF62F71B7DEC56:1795885107::::::e:::+:::23:
fpr:::::::::E94A09BBA678622B66E5C435D9FF62F71B7DEC56:
grp:::::::::EAA6075EBB5BA5BA706DF7B50B7039379E2AC1D0:
";

    #[test]
    fn a_listing_is_read() {
        let listed = parse_listing(LISTING);
        let [primary, subkey] = listed.as_slice() else { panic!("{listed:?}") };
        assert!(primary.primary && primary.is_valid() && primary.can('s') && !primary.can('e'));
        assert_eq!(primary.fingerprint, "EBFEC57932F509332F85CB3980A28F318364EE46");
        assert_eq!(primary.created, 1795885103);
        assert!(!subkey.primary && subkey.is_expired() && !subkey.is_valid() && subkey.can('e'));
        assert_eq!(subkey.keygrip, "EAA6075EBB5BA5BA706DF7B50B7039379E2AC1D0");
        assert_eq!([&primary.name, &subkey.name], ["Ada <ada@x>"; 2]);
        assert_eq!(parse_listing("fpr:::\nuid:\ngrp\n\n:::"), []);
    }

    #[test]
    fn the_home_is_the_one_that_the_options_name() {
        let home = |options: &[&str]| {
            let options = options.iter().map(OsString::from).collect();
            Program { path: "gpg".into(), options }.home().map(OsStr::to_os_string)
        };
        assert_eq!(home(&["--homedir", "/a", "--quiet"]), Some("/a".into()));
        assert_eq!(home(&["--homedir=/a b"]), Some("/a b".into()));
        assert_eq!(home(&["--quiet"]), None);
        assert_eq!(home(&["--homedir"]), None);
    }
}
