//! A file's content made from its base and deltas: in memory while it is small, else in a file of the caller's.

use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::large::LargeWriter;
use super::layers;
use super::states::{Expected, Failed, FileState, States};
use crate::entry::Content;
use crate::error::Result;
use crate::tree::target::Temporary;

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
    /// Still being written.
    File(T, LargeWriter),
}

impl<T> Gathered<T> {
    /// Bytes, about.
    pub(super) fn size(&self) -> u64 {
        match &self.data {
            Raw::Memory(data) => data.len() as u64,
            Raw::File(..) => IN_MEMORY as u64,
        }
    }

    /// Waits until a large file is written.
    pub(super) fn check(self) -> std::result::Result<Whole<T>, Failure> {
        let whole = match self.data {
            Raw::File(file, writer) => {
                let content = writer.finish().map_err(Failure::Write)?;
                Whole { data: Assembled::File(file), content }
            }
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
    let made = pour(states, file, scratch, &mut |piece| output.push(piece))?;
    if let Err(failure) = made {
        return Ok(Err(failure));
    }
    Ok(Ok(Gathered { data: output.finish(), expected: file.expected() }))
}

/// What takes content piece by piece; an error of it ends the content.
pub(super) type Take<'t> = dyn FnMut(Vec<u8>) -> io::Result<()> + 't;

/// The content in order, not compared with what was recorded. `scratch`: as for [`gather`].
pub(super) fn pour(
    states: &mut States,
    file: &mut FileState,
    scratch: &Path,
    take: &mut Take<'_>,
) -> Outcome<()> {
    if file.has_deltas() { layers::apply(states, file, scratch, take) } else { read_base(states, file, take) }
}

fn read_base(states: &mut States, file: &mut FileState, take: &mut Take<'_>) -> Outcome<()> {
    while let Some(chunk) = file.base_chunk(states)? {
        if let Err(error) = take(chunk) {
            return Ok(Err(Failure::Write(error)));
        }
    }
    Ok(Ok(()))
}

/// Memory first, then a file.
struct Output<'m, T> {
    make: &'m mut dyn FnMut() -> io::Result<T>,
    sparse: bool,
    memory: Vec<u8>,
    file: Option<(T, LargeWriter)>,
}

impl<'m, T: Backing> Output<'m, T> {
    fn new(make: &'m mut dyn FnMut() -> io::Result<T>, sparse: bool) -> Self {
        Self { make, sparse, memory: Vec::new(), file: None }
    }

    /// Pieces are not copied: most files are a single one.
    fn push(&mut self, piece: Vec<u8>) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + piece.len() > IN_MEMORY {
            let backing = (self.make)()?;
            let writer = LargeWriter::start(backing.file().try_clone()?, self.sparse);
            let memory = std::mem::take(&mut self.memory);
            self.file = Some((backing, writer));
            self.push_to_file(memory)?;
        }
        if self.file.is_some() {
            self.push_to_file(piece)
        } else if self.memory.is_empty() {
            self.memory = piece;
            Ok(())
        } else {
            self.memory.extend_from_slice(&piece);
            Ok(())
        }
    }

    fn push_to_file(&mut self, piece: Vec<u8>) -> io::Result<()> {
        match self.file.take_if(|(_, writer)| !writer.push(piece)) {
            None => Ok(()),
            Some((_, writer)) => {
                Err(writer.finish().err().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    fn finish(self) -> Raw<T> {
        match self.file {
            None => Raw::Memory(self.memory),
            Some((backing, writer)) => Raw::File(backing, writer),
        }
    }
}
