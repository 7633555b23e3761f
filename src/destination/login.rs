//! What a place needs to be reached, besides its address.

use std::time::Duration;

use super::ssh::SshOptions;
use crate::secret::Passphrase;

#[derive(Clone, Debug)]
pub struct Login {
    /// Of the account, or of the private key that opens it. One in the address goes before.
    pub password: Option<Passphrase>,
    /// The fingerprint (`SHA256:…`) of a server's key that somebody has just accepted; it is remembered as ssh does.
    pub accepted_host_key: Option<String>,
    /// duplicity's `--ssh-options`.
    pub ssh: SshOptions,
    /// How long a place may be silent while something is wanted of it.
    pub patience: Duration,
    /// How often a connection that was lost is made anew before that counts as an error.
    pub reconnects: u32,
    /// Before each of them; `None`: short at first, doubled each time.
    pub pause: Option<Duration>,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            password: None,
            accepted_host_key: None,
            ssh: SshOptions::default(),
            patience: Duration::from_secs(30),
            reconnects: 5,
            pause: None,
        }
    }
}
