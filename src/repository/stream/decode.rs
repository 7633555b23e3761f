//! One volume's entries, decoded on a thread of its own and handed over in batches.

use std::io::Read;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Content, Gate, Head, ReadAhead};
use crate::context::{Context, Level};
use crate::duplicity::chain::BackupSet;
use crate::duplicity::difftar::{DifftarReader, Element, Entry};
use crate::duplicity::manifest::VolumeRecord;
use crate::duplicity::time::asctime;
use crate::entry::EntryPath;
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::repository::volume::Memory;

/// Bytes of a body that come in one piece.
const PIECE: usize = 64 * 1024;
/// What a piece counts for beside its data.
const HEAD: usize = 1024;

/// A stretch of one tar entry.
pub(super) struct Piece {
    pub(super) head: Head,
    /// Tar entries of a `multivol_*` file continue each other.
    pub(super) multivol: bool,
    /// First piece of its tar entry.
    pub(super) first: bool,
    pub(super) data: Vec<u8>,
}

pub(super) enum Decoded {
    Pieces(Vec<Piece>),
    /// All that is wanted of the volume was read. A thread that ends without saying so has panicked.
    End,
    /// The rest of the volume cannot be had.
    Failed(Error),
}

/// What the decoding threads of one set share.
#[derive(Clone)]
pub(super) struct Decoder {
    pub(super) repository: Arc<Repository>,
    pub(super) set: Arc<BackupSet>,
    /// Entries that are neither this nor below it are passed over.
    pub(super) wanted: EntryPath,
    pub(super) ahead: ReadAhead,
    pub(super) memory: Memory,
    pub(super) gate: Gate,
    pub(super) ctx: Context,
}

impl Decoder {
    pub(super) fn start(&self, record: VolumeRecord) -> Receiver<Decoded> {
        let (sender, receiver) = bounded(self.ahead.batches);
        let decoder = self.clone();
        std::thread::spawn(move || {
            let mut batch = Batch { to: &sender, pieces: Vec::new(), bytes: 0, limit: decoder.ahead.batch };
            let end = match decoder.decode(&record, &mut batch) {
                Ok(()) => Decoded::End,
                Err(error) => Decoded::Failed(error),
            };
            batch.flush();
            // Nobody listens any more: fine.
            let _ = sender.send(end);
        });
        receiver
    }

    /// Reads the volume up to the last entry that can be wanted; where that is the last of all, to the very
    /// end, so that integrity checks that come last are seen.
    fn decode(&self, record: &VolumeRecord, batch: &mut Batch<'_>) -> Result<()> {
        let what = |e: &dyn std::fmt::Display| {
            let at = asctime(self.set.id.at.0);
            Error::damaged(format!("volume {} of the backup of {at}: {e}", record.number))
        };
        let opened = {
            let _turn = self.gate.enter();
            self.repository.volume(&self.set, record, &self.memory)?
        };
        let mut tar = DifftarReader::new(opened);
        loop {
            let entry = match tar.next() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) if error.concerns_one_entry() => {
                    self.ctx.say(Level::Warning, format_args!("Skipped: {}", what(&error)));
                    continue;
                }
                Err(error) => return Err(what(&error)),
            };
            if entry.path.is_within(&self.wanted) {
                if !read_body(&mut tar, entry, batch).map_err(|e| what(&e))? {
                    return Ok(()); // nobody listens any more
                }
            } else if entry.path > self.wanted {
                return Ok(());
            }
        }
        tar.finish().map(|_| ()).map_err(|e| what(&e))
    }
}

/// `false` when nobody wants more.
fn read_body(tar: &mut impl Read, entry: Entry, batch: &mut Batch<'_>) -> std::io::Result<bool> {
    let content = match entry.element {
        Element::Snapshot => Content::Snapshot,
        Element::Diff => Content::Diff,
        Element::Deleted => Content::Deleted,
    };
    let multivol = entry.part.is_some();
    let mut head = Some(Head { path: entry.path, content, attributes: entry.attributes });
    let (mut left, mut first) = (entry.size, true);
    while let Some(current) = head.take() {
        let length = left.min(PIECE as u64);
        let mut data = vec![0; length as usize];
        tar.read_exact(&mut data)?;
        left -= length;
        if left > 0 {
            head = Some(current.clone());
        }
        if !batch.push(Piece { head: current, multivol, first, data }) {
            return Ok(false);
        }
        first = false;
    }
    Ok(true)
}

/// Pieces on their way: handing over each by itself would cost more than making it.
struct Batch<'a> {
    to: &'a Sender<Decoded>,
    pieces: Vec<Piece>,
    bytes: usize,
    limit: usize,
}

impl Batch<'_> {
    fn push(&mut self, piece: Piece) -> bool {
        self.bytes += HEAD + piece.data.len();
        self.pieces.push(piece);
        self.bytes < self.limit || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let pieces = std::mem::take(&mut self.pieces);
        pieces.is_empty() || self.to.send(Decoded::Pieces(pieces)).is_ok()
    }
}
