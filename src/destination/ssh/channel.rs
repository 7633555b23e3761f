//! One sftp subsystem of a session: requests and their errors, in our terms.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use russh::ChannelMsg;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::rawsession::{Limits, SftpResult};
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::protocol::{FileAttributes, OpenFlags, Packet, StatusCode};
use tokio::time::timeout;

use super::connect::{Session, failed};
use super::{DestinationError, ErrorKind, Existing, Result, Stored, offline};

/// Bytes per request where the server names no limit of its own: what every server has to take.
const USUAL: u64 = 32 << 10;
/// More would only make the first answer later.
const LARGEST: u64 = 255 << 10;
/// Requests have no time limit of their own: only silence counts.
const NO_LIMIT: u64 = 24 * 3600;
/// Until written bytes are on a slow disk, times the usual patience.
const SLOW_DISK: u32 = 6;
/// Objects are the owner's alone, as in a local folder.
const FILE_MODE: u32 = 0o100_600;
/// Requests for parts of a listing that are under way at a time.
const LISTING: usize = 4;
/// Of a file system's flags.
const READ_ONLY: u64 = 1;

pub(super) struct Channel {
    raw: RawSftpSession,
    posix_rename: bool,
    fsync: bool,
    statvfs: bool,
    /// Bytes per request.
    pub(super) most_read: u32,
    pub(super) most_written: usize,
    pub(super) patience: Duration,
    broken: AtomicBool,
}

