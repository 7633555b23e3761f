//! An upload: many requests under way at once. What the server has not confirmed is kept and sent again should the
//! connection be lost; such an upload is read back before it is trusted.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::channel::Open;
use super::download::Download;
use super::line::Line;
use super::{DestinationError, ErrorKind, Existing, Result, Staged, checked_path, offline, put_in_place};
use crate::destination::new_upload_name;

/// Bytes that are under way at a time.
const UNDER_WAY: usize = 4 << 20;

pub(super) struct Upload {
    line: Arc<Line>,
    parked: String,
    path: String,
    /// `None` once it is sealed.
    open: Option<Open>,
    buffer: Vec<u8>,
    /// Bytes per request.
    step: usize,
    written: u64,
    /// Offset of the first byte that was not handed to a request.
    sent: u64,
    /// By offset.
    unconfirmed: BTreeMap<u64, Arc<Vec<u8>>>,
    answers: JoinSet<(u64, Result<()>)>,
    checksum: crc32fast::Hasher,
    was_resumed: bool,
    /// Connections lost since the last confirmation.
    losses: u32,
    is_settled: bool,
}

impl Upload {
    pub(super) fn begin(line: Arc<Line>) -> Result<Self> {
        let mut parked = new_upload_name()?;
        let mut is_first = true;
        let opened = line.call(async |channel| {
            if !std::mem::replace(&mut is_first, false) {
                // The last one may be there after all.
                line.note_leftover(std::mem::replace(&mut parked, new_upload_name()?));
            }
            let handle = channel.create(line.folder(), &line.path(&parked)).await?;
            Ok(Open { channel, handle: handle.into() })
        });
        let open = opened.map_err(|error| line.about(&parked, error))?;
        let step = open.channel.most_written;
        Ok(Self {
            path: line.path(&parked),
            line,
            parked,
            open: Some(open),
            buffer: Vec::with_capacity(step),
            step,
            written: 0,
            sent: 0,
            unconfirmed: BTreeMap::new(),
            answers: JoinSet::new(),
            checksum: crc32fast::Hasher::new(),
            was_resumed: false,
            losses: 0,
            is_settled: false,
        })
    }

    fn send(&mut self) -> Result<()> {
        let data = Arc::new(std::mem::replace(&mut self.buffer, Vec::with_capacity(self.step)));
        let offset = self.sent;
        self.sent += data.len() as u64;
        self.unconfirmed.insert(offset, data.clone());
        self.start(offset, data)?;
        while self.unconfirmed.len() * self.step > UNDER_WAY {
            self.settle()?;
        }
        Ok(())
    }

    fn start(&mut self, offset: u64, data: Arc<Vec<u8>>) -> Result<()> {
        let Some(Open { channel, handle }) = self.open.clone() else { return Ok(()) };
        let path = self.path.clone();
        let request = async move { (offset, channel.write(&path, &handle, offset, data.to_vec()).await) };
        self.answers.spawn_on(request, self.line.runtime()?.handle());
        Ok(())
    }

    /// Waits for one answer.
    fn settle(&mut self) -> Result<()> {
        let (patience, answers) = (self.line.patience(), &mut self.answers);
        let answer = self.line.runtime()?.block_on(async { timeout(patience, answers.join_next()).await });
        match answer {
            Ok(Some(Ok((offset, Ok(()))))) => {
                self.unconfirmed.remove(&offset);
                self.losses = 0;
                Ok(())
            }
            Ok(Some(Ok((_, Err(error))))) => self.recover(error),
            Ok(Some(Err(error))) => Err(DestinationError::new(ErrorKind::Other, &*self.path).because(error)),
            // Every byte is answered for.
            Ok(None) => self.recover(offline(&*self.path, "an answer is missing")),
            Err(_) => {
                if let Some(open) = &self.open {
                    open.channel.give_up();
                }
                self.recover(offline(&*self.path, "it does not answer any more"))
            }
        }
    }

