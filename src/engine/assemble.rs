//! A file's content made from its base and deltas: in memory while it is small, else in a file of the caller's.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::states::{Expected, Failed, FileState, States};
use crate::delta::{DeltaError, patch};
use crate::entry::Content;
use crate::error::{Error, Result};
use crate::tree::target::{SparseWriter, Temporary};

/// Content up to this many bytes stays in memory.
pub(super) const IN_MEMORY: usize = 256 * 1024;

/// Something that large content is written to.
pub(super) trait Backing {
    fn file(&self) -> &File;
}

impl Backing for Temporary {
    fn file(&self) -> &File {
        Temporary::file(self)
    }
}

impl Backing for File {
    fn file(&self) -> &File {
        self
    }
}

pub(super) enum Assembled<T> {
    Memory(Vec<u8>),
    File(T),
}

/// Content that is what was saved, as far as that was recorded.
pub(super) struct Whole<T> {
    pub(super) data: Assembled<T>,
    pub(super) content: Content,
}

/// Content that was not compared with what was recorded yet; any thread may do that.
pub(super) struct Gathered<T> {
    data: Raw<T>,
    expected: Expected,
}

enum Raw<T> {
    /// Not even hashed.
    Memory(Vec<u8>),
    File(T, Content),
}

impl<T> Gathered<T> {
    pub(super) fn in_memory(&self) -> bool {
        matches!(self.data, Raw::Memory(_))
    }

    /// Bytes.
    pub(super) fn size(&self) -> u64 {
        match &self.data {
            Raw::Memory(data) => data.len() as u64,
            Raw::File(_, content) => content.size,
        }
    }

    pub(super) fn check(self) -> std::result::Result<Whole<T>, Failure> {
        let whole = match self.data {
            Raw::File(file, content) => Whole { data: Assembled::File(file), content },
            Raw::Memory(data) => {
                let content = Content { size: data.len() as u64, sha256: Sha256::digest(&data).into() };
                Whole { data: Assembled::Memory(data), content }
            }
        };
        match self.expected.fault(&whole.content) {
            None => Ok(whole),
            Some(Failed::Lost(why)) => Err(Failure::Lost(why.into())),
            Some(Failed::Corrupt(why)) => Err(Failure::Corrupt(why.into())),
        }
    }
}

/// Why there is no content. The run goes on.
pub(super) enum Failure {
    /// Stored data does not make the file; says why.
    Lost(String),
    /// It makes a file, but not the one that was saved.
    Corrupt(String),
    /// The caller's file cannot be written.
    Write(io::Error),
}

pub(super) type Outcome<T> = Result<std::result::Result<T, Failure>>;

/// Content that is checked at once.
pub(super) fn assemble<T: Backing>(
    states: &mut States,
    file: &mut FileState,
    scratch: &Path,
    make: &mut dyn FnMut() -> io::Result<T>,
) -> Outcome<Whole<T>> {
    Ok(gather(states, file, scratch, make)?.and_then(Gathered::check))
}

/// `scratch`: a folder for unnamed temporary files, on a disk that can take the content.
pub(super) fn gather<T: Backing>(
    states: &mut States,
    file: &mut FileState,
    scratch: &Path,
    make: &mut dyn FnMut() -> io::Result<T>,
) -> Outcome<Gathered<T>> {
    let mut output = Output::new(make, file.is_sparse());
    let made = if file.has_deltas() {
        apply_deltas(states, file, scratch, &mut output)?
    } else {
        read_base(states, file, |chunk| output.push(chunk))?
    };
    if let Err(failure) = made {
        return Ok(Err(failure));
    }
    match output.finish() {
        Ok(data) => Ok(Ok(Gathered { data, expected: file.expected() })),
        Err(error) => Ok(Err(Failure::Write(error))),
    }
}

fn read_base(
    states: &mut States,
    file: &mut FileState,
    mut write: impl FnMut(Vec<u8>) -> io::Result<()>,
) -> Outcome<()> {
    while let Some(chunk) = file.base_chunk(states)? {
        if let Err(error) = write(chunk) {
            return Ok(Err(Failure::Write(error)));
        }
    }
    Ok(Ok(()))
}

