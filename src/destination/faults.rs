//! `fortestsonly://`: a local folder that fails as variables of the environment say, for tests of the whole program.
//! duplicity's own tests use such a place, with these variables. Only builds with the feature `fault-injection` have
//! it.
//!
//! It is a place that cannot rename: an object is measured after it has its name. Each variable names objects by a
//! part of their final name:
//!
//! * `DUP_FAIL_WITH_EXCEPTION`: every call about them fails.
//! * `DUP_FAIL_BY_SYSTEM_EXIT`: once one is stored, or before it is read or deleted, the program ends with code 30 on
//!   the spot, as if it had been killed.
//! * `DUP_FAIL_LAST_BYTE_MISSING`: they are stored without their last byte.
//! * `DUP_FAIL_SKIP_PUT_SILENT`: they are not stored at all, which nobody says.
//! * `DUP_FAIL_WAIT_FOR_VOLUME`, as `["a", "b"]`: one with `a` in its name is stored once there is one of the same date
//!   with `b`. Volumes get their names in order here, so that one that waits for a later one waits in vain, and goes on
//!   after [`PATIENCE`].
//! * `DUP_FAIL_DELAY_FIX_MS`, `DUP_FAIL_DELAY_RANDOM_MS`: every call takes so many milliseconds longer, or up to so
//!   many.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Destination, DestinationError, ErrorKind, Existing, Folder, Result, Staged, Stored};

pub(super) const SCHEME: &str = "fortestsonly";

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Faulty(Arc<Inner>);

struct Inner {
    folder: Folder,
    root: Box<Path>,
}

impl Faulty {
    pub(super) fn new(root: &Path) -> Self {
        Self(Arc::new(Inner { folder: Folder::new(root), root: root.into() }))
    }
}

impl Inner {
    /// What every call about the object `name` begins with.
    fn begin(&self, name: &str) -> Result<()> {
        delay();
        match names("DUP_FAIL_WITH_EXCEPTION", name) {
            true => Err(self.error(ErrorKind::Other, name, "injected fault")),
            false => Ok(()),
        }
    }

    fn error(&self, kind: ErrorKind, name: &str, cause: impl Into<String>) -> DestinationError {
        let path = self.root.join(name).display().to_string();
        DestinationError::new(kind, path).because(cause.into())
    }

    /// Stores an object of so many bytes by `store`.
    fn put(&self, name: &str, size: u64, store: impl FnOnce() -> Result<()>) -> Result<()> {
        self.begin(name)?;
        self.wait_for_other(name)?;
        if !names("DUP_FAIL_SKIP_PUT_SILENT", name) {
            store()?;
        }
        if names("DUP_FAIL_LAST_BYTE_MISSING", name) {
            let cut = OpenOptions::new().write(true).open(self.root.join(name));
            cut.and_then(|file| file.set_len(size.saturating_sub(1)))
                .map_err(|error| DestinationError::from_io(name, error))?;
        }
        exit_if_asked(name);
        match self.folder.size(name)? {
            Some(stored) if stored == size => Ok(()),
            stored => {
                self.folder.delete(name)?;
                let cause = format!("{size} bytes written, {} stored", stored.unwrap_or(0));
                Err(self.error(ErrorKind::Incomplete, name, cause))
            }
        }
    }

    fn wait_for_other(&self, name: &str) -> Result<()> {
        let Ok(pair) = std::env::var("DUP_FAIL_WAIT_FOR_VOLUME") else { return Ok(()) };
        let pair: [String; 2] = serde_json::from_str(&pair)
            .map_err(|error| self.error(ErrorKind::Misconfigured, name, error.to_string()))?;
        let [waiting, other] = pair;
        if !name.contains(&waiting) {
            return Ok(());
        }
        let set = name.split(".vol").next().unwrap_or(name);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let is_other = |stored: &Stored| stored.name.starts_with(set) && stored.name.contains(&other);
            if self.folder.list()?.iter().any(is_other) {
                break;
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Destination for Faulty {
    fn create(&self) -> Result<()> {
        self.0.folder.create()
    }

    fn list(&self) -> Result<Vec<Stored>> {
        delay();
        self.0.folder.list()
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>> {
        self.0.begin(name)?;
        exit_if_asked(name);
        self.0.folder.open(name)
    }

    fn stage(&self) -> Result<Box<dyn Staged>> {
        let (inner, upload) = (Arc::clone(&self.0), self.0.folder.stage()?);
        Ok(Box::new(Upload { inner, upload }))
    }

    fn adopt(&self, parked: &str, name: &str) -> Result<()> {
        let size = self.0.folder.size(parked)?.unwrap_or(0);
        self.0.put(name, size, || self.0.folder.adopt(parked, name))
    }

    fn delete(&self, name: &str) -> Result<()> {
        self.0.begin(name)?;
        exit_if_asked(name);
        self.0.folder.delete(name)
    }

    fn describe(&self) -> String {
        self.0.folder.describe()
    }

    fn size(&self, name: &str) -> Result<Option<u64>> {
        self.0.begin(name)?;
        self.0.folder.size(name)
    }
}

struct Upload {
    inner: Arc<Inner>,
    upload: Box<dyn Staged>,
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.upload.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.upload.flush()
    }
}

impl Staged for Upload {
    fn parked_name(&self) -> &str {
        self.upload.parked_name()
    }

    fn seal(&mut self) -> Result<u64> {
        self.upload.seal()
    }

    fn publish(self: Box<Self>, name: &str, existing: Existing) -> Result<()> {
        let Self { inner, mut upload } = *self;
        let size = upload.seal()?;
        inner.put(name, size, || upload.publish(name, existing))
    }

    fn park(self: Box<Self>) -> Result<String> {
        self.upload.park()
    }
}

/// Whether the variable names this object.
fn names(variable: &str, name: &str) -> bool {
    std::env::var(variable).is_ok_and(|part| !part.is_empty() && name.contains(&part))
}

fn exit_if_asked(name: &str) {
    if names("DUP_FAIL_BY_SYSTEM_EXIT", name) {
        std::process::exit(30);
    }
}

fn delay() {
    let milliseconds = |variable| std::env::var(variable).ok().and_then(|value| value.parse::<u64>().ok());
    let fixed = milliseconds("DUP_FAIL_DELAY_FIX_MS").unwrap_or(0);
    let random =
        milliseconds("DUP_FAIL_DELAY_RANDOM_MS").map_or(0, |most| getrandom::u64().unwrap_or(0) % (most + 1));
    if fixed + random > 0 {
        sleep(Duration::from_millis(fixed + random));
    }
}
