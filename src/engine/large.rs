//! Large content on its way into a file: a thread of its own writes and hashes it, while the caller makes the rest.

use std::fs::File;
use std::io::{self, Write};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use sha2::{Digest, Sha256};

use crate::entry::Content;
use crate::tree::target::SparseWriter;

/// Pieces between the caller and the thread: about half a megabyte.
const WAITING: usize = 8;

pub(super) struct LargeWriter {
    pieces: Sender<Vec<u8>>,
    thread: JoinHandle<io::Result<Content>>,
}

impl LargeWriter {
    /// Fills an empty file, with holes for zeros where it is to be `sparse`.
    pub(super) fn start(file: File, sparse: bool) -> Self {
        let (pieces, waiting) = bounded(WAITING);
        let thread = thread::spawn(move || {
            if sparse {
                let mut writer = SparseWriter::new(file);
                let content = write_all(&waiting, &mut writer)?;
                writer.finish()?;
                Ok(content)
            } else {
                write_all(&waiting, &mut &file)
            }
        });
        Self { pieces, thread }
    }

    /// `false`: the thread has ended, and [`Self::finish`] says why.
    pub(super) fn push(&self, piece: Vec<u8>) -> bool {
        self.pieces.send(piece).is_ok()
    }

    pub(super) fn finish(self) -> io::Result<Content> {
        drop(self.pieces);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("writing panicked")))
    }
}

fn write_all(pieces: &Receiver<Vec<u8>>, out: &mut impl Write) -> io::Result<Content> {
    let (mut hasher, mut size) = (Sha256::new(), 0);
    for piece in pieces {
        out.write_all(&piece)?;
        hasher.update(&piece);
        size += piece.len() as u64;
    }
    Ok(Content { size, sha256: hasher.finalize().into() })
}
