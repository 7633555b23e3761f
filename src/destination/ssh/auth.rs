//! Signing in: keys of the agent, keys in files, questions and passwords, in ssh's order.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::client::{AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, decode_secret_key};
use russh::{MethodKind, MethodSet};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::config::Server;
use super::connect::{Session, failed};
use super::trust::Said;
use super::{DestinationError, ErrorKind, Result, offline};
use crate::secret::Passphrase;

/// What may be given away to whom.
#[derive(Clone, Copy)]
pub(super) struct Secrets<'a> {
    /// To the server.
    pub(super) account: Option<&'a Passphrase>,
    /// To nobody: opens private keys.
    pub(super) keys: Option<&'a Passphrase>,
}

/// `shown`: the place, for errors.
pub(super) async fn sign_in(
    session: &mut Session,
    server: &Server,
    secrets: Secrets<'_>,
    said: &Said,
    shown: &str,
) -> Result<()> {
    let mut attempts =
        Attempts { session, server, secrets, shown, methods: MethodSet::empty(), locked: None };
    let outcome = attempts.all().await;
    let closed = attempts.session.is_closed();
    match outcome {
        Ok(true) => Ok(()),
        Ok(false) if closed => {
            // The last words may still be on their way to us.
            tokio::task::yield_now().await;
            Err(said.error(shown).unwrap_or_else(|| offline(shown, "the connection was closed")))
        }
        Ok(false) => Err(attempts.refusal()),
        Err(error) => Err(said.error(shown).unwrap_or_else(|| failed(shown, error))),
    }
}

struct Attempts<'a> {
    session: &'a mut Session,
    server: &'a Server,
    secrets: Secrets<'a>,
    shown: &'a str,
    /// What the server takes.
    methods: MethodSet,
    /// A private key that could not be opened.
    locked: Option<PathBuf>,
}

type Attempt<T> = std::result::Result<T, russh::Error>;

