//! Decrypted packets as a stream, whatever container they came in.

use std::io::{self, BufRead, Read};

use super::Error;
use super::message::Drain;

/// What a container gives, piece by piece.
pub(super) trait Chunks {
    /// The current chunk, empty before the first.
    fn chunk(&self) -> &[u8];

    /// Goes to the next chunk; false at the end, when the whole message has been authenticated.
    fn advance(&mut self) -> Result<bool, Error>;
}

pub(super) fn altered() -> Error {
    Error::damaged("it was altered or cut")
}

/// Reads chunks one after the other. After an error there is no more.
pub(super) struct Plain<C> {
    chunks: C,
    position: usize,
    state: State,
}

enum State {
    Reading,
    Authenticated,
    Failed,
}

impl<C: Chunks> Plain<C> {
    pub(super) fn new(chunks: C) -> Self {
        Self { chunks, position: 0, state: State::Reading }
    }
}

impl<C: Chunks> BufRead for Plain<C> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.chunks.chunk().len() {
            match self.state {
                State::Authenticated => return Ok(&[]),
                State::Failed => return Err(altered().into()),
                State::Reading => {}
            }
            self.state = State::Failed;
            let more = self.chunks.advance()?;
            self.state = if more { State::Reading } else { State::Authenticated };
            self.position = if more { 0 } else { self.chunks.chunk().len() };
        }
        Ok(&self.chunks.chunk()[self.position..])
    }

    fn consume(&mut self, count: usize) {
        self.position += count;
    }
}

impl<C: Chunks> Read for Plain<C> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<C: Chunks> Drain for Plain<C> {
    fn drain(&mut self) -> io::Result<u64> {
        io::copy(self, &mut io::sink())
    }
}