impl Channel {
    pub(super) async fn open(session: &Session, patience: Duration, shown: &str) -> Result<Self> {
        let opening = async {
            let mut channel = session.channel_open_session().await?;
            channel.request_subsystem(true, "sftp").await?;
            while let Some(message) = channel.wait().await {
                match message {
                    ChannelMsg::Success => return Ok(Some(channel.into_stream())),
                    ChannelMsg::Failure => return Ok(None),
                    _ => {}
                }
            }
            Err(russh::Error::HUP)
        };
        let opened = timeout(patience, opening).await.map_err(|_| silent(shown))?;
        let Some(stream) = opened.map_err(|error| failed(shown, error))? else {
            let error = DestinationError::new(ErrorKind::Misconfigured, shown);
            return Err(error.because("the server offers no sftp"));
        };
        let config = Config { max_packet_len: 1 << 20, request_timeout_secs: NO_LIMIT, ..Config::default() };
        let mut channel = Self {
            raw: RawSftpSession::new_with_config(stream, config),
            posix_rename: false,
            fsync: false,
            statvfs: false,
            most_read: USUAL as u32,
            most_written: USUAL as usize,
            patience,
            broken: AtomicBool::new(false),
        };
        let version = channel.ask(shown, channel.raw.init()).await?;
        let offers = |extension: &str| version.extensions.contains_key(extension);
        channel.posix_rename = offers("posix-rename@openssh.com");
        channel.fsync = offers("fsync@openssh.com");
        channel.statvfs = offers("statvfs@openssh.com");
        if offers("limits@openssh.com") {
            let limits: Limits = channel.ask(shown, channel.raw.limits()).await?.into();
            let within = |limit: Option<u64>| limit.unwrap_or(USUAL).clamp(1, LARGEST);
            channel.most_read = within(limits.read_len) as u32;
            channel.most_written = within(limits.write_len) as usize;
        }
        Ok(channel)
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Nobody will hear anything from it any more.
    pub(super) fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    async fn ask<T>(&self, path: &str, request: impl Future<Output = SftpResult<T>>) -> Result<T> {
        self.wait(path, self.patience, request).await
    }

    async fn wait<T>(
        &self,
        path: &str,
        patience: Duration,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T> {
        match timeout(patience, request).await {
            Ok(answer) => answer.map_err(|error| self.fault(path, error)),
            Err(_) => {
                self.give_up();
                Err(silent(path))
            }
        }
    }

    fn fault(&self, path: &str, error: SftpError) -> DestinationError {
        let kind = match &error {
            SftpError::Status(status) => match status.status_code {
                StatusCode::NoSuchFile => ErrorKind::NotFound,
                StatusCode::PermissionDenied => ErrorKind::Denied,
                StatusCode::NoConnection | StatusCode::ConnectionLost => ErrorKind::Offline,
                _ => ErrorKind::Other,
            },
            SftpError::Limited(_) => ErrorKind::Other,
            SftpError::IO(_)
            | SftpError::Timeout
            | SftpError::UnexpectedPacket
            | SftpError::UnexpectedBehavior(_) => ErrorKind::Offline,
        };
        if kind == ErrorKind::Offline {
            self.give_up();
        }
        DestinationError::new(kind, path).because(error)
    }

    /// `None` if there is nothing of the name. Symbolic links are followed.
    pub(super) async fn stat(&self, path: &str) -> Result<Option<FileAttributes>> {
        absent(self.ask(path, self.raw.stat(path)).await.map(|answer| answer.attrs))
    }

    /// The handle of a new file that nobody else may read.
    pub(super) async fn create(&self, folder: &str, path: &str) -> Result<String> {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        let attributes = FileAttributes { permissions: Some(FILE_MODE & 0o777), ..FileAttributes::empty() };
        let opened = self.ask(path, self.raw.open(path, flags, attributes)).await;
        self.refined(folder, opened.map(|answer| answer.handle)).await
    }

    pub(super) async fn open_again(&self, path: &str) -> Result<String> {
        let opened = self.raw.open(path, OpenFlags::WRITE, FileAttributes::empty());
        Ok(self.ask(path, opened).await?.handle)
    }

    pub(super) async fn open_to_read(&self, path: &str) -> Result<String> {
        let opened = self.raw.open(path, OpenFlags::READ, FileAttributes::empty());
        Ok(self.ask(path, opened).await?.handle)
    }

    pub(super) async fn attributes(&self, path: &str, handle: &str) -> Result<FileAttributes> {
        Ok(self.ask(path, self.raw.fstat(handle)).await?.attrs)
    }

    /// Waits however long it takes: who calls this watches over many requests at once.
    pub(super) async fn write(&self, path: &str, handle: &str, offset: u64, data: Vec<u8>) -> Result<()> {
        let answer = self.raw.write(handle, offset, data).await;
        answer.map(drop).map_err(|error| self.fault(path, error))
    }

    /// Nothing at the end of the file. Waits like [`Self::write`].
    pub(super) async fn read(&self, path: &str, handle: &str, offset: u64, length: u32) -> Result<Vec<u8>> {
        match self.raw.read(handle, offset, length).await {
            Ok(answer) => Ok(answer.data),
            Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => Ok(Vec::new()),
            Err(error) => Err(self.fault(path, error)),
        }
    }

    /// Makes what was written last, where the server can; returns the size in bytes. Closes the file.
    pub(super) async fn finish(&self, path: &str, handle: &str) -> Result<u64> {
        if self.fsync {
            let synced = self.wait(path, self.patience * SLOW_DISK, self.raw.fsync(handle)).await;
            // Some file systems have no way to do that; what else fails has not been written.
            synced.map(drop).or_else(|error| if is_unsupported(&error) { Ok(()) } else { Err(error) })?;
        }
        let size = self.attributes(path, handle).await?.size;
        self.ask(path, self.raw.close(handle)).await?;
        size.ok_or_else(|| DestinationError::new(ErrorKind::Misconfigured, path).because("it tells no sizes"))
    }

    pub(super) async fn close(&self, path: &str, handle: &str) -> Result<()> {
        self.ask(path, self.raw.close(handle)).await.map(drop)
    }

    /// Fine if there is nothing of the name.
    pub(super) async fn remove(&self, folder: &str, path: &str) -> Result<()> {
        let removed = absent(self.ask(path, self.raw.remove(path)).await).map(drop);
        self.refined(folder, removed).await
    }

    pub(super) async fn rename(&self, folder: &str, from: &str, to: &str, existing: Existing) -> Result<()> {
        match existing {
            Existing::Replace if self.posix_rename => {
                let answer =
                    self.ask(to, self.raw.extended("posix-rename@openssh.com", strings(&[from, to])));
                let renamed = match answer.await {
                    Ok(Packet::Status(status)) if status.status_code == StatusCode::Ok => Ok(()),
                    Ok(Packet::Status(status)) => Err(self.fault(to, status.into())),
                    Ok(_) => Err(self.fault(to, SftpError::UnexpectedPacket)),
                    Err(error) => Err(error),
                };
                self.refined(folder, renamed).await
            }
            Existing::Replace => match self.ask(to, self.raw.rename(from, to)).await {
                // Such a server cannot replace in one step.
                Err(error) if error.kind == ErrorKind::Other => {
                    self.remove(folder, to).await?;
                    self.ask(to, self.raw.rename(from, to)).await.map(drop)
                }
                renamed => renamed.map(drop),
            },
            Existing::Refuse => {
                // OpenSSH never replaces by this request; others may.
                if !self.posix_rename && self.stat(to).await?.is_some() {
                    return Err(DestinationError::new(ErrorKind::NameTaken, to));
                }
                match self.ask(to, self.raw.rename(from, to)).await {
                    Err(error) if error.kind == ErrorKind::Other && self.exists(to).await? => {
                        Err(DestinationError { kind: ErrorKind::NameTaken, ..error })
                    }
                    renamed => self.refined(folder, renamed.map(drop)).await,
                }
            }
        }
    }

    /// Also a symbolic link that leads nowhere.
    async fn exists(&self, path: &str) -> Result<bool> {
        Ok(absent(self.ask(path, self.raw.lstat(path)).await)?.is_some())
    }

    pub(super) async fn make_folder(&self, path: &str) -> Result<()> {
        self.ask(path, self.raw.mkdir(path, FileAttributes::empty())).await.map(drop)
    }

    /// All regular files, and symbolic links to such.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<Stored>> {
        let handle = self.ask(folder, self.raw.opendir(folder)).await?.handle;
        let mut listed = Vec::new();
        let mut is_at_end = false;
        while !is_at_end {
            let parts = futures_util::future::join_all((0..LISTING).map(|_| self.raw.readdir(&*handle)));
            let parts = timeout(self.patience, parts).await.map_err(|_| {
                self.give_up();
                silent(folder)
            })?;
            for part in parts {
                match part {
                    Ok(part) => {
                        for file in part.files {
                            listed.extend(self.stored(folder, file.filename, file.attrs).await?);
                        }
                    }
                    Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => {
                        is_at_end = true;
                    }
                    Err(error) => return Err(self.fault(folder, error)),
                }
            }
        }
        self.close(folder, &handle).await?;
        Ok(listed)
    }

    async fn stored(&self, folder: &str, name: String, listed: FileAttributes) -> Result<Option<Stored>> {
        // What was not text has this character in place of it.
        if name == "." || name == ".." || name.contains(char::REPLACEMENT_CHARACTER) {
            return Ok(None);
        }
        let attributes = match kind_of(&listed) {
            Kind::Regular => listed,
            Kind::Other => return Ok(None),
            Kind::Unknown => match self.stat(&format!("{folder}/{name}")).await {
                Ok(Some(attributes)) if kind_of(&attributes) == Kind::Regular => attributes,
                Ok(_) => return Ok(None),
                // A link in a circle.
                Err(error) if error.kind == ErrorKind::Other => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        let size = attributes.size.unwrap_or_default();
        Ok(Some(Stored { name, size, modified: modified(&attributes) }))
    }

    /// Bytes, where the server tells.
    pub(super) async fn free_space(&self, folder: &str) -> Result<Option<u64>> {
        if !self.statvfs {
            return Ok(None);
        }
        let space = self.ask(folder, self.raw.statvfs(folder)).await?;
        Ok((space.blocks > 0).then(|| space.blocks_avail.saturating_mul(space.fragment_size)))
    }

    /// sftp has no words for a full or read-only disk: asks the disk itself.
    pub(super) async fn refined<T>(&self, folder: &str, result: Result<T>) -> Result<T> {
        let Err(error) = result else { return result };
        if error.kind != ErrorKind::Other || !self.statvfs {
            return Err(error);
        }
        let Ok(space) = self.ask(folder, self.raw.statvfs(folder)).await else { return Err(error) };
        let kind = match space.blocks_avail.saturating_mul(space.fragment_size) {
            _ if space.flags & READ_ONLY != 0 => ErrorKind::ReadOnly,
            free if space.blocks > 0 && free < LARGEST => ErrorKind::NoSpace,
            _ => ErrorKind::Other,
        };
        Err(DestinationError { kind, ..error })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Regular,
    Other,
    /// Of a symbolic link, or not told.
    Unknown,
}

pub(super) fn kind_of(attributes: &FileAttributes) -> Kind {
    match attributes.permissions.map(|mode| mode & 0o170_000) {
        Some(0o100_000) => Kind::Regular,
        Some(0o120_000 | 0) | None => Kind::Unknown,
        Some(_) => Kind::Other,
    }
}

pub(super) fn is_folder(attributes: &FileAttributes) -> bool {
    attributes.permissions.is_none_or(|mode| mode & 0o170_000 == 0o040_000)
}

fn modified(attributes: &FileAttributes) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(attributes.mtime?.into()))
}

fn silent(path: &str) -> DestinationError {
    offline(path, "it does not answer any more")
}

fn is_unsupported(error: &DestinationError) -> bool {
    let status = |error: &SftpError| match error {
        SftpError::Status(status) => Some(status.status_code),
        _ => None,
    };
    let cause = error.source.as_ref().and_then(|source| source.downcast_ref()).and_then(status);
    matches!(cause, Some(StatusCode::BadMessage | StatusCode::OpUnsupported))
}

fn absent<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// As in SSH messages: each behind its length.
fn strings(texts: &[&str]) -> Vec<u8> {
    let lengths = |text: &&str| (text.len() as u32).to_be_bytes();
    texts.iter().flat_map(|text| lengths(text).into_iter().chain(text.bytes())).collect()
}

/// An open file.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) channel: Arc<Channel>,
    pub(super) handle: Arc<str>,
}
