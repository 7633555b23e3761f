//! The connection to one place, made when it is first needed and made anew when it is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::address::Address;
use super::channel::Channel;
use super::config::Server;
use super::connect::{Connected, connect};
use super::{DestinationError, ErrorKind, Login, Result};

/// Files that are open at the same time share so many channels. The usual server allows ten per connection.
const CHANNELS: usize = 4;
/// Before the first attempt to connect again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Line {
    address: Address,
    login: Login,
    /// The place, for people.
    pub(super) shown: String,
    runtime: OnceLock<Runtime>,
    link: tokio::sync::Mutex<Option<Link>>,
    /// Once somebody was signed in, what fails later is worth another attempt.
    was_there: AtomicBool,
    /// The attempts were in vain: until one succeeds no more than one is made at a time.
    given_up: AtomicBool,
    /// Names of uploads that could not be removed when they were given up.
    leftovers: Mutex<Vec<String>>,
}

impl Line {
    /// Touches nothing yet.
    pub(super) fn new(address: Address, login: Login) -> Self {
        let login = Login { password: address.password.clone().or(login.password), ..login };
        Self {
            shown: address.to_string(),
            address,
            login,
            runtime: OnceLock::new(),
            link: tokio::sync::Mutex::new(None),
            was_there: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            leftovers: Mutex::default(),
        }
    }

    pub(super) fn folder(&self) -> &str {
        &self.address.folder
    }

    /// Of an object, as the server knows it.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.address.folder.trim_end_matches('/'))
    }

    /// Of an object, for people.
    pub(super) fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.shown.trim_end_matches('/'))
    }

    /// With what people know: the object, or the place where the object has nothing to do with it.
    pub(super) fn about(&self, name: &str, error: DestinationError) -> DestinationError {
        let path = match error.kind {
            ErrorKind::NotFound
            | ErrorKind::Denied
            | ErrorKind::NoSpace
            | ErrorKind::ReadOnly
            | ErrorKind::Incomplete
            | ErrorKind::NameTaken
            | ErrorKind::Other => self.shown(name),
            ErrorKind::Offline
            | ErrorKind::Misconfigured
            | ErrorKind::HostKeyUnknown
            | ErrorKind::HostKeyChanged
            | ErrorKind::PasswordNeeded
            | ErrorKind::SignInRefused => self.shown.clone(),
        };
        DestinationError { path, ..error }
    }

    pub(super) fn patience(&self) -> Duration {
        self.login.patience
    }

    pub(super) fn reconnects(&self) -> u32 {
        self.login.reconnects
    }

    /// One thread that encrypts and waits, whoever asks.
    pub(super) fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("ssh").enable_all().build();
        let runtime = runtime.map_err(|error| DestinationError::from_io(&*self.shown, error))?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Does `work` on a channel; once more on a new connection where the old one was lost. Hence `work` must do no
    /// harm when it is done twice.
    pub(super) fn call<T>(&self, mut work: impl AsyncFnMut(Arc<Channel>) -> Result<T>) -> Result<T> {
        self.runtime()?.block_on(async {
            let mut pause = self.login.pause.unwrap_or(FIRST_PAUSE);
            let mut left = self.login.reconnects;
            loop {
                let done = match self.channel().await {
                    Ok(channel) => work(channel).await,
                    Err(error) => Err(error),
                };
                let Err(error) = done else {
                    self.given_up.store(false, Ordering::Relaxed);
                    return done;
                };
                if !error.temporary {
                    return Err(error);
                }
                if left == 0 || self.given_up.load(Ordering::Relaxed) {
                    self.given_up.store(true, Ordering::Relaxed);
                    return Err(error);
                }
                left -= 1;
                tokio::time::sleep(pause).await;
                if self.login.pause.is_none() {
                    pause *= 2;
                }
            }
        })
    }

    /// A channel of the connection; makes the connection if there is none.
    async fn channel(&self) -> Result<Arc<Channel>> {
        let mut link = self.link.lock().await;
        if link.as_ref().is_some_and(Link::is_lost) {
            *link = None;
        }
        if let Some(link) = link.as_mut() {
            return link.channel(&self.shown, self.login.patience).await;
        }
        let server = Server::new(&self.address, &self.login.ssh);
        let connected = connect(&server, &self.login, &self.shown).await;
        let connected = connected.map_err(|error| {
            // What does not answer at first does not exist, for all we know.
            let temporary = error.temporary && self.was_there.load(Ordering::Relaxed);
            DestinationError { temporary, ..error }
        })?;
        self.was_there.store(true, Ordering::Relaxed);
        let new = link.insert(Link { connected, channels: Vec::new(), most: CHANNELS });
        let channel = new.channel(&self.shown, self.login.patience).await?;
        for name in self.take_leftovers() {
            let _ = channel.remove(self.folder(), &self.path(&name)).await;
        }
        Ok(channel)
    }

    fn take_leftovers(&self) -> Vec<String> {
        std::mem::take(&mut *self.leftovers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// To be removed as soon as there is a connection.
    pub(super) fn note_leftover(&self, name: String) {
        self.leftovers.lock().unwrap_or_else(PoisonError::into_inner).push(name);
    }

    /// Removes an upload that was given up, now if there is a connection, else when there is one again.
    pub(super) fn discard(&self, name: &str) {
        let now = self.runtime().map(|runtime| {
            runtime.block_on(async {
                let mut link = self.link.lock().await;
                let link = link.as_mut().filter(|link| !link.is_lost())?;
                let channel = link.channel(&self.shown, self.login.patience).await.ok()?;
                channel.remove(self.folder(), &self.path(name)).await.ok()
            })
        });
        if !matches!(now, Ok(Some(()))) {
            self.note_leftover(name.to_owned());
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Waits for nobody: a server that has gone would keep it for long.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Link {
    connected: Connected,
    channels: Vec<Arc<Channel>>,
    /// Channels that the server allows.
    most: usize,
}

impl Link {
    fn is_lost(&self) -> bool {
        self.connected.session.is_closed() || self.channels.iter().any(|channel| channel.is_broken())
    }

    /// One that nobody uses, a new one, or the one that the fewest use.
    async fn channel(&mut self, shown: &str, patience: Duration) -> Result<Arc<Channel>> {
        let idlest = self.channels.iter().min_by_key(|channel| Arc::strong_count(channel)).cloned();
        // Ours, and the list's.
        let is_idle = |channel: &Arc<Channel>| Arc::strong_count(channel) == 2;
        match idlest {
            Some(channel) if is_idle(&channel) || self.channels.len() >= self.most => Ok(channel),
            idlest => match Channel::open(&self.connected.session, patience, shown).await {
                Ok(channel) => {
                    let channel = Arc::new(channel);
                    self.channels.push(channel.clone());
                    Ok(channel)
                }
                Err(error) => {
                    let Some(channel) = idlest.filter(|_| !self.connected.session.is_closed()) else {
                        return Err(error);
                    };
                    self.most = self.channels.len();
                    Ok(channel)
                }
            },
        }
    }
}
