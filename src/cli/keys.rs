//! The options about GnuPG and its keys, made into one request. Passphrases come later.

use std::ffi::OsString;

use super::options::Typed;
use super::resolve::{Environment, expand};
use super::usage::UsageError;
use crate::engine::{GnupgSetup, Recipient};
use crate::jobs;

/// What was typed about keys.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyOptions {
    pub(super) recipients: Vec<Recipient>,
    pub(super) signer: Option<String>,
    /// A new passphrase may be weak.
    pub(super) allow_weak: bool,
    /// The passphrases of secret keys are the agent's business alone.
    pub(super) use_agent: bool,
    /// Without passphrases.
    pub(super) setup: GnupgSetup,
}

/// Options of gpg about where keys are and which are meant, with the number of their values: gpg gets them.
const PASSED: &[(&str, usize)] = &[
    ("--agent-program", 1),
    ("--encrypt-to", 1),
    ("--group", 1),
    ("--hidden-encrypt-to", 1),
    ("--homedir", 1),
    ("--keyring", 1),
    ("--lock-never", 0),
    ("--lock-once", 0),
    ("--no-autostart", 0),
    ("--no-default-keyring", 0),
    ("--no-options", 0),
    ("--no-permission-warning", 0),
    ("--options", 1),
    ("--primary-keyring", 1),
    ("--throw-keyids", 0),
    ("--trustdb-name", 1),
];

/// Options of gpg that change nothing: what we write is as strong, and what we read is understood.
const NEEDLESS: &[(&str, usize)] = &[
    ("--always-trust", 0),
    ("--batch", 0),
    ("--bzip2-compress-level", 1),
    ("--cert-digest-algo", 1),
    ("--compress-algo", 1),
    ("--compress-level", 1),
    ("--digest-algo", 1),
    ("--force-mdc", 0),
    ("--ignore-mdc-error", 0),
    ("--no-secmem-warning", 0),
    ("--no-tty", 0),
    ("--personal-cipher-preferences", 1),
    ("--personal-compress-preferences", 1),
    ("--personal-digest-preferences", 1),
    ("--pinentry-mode", 1),
    ("--quiet", 0),
    ("--s2k-cipher-algo", 1),
    ("--s2k-count", 1),
    ("--s2k-digest-algo", 1),
    ("--trust-model", 1),
    ("--verbose", 0),
    ("--yes", 0),
    ("-q", 0),
    ("-v", 0),
    ("-z", 1),
];

impl KeyOptions {
    pub(super) fn new(typed: &Typed, environment: &Environment) -> Result<Self, UsageError> {
        let recipient = |id: &String, hidden| Recipient { id: id.clone(), hidden };
        let open = typed.encrypt_key.iter().chain(&typed.encrypt_sign_key).map(|id| recipient(id, false));
        let hidden = typed.hidden_encrypt_key.iter().map(|id| recipient(id, true));
        let recipients: Vec<_> = open.chain(hidden).collect();
        let signer = typed.encrypt_sign_key.last().or(typed.sign_key.as_ref()).cloned();
        if typed.sign_key.is_some() && !typed.encrypt_sign_key.is_empty() {
            return Err(UsageError::Contradiction("--sign-key", "--encrypt-sign-key"));
        }
        if typed.no_encryption && (signer.is_some() || !recipients.is_empty()) {
            return Err(UsageError::Contradiction("--no-encryption", "a key"));
        }
        let program = typed.gpg_binary.as_deref().map(|typed| expand(typed, environment.variable));
        let setup = GnupgSetup {
            program: program.unwrap_or_else(|| "gpg".into()),
            options: gpg_options(&typed.gpg_options)?,
            key_file: typed
                .encrypt_secret_keyring
                .as_deref()
                .map(|typed| expand(typed, environment.variable)),
            dialogue: match typed.use_agent {
                true => jobs::dialogue(environment.variable, environment.terminal.as_deref()),
                false => None,
            },
            ..GnupgSetup::default()
        };
        Ok(Self {
            recipients,
            signer,
            allow_weak: typed.allow_weak_password,
            use_agent: typed.use_agent,
            setup,
        })
    }

    /// The key that signs opens the backups too.
    pub(super) fn signer_is_recipient(&self) -> bool {
        self.recipients.iter().any(|recipient| Some(&recipient.id) == self.signer.as_ref())
    }
}

/// As in duplicity parted at spaces.
fn gpg_options(typed: &str) -> Result<Vec<OsString>, UsageError> {
    let mut words = typed.split_whitespace();
    let mut passed = Vec::new();
    while let Some(word) = words.next() {
        let (name, joined) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let find =
            |list: &[(&str, usize)]| list.iter().find(|(known, _)| *known == name).map(|found| found.1);
        let (values, pass) = match (find(PASSED), find(NEEDLESS)) {
            (Some(values), _) => (values, true),
            (None, Some(values)) => (values, false),
            // Any other cipher would be another backup than was asked for.
            (None, None) if name == "--cipher-algo" => {
                match joined.or_else(|| words.next()).is_some_and(is_our_cipher) {
                    true => continue,
                    false => return Err(not_supported(name)),
                }
            }
            (None, None) => return Err(not_supported(name)),
        };
        let value = if values > 0 { joined.or_else(|| words.next()) } else { None };
        if pass {
            passed.push(name.into());
            passed.extend(value.map(OsString::from));
        }
    }
    Ok(passed)
}

fn is_our_cipher(name: &str) -> bool {
    name.eq_ignore_ascii_case("AES256")
}

fn not_supported(name: &str) -> UsageError {
    UsageError::NotYet { what: format!("The option {name} of gpg") }
}
