//! From a server's configuration to a session that is signed in.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::Algorithm;
use russh::{Preferred, cipher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::auth::{self, sign_in};
use super::config::{Server, Way};
use super::known_hosts::KnownKeys;
use super::trust::{Said, Trust};
use super::{DestinationError, ErrorKind, Login, Result, offline};
use crate::secret::keep_from;

/// For the first answer of one address of a server.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// For everything until somebody is signed in.
const ALL: Duration = Duration::from_secs(25);
/// Silence after which the server is asked whether it is still there.
const ARE_YOU_THERE: Duration = Duration::from_secs(10);
/// Unanswered questions of that kind after which it is not.
const UNANSWERED: usize = 2;
/// Bytes that may be on their way to us on one channel.
const WINDOW: u32 = 8 << 20;

const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

pub(super) type Session = Handle<Trust>;

/// A session, and those that it leads over.
pub(super) struct Connected {
    pub(super) session: Session,
    _passed: Vec<Session>,
}

/// `shown`: the place, for errors.
pub(super) async fn connect(server: &Server, login: &Login, shown: &str) -> Result<Connected> {
    let reached = timeout(ALL, reach(server, login, shown)).await;
    reached.unwrap_or_else(|_| Err(offline(shown, "it does not answer")))
}

async fn reach(server: &Server, login: &Login, shown: &str) -> Result<Connected> {
    let jumps = jumps(server, login, shown)?;
    let first = jumps.first().unwrap_or(server);
    let mut stream: Box<dyn Stream> = match &server.way {
        Way::Command(command) => Box::new(run(command).map_err(|error| offline(shown, error))?),
        Way::Directly | Way::Jumps(_) => Box::new(dial(&first.host, first.port, shown).await?),
    };
    let mut passed = Vec::new();
    for (i, jump) in jumps.iter().enumerate() {
        // The account's password is nobody's business on the way.
        let session = open(jump, login, None, stream, &format!("ssh://{}", jump.alias)).await?;
        let next = jumps.get(i + 1).unwrap_or(server);
        let through = session.channel_open_direct_tcpip(&*next.host, next.port.into(), "127.0.0.1", 0).await;
        let refused = |error| offline(shown, format!("{} does not lead there: {error}", jump.alias));
        stream = Box::new(through.map_err(refused)?.into_stream());
        passed.push(session);
    }
    let session = open(server, login, login.password.as_ref(), stream, shown).await?;
    Ok(Connected { session, _passed: passed })
}

fn jumps(server: &Server, login: &Login, shown: &str) -> Result<Vec<Server>> {
    let Way::Jumps(names) = &server.way else { return Ok(Vec::new()) };
    let jump = |name: &String| {
        Server::on_the_way(name, &login.ssh).ok_or_else(|| {
            let error = DestinationError::new(ErrorKind::Misconfigured, shown);
            error.because(format!("{name:?} is no server to go over"))
        })
    };
    names.iter().map(jump).collect()
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The addresses of a name one after the other; the last error counts.
async fn dial(host: &str, port: u16, shown: &str) -> Result<TcpStream> {
    let addresses = tokio::net::lookup_host((host, port)).await.map_err(|error| offline(shown, error))?;
    let mut last = offline(shown, "it has no address");
    for address in addresses {
        match timeout(FIRST_ANSWER, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are small, and waiting for more to send with them costs a round trip each.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = offline(shown, error),
            Err(_) => last = offline(shown, "it does not answer"),
        }
    }
    Err(last)
}

/// A command that leads to the server; it ends when nobody talks to it any more.
fn run(command: &str) -> io::Result<impl Stream + use<>> {
    let mut shell = tokio::process::Command::new("/bin/sh");
    shell.args(["-c", &format!("exec {command}")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    keep_from(shell.as_std_mut());
    let mut child = shell.spawn()?;
    match (child.stdout.take(), child.stdin.take()) {
        (Some(output), Some(input)) => Ok(tokio::io::join(output, input)),
        _ => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Checks who the server is, and signs in.
async fn open(
    server: &Server,
    login: &Login,
    password: Option<&crate::secret::Passphrase>,
    stream: impl Stream + 'static,
    shown: &str,
) -> Result<Session> {
    let name = server.key_alias.as_deref().unwrap_or(&server.host);
    let port = if server.key_alias.is_some() { super::PORT } else { server.port };
    let known = KnownKeys::read(&server.known_hosts, name, port);
    let config = client::Config {
        preferred: Preferred {
            key: first(known.algorithms(), &Preferred::DEFAULT.key).into(),
            cipher: CIPHERS.into(),
            ..Preferred::DEFAULT
        },
        window_size: WINDOW,
        keepalive_interval: Some(ARE_YOU_THERE),
        keepalive_max: UNANSWERED,
        ..client::Config::default()
    };
    let said = Said::default();
    let trust = Trust {
        known,
        host: name.to_owned(),
        port,
        file: server.known_hosts.first().cloned(),
        strangers: server.strangers,
        accepted: login.accepted_host_key.clone(),
        said: said.clone(),
    };
    let opened = client::connect_stream(Arc::new(config), stream, trust).await;
    let mut session = opened.map_err(|error| said.error(shown).unwrap_or_else(|| failed(shown, error)))?;
    let secrets = auth::Secrets { account: password, keys: login.password.as_ref() };
    sign_in(&mut session, server, secrets, &said, shown).await?;
    Ok(session)
}

/// Those of `known` kinds before the others.
fn first(known: Vec<Algorithm>, all: &[Algorithm]) -> Vec<Algorithm> {
    let is_rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
    let is_known = |algorithm: &Algorithm| {
        known.iter().any(|known| known == algorithm || (is_rsa(known) && is_rsa(algorithm)))
    };
    let (mut first, others): (Vec<_>, Vec<_>) = all.iter().cloned().partition(is_known);
    first.extend(others);
    first
}

/// What ended a conversation before anybody was signed in.
pub(super) fn failed(shown: &str, error: russh::Error) -> DestinationError {
    match error {
        russh::Error::NoCommonAlgo { .. } | russh::Error::Version | russh::Error::WrongServerSig => {
            DestinationError::new(ErrorKind::Misconfigured, shown).because(error)
        }
        error => offline(shown, error),
    }
}
