//! Whatever `rclone` reaches: clouds that have no protocol of their own here, by remotes that people have set up with
//! that program. Address `rclone://REMOTE:FOLDER`, as in duplicity.
//!
//! Each call is a run of rclone. What it stores under a name is not everywhere all or nothing (its local and sftp
//! remotes write in place), so an upload gets a foreign name and its size is looked at before it is moved to its own.
//! Where a remote moves by copying and deleting (S3), a move that breaks off leaves both, and never half of one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use serde::Deserialize;
use tempfile::NamedTempFile;

use super::{
    Destination, DestinationError, ErrorKind, Existing, Result, Staged, Stored, is_object_name,
    is_upload_name, new_upload_name,
};
use crate::secret::keep_from;

/// Of every run. A remote that does not answer is not reachable; whoever asks tries again, rclone itself does not.
const OPTIONS: [&str; 8] = [
    "--contimeout=15s",
    "--timeout=60s",
    "--retries=1",
    "--low-level-retries=3",
    "--ask-password=false",
    "--use-json-log",
    "--log-level=ERROR",
    "--stats=0",
];

/// Of rclone's exit codes, those that say what to do.
const NO_FOLDER: i32 = 3;
const NO_FILE: i32 = 4;
const TEMPORARY: i32 = 5;

#[derive(Clone, Debug)]
pub struct Rclone {
    /// As rclone takes it: `REMOTE:FOLDER`.
    root: String,
}

impl Rclone {
    /// `root`: a remote, a colon, and a folder of it, which may be empty.
    pub fn new(root: &str) -> Self {
        Self { root: root.trim_end_matches('/').to_owned() }
    }

    fn at(&self, name: &str) -> Result<String> {
        if !is_object_name(name) {
            return Err(self.error(ErrorKind::Misconfigured, name, "not a name of one component"));
        }
        let between = if self.root.ends_with(':') { "" } else { "/" };
        Ok(format!("{}{between}{name}", self.root))
    }

    fn error(&self, kind: ErrorKind, name: &str, cause: impl Into<String>) -> DestinationError {
        let path = if name.is_empty() { self.describe() } else { format!("{}/{name}", self.describe()) };
        DestinationError::new(kind, path).because(cause.into())
    }