    /// Goes on over a new connection, if that is what is missing.
    fn recover(&mut self, error: DestinationError) -> Result<()> {
        if !error.temporary || self.losses >= self.line.reconnects() {
            return Err(match &self.open {
                Some(Open { channel, .. }) => {
                    let refined = channel.refined::<()>(self.line.folder(), Err(error));
                    self.line.runtime()?.block_on(refined).err().unwrap_or_else(|| offline(&*self.path, "?"))
                }
                None => error,
            });
        }
        self.losses += 1;
        self.was_resumed = true;
        self.answers = JoinSet::new();
        let opened = self.line.call(async |channel| {
            let handle = channel.open_again(&self.path).await?;
            Ok(Open { channel, handle: handle.into() })
        });
        self.open = Some(match opened {
            Ok(open) => open,
            // What there was of it is gone: a whole new upload may do better.
            Err(gone) if gone.kind == ErrorKind::NotFound => return Err(error),
            Err(error) => return Err(error),
        });
        for (offset, data) in self.unconfirmed.clone() {
            self.start(offset, data)?;
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.send()?;
        }
        let stored = loop {
            while !self.unconfirmed.is_empty() {
                self.settle()?;
            }
            let Some(Open { channel, handle }) = &self.open else { return Ok(()) };
            match self.line.runtime()?.block_on(channel.finish(&self.path, handle)) {
                Ok(size) => break size,
                Err(error) => self.recover(error)?,
            }
        };
        self.open = None;
        if stored != self.written {
            return Err(self.differs(format!("{} bytes written, {stored} stored", self.written)));
        }
        // A server that went down meanwhile may have lost what it had confirmed.
        if self.was_resumed && !holds(&self.line, &self.parked, self.written, &self.checksum) {
            return Err(self.differs("what is stored is not what was written".into()));
        }
        Ok(())
    }

    fn differs(&self, why: String) -> DestinationError {
        let error = DestinationError::new(ErrorKind::Other, &*self.path).because(why);
        DestinationError { temporary: true, ..error }
    }

    fn named(&self, error: DestinationError) -> DestinationError {
        self.line.about(&self.parked, error)
    }
}

/// Whether an object has exactly these bytes.
fn holds(line: &Arc<Line>, name: &str, size: u64, checksum: &crc32fast::Hasher) -> bool {
    let compare = || -> io::Result<bool> {
        let mut stored = Download::open(line.clone(), name)?;
        if stored.size() != size {
            return Ok(false);
        }
        let mut found = Checksum(crc32fast::Hasher::new());
        io::copy(&mut stored, &mut found)?;
        Ok(found.0.finalize() == checksum.clone().finalize())
    };
    compare().unwrap_or(false)
}

struct Checksum(crc32fast::Hasher);

impl Write for Checksum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "written to after it was sealed"));
        }
        let count = bytes.len().min(self.step - self.buffer.len());
        let bytes = &bytes[..count];
        self.buffer.extend_from_slice(bytes);
        self.checksum.update(bytes);
        self.written += count as u64;
        if self.buffer.len() == self.step {
            self.send().map_err(|error| self.named(error))?;
        }
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
        if self.open.is_some() {
            self.complete().map_err(|error| self.named(error))?;
        }
        Ok(self.written)
    }

    fn publish(mut self: Box<Self>, name: &str, existing: Existing) -> Result<()> {
        checked_path(&self.line, name)?;
        self.seal()?;
        put_in_place(&self.line, &self.parked, name, existing, || {
            holds(&self.line, name, self.written, &self.checksum)
        })?;
        self.is_settled = true;
        Ok(())
    }

    fn park(mut self: Box<Self>) -> Result<String> {
        self.seal()?;
        self.is_settled = true;
        Ok(std::mem::take(&mut self.parked))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_settled {
            self.answers.abort_all();
            if let (Some(Open { channel, handle }), Ok(runtime)) = (self.open.take(), self.line.runtime()) {
                let path = std::mem::take(&mut self.path);
                runtime.spawn(async move { channel.close(&path, &handle).await });
            }
            self.line.discard(&self.parked);
        }
    }
}
