//! Old content and a delta make the new content, which is made as it is read: so deltas can lie on deltas, and
//! content of any size passes through all of them once.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::DeltaError;
use super::command::{Command, MAGIC, read_error};

const BUFFER: usize = 16 << 10;

/// What a delta makes of `basis`. What follows the end mark is ignored, as librsync does. After an error there is
/// nothing more to be had; a [`DeltaError`] comes as the error's inner one, those of the two readers as themselves.
pub struct Patched<B, D> {
    basis: B,
    /// Where the next byte of `basis` is; unknown before the first copy.
    position: Option<u64>,
    delta: BufReader<D>,
    started: bool,
    /// What is left of the current command.
    command: Command,
}

impl<B: Read + Seek, D: Read> Patched<B, D> {
    pub fn new(basis: B, delta: D) -> Self {
        let delta = BufReader::with_capacity(BUFFER, delta);
        Self { basis, position: None, delta, started: false, command: Command::Literal(0) }
    }
}

impl<B: Read + Seek, D: Read> Read for Patched<B, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.started {
            read_magic(&mut self.delta)?;
            self.started = true;
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Command::Literal(0) | Command::Copy { length: 0, .. } = self.command {
            self.command = Command::read(&mut self.delta)?;
        }
        let most =
            |length: u64| usize::try_from(length).map_or(buffer.len(), |length| length.min(buffer.len()));
        match &mut self.command {
            Command::End => Ok(0),
            Command::Literal(length) => {
                let most = most(*length);
                let read = read_some(&mut self.delta, &mut buffer[..most])?;
                *length -= read as u64;
                if read == 0 { Err(DeltaError::Truncated.into()) } else { Ok(read) }
            }
            Command::Copy { offset, length } => {
                let beyond = DeltaError::OutOfBounds { offset: *offset, length: *length };
                if offset.checked_add(*length).is_none() {
                    return Err(beyond.into());
                }
                if self.position != Some(*offset) {
                    self.basis.seek(SeekFrom::Start(*offset))?;
                }
                let most = most(*length);
                let read = read_some(&mut self.basis, &mut buffer[..most])?;
                (*offset, *length) = (*offset + read as u64, *length - read as u64);
                self.position = Some(*offset);
                if read == 0 { Err(beyond.into()) } else { Ok(read) }
            }
        }
    }
}

/// How far a delta goes back in its basis, at most, behind what it has taken already; 0 when it goes from front to back.
pub fn furthest_step_back(delta: impl Read) -> io::Result<u64> {
    let mut delta = BufReader::with_capacity(BUFFER, delta);
    read_magic(&mut delta)?;
    let (mut taken, mut furthest) = (0u64, 0);
    loop {
        match Command::read(&mut delta)? {
            Command::End => return Ok(furthest),
            // A delta that ends within a literal shows at the next command.
            Command::Literal(length) => drop(io::copy(&mut delta.by_ref().take(length), &mut io::sink())?),
            Command::Copy { offset, length } => {
                furthest = furthest.max(taken.saturating_sub(offset));
                taken = taken.max(offset.saturating_add(length));
            }
        }
    }
}

/// A basis that is read from front to back, of which only the last bytes are kept.
pub struct Onwards<R> {
    inner: R,
    /// Bytes read of `inner`, and where among them the next read begins.
    taken: u64,
    position: u64,
    /// At least the last `keep` bytes taken.
    recent: Vec<u8>,
    keep: usize,
}

impl<R> Onwards<R> {
    /// It can go back `keep` bytes.
    pub fn new(inner: R, keep: usize) -> Self {
        Self { inner, taken: 0, position: 0, recent: Vec::new(), keep }
    }
}

impl<R: Read> Read for Onwards<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let again = (self.taken - self.position) as usize;
        let read = if again > 0 {
            (&self.recent[self.recent.len() - again..]).read(buffer)?
        } else {
            let read = self.inner.read(buffer)?;
            self.taken += read as u64;
            if self.keep > 0 {
                self.recent.extend_from_slice(&buffer[..read]);
            }
            if self.recent.len() > 2 * self.keep {
                self.recent.drain(..self.recent.len() - self.keep);
            }
            read
        };
        self.position += read as u64;
        Ok(read)
    }
}

impl<R: Read> Seek for Onwards<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(to) if to >= self.taken => {
                self.position = self.taken;
                // Behind the end there is nothing to read, as in a file.
                let ahead = to - self.taken;
                io::copy(&mut self.by_ref().take(ahead), &mut io::sink())?;
                Ok(to)
            }
            SeekFrom::Start(to) if self.taken - to <= self.recent.len() as u64 => {
                self.position = to;
                Ok(to)
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

fn read_magic(delta: &mut impl Read) -> io::Result<()> {
    let mut magic = [0; MAGIC.len()];
    delta.read_exact(&mut magic).map_err(read_error)?;
    if magic == MAGIC { Ok(()) } else { Err(DeltaError::NotADelta.into()) }
}

fn read_some(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
