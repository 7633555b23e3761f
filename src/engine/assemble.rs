//! A file's content made from its base and deltas: in memory while it is small, else in a file of the caller's.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::states::{Failed, FileState, States};
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

/// Why there is no content. The run goes on.
pub(super) enum Failure {
    /// Stored data does not make the file; says why.
    Lost(String),
    /// It makes a file, but not the one that was saved.
    Corrupt(String),
    /// The caller's file cannot be written.
    Write(io::Error),
}

pub(super) type Outcome<T> = Result<std::result::Result<Whole<T>, Failure>>;

/// `scratch`: a folder for unnamed temporary files, on a disk that can take the content.
pub(super) fn assemble<T: Backing>(
    states: &mut States,
    file: &mut FileState,
    scratch: &Path,
    make: &mut dyn FnMut() -> io::Result<T>,
) -> Outcome<T> {
    let sparse = file.is_sparse();
    let mut output = Output::new(make, sparse);
    if !file.has_deltas() {
        return match copy(&mut file.base(states), &mut output)? {
            Err(error) => Ok(Err(Failure::Write(error))),
            Ok(()) => done(file, output),
        };
    }
    let mut basis = tempfile::spooled_tempfile_in(IN_MEMORY, scratch);
    if let Err(error) = copy(&mut file.base(states), &mut basis)? {
        return Ok(Err(Failure::Write(error)));
    }
    let last = file.delta_count() - 1;
    for index in 0..=last {
        let Some(delta) = file.delta(index, states) else { break };
        let patched = if index == last {
            patch(&mut basis, delta, &mut output)
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
    done(file, output)
}

fn done<T: Backing>(file: &FileState, output: Output<T>) -> Outcome<T> {
    let whole = match output.finish() {
        Ok(whole) => whole,
        Err(error) => return Ok(Err(Failure::Write(error))),
    };
    Ok(match file.fault(&whole.content) {
        None => Ok(whole),
        Some(Failed::Lost(why)) => Err(Failure::Lost(why.into())),
        Some(Failed::Corrupt(why)) => Err(Failure::Corrupt(why.into())),
    })
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

/// Reading errors end the run; writing errors are the inner result.
fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<io::Result<()>> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(n) => {
                if let Err(error) = to.write_all(&buffer[..n]) {
                    return Ok(Err(error));
                }
            }
            Err(error) => {
                from_reader(&error)?;
                return Err(Error::damaged(error));
            }
        }
    }
}

/// Memory first, then a file; hashed all the way.
struct Output<'m, T> {
    make: &'m mut dyn FnMut() -> io::Result<T>,
    sparse: bool,
    memory: Vec<u8>,
    file: Option<(T, Writing)>,
    hasher: Sha256,
    size: u64,
}

enum Writing {
    Plain(File),
    Sparse(SparseWriter),
}

impl<'m, T: Backing> Output<'m, T> {
    fn new(make: &'m mut dyn FnMut() -> io::Result<T>, sparse: bool) -> Self {
        Self { make, sparse, memory: Vec::new(), file: None, hasher: Sha256::new(), size: 0 }
    }

    fn spill(&mut self) -> io::Result<()> {
        let backing = (self.make)()?;
        let file = backing.file().try_clone()?;
        let mut writing =
            if self.sparse { Writing::Sparse(SparseWriter::new(file)) } else { Writing::Plain(file) };
        writing.write(&std::mem::take(&mut self.memory))?;
        self.file = Some((backing, writing));
        Ok(())
    }

    fn finish(self) -> io::Result<Whole<T>> {
        let content = Content { size: self.size, sha256: self.hasher.finalize().into() };
        let data = match self.file {
            None => Assembled::Memory(self.memory),
            Some((backing, writing)) => {
                if let Writing::Sparse(writer) = writing {
                    writer.finish()?;
                }
                Assembled::File(backing)
            }
        };
        Ok(Whole { data, content })
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
            self.spill()?;
        }
        match &mut self.file {
            Some((_, writing)) => writing.write(data)?,
            None => self.memory.extend_from_slice(data),
        }
        self.hasher.update(data);
        self.size += data.len() as u64;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