impl Attempts<'_> {
    /// Whether one succeeded.
    async fn all(&mut self) -> Attempt<bool> {
        let user = self.server.user.clone();
        let asked = self.session.authenticate_none(user).await?;
        if self.is_success(asked) {
            return Ok(true);
        }
        if self.server.with_keys && self.takes(MethodKind::PublicKey) && self.with_keys().await? {
            return Ok(true);
        }
        let Some(password) = self.secrets.account else { return Ok(false) };
        let password = Zeroizing::new(String::from_utf8_lossy(password.expose()).into_owned());
        let mut was_asked = false;
        if self.server.with_questions && self.takes(MethodKind::KeyboardInteractive) {
            match self.with_answers(&password).await? {
                Answered::Welcome => return Ok(true),
                Answered::Refused { with_password } => was_asked = with_password,
            }
        }
        if !was_asked && self.server.with_password && self.takes(MethodKind::Password) {
            let user = self.server.user.clone();
            let answer = self.session.authenticate_password(user, password.as_str()).await?;
            return Ok(self.is_success(answer));
        }
        Ok(false)
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.methods.contains(&method) && !self.session.is_closed()
    }

    fn is_success(&mut self, answer: AuthResult) -> bool {
        match answer {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, .. } => {
                self.methods = remaining_methods;
                false
            }
        }
    }

    async fn with_keys(&mut self) -> Attempt<bool> {
        let files = KeyFile::of(&self.server.identities);
        let mut agent = self.agent().await;
        let mut in_agent = match &mut agent {
            Some(agent) => public_keys(agent.request_identities().await.unwrap_or_default()),
            None => Vec::new(),
        };
        let position = |key: &PublicKey| files.iter().position(|file| file.is_of(key)).unwrap_or(usize::MAX);
        in_agent.sort_by_key(position);
        if self.server.identities_only {
            in_agent.retain(|key| position(key) != usize::MAX);
        }
        if let Some(agent) = &mut agent {
            for key in &in_agent {
                if !self.takes(MethodKind::PublicKey) {
                    return Ok(false);
                }
                let hash = self.hash_for(key).await?;
                let user = self.server.user.clone();
                let signed = self.session.authenticate_publickey_with(user, key.clone(), hash, agent).await;
                // An agent that does not sign, since somebody said no or the key is gone.
                let Ok(answer) = signed else { continue };
                if self.is_success(answer) {
                    return Ok(true);
                }
            }
        }
        for file in files.iter().filter(|file| !in_agent.iter().any(|key| file.is_of(key))) {
            let Some(key) = self.opened(file) else { continue };
            if !self.takes(MethodKind::PublicKey) {
                return Ok(false);
            }
            let hash = self.hash_for(key.public_key()).await?;
            let (user, key) = (self.server.user.clone(), PrivateKeyWithHashAlg::new(Arc::new(key), hash));
            let answer = self.session.authenticate_publickey(user, key).await?;
            if self.is_success(answer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn agent(&self) -> Option<AgentClient<UnixStream>> {
        AgentClient::connect_uds(self.server.agent.as_deref()?).await.ok()
    }

    /// Of signatures by an RSA key: the best that the server takes.
    async fn hash_for(&self, key: &PublicKey) -> Attempt<Option<HashAlg>> {
        if !key.algorithm().is_rsa() {
            return Ok(None);
        }
        Ok(self.session.best_supported_rsa_hash().await?.unwrap_or(Some(HashAlg::Sha512)))
    }

    fn opened(&mut self, file: &KeyFile) -> Option<PrivateKey> {
        if let Ok(key) = decode_secret_key(&file.text, None) {
            return Some(key);
        }
        let passphrase = self.secrets.keys.and_then(|secret| std::str::from_utf8(secret.expose()).ok());
        let opened = passphrase.and_then(|passphrase| decode_secret_key(&file.text, Some(passphrase)).ok());
        if opened.is_none() {
            self.locked.get_or_insert_with(|| file.path.clone());
        }
        opened
    }

    /// A question whose answer must not be seen is about the password. Others nobody here can answer.
    async fn with_answers(&mut self, password: &str) -> Attempt<Answered> {
        let user = self.server.user.clone();
        let mut answer = self.session.authenticate_keyboard_interactive_start(user, None).await?;
        let mut with_password = false;
        loop {
            match answer {
                KeyboardInteractiveAuthResponse::Success => return Ok(Answered::Welcome),
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, .. } => {
                    self.methods = remaining_methods;
                    return Ok(Answered::Refused { with_password });
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let hidden = |echo: bool| !echo && !with_password;
                    let answers = prompts.iter().map(|prompt| match hidden(prompt.echo) {
                        true => password.to_owned(),
                        false => String::new(),
                    });
                    let answers = answers.collect();
                    with_password |= prompts.iter().any(|prompt| !prompt.echo);
                    answer = self.session.authenticate_keyboard_interactive_respond(answers).await?;
                }
            }
        }
    }

    fn refusal(&self) -> DestinationError {
        let asks = [MethodKind::Password, MethodKind::KeyboardInteractive];
        let could_ask =
            self.secrets.account.is_none() && asks.iter().any(|method| self.methods.contains(method));
        let could_unlock = self.secrets.keys.is_none() && self.locked.is_some();
        let kind = match could_ask || could_unlock {
            true => ErrorKind::PasswordNeeded,
            false => ErrorKind::SignInRefused,
        };
        let error = DestinationError::new(kind, self.shown);
        match &self.locked {
            Some(path) => error.because(format!("the private key {} is locked", path.display())),
            None => error.because(format!("no key or password of {} was accepted", self.server.user)),
        }
    }
}

enum Answered {
    Welcome,
    Refused { with_password: bool },
}

/// Certificates are left out.
fn public_keys(identities: Vec<AgentIdentity>) -> Vec<PublicKey> {
    let key = |identity| match identity {
        AgentIdentity::PublicKey { key, .. } => Some(key),
        AgentIdentity::Certificate { .. } => None,
    };
    identities.into_iter().filter_map(key).collect()
}

struct KeyFile {
    path: PathBuf,
    text: Zeroizing<String>,
    /// Told by the file itself, or by the one beside it.
    public: Option<PublicKey>,
}

impl KeyFile {
    /// Those that are there.
    fn of(paths: &[PathBuf]) -> Vec<Self> {
        paths.iter().filter_map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Option<Self> {
        let text = Zeroizing::new(fs::read_to_string(path).ok()?);
        let own = PrivateKey::from_openssh(text.as_bytes()).ok().map(|key| key.public_key().clone());
        let mut beside = path.as_os_str().to_owned();
        beside.push(".pub");
        let public = own.or_else(|| fs::read_to_string(beside).ok()?.parse().ok());
        Some(Self { path: path.to_owned(), text, public })
    }

    fn is_of(&self, key: &PublicKey) -> bool {
        self.public.as_ref().is_some_and(|public| public.key_data() == key.key_data())
    }
}