fn apply_deltas(
    states: &mut States,
    file: &mut FileState,
    scratch: &Path,
    output: &mut impl Write,
) -> Outcome<()> {
    let mut basis = tempfile::spooled_tempfile_in(IN_MEMORY, scratch);
    if let Err(failure) = read_base(states, file, |chunk| basis.write_all(&chunk))? {
        return Ok(Err(failure));
    }
    let last = file.delta_count() - 1;
    for index in 0..=last {
        let Some(delta) = file.delta(index, states) else { break };
        let patched = if index == last {
            patch(&mut basis, delta, output)
        } else {
            let mut next = tempfile::spooled_tempfile_in(IN_MEMORY, scratch);
            let patched = patch(&mut basis, delta, &mut next);
            basis = next;
            patched
        };
        match patched {
            Ok(_) => {}
            Err(DeltaError::Write(error)) => return Ok(Err(Failure::Write(error))),
            Err(error) => {
                run_error(&error)?;
                return Ok(Err(Failure::Lost(error.to_string())));
            }
        }
    }
    Ok(Ok(()))
}

/// An error of the whole run that came through a reader, as itself.
fn run_error(error: &DeltaError) -> Result<()> {
    match error {
        DeltaError::Read(error) => from_reader(error),
        _ => Ok(()),
    }
}

fn from_reader(error: &io::Error) -> Result<()> {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::Cancelled(why)) => Err(Error::Cancelled(*why)),
        Some(other) => Err(Error::damaged(other)),
        None => Ok(()),
    }
}

/// Memory first, then a file, which is hashed all the way.
struct Output<'m, T> {
    make: &'m mut dyn FnMut() -> io::Result<T>,
    sparse: bool,
    memory: Vec<u8>,
    file: Option<Large<T>>,
}

struct Large<T> {
    backing: T,
    writing: Writing,
    hasher: Sha256,
    size: u64,
}

enum Writing {
    Plain(File),
    Sparse(SparseWriter),
}

impl<'m, T: Backing> Output<'m, T> {
    fn new(make: &'m mut dyn FnMut() -> io::Result<T>, sparse: bool) -> Self {
        Self { make, sparse, memory: Vec::new(), file: None }
    }

    /// Most files are one chunk, which is not copied.
    fn push(&mut self, chunk: Vec<u8>) -> io::Result<()> {
        if self.file.is_none() && self.memory.is_empty() && chunk.len() <= IN_MEMORY {
            self.memory = chunk;
            return Ok(());
        }
        self.write_all(&chunk)
    }

    fn spill(&mut self) -> io::Result<Large<T>> {
        let backing = (self.make)()?;
        let file = backing.file().try_clone()?;
        let writing =
            if self.sparse { Writing::Sparse(SparseWriter::new(file)) } else { Writing::Plain(file) };
        let mut large = Large { backing, writing, hasher: Sha256::new(), size: 0 };
        large.write(&std::mem::take(&mut self.memory))?;
        Ok(large)
    }

    fn finish(self) -> io::Result<Raw<T>> {
        match self.file {
            None => Ok(Raw::Memory(self.memory)),
            Some(Large { backing, writing, hasher, size }) => {
                if let Writing::Sparse(writer) = writing {
                    writer.finish()?;
                }
                Ok(Raw::File(backing, Content { size, sha256: hasher.finalize().into() }))
            }
        }
    }
}

impl<T> Large<T> {
    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        self.writing.write(data)?;
        self.hasher.update(data);
        self.size += data.len() as u64;
        Ok(())
    }
}

impl Writing {
    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(data),
            Self::Sparse(writer) => writer.write_all(data),
        }
    }
}

impl<T: Backing> Write for Output<'_, T> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.file.is_none() && self.memory.len() + data.len() > IN_MEMORY {
            self.file = Some(self.spill()?);
        }
        match &mut self.file {
            Some(large) => large.write(data)?,
            None => self.memory.extend_from_slice(data),
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
