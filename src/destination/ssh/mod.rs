//! A folder of a server, reached by sftp over ssh: `sftp://`, `scp://` and `ssh://` alike, by a client of our own.
//!
//! ```text
//!  address, options, config   what is typed, and what ssh's own files say of the server
//!  connect, trust, auth       a session: the way there, who the server is, who we are
//!  line, channel              the session of one place with up to four channels; made anew when it is lost
//!  upload, download           one object on its way
//! ```
//!
//! At first contact everything fails at once. Later a connection that is lost is made anew a few times, and what was
//! under way goes on where it was. Whatever waits for the server gives up when nothing has been heard for a while.

mod address;
mod auth;
mod channel;
mod config;
mod connect;
mod download;
mod known_hosts;
mod line;
mod options;
mod trust;
mod upload;

use std::cell::Cell;
use std::io::Read;
use std::sync::Arc;

use super::{
    Destination, DestinationError, ErrorKind, Existing, Login, Result, Staged, Stored, is_object_name,
    is_upload_name,
};
pub(super) use address::Address;
use channel::{Channel, Kind, is_folder, kind_of};
use download::Download;
use line::Line;
pub use options::{SshOptionError, SshOptions};
pub use trust::HostKey;
use upload::Upload;

/// Of ssh.
const PORT: u16 = 22;

pub(super) struct Ssh {
    line: Arc<Line>,
}

impl Ssh {
    /// Touches nothing yet; connects at first use.
    pub(super) fn new(address: Address, login: Login) -> Self {
        Self { line: Arc::new(Line::new(address, login)) }
    }

    /// Does `work` with the path of an object. Errors are about what people know it by.
    fn with<T>(&self, name: &str, mut work: impl AsyncFnMut(&Channel, &str) -> Result<T>) -> Result<T> {
        let path = checked_path(&self.line, name)?;
        let done = self.line.call(async |channel| work(&channel, &path).await);
        done.map_err(|error| self.line.about(name, error))
    }

    /// The same with the folder.
    fn with_folder<T>(&self, mut work: impl AsyncFnMut(&Channel, &str) -> Result<T>) -> Result<T> {
        let done = self.line.call(async |channel| work(&channel, self.line.folder()).await);
        done.map_err(|error| DestinationError { path: self.describe(), ..error })
    }
}

impl Destination for Ssh {
    fn create(&self) -> Result<()> {
        self.with_folder(async |channel, folder| {
            if channel.stat(folder).await?.is_none() {
                let ends = folder.match_indices('/').map(|(end, _)| end).filter(|end| *end > 0);
                for end in ends.chain([folder.len()]) {
                    make_folder(channel, &folder[..end]).await?;
                }
            }
            match channel.stat(folder).await? {
                Some(attributes) if is_folder(&attributes) => Ok(()),
                _ => Err(DestinationError::new(ErrorKind::Misconfigured, folder)),
            }
        })
    }

    fn list(&self) -> Result<Vec<Stored>> {
        self.with_folder(async |channel, folder| channel.list(folder).await)
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>> {
        checked_path(&self.line, name)?;
        Ok(Box::new(Download::open(self.line.clone(), name)?))
    }

    fn stage(&self) -> Result<Box<dyn Staged>> {
        Ok(Box::new(Upload::begin(self.line.clone())?))
    }

    fn adopt(&self, parked: &str, name: &str) -> Result<()> {
        checked_path(&self.line, name)?;
        if !is_upload_name(parked) {
            return Err(DestinationError::new(ErrorKind::Misconfigured, self.line.shown(parked)));
        }
        let Some(size) = self.size(parked)? else {
            return Err(DestinationError::new(ErrorKind::NotFound, self.line.shown(parked)));
        };
        let is_there = || matches!(self.size(name), Ok(Some(found)) if found == size);
        put_in_place(&self.line, parked, name, Existing::Refuse, is_there)
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.with(name, async |channel, path| channel.remove(self.line.folder(), path).await)
    }

    fn describe(&self) -> String {
        self.line.shown.clone()
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        let found = self.with(name, async |channel, path| {
            match channel.stat(path).await? {
                Some(attributes) => Ok(Some(attributes)),
                // Nothing can be in a folder that is not there.
                None => match channel.stat(self.line.folder()).await? {
                    Some(_) => Ok(None),
                    None => Err(DestinationError::new(ErrorKind::NotFound, path)),
                },
            }
        })?;
        Ok(found.filter(|found| kind_of(found) != Kind::Other).and_then(|found| found.size))
    }

    fn free_space(&self) -> Result<Option<u64>> {
        self.with_folder(async |channel, folder| channel.free_space(folder).await)
    }
}

/// Fine if there is one; if something else is there, that is found out later.
async fn make_folder(channel: &Channel, path: &str) -> Result<()> {
    if channel.stat(path).await?.is_some() {
        return Ok(());
    }
    let parent =
        path.rsplit_once('/').map_or(".", |(parent, _)| if parent.is_empty() { "/" } else { parent });
    match channel.refined(parent, channel.make_folder(path).await).await {
        // Somebody else was faster.
        Err(error) if error.kind == ErrorKind::Other && channel.stat(path).await?.is_some() => Ok(()),
        made => made,
    }
}

/// The path of an object on the server.
fn checked_path(line: &Line, name: &str) -> Result<String> {
    match is_object_name(name) {
        true => Ok(line.path(name)),
        false => Err(DestinationError::new(ErrorKind::Misconfigured, format!("{} {name:?}", line.shown))),
    }
}

/// Gives an upload its final name. Where the connection is lost meanwhile nobody knows whether it has it: `is_ours`
/// tells by looking at what is there.
fn put_in_place(
    line: &Line,
    parked: &str,
    name: &str,
    existing: Existing,
    is_ours: impl Fn() -> bool,
) -> Result<()> {
    let (from, to) = (line.path(parked), line.path(name));
    let is_uncertain = Cell::new(false);
    let renamed = line.call(async |channel| {
        let renamed = channel.rename(line.folder(), &from, &to, existing).await;
        is_uncertain.set(is_uncertain.get() || matches!(&renamed, Err(error) if error.temporary));
        renamed
    });
    match renamed {
        Err(error) if is_uncertain.get() && !error.temporary && is_ours() => {
            // The server may have been stopped between the two halves of it.
            line.discard(parked);
            Ok(())
        }
        Err(error) if error.kind == ErrorKind::NotFound => Err(line.about(parked, error)),
        renamed => renamed.map_err(|error| line.about(name, error)),
    }
}

/// There is no connection.
fn offline(
    path: impl Into<String>,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> DestinationError {
    DestinationError::new(ErrorKind::Offline, path).because(why)
}