    /// `name`: which object it is about, for errors.
    fn run(&self, name: &str, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Result<Vec<u8>> {
        let mut command = Command::new("rclone");
        command.args(OPTIONS).args(arguments).stdin(Stdio::null());
        keep_from(&mut command);
        match command.output() {
            Ok(output) if output.status.success() => Ok(output.stdout),
            Ok(output) => Err(self.failed(name, &output)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(self.error(ErrorKind::Misconfigured, name, "the program rclone is not installed"))
            }
            Err(error) => Err(DestinationError::from_io(self.describe(), error)),
        }
    }

    fn failed(&self, name: &str, output: &Output) -> DestinationError {
        let said = last_words(&output.stderr);
        let (kind, temporary) = sort(output.status.code(), &said);
        DestinationError { temporary, ..self.error(kind, name, said) }
    }

    /// What lies under a name, if anything does.
    fn look(&self, name: &str) -> Result<Option<u64>> {
        let at = self.at(name)?;
        // Some remotes tell a missing file by code 3 or 4, some by an empty answer.
        match self.run(name, ["lsjson", "--stat", "--no-modtime", "--no-mimetype", &at]) {
            Ok(json) => {
                let listed: Option<Listed> =
                    serde_json::from_slice(&json).map_err(|error| self.unread(name, &error))?;
                Ok(listed.filter(|listed| !listed.is_folder).map(|listed| listed.bytes()))
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn unread(&self, name: &str, error: &serde_json::Error) -> DestinationError {
        self.error(ErrorKind::Other, name, format!("the answer of rclone cannot be read: {error}"))
    }

    /// Under its own name from now on; what is there under it is not.
    fn rename(&self, parked: &str, name: &str, existing: Existing) -> Result<()> {
        let (from, to) = (self.at(parked)?, self.at(name)?);
        if existing == Existing::Refuse && self.look(name)?.is_some() {
            return Err(self.error(ErrorKind::NameTaken, name, "there is one already"));
        }
        self.run(parked, ["moveto", "--no-check-dest", &from, &to]).map(drop)
    }
}

impl Destination for Rclone {
    fn create(&self) -> Result<()> {
        self.run("", ["mkdir", &self.root]).map(drop)
    }

    fn list(&self) -> Result<Vec<Stored>> {
        let json = self.run("", ["lsjson", "--files-only", "--no-mimetype", &self.root])?;
        let listed: Vec<Listed> = serde_json::from_slice(&json).map_err(|error| self.unread("", &error))?;
        let stored = |listed: Listed| Stored {
            size: listed.bytes(),
            modified: listed.modified.as_deref().and_then(moment),
            name: listed.name,
        };
        Ok(listed.into_iter().map(stored).collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>> {
        let at = self.at(name)?;
        // A whole file, of which rclone has compared the size and, where the remote tells one, the checksum: what breaks
        // off is an error of this call. It must not be there before: a missing object would look like a wrong target.
        let folder = tempfile::tempdir().map_err(local)?;
        let copy = folder.path().join("object");
        self.run(name, [OsStr::new("copyto"), OsStr::new(&at), copy.as_os_str()])?;
        Ok(Box::new(File::open(copy).map_err(local)?))
    }

    fn stage(&self) -> Result<Box<dyn Staged>> {
        // Only `create` makes folders; rclone would.
        self.run(
            "",
            ["lsjson", "--max-depth=1", "--dirs-only", "--no-mimetype", "--no-modtime", &self.root],
        )?;
        Ok(Box::new(Upload {
            place: self.clone(),
            parked: new_upload_name()?,
            spool: Some(NamedTempFile::new().map_err(local)?),
            written: 0,
            settled: false,
        }))
    }

    fn adopt(&self, parked: &str, name: &str) -> Result<()> {
        self.at(name)?;
        if !is_upload_name(parked) {
            return Err(self.error(ErrorKind::Misconfigured, parked, "not an upload"));
        }
        if self.look(parked)?.is_none() {
            return Err(self.error(ErrorKind::NotFound, parked, "no longer there"));
        }
        self.rename(parked, name, Existing::Refuse)
    }

    fn delete(&self, name: &str) -> Result<()> {
        let at = self.at(name)?;
        // For good: a bin would fill up the place.
        match self.run(name, ["deletefile", "--drive-use-trash=false", &at]) {
            // How rclone says that there was none differs from version to version: whether there is one tells.
            Err(error) if error.kind != ErrorKind::NotFound && self.look(name)?.is_some() => Err(error),
            _ => Ok(()),
        }
    }

    /// Without what a remote given in full (`:type,option=value:`) may hold of secrets.
    fn describe(&self) -> String {
        let (remote, folder) = self.root.rsplit_once(':').unwrap_or((&self.root, ""));
        let remote = remote.split_once(',').map_or(remote, |(kind, _)| kind);
        format!("rclone://{remote}:{folder}")
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        self.look(name)
    }

    fn free_space(&self) -> Result<Option<u64>> {
        // Many remotes cannot tell.
        let Ok(json) = self.run("", ["about", "--json", &self.root]) else { return Ok(None) };
        Ok(serde_json::from_slice::<About>(&json).ok().and_then(|about| about.free))
    }
}

/// One object, as `lsjson` tells it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    /// -1 where a remote does not know.
    size: i64,
    #[serde(rename = "ModTime")]
    modified: Option<String>,
    #[serde(rename = "IsDir", default)]
    is_folder: bool,
}

impl Listed {
    fn bytes(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(0)
    }
}

#[derive(Deserialize)]
struct About {
    free: Option<u64>,
}

struct Upload {
    place: Rclone,
    parked: String,
    /// Until it is sealed.
    spool: Option<NamedTempFile>,
    /// In bytes.
    written: u64,
    /// Published or parked: no longer ours to remove.
    settled: bool,
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(spool) = &mut self.spool else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "written to after it was sealed"));
        };
        let count = spool.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Upload {
    fn parked_name(&self) -> &str {
        &self.parked
    }

    fn seal(&mut self) -> Result<u64> {
        let Some(spool) = &self.spool else { return Ok(self.written) };
        let at = self.place.at(&self.parked)?;
        let path = spool.path().as_os_str();
        self.place.run(
            &self.parked,
            [OsStr::new("copyto"), OsStr::new("--no-check-dest"), path, OsStr::new(&at)],
        )?;
        let stored = self.place.look(&self.parked)?;
        if stored != Some(self.written) {
            let cause = format!("{} bytes written, {} stored", self.written, stored.unwrap_or(0));
            let error = self.place.error(ErrorKind::Other, &self.parked, cause);
            return Err(DestinationError { temporary: true, ..error });
        }
        self.spool = None;
        Ok(self.written)
    }

    fn publish(mut self: Box<Self>, name: &str, existing: Existing) -> Result<()> {
        self.place.at(name)?;
        self.seal()?;
        self.place.rename(&self.parked, name, existing)?;
        self.settled = true;
        Ok(())
    }

    fn park(mut self: Box<Self>) -> Result<String> {
        self.seal()?;
        self.settled = true;
        Ok(self.parked.clone())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Best effort: what stays is swept by a later run. Nothing is there before it was sealed, unless sealing failed.
        if !self.settled {
            let _ = self.place.delete(&self.parked);
        }
    }
}

/// The message of the last line that has one: rclone's log is JSON, a line an event.
fn last_words(stderr: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Event {
        msg: String,
    }
    let said = String::from_utf8_lossy(stderr);
    let message = |line: &str| match serde_json::from_str::<Event>(line) {
        Ok(event) => event.msg.trim().to_owned(),
        Err(_) => line.trim().to_owned(),
    };
    said.lines()
        .rev()
        .map(message)
        .find(|message| !message.is_empty())
        .unwrap_or_else(|| "rclone failed".into())
}

/// By the exit code, or by its words where that is the one for everything.
fn sort(code: Option<i32>, said: &str) -> (ErrorKind, bool) {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match code {
        Some(NO_FOLDER | NO_FILE) => (ErrorKind::NotFound, false),
        _ if has(&["directory not found", "object not found", "file not found"]) => {
            (ErrorKind::NotFound, false)
        }
        _ if has(&["didn't find section in config file", "didn't find backend", "config password"]) => {
            (ErrorKind::Misconfigured, false)
        }
        _ if has(&["no space left", "insufficient storage", "quota exceeded", "storagequotaexceeded"]) => {
            (ErrorKind::NoSpace, false)
        }
        _ if has(&["read-only file system"]) => (ErrorKind::ReadOnly, false),
        _ if has(&[
            "permission denied",
            "unauthorized",
            "forbidden",
            "accessdenied",
            "unable to authenticate",
        ]) =>
        {
            (ErrorKind::Denied, false)
        }
        _ if has(&[
            "connection refused",
            "no such host",
            "no route to host",
            "i/o timeout",
            "connection reset",
        ]) =>
        {
            (ErrorKind::Offline, true)
        }
        Some(TEMPORARY) => (ErrorKind::Other, true),
        _ => (ErrorKind::Other, false),
    }
}

/// The place has no part in it: trying again would not help.
fn local(error: io::Error) -> DestinationError {
    DestinationError { temporary: false, ..DestinationError::from_io("temporary files", error) }
}

/// RFC 3339, as lsjson writes moments.
fn moment(text: &str) -> Option<SystemTime> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(SystemTime::from)
}
