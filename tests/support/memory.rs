//! A destination in memory: the shortest correct one, and a check that the contract asks nothing of folders only.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use hindsight::destination::{
    Destination, DestinationError, ErrorKind, Existing, Result, Staged, Stored, is_upload_name,
    new_upload_name,
};

type Objects = BTreeMap<String, (SystemTime, Vec<u8>)>;

#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Objects>>);

impl Memory {
    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn rename(&self, from: &str, to: &str, existing: Existing) -> Result<()> {
        check(to)?;
        let mut objects = self.objects();
        if existing == Existing::Refuse && objects.contains_key(to) {
            return Err(DestinationError::new(ErrorKind::NameTaken, to));
        }
        let object = objects.remove(from).ok_or_else(|| DestinationError::new(ErrorKind::NotFound, from))?;
        objects.insert(to.to_owned(), object);
        Ok(())
    }
}

fn check(name: &str) -> Result<()> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(DestinationError::new(ErrorKind::Misconfigured, name));
    }
    Ok(())
}

impl Destination for Memory {
    fn create(&self) -> Result<()> {
        Ok(())
    }

    fn list(&self) -> Result<Vec<Stored>> {
        let stored = |(name, (time, bytes)): (&String, &(SystemTime, Vec<u8>))| Stored {
            name: name.clone(),
            size: bytes.len() as u64,
            modified: Some(*time),
        };
        Ok(self.objects().iter().map(stored).collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn Read + Send + Sync>> {
        check(name)?;
        let bytes = self.objects().get(name).map(|(_, bytes)| bytes.clone());
        Ok(Box::new(Cursor::new(bytes.ok_or_else(|| DestinationError::new(ErrorKind::NotFound, name))?)))
    }

    fn stage(&self) -> Result<Box<dyn Staged>> {
        let parked = new_upload_name()?;
        self.objects().insert(parked.clone(), (SystemTime::now(), Vec::new()));
        Ok(Box::new(Upload { place: self.clone(), parked, sealed: false, settled: false }))
    }

    fn adopt(&self, parked: &str, name: &str) -> Result<()> {
        if !is_upload_name(parked) {
            return Err(DestinationError::new(ErrorKind::Misconfigured, parked));
        }
        self.rename(parked, name, Existing::Refuse)
    }

    fn delete(&self, name: &str) -> Result<()> {
        check(name)?;
        self.objects().remove(name);
        Ok(())
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}

struct Upload {
    place: Memory,
    parked: String,
    sealed: bool,
    settled: bool,
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.sealed {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut objects = self.place.objects();
        let (_, stored) = objects.get_mut(&self.parked).ok_or(io::ErrorKind::NotFound)?;
        stored.extend_from_slice(bytes);
        Ok(bytes.len())
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
        self.sealed = true;
        let size = self.place.size(&self.parked)?;
        size.ok_or_else(|| DestinationError::new(ErrorKind::NotFound, &*self.parked))
    }

    fn publish(mut self: Box<Self>, name: &str, existing: Existing) -> Result<()> {
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
        if !self.settled {
            self.place.objects().remove(&self.parked);
        }
    }
}
