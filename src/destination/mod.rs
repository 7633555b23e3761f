//! Places that hold backups: flat sets of named objects behind one small trait.
//!
//! What every place promises, whatever its protocol (proved by `tests/destination_contract.rs`):
//!
//! 1. **All or nothing.** Under a final name lies a whole object or none. Bytes arrive under a foreign name
//!    (`FORMAT.md` 21) that stock duplicity ignores, are made durable and measured by `seal`, and appear by one
//!    atomic step, `publish`.
//! 2. **Nothing is replaced by accident.** Publishing under a name that exists fails with `NameTaken` unless the
//!    caller says `Existing::Replace`, which is atomic as well: readers see the old object or the new one.
//! 3. **An error says nothing about what happened.** After a failed `publish` or `adopt` the object may be
//!    there. Callers look (`size`, `list`) before they try again; [`put_bytes`] does.
//! 4. **Absence is an answer.** A missing object or folder is `NotFound`; a missing folder is never an empty
//!    listing, and only `create` makes one. Deleting what is not there succeeds.
//! 5. **Names** are single path components. Everything else is refused before it reaches the place.
//!
//! A new protocol implements [`Destination`] and [`Staged`], adds its case to [`Spec`] and joins the contract
//! suite. Where a place cannot rename, `stage` spools locally and `publish` uploads in one atomic request.

mod error;
#[cfg(feature = "fault-injection")]
mod faults;
mod folder;
mod lease;
mod login;
mod marker;
mod put;
mod rclone;
mod spec;
mod ssh;
pub mod trial;
mod upload_name;

use std::io::{Read, Write};
use std::time::SystemTime;

pub use error::{DestinationError, ErrorKind};
pub use folder::Folder;
pub use lease::{LEASE_NAME, Lease, LeaseError, RENEW_EVERY_SECONDS};
pub use login::Login;
pub use marker::{MARKER_NAME, Marker, read_marker, write_marker};
pub use put::{Retry, put_bytes, read_bytes, sweep};
pub use rclone::Rclone;
pub use spec::{Spec, SpecError, is_url};
pub use ssh::{HostKey, SshOptionError, SshOptions};
pub use trial::{Check, CheckKind, adopt_or_mark, try_place};
pub use upload_name::{is_upload_name, new_upload_name, random_id};

pub type Result<T, E = DestinationError> = std::result::Result<T, E>;

/// A single path component.
fn is_object_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

/// One object of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    pub name: String,
    /// In bytes, as stored.
    pub size: u64,
    /// Time of the last change by the place's own clock, where it tells one.
    pub modified: Option<SystemTime>,
}

/// What to do when the final name exists already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    Refuse,
    Replace,
}

pub trait Destination: Send + Sync {
    /// Makes the place itself ready to be written to (a folder and its parents). Fine if it exists. Only a first
    /// backup calls this: a restore from, or a later backup to, a place that is gone must fail with `NotFound`.
    fn create(&self) -> Result<()>;

    /// Every object of the place in no particular order, uploads in progress included. Subfolders, special files
    /// and names that are not UTF-8 (never ours) are left out.
    fn list(&self) -> Result<Vec<Stored>>;

    /// Reads a whole object from its start.
    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>>;

    /// Begins an upload that nobody sees under its final name until [`Staged::publish`].
    fn stage(&self) -> Result<Box<dyn Staged>>;

    /// Gives a parked upload its final name, as `publish` would have done. `NotFound` if it is no longer there,
    /// `NameTaken` if the final name exists.
    fn adopt(&self, parked: &str, name: &str) -> Result<()>;

    /// Deletes one object for good; succeeds if there is none.
    fn delete(&self, name: &str) -> Result<()>;

    /// The place for people and logs. Never holds a secret.
    fn describe(&self) -> String;

    /// Size in bytes of one object, `None` if it does not exist.
    fn size(&self, name: &str) -> Result<Option<u64>> {
        Ok(self.list()?.into_iter().find(|stored| stored.name == name).map(|stored| stored.size))
    }

    /// Bytes that can still be stored, where the place tells.
    fn free_space(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Bytes of the largest object that can be stored, where there is a limit.
    fn largest_object(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}

/// An upload that has not been published. Dropped, it removes what it stored.
///
/// Errors of `Write` are the place's; [`DestinationError::from_io`] sorts them.
pub trait Staged: Write + Send {
    /// The foreign name under which the bytes lie now and would stay after [`Staged::park`].
    fn parked_name(&self) -> &str;

    /// Makes all bytes durable and checks that the place holds as many as were written; returns their number.
    /// Nothing can be written afterwards. Sealing again does nothing.
    fn seal(&mut self) -> Result<u64>;

    /// Seals if needed, then makes the object visible under `name` in one atomic, durable step.
    fn publish(self: Box<Self>, name: &str, existing: Existing) -> Result<()>;

    /// Seals if needed, then leaves the object under its foreign name for [`Destination::adopt`] by a later run;
    /// returns that name.
    fn park(self: Box<Self>) -> Result<String>;
}
